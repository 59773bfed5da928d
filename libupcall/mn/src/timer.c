// SPDX-License-Identifier: MIT
/*
 * Deadlines, and the clock: a kernel thread that sleeps until the next deadline
 * of any virtual CPU or, while threads wait for processors, the end of a slice,
 * and tells the virtual CPUs concerned. It touches nothing else of theirs.
 *
 * Deadlines: each virtual CPU has a heap of its own and publishes the earliest.
 *
 *   virtual CPU                         clock
 *
 *   next_deadline = d                   clock_next = when I'll wake up
 *   full barrier                        full barrier
 *   d before clock_next?  -> ring       look at each next_deadline again
 *                                       sleep, unless the bell has rung
 *
 * Slices: that somebody waits while another runs (waiting()) must be noticed, but
 * without a locked instruction there. mn_ticking says that the clock looks at each
 * slice's end anyway; it is cleared after a number of looks that found nobody
 * waiting, then membarrier() makes sure that whoever did not see that has what he
 * wrote before seen by us.
 *
 *   virtual CPU                         clock
 *
 *   a queue, or v->current              mn_ticking = 0
 *                                       membarrier()
 *   mn_ticking is 0?  -> ring           look at each queue and v->current again
 *
 * So each of these that may make it so is followed by clock_wanted(): who comes into
 * a queue, who goes from one to the other (they are two reads for us), and who begins
 * to run, as nobody waits for an idle virtual CPU, however many are in its queue.
 */
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "rt.h"

#define QUIET_LOOKS	8	/* until the slices' clock stops */
#define RETRY_PART	8	/* of a slice, when its end was put off */
#define RETRY_MIN	50000	/* ns, from one retry to the next: at first, ... */
#define RETRY_MAX	100000	/* ... and later */

unsigned int mn_ticking;

static unsigned int bell;
static shared64 clock_next;
static bool clock_stopping;
static pthread_t clock_thread;

MN_EXPORT int64_t mn_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Used by this virtual CPU, in nanoseconds. */
int64_t cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void ring(void)
{
	__atomic_fetch_add(&bell, 1, __ATOMIC_SEQ_CST);
	futex(&bell, FUTEX_WAKE_PRIVATE, 1, 0);
}

/* The heap: the earliest first, t->timer is where it is. */

static void heap_place(struct vcpu *v, struct mn_thread *t, int i)
{
	v->heap[i] = t;
	t->timer = i;
}

static void heap_up(struct vcpu *v, struct mn_thread *t, int i)
{
	while (i && v->heap[(i - 1) / 2]->deadline > t->deadline) {
		heap_place(v, v->heap[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	heap_place(v, t, i);
}

static void heap_down(struct vcpu *v, struct mn_thread *t, int i)
{
	int child;

	while ((child = 2 * i + 1) < v->heap_n) {
		if (child + 1 < v->heap_n && v->heap[child + 1]->deadline <
					     v->heap[child]->deadline)
			child++;
		if (v->heap[child]->deadline >= t->deadline)
			break;
		heap_place(v, v->heap[child], i);
		i = child;
	}
	heap_place(v, t, i);
}

/* The clock may be about to sleep for longer than until @v's earliest deadline. */
static void tell_clock(const struct vcpu *v)
{
	if (v->next_deadline < load64(&clock_next))
		ring();
}

static void publish(struct vcpu *v)
{
	int64_t next = v->heap_n ? v->heap[0]->deadline : MN_FOREVER;

	if (next == v->next_deadline)
		return;
	store64(&v->next_deadline, next);
	tell_clock(v);
}

/* There is room: a heap can hold all threads that there may be. */
void timer_add(struct vcpu *v, struct mn_thread *t, int64_t deadline)
{
	t->deadline = deadline;
	heap_up(v, t, v->heap_n++);
	publish(v);
}

void timer_remove(struct vcpu *v, struct mn_thread *t)
{
	struct mn_thread *last = v->heap[--v->heap_n];
	int i = t->timer;

	t->timer = -1;
	if (last != t) {
		if (last->deadline < t->deadline)
			heap_up(v, last, i);
		else
			heap_down(v, last, i);
	}
	publish(v);
}

void timers_run(struct vcpu *v)
{
	int64_t now = mn_now();

	while (v->heap_n && v->heap[0]->deadline <= now) {
		struct mn_thread *t = v->heap[0];

		timer_remove(v, t);
		/* Who has been woken already is on his way here. */
		if (!give_up(t))
			continue;
		make_ready(v, t);
	}
	/*
	 * What was published while REQ_TIMER was set earliest() may have passed over,
	 * and publish() have compared with what clock_next was before.
	 */
	tell_clock(v);
}

/* The clock. */

void clock_ring(void)
{
	__atomic_store_n(&mn_ticking, 1, __ATOMIC_RELAXED);
	ring();
}

/* Does anybody wait for @v, while it runs a thread? */
static bool waiting(const struct vcpu *v)
{
	return (ready(v) || v->retry || v->inbox) && v->current != &v->idle;
}

/*
 * The current thread of @v did not make room: it was in the C library, say. Asks it
 * again soon, and steadily. It may be in other code nearly always: the more often it
 * is asked, the sooner it is met where a slice may end. Each time costs it something,
 * though, on a slow machine too much for a start.
 */
static int64_t look_again(struct vcpu *v, int64_t now)
{
	int64_t gap = rt.slice / RETRY_PART;

	gap = gap < RETRY_MIN ? gap : RETRY_MIN;
	if (v->retry_switches != v->stats.switches.low) {
		v->retry_switches = v->stats.switches.low;
		v->retry_gap = gap;
		v->retry_at = now + gap;
	} else if (now >= v->retry_at) {
		kick(v, REQ_RETRY);
		v->retry_gap *= 2;
		if (v->retry_gap > RETRY_MAX)
			v->retry_gap = RETRY_MAX;
		v->retry_at = now + v->retry_gap;
	}
	return v->retry_at;
}

/* Tells a virtual CPU what is due; returns when it wants to be looked at. */
static int64_t look_at(struct vcpu *v, int64_t now, bool slice_over)
{
	int64_t next = load64(&v->next_deadline);

	if (next <= now) {
		kick(v, REQ_TIMER);
		next = MN_FOREVER;
	}
	if (!waiting(v))
		return next;
	if (v->retry) {
		int64_t again = look_again(v, now);

		return again < next ? again : next;
	}
	if (slice_over)
		kick(v, REQ_TICK);
	return next;
}

/* Looks at all of them; returns when to do so again. */
static int64_t look(int64_t now, bool slice_over, bool *busy)
{
	int64_t next = MN_FOREVER;
	int i;

	*busy = false;
	for (i = 0; i < rt.vcpus; i++) {
		int64_t when = look_at(&rt.vcpu[i], now, slice_over);

		if (when < next)
			next = when;
		*busy |= waiting(&rt.vcpu[i]);
	}
	return next;
}

/* The earliest deadline that nobody rings the bell for, or @next. */
static int64_t earliest(int64_t next)
{
	int i;

	for (i = 0; i < rt.vcpus; i++) {
		struct vcpu *v = &rt.vcpu[i];
		int64_t when = load64(&v->next_deadline);

		/* One that has been told is not told again. */
		if (when < next && !(v->requests & REQ_TIMER))
			next = when;
	}
	return next;
}

static void barrier_everywhere(void)
{
	struct timespec ts = { 0, 1000000 };

	/* Without it, the time that a store can take to be seen. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
		nanosleep(&ts, NULL);
}

/*
 * Threads that serve the virtual CPUs sleep most of the time, and want to run at
 * once when they wake up: with the kernel's own slice, of some milliseconds, they
 * would wait for the end of a virtual CPU's. Kernels before 6.12 take no notice.
 */
void ask_for_short_slice(void)
{
	/* struct sched_attr; its header and the C library's don't agree. */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t  nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) ||
	    attr.policy != SCHED_OTHER)
		return;
	attr.runtime = 100000;
	syscall(SYS_sched_setattr, 0, &attr, 0);
}

static void *clock_main(void *arg)
{
	int64_t slice_end = 0;
	int quiet = 0;

	ask_for_short_slice();
	for (;;) {
		unsigned int rung = __atomic_load_n(&bell, __ATOMIC_SEQ_CST);
		int64_t next, now = mn_now();
		bool over = now >= slice_end, busy;

		/* The bell is looked at before whatever it is rung for. */
		if (__atomic_load_n(&clock_stopping, __ATOMIC_SEQ_CST))
			return arg;
		if (over)
			slice_end = now + rt.slice;
		next = look(now, over, &busy);
		if (busy) {
			quiet = 0;
		} else if (over && mn_ticking && ++quiet > QUIET_LOOKS) {
			quiet = 0;
			__atomic_store_n(&mn_ticking, 0, __ATOMIC_RELAXED);
			barrier_everywhere();
			continue;
		}
		if ((busy || mn_ticking) && slice_end < next)
			next = slice_end;
		store64(&clock_next, next);
		futex(&bell, FUTEX_WAIT_BITSET_PRIVATE, rung, earliest(next));
	}
}

int clock_start(void)
{
	mn_ticking = 0;
	clock_next = MN_FOREVER;
	clock_stopping = false;
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	return service_create(&clock_thread, clock_main, 0);
}

void clock_stop(void)
{
	__atomic_store_n(&clock_stopping, true, __ATOMIC_SEQ_CST);
	ring();
	pthread_join(clock_thread, NULL);
}

/* Sleeping. */

MN_EXPORT int mn_sleep_until(int64_t deadline)
{
	if (!enter())
		return EPERM;
	if (deadline <= mn_now())
		return leave(0);
	wait_until(SLEEPING, deadline);
	return leave(0);
}

MN_EXPORT int mn_sleep(int64_t duration)
{
	int64_t now = mn_now();

	if (duration < 0)
		return EINVAL;
	return mn_sleep_until(duration < MN_FOREVER - now ? now + duration :
							    MN_FOREVER);
}
