// SPDX-License-Identifier: MIT
/*
 * A second upcall dispatched at each instruction boundary of an upcall, from
 * each context function's first instruction to the last one's return: none is
 * lost, none is stuck, and the interrupted code is as it was. A tracer that
 * shares the address space, and the thread pointer with it, steps to the
 * boundary, dispatches there, and lets the task run.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tracer.h"

static struct upcall *upc;
static upcall_func_t ctx;
static char child_stack[0x10000] __attribute__((aligned(16)));
static volatile int first_id, second_id, first_entered, second_entered;
static volatile int same, second_count, second_before;

static void first(void *data)
{
	(void)data;
	first_entered++;
	regs_target = regs_done;
}

static void second(void *data)
{
	(void)data;
	second_entered++;
	second_count = upc->crit_count;
}

/* Shares everything with the tracer, errno too: nothing here may fail. */
static int tracee(void *arg)
{
	(void)arg;
	first_id = upc_register(upc, ctx, first, NULL);
	second_id = upc_register(upc, ctx, second, NULL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	regs_run();
	same = regs_same();
	/* With crit_count 0 what has been dispatched has been entered. */
	second_before = second_entered;
	syscall(SYS_exit, 0);
	return 0;
}

/* 0: the upcall was over before boundary n. 1: all is well. -1: it is not. */
static int at_boundary(int n)
{
	int i, good, status, over = 0;
	pid_t pid;

	upc->crit_count = upc->pending = 0;
	first_entered = second_entered = second_before = same = 0;
	second_count = regs_ready = 0;
	regs_target = regs_spin;
	regs_pattern(n * 0x01010101, n & 1 ? REGS_FLAGS : 0);
	memset(&regs_out, 0, sizeof(regs_out));
	pid = clone(tracee, child_stack + sizeof(child_stack),
		    CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		tap_bail("clone");
	while (!regs_ready)
		sched_yield();
	if (kill(pid, SIGSTOP) || !WIFSTOPPED(wait_for(pid)) ||
	    where(pid) != (unsigned long)regs_spin)
		tap_bail("SIGSTOP");

	if (upc_control(UPC_CONTROL_DISPATCH, first_id, NULL))
		tap_bail("first dispatch");
	run_to(pid, (unsigned long)regs_ctx);
	for (i = 0; i < n && !over; i++) {
		step(pid);
		over = where(pid) == (unsigned long)regs_done;
	}
	if (!over && upc_control(UPC_CONTROL_DISPATCH, second_id, NULL))
		tap_bail("second dispatch");
	status = run(pid, 0);
	if (over)
		return 0;
	good = WIFEXITED(status) && same && first_entered == 1 &&
	       second_before == 1 && second_entered == 1 &&
	       second_count == UPC_CRITADD && !upc->crit_count && !upc->pending;
	if (!good) {
		printf("# boundary %d: status %#x, entered %d and %d (%d in"
		       " time) at %d, crit_count %d, pending %d\n", n, status,
		       first_entered, second_entered, second_before,
		       second_count, upc->crit_count, upc->pending);
		if (!same)
			regs_print();
	}
	return good ? 1 : -1;
}

static void run_all(const char *name, upcall_func_t with, int at_least)
{
	int n, ret, bad = 0;

	ctx = with;
	regs_ctx = (void *)with;
	for (n = 0; (ret = at_boundary(n)) != 0; n++)
		bad += ret < 0;
	ok(n >= at_least, "%s: %d boundaries", name, n);
	is(bad, 0, "none where a second upcall went wrong");
}

int main(void)
{
	need_upcalls();
	upc = upc_thread_init();
	if (!upc)
		tap_bail("upc_thread_init");

	/* At least as many instructions as each has on the shortest way. */
	tap_plan(6);
	run_all("upc_integer_wrapper", upc_integer_wrapper, 20);
	run_all("upc_fpu_wrapper", upc_fpu_wrapper, 45);
	run_all("upc_vcpu_wrapper", upc_vcpu_wrapper, 45);
	return tap_done();
}
