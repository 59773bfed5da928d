// SPDX-License-Identifier: MIT
/*
 * What every thread is doing. Each virtual CPU writes down what its own do: the one
 * that was interrupted, and those that do not run, which it visits: it switches to
 * one, which is in after_switch() then, takes its own backtrace and switches back.
 *
 * Names are looked up and printed by the one who wants to know, after that: the
 * thread that was interrupted may be in the dynamic linker or in stdio. And he waits
 * for nobody for long: of threads whose virtual CPU does not answer, being in a
 * system call, say, he says himself what can be said from outside.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt.h"

/* What a backtrace may need of somebody else's stack. */
#define VISIT_STACK	6144
#define FRAMES		((int)(sizeof(((struct vcpu *)0)->trace) / sizeof(void *)))

const char *const state_names[] = {
	[READY] = "ready",
	[RUNNING] = "running",
	[SLEEPING] = "sleeping",
	[IN_MUTEX] = "waiting for a mutex",
	[IN_COND] = "waiting for a condition variable",
	[IN_SEM] = "waiting for a semaphore",
	[IN_ONCE] = "waiting for mn_once()",
	[IN_RWLOCK] = "waiting for a read-write lock",
	[IN_BARRIER] = "waiting at a barrier",
	[IN_WG] = "waiting for a group",
	[IN_SEND] = "waiting to send",
	[IN_RECV] = "waiting to receive",
	[IN_SELECT] = "waiting for channels",
	[IN_JOIN] = "waiting to join",
	[IN_BLOCKING] = "in a blocking call",
	[IN_POLL] = "polling a descriptor",
	[EXITED] = "exited, not joined",
};

#define PATIENCE	INT64_C(1000000000)	/* without a single answer */

struct record {
	enum state	state;
	bool		preempted, silent;
	int		vcpu, n_trace;
	void		*trace[FRAMES];
	char		name[MN_NAME_MAX];
};

static unsigned int busy;
static bool giving_up;			/* nobody will answer any more */
static unsigned int answers;		/* futex */

/* Under rt.all_lock. NULL: nobody wants to know, or not any more. */
static struct record *records;
static unsigned int n_records;
static size_t records_size;

/* The first backtrace() loads a library and allocates: not in an upcall. */
void dump_init(void)
{
	void *p[2];

	backtrace(p, 2);
	/* The last mn_run() may have ended in the middle of it. */
	if (records)
		munmap(records, records_size);
	records = NULL;
	busy = 0;
	giving_up = false;
}

static void __attribute__((format(printf, 2, 3)))
say(int fd, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0 && write(fd, line, n < (int)sizeof(line) ?
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
	unsigned long room = (char *)t->sp - (char *)stack_bottom(t);

	/* How much there is on a stack of the program's making nobody knows. */
	v->n_trace = 0;
	if (room < VISIT_STACK || room > t->mapped)
		return;
	v->visited = t;
	switch_context(&v->visitor_sp, t->sp, rt.has_sse);
}

/* From outside, or by its virtual CPU @v. With the lock. */
static void describe(struct vcpu *v, struct mn_thread *t)
{
	struct record *r = &records[n_records++];

	t->dumped = rt.dump;
	r->state = t->state;
	r->preempted = t->preempted;
	r->silent = !v;
	r->vcpu = t->vcpu->index;
	memcpy(r->name, t->name, sizeof(r->name));
	r->n_trace = 0;
	if (!v || t->state == EXITED)
		return;
	if (t == v->current)
		v->n_trace = backtrace(v->trace, FRAMES);
	else
		visit(v, t);
	r->n_trace = v->n_trace;
	memcpy(r->trace, v->trace, v->n_trace * sizeof(v->trace[0]));
}

/* All threads of @v, which is this one. */
static void dump_own(struct vcpu *v)
{
	struct mn_thread *t;

	spin_lock(&rt.all_lock);
	for (t = records ? rt.all : NULL; t; t = t->all_next)
		if (t->vcpu == v && t->dumped != rt.dump)
			describe(v, t);
	spin_unlock(&rt.all_lock);
}

static void answered(void)
{
	__atomic_add_fetch(&answers, 1, __ATOMIC_SEQ_CST);
	futex(&answers, FUTEX_WAKE_PRIVATE, 1, 0);
}

void dump_answer(struct vcpu *v)
{
	dump_own(v);
	answered();
}

/* mn_run() is about to end. */
void dump_give_up(void)
{
	__atomic_store_n(&giving_up, true, __ATOMIC_SEQ_CST);
	answered();
}

/* Asks the virtual CPUs of those who are missing; returns whether there are any. */
static bool ask(void)
{
	unsigned int whose = 0;
	struct mn_thread *t;
	int i;

	crit_enter();
	if (this_vcpu())
		dump_own(this_vcpu());
	spin_lock(&rt.all_lock);
	for (t = rt.all; t; t = t->all_next)
		if (t->dumped != rt.dump)
			whose |= 1u << t->vcpu->index;
	spin_unlock(&rt.all_lock);
	for (i = 0; i < rt.vcpus; i++)
		if (whose & 1u << i)
			kick(&rt.vcpu[i], REQ_DUMP);
	crit_exit();
	return whose;
}

/* A thread may move while it is asked for: its new virtual CPU is asked, then. */
static void collect(void)
{
	int64_t until = mn_now() + PATIENCE;

	for (;;) {
		unsigned int seen = __atomic_load_n(&answers, __ATOMIC_SEQ_CST);

		if (!ask() || mn_now() >= until ||
		    __atomic_load_n(&giving_up, __ATOMIC_SEQ_CST))
			return;
		futex(&answers, FUTEX_WAIT_BITSET_PRIVATE, seen, until);
		if (seen != __atomic_load_n(&answers, __ATOMIC_SEQ_CST))
			until = mn_now() + PATIENCE;
	}
}

/* Room for all that there are: 0, or ENOMEM. In a section. */
static int begin(void)
{
	unsigned int n = 0, room = 0;
	struct mn_thread *t;
	struct record *r = NULL;

	for (;;) {
		spin_lock(&rt.all_lock);
		for (n = 0, t = rt.all; t; t = t->all_next)
			n++;
		if (n <= room)
			break;
		spin_unlock(&rt.all_lock);
		if (r)
			munmap(r, records_size);
		room = n + 16;
		records_size = room * sizeof(*r);
		r = mmap(NULL, records_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (r == MAP_FAILED)
			return ENOMEM;
	}
	rt.dump++;
	n_records = 0;
	records = r;
	spin_unlock(&rt.all_lock);
	return 0;
}

/* Nobody writes after that. In a section. */
static struct record *end(void)
{
	struct record *r = records;
	struct mn_thread *t;

	spin_lock(&rt.all_lock);
	for (t = rt.all; t; t = t->all_next)
		if (t->dumped != rt.dump)
			describe(NULL, t);
	records = NULL;
	spin_unlock(&rt.all_lock);
	return r;
}

static void print(int fd, const struct record *r)
{
	say(fd, "thread '%s' %s%s, virtual CPU %d%s\n", r->name,
	    state_names[r->state], r->preempted ? ", preempted" : "", r->vcpu,
	    r->silent ? ", which does not answer" : "");
	backtrace_symbols_fd(r->trace, r->n_trace, fd);
}

static int dump(int fd)
{
	struct record *r;
	unsigned int i;
	int err;

	crit_enter();
	err = begin();
	crit_exit();
	if (err)
		return err;
	collect();
	crit_enter();
	r = end();
	crit_exit();
	for (i = 0; i < n_records; i++)
		print(fd, &r[i]);
	munmap(r, records_size);
	return 0;
}

/* In the idle loop of the last one; nobody runs, so the list holds still. */
void dump_deadlock(void)
{
	struct mn_thread *t;

	say(STDERR_FILENO, "mn: deadlock: every thread waits for another\n");
	for (t = rt.all; t; t = t->all_next)
		say(STDERR_FILENO, "mn:   '%s' %s\n", t->name, state_names[t->state]);
}

MN_EXPORT int mn_dump(int fd)
{
	int err = EBUSY, saved = get_errno();

	/* A child has none of the virtual CPUs that would have to answer. */
	if (!look_begin())
		return EPERM;
	if (!__atomic_exchange_n(&busy, 1, __ATOMIC_SEQ_CST)) {
		err = dump(fd);
		__atomic_store_n(&busy, 0, __ATOMIC_SEQ_CST);
	}
	look_end();
	set_errno(saved);
	return err;
}
