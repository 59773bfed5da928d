// SPDX-License-Identifier: MIT
/*
 * A second upcall dispatched at each instruction boundary of an upcall, from
 * each context function's first instruction to the last one's return: none is
 * lost, none is stuck, and the interrupted code is as it was. A tracer that
 * shares the address space, and the thread pointer with it, steps to the
 * boundary and dispatches there.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"
#include "regs.h"

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

static unsigned long stopped_at(pid_t pid)
{
	struct user_regs_struct regs;
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		tap_bail("tracee");
	return regs.eip;
}

/*
 * Let it run to its end. The kernel takes a trap flag for the tracee's own
 * that was there when popfl was stepped over: the wrapper's own popfl was.
 */
static int run(pid_t pid)
{
	struct user_regs_struct regs;
	int status;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		tap_bail("PTRACE_GETREGS");
	regs.eflags &= ~REGS_TF;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL) ||
	    waitpid(pid, &status, 0) != pid)
		tap_bail("PTRACE_CONT");
	return status;
}

static unsigned long step(pid_t pid)
{
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL))
		tap_bail("PTRACE_SINGLESTEP");
	return stopped_at(pid);
}

/* 0: the upcall was over before boundary n. 1: all is well. -1: it is not. */
static int at_boundary(int n)
{
	int i, good, status, over = 0;
	unsigned long ip;
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
	if (kill(pid, SIGSTOP) || stopped_at(pid) != (unsigned long)regs_spin)
		tap_bail("SIGSTOP");

	if (upc_control(UPC_CONTROL_DISPATCH, first_id, NULL))
		tap_bail("first dispatch");
	ip = step(pid);
	if (ip != (unsigned long)regs_ctx) {
		printf("# stopped at %#lx\n", ip);
		tap_bail("a step enters the context function");
	}
	for (i = 0; i < n && !over; i++)
		over = step(pid) == (unsigned long)regs_done;
	if (!over && upc_control(UPC_CONTROL_DISPATCH, second_id, NULL))
		tap_bail("second dispatch");
	status = run(pid);
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
	run_all("upc_callused_wrapper", upc_callused_wrapper, 20);
	run_all("upc_fpu_wrapper", upc_fpu_wrapper, 45);
	run_all("upc_vcpu_wrapper", upc_vcpu_wrapper, 45);
	return tap_done();
}
