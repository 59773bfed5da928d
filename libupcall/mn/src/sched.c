// SPDX-License-Identifier: MIT
/*
 * The scheduler: each virtual CPU's own.
 *
 * A thread belongs to one virtual CPU at a time (t->vcpu), and only that one
 * touches its state, its timer and its place in the run queue, always inside a
 * critical section, so that an upcall on the same virtual CPU cannot come
 * between. No lock and no locked instruction is needed for that. Whoever else
 * wants something sends a message and an upcall after it:
 *
 *   sender                              owner
 *
 *   put the thread into v->inbox        (in a section, or interrupted by the
 *   it was empty: dispatch              upcall)
 *                                       take the whole inbox, make ready
 *
 * While a section is left the kernel has the upcall pending, so nothing is
 * overlooked; while it is not, nothing can come between two looks of the owner.
 * In particular a thread that has put itself into the queue of a mutex may be
 * taken out of it and sent here, by another virtual CPU, before it has switched
 * away: the message is only read after the switch. No wake-up is lost, and no
 * lock is held over a switch.
 *
 * A ready thread is given to another virtual CPU through that one's inbox, with
 * t->vcpu changed before. It is given
 *
 *   - when it becomes ready, if two others wait already and somebody is idle,
 *   - at each tick, if somebody is idle,
 *   - to a virtual CPU that has asked (v->thieves), which each does before it
 *     goes to sleep.
 *
 * crit_count belongs to the thread: a switch saves and restores it, so that a
 * thread that waits inside a section is in it again when it goes on. Every
 * switch is made in a section, so what is stored is never below UPC_CRITADD.
 * Likewise errno, which is in memory of the virtual CPU's kernel thread.
 *
 * A preempted thread is an ordinary one that has called schedule() from
 * on_upcall(): under that are the frame of the context function, with all
 * registers, and the kernel's. It may go on anywhere (upc_vcpu_wrapper).
 */
#include <errno.h>
#include <linux/futex.h>

#include "rt.h"

/*
 * errno's address is that of one kernel thread, and compilers think it never
 * changes: hence a function of its own for each access.
 */
__attribute__((noinline)) int get_errno(void)
{
	__asm__ volatile ("");
	return errno;
}

__attribute__((noinline)) void set_errno(int e)
{
	__asm__ volatile ("");
	errno = e;
}

#define SPINS	128

/*
 * Its holder is in a section, and soon done, unless the kernel has taken it off its
 * processor. It may be ours that it waits for, and if we came before it by a
 * real-time priority, sched_yield() would not let it have that.
 */
void spin_wait(unsigned int *lock)
{
	int i, saved;

	for (i = 0; i < SPINS; i++) {
		__builtin_ia32_pause();
		if (!__atomic_load_n(lock, __ATOMIC_RELAXED) && spin_try(lock))
			return;
	}
	saved = get_errno();
	while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE))
		futex(lock, FUTEX_WAIT_PRIVATE, 2, 0);
	set_errno(saved);
}

void spin_wake(unsigned int *lock)
{
	futex(lock, FUTEX_WAKE_PRIVATE, 1, 0);
}

void queue_last(struct runq *q, struct mn_thread *t)
{
	t->next = NULL;
	*q->tail = t;
	q->tail = &t->next;
	q->n++;
}

static int serve(struct vcpu *v);

static void queue_first(struct runq *q, struct mn_thread *t)
{
	t->next = q->head;
	if (!q->head)
		q->tail = &t->next;
	q->head = t;
	q->n++;
}

static struct mn_thread *queue_take(struct runq *q)
{
	struct mn_thread *t = q->head;

	if (!t)
		return NULL;
	q->head = t->next;
	if (!q->head)
		q->tail = &q->head;
	q->n--;
	return t;
}

/* Returns whether the owner has to be told. */
static bool inbox_put(struct vcpu *v, struct mn_thread *t)
{
	struct mn_thread *old = __atomic_load_n(&v->inbox, __ATOMIC_RELAXED);

	do {
		t->next = old;
	} while (!__atomic_compare_exchange_n(&v->inbox, &old, t, true,
					      __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	return !old;
}

static void count(unsigned int *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/*
 * Has @v look at its inbox and at @requests. Not needed if somebody else is
 * about to have it look at the same.
 */
void kick(struct vcpu *v, unsigned int requests)
{
	if (requests) {
		unsigned int old = __atomic_fetch_or(&v->requests, requests,
						     __ATOMIC_SEQ_CST);

		if ((old & requests) == requests) {
			count(&v->coalesced);
			return;
		}
	}
	count(&v->sent);
	rt.backend->kick(v);
}

static void send_to(struct vcpu *to, struct mn_thread *t)
{
	/* It is the other's from here on: look at it before. */
	bool urgent = t->urgent;

	t->vcpu = to;
	if (inbox_put(to, t) || urgent)
		kick(to, 0);
	else
		count(&to->coalesced);
}

/* One that sleeps, and is not @v; from then on it is the caller's to wake. */
static struct vcpu *claim_idle(struct vcpu *v)
{
	unsigned int idle = __atomic_load_n(&rt.idle, __ATOMIC_RELAXED) &
			    ~(1u << v->index);

	while (idle) {
		int i = __builtin_ctz(idle);
		unsigned int bit = 1u << i;

		if (__atomic_fetch_and(&rt.idle, ~bit, __ATOMIC_SEQ_CST) & bit)
			return &rt.vcpu[i];
		idle &= ~bit;
	}
	return NULL;
}

/*
 * The current thread may be in the queue, woken or yielding on its way to a
 * switch: it is not given, as the other would run it before it has left.
 */
static bool give(struct vcpu *v, struct vcpu *to, unsigned int n)
{
	bool given = false;

	while (n-- && v->queue.n) {
		struct mn_thread *t = queue_take(&v->queue);

		if (t == v->current) {
			queue_last(&v->queue, t);
			continue;
		}
		v->stats.steals++;
		send_to(to, t);
		given = true;
	}
	return given;
}

/* Gives up to @n to one that is idle. */
static void offer(struct vcpu *v, unsigned int n)
{
	struct vcpu *idle = rt.idle ? claim_idle(v) : NULL;

	/* One that was claimed for nothing has to say again that it is idle. */
	if (idle && !give(v, idle, n))
		kick(idle, 0);
}

/* Virtual CPUs that have asked get half of what waits. */
static void give_to_thieves(struct vcpu *v)
{
	unsigned int who;

	if (!v->thieves)
		return;
	who = __atomic_exchange_n(&v->thieves, 0, __ATOMIC_ACQUIRE);
	while (who && v->queue.n) {
		int i = __builtin_ctz(who);

		who &= ~(1u << i);
		give(v, &rt.vcpu[i], (v->queue.n + 1) / 2);
	}
}

/* @t, which is @v's and waited for something, waits for @v alone from now on. */
void make_ready(struct vcpu *v, struct mn_thread *t)
{
	if (t->timer >= 0)
		timer_remove(v, t);
	t->state = READY;
	if (t->urgent)
		queue_first(&v->queue, t);
	else
		queue_last(&v->queue, t);
	if (v->current != &v->idle || v->queue.n > 1)
		clock_wanted();
	if (v->queue.n > 2)
		offer(v, v->queue.n / 2);
}

/* It has been woken, and not run since. */
static bool urgent_waits(const struct vcpu *v)
{
	return v->queue.head && v->queue.head->urgent;
}

/* By whoever took @t out of what it waited in, on any kernel thread. */
void wake(struct mn_thread *t)
{
	struct vcpu *v = this_vcpu();

	if (t->vcpu != v) {
		send_to(t->vcpu, t);
		return;
	}
	/* Unless it has been given away, it comes in at the section's end. */
	make_ready(v, t);
	if (urgent_waits(v))
		kick(v, 0);
}

static void inbox_take(struct vcpu *v)
{
	struct mn_thread *t, *next, *list = NULL;

	if (!v->inbox)
		return;
	/* The last one put in is the first: turn it round. */
	t = __atomic_exchange_n(&v->inbox, NULL, __ATOMIC_ACQUIRE);
	for (; t; t = next) {
		next = t->next;
		t->next = list;
		list = t;
	}
	for (t = list; t; t = next) {
		next = t->next;
		make_ready(v, t);
	}
}

/* What every context does first when it has been switched to. */
void after_switch(void)
{
	struct vcpu *v;
	struct mn_thread *done;

	/* For a look at this stack only; and it may go on elsewhere after. */
	while (this_vcpu()->visited)
		dump_visited(this_vcpu());

	v = this_vcpu();
	done = v->done;
	if (done) {
		v->done = NULL;
		thread_bury(v, done);
	}
	set_errno(v->current->saved_errno);
}

/*
 * Goes on with the next ready thread, or with the idle loop. The caller has seen
 * to it that somebody wakes its thread, or has queued it.
 */
void schedule(struct vcpu *v)
{
	struct mn_thread *prev = v->current;
	struct mn_thread *next;

	/* What has come and is still held back. */
	if (v->inbox || v->requests)
		serve(v);
	next = v->stopping ? NULL : queue_take(&v->queue);
	if (!next)
		next = &v->idle;
	next->state = RUNNING;
	v->retry = 0;
	if (next == prev)
		return;

	prev->saved_errno = get_errno();
	prev->crit_count = v->upc->crit_count;
	v->upc->crit_count = next->crit_count;
	v->current = next;
	v->switches++;
	if (next->last != v->index) {
		v->stats.migrations += next->last >= 0;
		next->last = v->index;
	}
	switch_context(&prev->sp, next->sp, rt.has_sse);
	after_switch();
}

/* The current thread has to make room for others. */
static void preempt(struct vcpu *v)
{
	struct mn_thread *t = v->current;

	t->state = READY;
	t->preempted = true;
	queue_last(&v->queue, t);
	v->stats.preemptions++;
	/* The next one has the whole of a slice. */
	v->ticked = v->switches + 1;
	schedule(v);
	t->preempted = false;
}

/* A slice is over: has the current thread had it from the beginning? */
static bool tick(struct vcpu *v)
{
	if (v->queue.n)
		offer(v, (v->queue.n + 1) / 2);
	if (!v->queue.n)
		return false;
	if (v->ticked == v->switches || v->retry)
		return true;
	v->ticked = v->switches;
	return false;
}

/*
 * Whatever others want of @v. Returns the priority at which the current thread
 * has to make room, or 0.
 */
static int serve(struct vcpu *v)
{
	unsigned int requests = 0;
	bool over = false;

	if (v->requests)
		requests = __atomic_exchange_n(&v->requests, 0,
					       __ATOMIC_SEQ_CST);
	if (requests & REQ_STOP)
		v->stopping = true;
	if (requests & REQ_DUMP)
		dump_answer(v);
	inbox_take(v);
	if (requests & REQ_TIMER)
		timers_run(v);
	give_to_thieves(v);
	if (requests & REQ_TICK)
		over = tick(v);
	return urgent_waits(v) ? PRIO_URGENT :
	       over || v->stopping ? PRIO_NORMAL : 0;
}

/*
 * Not half way through the C library (libc.c says why), and not on a stack that
 * is another's: a signal handler's.
 */
static bool may_leave(const struct mn_thread *t, unsigned long eip)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0);

	return here - (unsigned long)t->mapping < t->mapped && !in_range(eip);
}

/*
 * The upcall, or the signal handler, of a virtual CPU, in a section of its own:
 * on the stack of the interrupted thread, which was at @eip.
 *
 * In the idle loop there is nothing to interrupt, and what has come must not be
 * taken before everybody can see that this one is no longer idle: see
 * deadlocked().
 */
void on_upcall(struct vcpu *v, unsigned long eip)
{
	int priority;

	v->stats.entered++;
	if (v->current == &v->idle)
		return;
	priority = serve(v);
	if (!priority)
		return;
	if (priority > v->upc->crit_count - UPC_CRITADD &&
	    may_leave(v->current, eip)) {
		preempt(v);
	} else {
		/* Soon again, then. */
		v->stats.deferred++;
		v->retry = 1;
	}
}

/* Somebody has more than he can run: ask. */
static void ask_for_work(struct vcpu *v)
{
	int i;

	for (i = 1; i < rt.vcpus; i++) {
		struct vcpu *other = &rt.vcpu[(v->index + i) % rt.vcpus];

		if (other->queue.n < 2)
			continue;
		if (!__atomic_fetch_or(&other->thieves, 1u << v->index,
				       __ATOMIC_SEQ_CST))
			kick(other, 0);
		return;
	}
}

/*
 * Does every thread wait for another? All virtual CPUs are idle, and were so
 * all the time that this took (turns); nothing is on its way to one of them, and
 * nothing from outside can come. Each of them takes what is for it only when it
 * is not in rt.idle any more, and has counted turns; and external is counted
 * down only after the wake-up has been sent.
 */
static bool deadlocked(void)
{
	unsigned int turns[MN_VCPUS_MAX], all = ~0u >> (32 - rt.vcpus);
	int i;

	for (i = 0; i < rt.vcpus; i++)
		turns[i] = __atomic_load_n(&rt.vcpu[i].turns, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&rt.idle, __ATOMIC_SEQ_CST) != all ||
	    __atomic_load_n(&rt.external, __ATOMIC_SEQ_CST))
		return false;
	for (i = 0; i < rt.vcpus; i++) {
		struct vcpu *v = &rt.vcpu[i];

		if (__atomic_load_n(&v->inbox, __ATOMIC_SEQ_CST) ||
		    __atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) ||
		    load64(&v->next_deadline) != MN_FOREVER)
			return false;
	}
	for (i = 0; i < rt.vcpus; i++)
		if (turns[i] != __atomic_load_n(&rt.vcpu[i].turns,
						__ATOMIC_SEQ_CST))
			return false;
	return __atomic_load_n(&rt.idle, __ATOMIC_SEQ_CST) == all;
}

/* Everybody leaves his idle loop. */
void stop_all(void)
{
	int i;

	for (i = 0; i < rt.vcpus; i++)
		kick(&rt.vcpu[i], REQ_STOP);
}

static void sleep_idle(struct vcpu *v)
{
	unsigned int bit = 1u << v->index;

	__atomic_fetch_or(&rt.idle, bit, __ATOMIC_SEQ_CST);
	ask_for_work(v);
	if (deadlocked() && !__atomic_exchange_n(&rt.deadlock, true,
						 __ATOMIC_SEQ_CST)) {
		dump_deadlock();
		stop_all();
	}
	if (!__atomic_load_n(&v->inbox, __ATOMIC_SEQ_CST) &&
	    !__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST)) {
		rt.backend->sleep(v);
		crit_enter();
	}
	__atomic_fetch_and(&rt.idle, ~bit, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&v->turns, 1, __ATOMIC_SEQ_CST);
}

/* The virtual CPU's own stack: runs threads until it is told to stop. */
void idle_loop(struct vcpu *v)
{
	for (;;) {
		serve(v);
		if (v->stopping)
			return;
		if (v->queue.n)
			schedule(v);
		else
			sleep_idle(v);
	}
}
