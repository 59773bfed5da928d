// SPDX-License-Identifier: MIT
/*
 * The context functions' CFI, instruction by instruction: each is
 * single-stepped, cfunc included, and at each instruction libgcc's unwinder
 * must come to the interrupted code with its registers and stack pointer as
 * they were. The frame is pushed by hand, so this runs on any kernel; the way
 * through NEXT only where there are upcalls.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <ucontext.h>
#include <unwind.h>
#include "tap.h"
#include "regs.h"

static struct upcall upc_static = UPCALL_INITIALIZER, *upc = &upc_static;
static int stepping, steps, good, entered;

static void cfunc(void *data)
{
	(void)data;
	entered++;
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *ctx, void *data)
{
	int i, before;
	unsigned long ip = _Unwind_GetIPInfo(ctx, &before);

	if (ip != (unsigned long)regs_done)
		return _URC_NO_REASON;
	/* In a signal frame the address is that of the next instruction. */
	before &= _Unwind_GetCFA(ctx) == regs_in.r[ARCH_SP];
	for (i = 0; i < ARCH_REGS; i++) {
		if (i != ARCH_SP)
			before &= _Unwind_GetGR(ctx, i) == regs_in.r[i];
	}
	*(int *)data = before;
	return _URC_NORMAL_STOP;
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *gregs = uc->uc_mcontext.gregs;
	unsigned long ip = gregs[ARCH_REG_IP];
	int found = 0;

	(void)sig;
	(void)info;
	if (ip == (unsigned long)regs_ctx)
		stepping = 1;
	if (ip >= (unsigned long)regs_done && ip < (unsigned long)regs_end) {
		stepping = 0;
		gregs[REG_EFL] &= ~REGS_TF;
	}
	if (!stepping)
		return;
	steps++;
	_Unwind_Backtrace(visit, &found);
	if (found) {
		good++;
		return;
	}
	printf("# not found at %#lx (the context function is at %p)\n", ip,
	       regs_ctx);
}

static void run(const char *what, int pending)
{
	unsigned int seed, same = 0;

	steps = 0;
	good = 0;
	entered = 0;
	for (seed = 0; seed < 16; seed++) {
		regs_pattern(seed * 0x01010101, REGS_TF);
		upc->crit_count = UPC_CRITADD;
		upc->pending = pending;
		memset(&regs_out, 0, sizeof(regs_out));
		regs_run();
		if (regs_same())
			same++;
		else
			regs_print();
	}
	is(entered, 16, "cfunc entered");
	is(same, 16, "registers as they were");
	ok(steps >= 16 * 16, "%s: %d steps", what, steps);
	is(good, steps, "unwound at each");
}

static void both(const char *name, upcall_func_t ctx, int available)
{
	printf("# %s\n", name);
	regs_ctx = (void *)ctx;
	regs_upc = upc;
	run("popping the frame", 0);
	if (available)
		run("through NEXT", 1);
}

int main(void)
{
	struct sigaction sa;
	int available = upc_available() == 1;
	int found;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_trap;
	sa.sa_flags = SA_SIGINFO;
	if (sigaction(SIGTRAP, &sa, NULL))
		tap_bail("sigaction");
	/* What the unwinder sets up, it sets up the first time. */
	_Unwind_Backtrace(visit, &found);

	regs_cfunc = (void *)cfunc;
	regs_target = regs_push;

	tap_plan(available ? 24 : 8);
	both("upc_integer_wrapper", upc_integer_wrapper, available);
	both("upc_fpu_wrapper", upc_fpu_wrapper, available);
	if (available) {
		upc = upc_thread_init();
		both("upc_vcpu_wrapper", upc_vcpu_wrapper, 1);
	}
	return tap_done();
}
