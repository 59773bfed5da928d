/* SPDX-License-Identifier: MIT */
/* Of fpu_ways.c: the ways to save vector and x87 state on x86-64. */
#define WAYS	4

/* What the standard form takes if the kernel has enabled no more than we save. */
static unsigned int standard_size(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(0xd, 0, &a, &b, &c, &d) ? b : 0;
}

static int has_xsavec(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(0xd, 1, &a, &b, &c, &d) && a & 2;
}

static void right_choice(struct fpu chosen, struct fpu_has all)
{
	unsigned int a, b, c, d, osxsave;

	osxsave = __get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE;
	is(chosen.how, !osxsave ? FPU_FXSAVE :
	   has_xsavec() ? FPU_XSAVEC : FPU_XSAVE, "what this CPU has is chosen");
	ok(chosen.size >= (all.avx512 ? 2432u : all.avx ? 832u :
			   chosen.how == FPU_FXSAVE ? 512u : 576u) &&
	   (chosen.how == FPU_FXSAVE || chosen.size <= standard_size()),
	   "of a sensible size, %u", chosen.size);
}

static void every_way(struct fpu chosen, struct fpu_has all)
{
	const struct fpu_has kept = { 1, 1, 0, 0 };
	struct fpu how = chosen;

	how.how = FPU_FXSAVE;
	how.size = 512;
	way("FXSAVE", 1, how, kept);
	how.how = FPU_XSAVE;
	how.size = standard_size();
	way("XSAVE", chosen.how != FPU_FXSAVE, how, all);
	way("XSAVEC", chosen.how == FPU_XSAVEC, chosen, all);

	/* An upcall that comes before the library's constructor has run. */
	how.how = FPU_UNKNOWN;
	how.size = how.mask = 0;
	way("none chosen yet", 1, how, all);
}
