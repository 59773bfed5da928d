// SPDX-License-Identifier: MIT
/*
 * What every thread is doing. Each virtual CPU says it of its own: of the one
 * that was interrupted, and of those that do not run, which it visits: it switches
 * to one, which is in after_switch() then, takes its own backtrace and switches
 * back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rt.h"

/* What a backtrace may need of somebody else's stack. */
#define VISIT_STACK	6144
#define FRAMES		((int)(sizeof(((struct vcpu *)0)->trace) / sizeof(void *)))

static const char *const state_names[] = {
	[READY] = "ready",
	[RUNNING] = "running",
	[SLEEPING] = "sleeping",
	[IN_MUTEX] = "waiting for a mutex",
	[IN_COND] = "waiting for a condition variable",
	[IN_SEM] = "waiting for a semaphore",
	[IN_ONCE] = "waiting for mn_once()",
	[IN_SEND] = "waiting to send",
	[IN_RECV] = "waiting to receive",
	[IN_JOIN] = "waiting to join",
	[IN_BLOCKING] = "in a blocking call",
	[IN_POLL] = "polling a descriptor",
	[EXITED] = "exited, not joined",
};

static int dump_fd;
static unsigned int dump_busy, dump_left;

/* The first backtrace() loads a library and allocates: not in an upcall. */
void dump_init(void)
{
	void *p[2];

	backtrace(p, 2);
}

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0 && write(dump_fd, line, n < (int)sizeof(line) ?
			   n : (int)sizeof(line) - 1) < 0)
		return;
}

/* The thread has been switched to for this alone. */
void dump_visited(struct vcpu *v)
{
	struct mn_thread *t = v->visited;

	v->n_trace = backtrace(v->trace, FRAMES);
	v->visited = NULL;
	switch_context(&t->sp, v->visitor_sp, rt.has_sse);
}

static void visit(struct vcpu *v, struct mn_thread *t)
{
	v->n_trace = 0;
	if ((char *)t->sp - (char *)stack_bottom(t) < VISIT_STACK)
		return;
	v->visited = t;
	switch_context(&v->visitor_sp, t->sp, rt.has_sse);
}

static void describe(struct vcpu *v, struct mn_thread *t)
{
	say("thread '%s' %s%s, virtual CPU %d\n", t->name,
	    state_names[t->state], t->preempted ? ", preempted" : "", v->index);
	if (t->state == EXITED)
		return;
	if (t == v->current)
		v->n_trace = backtrace(v->trace, FRAMES);
	else
		visit(v, t);
	backtrace_symbols_fd(v->trace, v->n_trace, dump_fd);
}

/* All threads of @v, which is this one. */
static void dump_own(struct vcpu *v)
{
	struct mn_thread *t;

	spin_lock(&rt.all_lock);
	for (t = rt.all; t; t = t->all_next)
		if (t->vcpu == v)
			describe(v, t);
	spin_unlock(&rt.all_lock);
}

void dump_answer(struct vcpu *v)
{
	dump_own(v);
	__atomic_sub_fetch(&dump_left, 1, __ATOMIC_SEQ_CST);
}

/* In the idle loop of the last one; nobody runs, so the list holds still. */
void dump_deadlock(void)
{
	struct mn_thread *t;

	dump_fd = STDERR_FILENO;
	say("mn: deadlock: every thread waits for another\n");
	for (t = rt.all; t; t = t->all_next)
		say("mn:   '%s' %s\n", t->name, state_names[t->state]);
}

MN_EXPORT int mn_dump(int fd)
{
	int i;

	/* A child has none of the virtual CPUs that would have to answer. */
	if (!rt.running || !rt.vcpu || rt.forked)
		return EPERM;
	if (__atomic_exchange_n(&dump_busy, 1, __ATOMIC_SEQ_CST))
		return EBUSY;
	dump_fd = fd;
	dump_left = rt.vcpus;
	for (i = 0; i < rt.vcpus; i++)
		kick(&rt.vcpu[i], REQ_DUMP);
	while (__atomic_load_n(&dump_left, __ATOMIC_SEQ_CST)) {
		if (mn_self())
			mn_yield();
		sched_yield();
	}
	__atomic_store_n(&dump_busy, 0, __ATOMIC_SEQ_CST);
	return 0;
}
