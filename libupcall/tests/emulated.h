/* SPDX-License-Identifier: MIT */
#ifndef EMULATED_H
#define EMULATED_H

/*
 * Upcalls without a kernel that has them, for one thread: a system call filter
 * turns the two calls into SIGSYS, and the handler does to the interrupted
 * registers what the kernel would, by the rules of upcall(7). Other handlers
 * dispatch with emulated_dispatch(). All run on a stack of their own, with
 * every signal blocked, as the frame is pushed on the interrupted one.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include "tap.h"
#include "regs.h"
#include "frame.h"

#define EMULATED_MAX	8

static struct {
	upcall_func_t ctx, cfunc;
	void *data;
	int priority;		/* of the pending dispatch, or 0 */
} emulated[EMULATED_MAX];

static int emulated_ids;
static struct upcall *emulated_upc;
static int emulated_nexts;	/* how many were made */

/* The highest that is pending, by its place, or -1. */
static int emulated_first(void)
{
	int i, first = -1;

	for (i = 0; i < emulated_ids; i++) {
		if (emulated[i].priority &&
		    (first < 0 ||
		     emulated[i].priority > emulated[first].priority))
			first = i;
	}
	return first;
}

static int emulated_highest(void)
{
	int first = emulated_first();

	return first < 0 ? 0 : emulated[first].priority;
}

/* Rule 2: it is no longer pending, and entered with this frame. */
static void emulated_enter(greg_t *r, int n, void *frame)
{
	emulated[n].priority = 0;
	emulated_upc->crit_count += UPC_CRITADD;
	emulated_upc->pending = emulated_highest();
	frame_enter(r, frame, emulated[n].ctx, emulated[n].cfunc,
		    emulated[n].data, emulated_upc);
}

/* On the way back to the interrupted code. */
static void emulated_exit(greg_t *r)
{
	int n = emulated_first();

	if (n < 0)
		return;
	if (emulated_upc->pending ||
	    emulated_upc->crit_count >= emulated[n].priority) {
		if (emulated_upc->pending < emulated[n].priority)
			emulated_upc->pending = emulated[n].priority;
		return;
	}
	emulated_enter(r, n, frame_push(r));
}

static void emulated_dispatch(greg_t *r, int id, int priority)
{
	if (priority < 1)
		priority = 1;
	if (emulated[id - 1].priority < priority)
		emulated[id - 1].priority = priority;
	emulated_exit(r);
}

static void emulated_next(greg_t *r)
{
	void *frame = frame_of_next(r);
	int n = emulated_first();

	emulated_nexts++;
	if (n >= 0 && emulated[n].priority > emulated_upc->crit_count) {
		emulated_enter(r, n, frame);
		return;
	}
	emulated_upc->pending = emulated_highest();
	frame_pop(r, frame);
}

static void emulated_control(greg_t *r, const long arg[4])
{
	int command = arg[0], id = arg[1];

	r[FRAME_RESULT] = 0;
	if (command == UPC_CONTROL_NEXT) {
		emulated_next(r);
	} else if (command == UPC_CONTROL_DISPATCH && id == -1) {
		emulated_upc->pending = 0;
		emulated_exit(r);
	} else if (command == UPC_CONTROL_DISPATCH && id > 0 &&
		   id <= emulated_ids) {
		emulated_dispatch(r, id, arg[2]);
	} else {
		r[FRAME_RESULT] = -EINVAL;
	}
}

static void emulated_register(greg_t *r, const long arg[4])
{
	if (!arg[0] || emulated_ids == EMULATED_MAX) {
		r[FRAME_RESULT] = arg[0] ? -EFBIG : -EFAULT;
		return;
	}
	emulated_upc = (struct upcall *)arg[0];
	emulated[emulated_ids].ctx = (upcall_func_t)arg[1];
	emulated[emulated_ids].cfunc = (upcall_func_t)arg[2];
	emulated[emulated_ids].data = (void *)arg[3];
	r[FRAME_RESULT] = ++emulated_ids;
}

static void emulated_call(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	long arg[4];

	(void)sig;
	frame_args(r, arg);
	if (info->si_syscall == 500)
		emulated_register(r, arg);
	else
		emulated_control(r, arg);
}

static void emulated_handler(int sig,
			     void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigfillset(&sa.sa_mask);
	if (sigaction(sig, &sa, NULL))
		tap_bail("sigaction");
}

/* 0 if there are no system call filters either. */
static int emulated_begin(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FRAME_ARCH, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 500, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 501, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };
	static char stack[0x10000];
	stack_t ss;

	memset(&ss, 0, sizeof(ss));
	ss.ss_sp = stack;
	ss.ss_size = sizeof(stack);
	if (sigaltstack(&ss, NULL))
		tap_bail("sigaltstack");
	emulated_handler(SIGSYS, emulated_call);
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

#endif /* EMULATED_H */
