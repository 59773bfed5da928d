// SPDX-License-Identifier: MIT
/*
 * upc_fpu_wrapper without a kernel: a frame pushed by hand, with each way of
 * saving that this CPU has, whichever the library has chosen for it. Linked
 * with the static library only, whose choice it changes.
 */
#include "tap.h"
#include "regs.h"
#include "fpu.h"
#include "library.h"	/* of the architecture: what it has inside */

#define ROUNDS	32

static struct upcall upc = UPCALL_INITIALIZER;
static struct fpu_has has;
static int entered, wrong;

static void cfunc(void *data)
{
	(void)data;
	entered++;
	wrong += !REGS_ALIGNED() || !fpu_default(has);
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
		memset(&found, 0, sizeof(found));
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

/* Of the architecture: WAYS of them, and those. */
#include "ways.h"

int main(void)
{
	const struct fpu chosen = libupcall_fpu;
	const struct fpu_has all = fpu_has();

	regs_ctx = (void *)upc_fpu_wrapper;
	regs_cfunc = (void *)cfunc;
	regs_upc = &upc;
	regs_target = regs_push;

	tap_plan(2 + 4 * WAYS);
	right_choice(chosen, all);
	every_way(chosen, all);
	return tap_done();
}
