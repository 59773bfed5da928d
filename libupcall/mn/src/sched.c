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
 *     goes to sleep, and when it has been told, at somebody's tick, that it has
 *     fewer than others.
 *
 * Those who are urgent and have been woken wait in a queue of their own (hurried),
 * which comes first. The woken one takes the place of the current thread, which
 * goes to the front of the queue that it belongs to, and has the rest of its turn
 * later. Whose turn is over goes to the end of the ordinary queue, urgent or not. A
 * turn is a slice, more or less, as ticks may come late; what somebody has had too
 * much of is missing from his next one.
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
#include <sys/stat.h>

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
 * processor. That may be ours now, and if we came before it by a real-time
 * priority, sched_yield() would not let it have ours back.
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

static int serve(struct vcpu *v);
static void offer(struct vcpu *v, unsigned int n);

/* Behind @prev, or first if that is NULL. */
static void queue_behind(struct runq *q, struct mn_thread *prev,
			 struct mn_thread *t)
{
	struct mn_thread *next = prev ? prev->next : q->head;

	t->prev = prev;
	t->next = next;
	if (prev)
		prev->next = t;
	else
		q->head = t;
	if (next)
		next->prev = t;
	else
		q->tail = t;
	q->n++;
}

void queue_last(struct runq *q, struct mn_thread *t)
{
	queue_behind(q, q->tail, t);
}

static void queue_remove(struct runq *q, struct mn_thread *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		q->head = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		q->tail = t->prev;
	q->n--;
}

static struct mn_thread *queue_take(struct runq *q)
{
	struct mn_thread *t = q->head;

	if (t)
		queue_remove(q, t);
	return t;
}

/*
 * Returns whether the owner has to be told. A full barrier: it says that it sleeps,
 * then looks here, and kick() looks whether it says so.
 */
static bool inbox_put(struct vcpu *v, struct mn_thread *t)
{
	struct mn_thread *old = __atomic_load_n(&v->inbox, __ATOMIC_RELAXED);

	do {
		t->next = old;
	} while (!__atomic_compare_exchange_n(&v->inbox, &old, t, true,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return !old;
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
			__sync_fetch_and_add(&v->coalesced, 1);
			return;
		}
	}
	__sync_fetch_and_add(&v->sent, 1);
	rt.backend->kick(v);
}

static void send_to(struct vcpu *to, struct mn_thread *t, bool hurried)
{
	t->vcpu = to;
	/* It is the other's from here on. */
	if (inbox_put(to, t) || hurried)
		kick(to, 0);
	else
		__sync_fetch_and_add(&to->coalesced, 1);
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
 * Up to @n of @q, from its front or from its end. The current thread may be there,
 * woken or yielding on its way to a switch: it is not given, as the other would run
 * it before it has left.
 */
static unsigned int give_of(struct vcpu *v, struct runq *q, bool front,
			    struct vcpu *to, unsigned int n)
{
	unsigned int given;

	for (given = 0; given < n; given++) {
		struct mn_thread *t = front ? q->head : q->tail;

		if (t && t == v->current)
			t = front ? t->next : t->prev;
		if (!t)
			break;
		queue_remove(q, t);
		count(&v->stats.steals);
		t->arrived = __atomic_add_fetch(&rt.arrivals, 1, __ATOMIC_RELAXED);
		send_to(to, t, t->hurried);
	}
	return given;
}

/* Those who would run next: the other does nothing meanwhile. */
static unsigned int give(struct vcpu *v, struct vcpu *to, unsigned int n)
{
	unsigned int given = give_of(v, &v->hurried, true, to, n);

	return given + give_of(v, &v->queue, true, to, n - given);
}

/* Gives up to @n to one that is idle. */
static void offer(struct vcpu *v, unsigned int n)
{
	struct vcpu *idle = rt.idle ? claim_idle(v) : NULL;

	/*
	 * One that was claimed for nothing has to say again that it is idle. It may be
	 * on its way to sleep, where a kick alone is lost.
	 */
	if (idle && !give(v, idle, n))
		kick(idle, REQ_LOOK);
}

/*
 * Virtual CPUs that have asked get half of what waits here and not there. One that
 * is busy gets it from the end: those have just run, and come last there too.
 */
static void give_to_thieves(struct vcpu *v)
{
	unsigned int who;

	if (!v->thieves)
		return;
	who = __atomic_exchange_n(&v->thieves, 0, __ATOMIC_ACQUIRE);
	for (; who; who &= who - 1) {
		struct vcpu *to = &rt.vcpu[__builtin_ctz(who)];
		int more = ready(v) - ready(to);

		if (more <= 0)
			continue;
		if (to->current == &to->idle)
			give(v, to, (more + 1) / 2);
		else
			give_of(v, &v->queue, false, to, more / 2);
	}
}

/* @t, which is @v's, waits for @v alone from now on. */
void make_ready(struct vcpu *v, struct mn_thread *t)
{
	if (t->timer >= 0)
		timer_remove(v, t);
	/* Else it waited for another virtual CPU before, and is what it was. */
	if (t->state != READY) {
		t->state = READY;
		t->hurried = t->urgent;
		t->turn = false;
		t->left = 0;
	}
	t->hurried |= t->boosts > 0;
	queue_last(t->hurried ? &v->hurried : &v->queue, t);
	v->hurry |= t->hurried;
	if (v->current != &v->idle || ready(v) > 1)
		clock_wanted();
	if (ready(v) > 2)
		offer(v, ready(v) / 2);
}

/* By whoever took @t out of what it waited in, on any kernel thread. */
void wake(struct mn_thread *t)
{
	struct vcpu *v = this_vcpu();

	/* What a handler has interrupted may have the queue in its hands. */
	if (t->vcpu != v || over_runtime(1)) {
		send_to(t->vcpu, t, t->urgent);
		return;
	}
	/* Unless it has been given away, it comes in at the section's end. */
	make_ready(v, t);
	if (v->hurry && !v->fair)
		kick(v, 0);
}

/*
 * @t has a mutex that somebody urgent waits for. By whoever does, with that one's
 * lock: @t cannot be gone. It is hurried at once if it waits for a processor, and else
 * when it does next.
 */
void boost(struct mn_thread *t)
{
	struct vcpu *v = __atomic_load_n(&t->vcpu, __ATOMIC_RELAXED);

	/* This one serves it on its way to the next. */
	if (v == this_vcpu())
		__atomic_fetch_or(&v->requests, REQ_BOOST, __ATOMIC_SEQ_CST);
	else
		kick(v, REQ_BOOST);
}

static void boost_ready(struct vcpu *v)
{
	struct mn_thread *t, *next;

	for (t = v->queue.head; t; t = next) {
		next = t->next;
		/* The current one yields. */
		if (!t->boosts || t == v->current)
			continue;
		queue_remove(&v->queue, t);
		t->hurried = true;
		queue_last(&v->hurried, t);
		v->hurry = true;
		clock_wanted();
	}
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
 * Who comes next in the ordinary queue, and has not had more than its share by more
 * than half a slice: others wait until that is made up for.
 */
static struct mn_thread *queue_turn(struct runq *q)
{
	struct mn_thread *t;

	while ((t = queue_take(q))) {
		if (t->turn)
			break;
		t->left += rt.slice;
		t->turn = t->left >= rt.slice / 2 || !q->n;
		if (t->turn)
			break;
		queue_last(q, t);
	}
	return t;
}

static struct mn_thread *next_ready(struct vcpu *v)
{
	struct mn_thread *t;

	if (__builtin_expect(v->fair, 0) && v->queue.n)
		return queue_turn(&v->queue);
	t = queue_take(&v->hurried);
	if (t && !t->turn) {
		t->turn = true;
		t->left = rt.slice;
	}
	return t ?: queue_turn(&v->queue);
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
	next = v->stopping ? NULL : next_ready(v);
	if (!next)
		next = &v->idle;
	/* Who is left behind by one that waits need not wait for it. */
	if (prev->state != READY && ready(v) && rt.idle && prev != &v->idle)
		offer(v, (ready(v) + 1) / 2);
	next->state = RUNNING;
	v->hurry = v->over = v->retry = false;
	v->current = next;
	if (ready(v))
		clock_wanted();
	if (next == prev)
		return;

	prev->saved_errno = get_errno();
	prev->crit_count = v->upc->crit_count;
	v->upc->crit_count = next->crit_count;
	count(&v->stats.switches);
	if (prev->preempted)
		count(&v->stats.preemptions);
	if (__builtin_expect(prev->mask != next->mask, 0))
		kernel_mask(SIG_SETMASK, next->mask);
	if (mn_held | next->held) {
		prev->held = mn_held;
		mn_held = next->held;
		next->held = 0;
	}
	if (next->last != v->index) {
		if (next->last >= 0)
			count(&v->stats.migrations);
		next->last = v->index;
	}
	switch_context(&prev->sp, next->sp, rt.has_sse);
	after_switch();
}

/*
 * The current thread has to make room for others: to the end if its turn @ends,
 * else only for the one in a hurry that comes first now.
 */
static void preempt(struct vcpu *v, bool ends)
{
	struct mn_thread *t = v->current;

	t->state = READY;
	t->preempted = true;
	if (ends) {
		t->hurried = t->urgent || t->boosts;
		t->turn = false;
		queue_last(t->hurried ? &v->hurried : &v->queue, t);
		/* The next one begins here. */
		v->tick_switches = v->stats.switches.low + 1;
	} else if (t->hurried) {
		queue_behind(&v->hurried, v->hurried.head, t);
	} else {
		queue_behind(&v->queue, NULL, t);
	}
	schedule(v);
	t->preempted = false;
}

#define DEBT_MAX	32	/* slices at once; more is forgiven */

#define UNEVEN_MAX	4		/* slices with one more than another has */
#define FEW		8		/* with more it makes no difference */

/*
 * One more than there: they take turns in being the one, which are those who have
 * been here longest.
 */
static void rotate(struct vcpu *v, struct vcpu *to)
{
	struct mn_thread *t, *oldest = v->current;

	for (t = v->queue.head; t; t = t->next)
		if ((int)(t->arrived - oldest->arrived) < 0)
			oldest = t;
	if (oldest == v->current)
		return;
	v->uneven_ticks = 0;
	queue_remove(&v->queue, oldest);
	count(&v->stats.steals);
	oldest->arrived = __atomic_add_fetch(&rt.arrivals, 1, __ATOMIC_RELAXED);
	send_to(to, oldest, false);
}

/*
 * All threads are to get the same, so there should be as many on each virtual CPU.
 * One that has fewer has to ask for them: it may be in a system call that waits.
 */
static void level(struct vcpu *v)
{
	struct vcpu *least = v;
	int i;

	/* Of those that have as few the next one, so that each is it once. */
	for (i = 1; i < rt.vcpus; i++) {
		struct vcpu *other = &rt.vcpu[(v->index + i) % rt.vcpus];

		if (ready(other) < ready(least))
			least = other;
	}
	if (ready(v) >= ready(least) + 2)
		kick(least, REQ_LEVEL);
	else if (v->queue.n <= FEW && ready(v) == ready(least) + 1 &&
		 least->current != &least->idle &&
		 ++v->uneven_ticks >= UNEVEN_MAX)
		rotate(v, least);
}

/* Asks the one that has most, if that is more than here. */
static void ask_for_work(struct vcpu *v)
{
	struct vcpu *most = v;
	int i;

	for (i = 1; i < rt.vcpus; i++) {
		struct vcpu *other = &rt.vcpu[(v->index + i) % rt.vcpus];

		if (ready(other) > ready(most))
			most = other;
	}
	if (ready(most) >= ready(v) + 2 &&
	    !__atomic_fetch_or(&most->thieves, 1u << v->index,
			       __ATOMIC_SEQ_CST))
		kick(most, 0);
}

/*
 * What the current thread has had since the last tick. It may have had less than
 * the clock's: another process that of the processor. If it has not been there all
 * the time nobody knows; it was half of it, on average.
 */
static int64_t had(struct vcpu *v)
{
	int64_t now = cpu_time(), ran = now - v->tick_cpu;

	if (v->tick_switches != v->stats.switches.low)
		ran = rt.slice / 2;
	v->tick_switches = v->stats.switches.low;
	v->tick_cpu = now;
	return ran < DEBT_MAX * rt.slice ? ran : DEBT_MAX * rt.slice;
}

#define HURRIED_MAX	4		/* slices, and then one for others */

/* Those who are urgent do not have a virtual CPU for ever. */
static void be_fair(struct vcpu *v)
{
	if (v->fair) {
		v->fair = false;
		v->hurried_ticks = 0;
		v->hurry = v->hurried.n;
		return;
	}
	if (!v->current->hurried || !v->queue.n)
		v->hurried_ticks = 0;
	else if (++v->hurried_ticks >= HURRIED_MAX)
		v->fair = v->over = true;
}

/* Is the current thread's turn over, if it is one of half slices? */
static void tick(struct vcpu *v)
{
	struct mn_thread *t = v->current;

	if (!ready(v) || t->state != RUNNING)
		return;
	t->left -= had(v);
	v->over = t->left < rt.slice / 2;
	be_fair(v);
}

/*
 * Whatever others want of @v. Returns the priority at which the current thread
 * has to make room, or 0.
 */
static int serve(struct vcpu *v)
{
	unsigned int requests = 0;

	if (v->requests)
		requests = __atomic_exchange_n(&v->requests, 0,
					       __ATOMIC_SEQ_CST);
	if (requests & REQ_STOP)
		v->stopping = true;
	if (requests & REQ_DUMP)
		dump_answer(v);
	inbox_take(v);
	if (requests & REQ_LATER)
		later_run(v);
	if (requests & REQ_TIMER)
		timers_run(v);
	if (requests & REQ_BOOST)
		boost_ready(v);
	give_to_thieves(v);
	if (requests & REQ_LEVEL)
		ask_for_work(v);
	if (requests & (REQ_TICK | REQ_RETRY)) {
		if (ready(v))
			offer(v, (ready(v) + 1) / 2);
		level(v);
	}
	if (requests & REQ_TICK)
		tick(v);
	return v->hurry && !v->fair ? PRIO_URGENT :
	       v->over || v->stopping ? PRIO_NORMAL : 0;
}

/* Does what has come, and lets others run if it is time. In a section; see on_upcall(). */
static void make_room(struct vcpu *v, unsigned long pc, unsigned long sp)
{
	int least = v->upc->crit_count - UPC_CRITADD, priority = serve(v);

	if (!priority)
		return;
	if (priority > least && is_safe_point(v, pc, sp)) {
		/* Not in mn_hold(), even if somebody in a hurry comes in. */
		preempt(v, v->over && PRIO_NORMAL > least);
	} else {
		/* Soon again, then. */
		count(&v->stats.deferred);
		v->retry = true;
		/* It may be mn_run()'s end that waits, and nobody else. */
		clock_wanted();
	}
}

/*
 * The upcall, or the signal handler, of a virtual CPU, in a section of its own:
 * on the stack of the interrupted thread, which was at @pc, with its stack at @sp.
 *
 * In the idle loop there is nothing to interrupt, and what has come must not be
 * taken before everybody can see that this one is no longer idle: see
 * deadlocked().
 */
void on_upcall(struct vcpu *v, unsigned long pc, unsigned long sp)
{
	count(&v->stats.entered);
	if (v->current != &v->idle)
		make_room(v, pc, sp);
}

/* At the end of mn_hold(): a slice's end was put off, and nobody would ask soon. */
void release_late(void)
{
	struct vcpu *v;

	crit_enter();
	v = this_vcpu();
	if (v && v->retry && v->current != &v->idle)
		make_room(v, 0, (unsigned long)__builtin_frame_address(0));
	crit_exit();
}

#define SERVICES	2		/* the clock, and poll.c's thread */

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
	       sig == SIGILL || sig == SIGTRAP || sig == SIGABRT || sig == SIGSYS;
}

/* Is there any kernel thread, or any signal handler, that is the program's? */
static bool others_there(void)
{
	struct sigaction sa;
	struct stat st;
	int sig;

	/* A link for each, and two as any directory. */
	if (stat("/proc/self/task", &st) ||
	    st.st_nlink > 2 + rt.vcpus + SERVICES + helpers_count())
		return true;
	for (sig = 1; sig <= SIGRTMAX; sig++) {
		if (is_fault(sig) || sigaction(sig, NULL, &sa) ||
		    is_on_signal(&sa))
			continue;
		if (sa.sa_flags & SA_SIGINFO || (sa.sa_handler != SIG_DFL &&
						 sa.sa_handler != SIG_IGN))
			return true;
	}
	return false;
}

/*
 * Does every thread wait for another? All virtual CPUs are idle, and were so
 * all the time that this took (turns); nothing is on its way to one of them, and
 * nothing from outside can come. Each of them takes what is for it only when it
 * is not in rt.idle any more, and has counted turns; and external is counted
 * down only after the wake-up has been sent.
 */
static bool all_wait(void)
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

/*
 * Who is outside may wake somebody, now or later: if it has come once that is the end
 * of it. One that comes and goes meanwhile has been here by the second look.
 */
static bool deadlocked(void)
{
	return !__atomic_load_n(&rt.reached, __ATOMIC_SEQ_CST) && all_wait() &&
	       !others_there() &&
	       !__atomic_load_n(&rt.reached, __ATOMIC_SEQ_CST) && all_wait();
}

/*
 * What somebody waited for outside has come, and he has been woken. He may have gone to
 * wait for others before this: the last one to be idle saw no deadlock, and looks again.
 * See offer().
 */
void external_less(void)
{
	unsigned int all = ~0u >> (32 - rt.vcpus);

	if (!__atomic_sub_fetch(&rt.external, 1, __ATOMIC_SEQ_CST) &&
	    __atomic_load_n(&rt.idle, __ATOMIC_SEQ_CST) == all)
		kick(&rt.vcpu[0], REQ_LOOK);
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

	v->fair = false;
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
		if (ready(v))
			schedule(v);
		else
			sleep_idle(v);
	}
}
