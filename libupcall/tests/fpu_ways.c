// SPDX-License-Identifier: MIT
/*
 * upc_fpu_wrapper without a kernel: a frame pushed by hand, with each way of
 * saving that this CPU has, whichever the library has chosen for it. Linked
 * with the static library only, whose choice it changes.
 */
#include "tap.h"
#include "regs.h"
#include "fpu.h"
#include "../src/arch/x86/fpu.h"
#include "../src/arch/x86/offsets.h"

#define ROUNDS	32

static struct upcall upc = UPCALL_INITIALIZER;
static struct fpu_has has;
static int entered, wrong;

static void cfunc(void *data)
{
	unsigned int arg = (unsigned int)__builtin_frame_address(0) + 8;

	(void)data;
	entered++;
	wrong += arg % 16 != 0 || !fpu_default(has);
	fpu_spoil(has);
}

static void way(const char *name, int supported, struct fpu how,
		struct fpu_has kept)
{
	struct fpu chosen = libupcall_fpu;
	struct fpu_state found;
	unsigned int i, same = 0, integers = 0;

	if (!supported) {
		for (i = 0; i < 4; i++)
			ok(1, "%s # SKIP this CPU has none", name);
		return;
	}
	libupcall_fpu = how;
	has = kept;
	entered = wrong = 0;
	for (i = 0; i < ROUNDS; i++) {
		regs_pattern(i * 0x01010101, i & 16 ? REGS_FLAGS : 0);
		upc.crit_count = UPC_CRITADD;
		memset(&regs_out, 0, sizeof(regs_out));
		fpu_load(has, i + 1);
		regs_run();
		fpu_store(has, &found);
		same += fpu_same(has, i + 1, &found);
		__asm__ volatile ("fninit");
		integers += regs_same();
	}
	libupcall_fpu = chosen;
	printf("# %s, %u bytes\n", name, how.size);
	is(entered, ROUNDS, "entered");
	is(wrong, 0, "aligned, with the ABI's defaults");
	is(same, ROUNDS, "floating point state as it was");
	is(integers, ROUNDS, "and the integer registers");
}

int main(void)
{
	const struct fpu chosen = libupcall_fpu;
	const struct fpu_has all = fpu_has();
	struct fpu how = chosen;
	struct fpu_has kept = { 0, 0, 0 };

	regs_ctx = (void *)upc_fpu_wrapper;
	regs_cfunc = (void *)cfunc;
	regs_upc = &upc;
	regs_target = regs_push;

	tap_plan(18);
	is(chosen.how, all.avx ? FPU_XSAVE : all.sse ? (chosen.how == FPU_XSAVE ?
	   FPU_XSAVE : FPU_FXSAVE_SSE) : all.fxsr ? FPU_FXSAVE : FPU_FNSAVE,
	   "what this CPU has is chosen");
	ok(chosen.size >= (chosen.how == FPU_XSAVE ? 576u :
			   chosen.how == FPU_FNSAVE ? 108u : 512u) &&
	   chosen.size < 4096, "of a sensible size, %u", chosen.size);

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
	return tap_done();
}
