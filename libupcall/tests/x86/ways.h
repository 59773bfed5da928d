/* SPDX-License-Identifier: MIT */
/* Of fpu_ways.c: the ways to save floating point state on IA-32. */
#define WAYS	4

static void right_choice(struct fpu chosen, struct fpu_has all)
{
	is(chosen.how, all.avx ? FPU_XSAVE : all.sse ? (chosen.how == FPU_XSAVE ?
	   FPU_XSAVE : FPU_FXSAVE_SSE) : all.fxsr ? FPU_FXSAVE : FPU_FNSAVE,
	   "what this CPU has is chosen");
	ok(chosen.size >= (chosen.how == FPU_XSAVE ? 576u :
			   chosen.how == FPU_FNSAVE ? 108u : 512u) &&
	   chosen.size < 4096, "of a sensible size, %u", chosen.size);
}

static void every_way(struct fpu chosen, struct fpu_has all)
{
	struct fpu_has kept = { 0, 0, 0, 0 };
	struct fpu how = chosen;

	how.how = FPU_FNSAVE;
	how.size = 108;
	way("FNSAVE", 1, how, kept);
	kept.fxsr = 1;
	how.how = FPU_FXSAVE;
	how.size = 512;
	way("FXSAVE without SSE", all.fxsr && !all.sse, how, kept);
	kept.sse = 1;
	how.how = FPU_FXSAVE_SSE;
	way("FXSAVE with SSE", all.sse, how, kept);
	way("XSAVE", chosen.how == FPU_XSAVE, chosen, all);
}
