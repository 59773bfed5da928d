/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of single steps share: a traced worker whose way through the
 * code is the same each time, a system call included, and that knows nothing of
 * upcalls beyond the one it has registered.
 */
#ifndef UPCALL_STEP_H
#define UPCALL_STEP_H

#include "upcall_trace.h"
#include "upcall_util.h"

/* The context function notes the frame's address in the first word. */
struct noted {
	struct upcall_frame *frame;
	struct upcall_frame copy;
	int hits, seen;
};

static struct worker {
	struct upcall upc;
	void *ctx;
	int id, ready;
	struct noted noted;
} worker = { .upc = UPCALL_INIT };

/* The call that the worker makes in each turn, and how it ends. */
static long step_nr __attribute_used__ = SYS_getppid;
static long step_args[3] __attribute_used__;
static int step_turns __attribute_used__;
static int step_over __attribute_used__;

/* What a dispatcher has written before it dispatches. */
static int seq;

void step_loop(void);

asm(".pushsection .text\n"
	"step_loop:\n\t"
	"incl step_turns\n\t"
	"mov step_nr, " R(ax) "\n\t"
#ifdef __x86_64__
	"movq step_args, %rdi\n\t"
	"movq step_args + 8, %rsi\n\t"
	"movq step_args + 16, %rdx\n\t"
	"syscall\n"
#else
	"movl step_args, %ebx\n\t"
	"movl step_args + 4, %ecx\n\t"
	"movl step_args + 8, %edx\n\t"
	"int $0x80\n"
#endif
	"step_called:\n\t"
	"call step_leaf\n\t"
	"cmpl $0, step_over\n\t"
	"je step_loop\n\t"
	"ret\n"
	"step_leaf:\n\t"
	"push" W " " R(ax) "\n\t"
	"leal 3(" R(ax) "," R(ax) ",2), %eax\n\t"
	"pop" W " " R(ax) "\n"
	"step_end:\n\t"
	"ret\n\t"
	".popsection");

#define STEPS_A_TURN	13

static inline void note_cfunc(void *data)
{
	struct noted *n = data;

	n->copy = *n->frame;
	n->seen = READ_ONCE(seq);
	count_cfunc(&n->hits);
}

static inline void take_turns(void)
{
	asm volatile(BELOW_RED_ZONE
		     "call step_loop"
		     ABOVE_RED_ZONE
#ifdef __x86_64__
		     : : : "rax", "rcx", "rdx", "rsi", "rdi", "r11",
#else
		     : : : "eax", "ebx", "ecx", "edx",
#endif
		     "memory", "cc");
}

static inline int worker_main(void *data)
{
	struct worker *w = data;

	w->id = upc_register_ctx(&w->upc, w->ctx, note_cfunc, &w->noted);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	take_turns();
	return w->upc.crit_count || w->upc.pending;
}

static inline pid_t begin_worker(int (*fn)(void *data))
{
	pid_t pid = clone_worker(fn, &worker);

	if (pid > 0)
		WAIT_UNTIL(__atomic_load_n(&worker.ready, __ATOMIC_ACQUIRE));
	return pid;
}

/* Step by step to that instruction. */
static inline bool trace_steps_to(pid_t pid, const void *addr,
				  struct user_regs_struct *regs)
{
	do {
		if (!trace_step(pid, regs))
			return false;
	} while ((unsigned long)regs->ur_ip != (unsigned long)addr);
	return true;
}

/* A worker that is stopped at the begin of a turn. -1: it is not. */
static inline pid_t stepped_worker(void)
{
	struct user_regs_struct regs;
	pid_t pid = begin_worker(worker_main);

	if (pid < 0 || !trace_seize(pid) ||
	    !trace_steps_to(pid, step_loop, &regs))
		return -1;
	return pid;
}

/* It goes on untraced, and ends. */
static inline int finish_worker(pid_t pid)
{
	WRITE_ONCE(step_over, 1);
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL))
		return -1;
	return child_status(pid);
}

#endif /* UPCALL_STEP_H */
