// SPDX-License-Identifier: MIT
/*
 * Queues of threads that wait for something, and what is made of them: mutexes,
 * condition variables, semaphores, once.
 *
 * An object is guarded by a spin lock, which is not in the object but one of a
 * fixed number, found by its address: a thread whose deadline has come may take
 * the lock and then see that it has been woken meanwhile, when the object may
 * be gone already.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>

#include "rt.h"

static struct {
	unsigned int	lock __attribute__((aligned(64)));
} locks[SPIN_LOCKS];

unsigned int *lock_of(const void *object)
{
	unsigned long a = (unsigned long)object;

	return &locks[(a >> 4 ^ a >> 12 ^ a >> 20) % SPIN_LOCKS].lock;
}

void lock_set_add(struct lock_set *set, const unsigned int *lock)
{
	size_t i = ((const char *)lock - (const char *)locks) / sizeof(*locks);

	set->has[i / 64] |= UINT64_C(1) << i % 64;
}

static inline void lock_set_each(const struct lock_set *set,
				 void (*fn)(unsigned int *lock))
{
	unsigned int i;
	uint64_t left;

	for (i = 0; i < SPIN_LOCKS / 64; i++)
		for (left = set->has[i]; left; left &= left - 1)
			fn(&locks[i * 64 + __builtin_ctzll(left)].lock);
}

/* In order, so that no two wait for each other: all else takes one at a time. */
void lock_set_lock(const struct lock_set *set)
{
	lock_set_each(set, spin_lock);
}

void lock_set_unlock(const struct lock_set *set)
{
	lock_set_each(set, spin_unlock);
}

/*
 * Every call begins with enter() and ends with leave(): in between it is in a
 * section. NULL: this is not a user thread, or one that is alone after fork().
 */
struct mn_thread *enter(void)
{
	struct vcpu *v;

	crit_enter();
	v = this_vcpu();
	if (v && v->current != &v->idle && !rt.forked)
		return v->current;
	crit_sub(UPC_CRITADD);
	return NULL;
}

int leave(int ret)
{
	crit_exit();
	return ret;
}

/*
 * What wakes and does not wait is for any kernel thread. Those that are no virtual
 * CPU are counted, so that mn_run() does not end under them, and have their signals
 * blocked: a handler may want the same lock.
 */
static void outside_begin(struct caller *c)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &c->mask);
	for (;;) {
		__atomic_add_fetch(&rt.outside, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&rt.closing, __ATOMIC_SEQ_CST))
			break;
		__atomic_sub_fetch(&rt.outside, 1, __ATOMIC_SEQ_CST);
		futex(&rt.outside, FUTEX_WAKE_PRIVATE, 1, 0);
		futex(&rt.closing, FUTEX_WAIT_PRIVATE, 1, 0);
	}
	/* A helper's call is waited for: see deadlocked(). */
	if (!is_helper())
		__atomic_store_n(&rt.reached, true, __ATOMIC_SEQ_CST);
}

static void outside_end(struct caller *c)
{
	__atomic_sub_fetch(&rt.outside, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&rt.closing, __ATOMIC_SEQ_CST))
		futex(&rt.outside, FUTEX_WAKE_PRIVATE, 1, 0);
	pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
}

/* False in a child of fork(): others may have had any lock. */
bool enter_any(struct caller *c)
{
	int saved;

	c->over = over_runtime(0);
	crit_enter();
	if (rt.forked) {
		crit_sub(UPC_CRITADD);
		return false;
	}
	c->outside = !this_vcpu();
	if (c->outside) {
		/* What has the lock there is not interrupted: it can be waited for. */
		c->over = false;
		crit_sub(UPC_CRITADD);
		saved = get_errno();
		outside_begin(c);
		set_errno(saved);
	}
	return true;
}

int leave_any(struct caller *c, int ret)
{
	if (c->outside)
		outside_end(c);
	else
		crit_exit();
	return ret;
}

/*
 * A handler can't wait for a lock that may belong to what it has interrupted. Then
 * it is false.
 */
bool lock_any(struct caller *c, unsigned int *lock)
{
	if (c->over)
		return spin_try(lock);
	spin_lock(lock);
	return true;
}

#define LATER_BROADCAST	(1u << 31)

/*
 * A handler leaves that to what it has interrupted, which is in a section and does it
 * at the end of that, or before it sleeps. It has no memory of its own, so the object
 * itself is put into @list, once.
 */
static void later(struct mn_later **list, struct mn_later *l, unsigned int n)
{
	unsigned int old = __atomic_load_n(&l->_n, __ATOMIC_RELAXED), now;

	do
		now = n == LATER_BROADCAST ? old | n : old + n;
	while (!__atomic_compare_exchange_n(&l->_n, &old, now, true,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (old)
		return;
	l->_next = __atomic_load_n(list, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(list, &l->_next, l, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	kick(this_vcpu(), REQ_LATER);
}

/* From here until outside_open() nobody comes in, and nobody is there. */
void outside_close(void)
{
	unsigned int n;

	__atomic_store_n(&rt.closing, 1, __ATOMIC_SEQ_CST);
	while ((n = __atomic_load_n(&rt.outside, __ATOMIC_SEQ_CST)))
		futex(&rt.outside, FUTEX_WAIT_PRIVATE, n, 0);
}

void outside_open(void)
{
	__atomic_store_n(&rt.closing, 0, __ATOMIC_SEQ_CST);
	futex(&rt.closing, FUTEX_WAKE_PRIVATE, INT_MAX, 0);
}

/*
 * Whoever waited in a run that is over is gone, and so is what he had: the queue
 * is empty then, and the object as if new but for its value. Asked after each lock
 * before the queue is looked at.
 */
bool waitq_stale(struct mn_waitq *q)
{
	if (__builtin_expect(q->_run == rt.serial, 1))
		return false;
	q->_head = q->_tail = NULL;
	q->_run = rt.serial;
	return true;
}

/* For a child of fork(), in which nobody has any. */
void locks_reset(void)
{
	unsigned int i;

	for (i = 0; i < SPIN_LOCKS; i++)
		locks[i].lock = 0;
}

/* @lock is held, and outlives @q. */
void waitq_add_under(struct mn_waitq *q, struct mn_thread *t,
		     unsigned int *lock)
{
	t->waitq_lock = lock;
	t->wait_next = NULL;
	t->wait_prev = q->_tail;
	if (q->_tail)
		q->_tail->wait_next = t;
	else
		q->_head = t;
	q->_tail = t;
	t->waitq = q;
}

void waitq_add(struct mn_waitq *q, struct mn_thread *t)
{
	waitq_add_under(q, t, lock_of(q));
}

void waitq_add_first(struct mn_waitq *q, struct mn_thread *t)
{
	t->waitq_lock = lock_of(q);
	t->wait_prev = NULL;
	t->wait_next = q->_head;
	if (q->_head)
		q->_head->wait_prev = t;
	else
		q->_tail = t;
	q->_head = t;
	t->waitq = q;
}

void waitq_remove(struct mn_waitq *q, struct mn_thread *t)
{
	if (t->wait_prev)
		t->wait_prev->wait_next = t->wait_next;
	else
		q->_head = t->wait_next;
	if (t->wait_next)
		t->wait_next->wait_prev = t->wait_prev;
	else
		q->_tail = t->wait_prev;
	__atomic_store_n(&t->waitq, NULL, __ATOMIC_RELEASE);
}

/* Whoever takes a thread out of a queue has to wake it, and nobody else. */
struct mn_thread *waitq_take(struct mn_waitq *q)
{
	struct mn_thread *t = q->_head;

	if (t)
		waitq_remove(q, t);
	return t;
}

static void wake_taken(struct mn_thread *t)
{
	if (t)
		wake(t);
}

/*
 * Puts all that wait in @q behind those in @list, in order. wake_list() is for
 * after the lock, when the object may be gone.
 */
void waitq_take_all(struct mn_waitq *q, struct mn_thread **list)
{
	struct mn_thread *t;

	while (*list)
		list = &(*list)->wait_next;
	while ((t = waitq_take(q))) {
		t->wait_next = NULL;
		*list = t;
		list = &t->wait_next;
	}
}

void wake_list(struct mn_thread *list)
{
	struct mn_thread *next;

	for (; list; list = next) {
		/* It may be in another queue once it has been woken. */
		next = list->wait_next;
		wake(list);
	}
}

/*
 * The deadline of @t, which is this virtual CPU's, has come. False if somebody
 * has taken it out of its queue before.
 */
bool give_up(struct mn_thread *t)
{
	struct mn_waitq *q = __atomic_load_n(&t->waitq, __ATOMIC_ACQUIRE);
	bool mine;

	if (t->state == SLEEPING)
		return true;
	if (t->selection)
		return select_give_up(t);
	if (!q)
		return false;
	spin_lock(t->waitq_lock);
	mine = t->waitq == q;
	if (mine)
		waitq_remove(q, t);
	spin_unlock(t->waitq_lock);
	t->timed_out = mine;
	return mine;
}

/*
 * Waits until somebody wakes the current thread, which is in a queue, or until
 * @deadline: ETIMEDOUT then. One that is over is not waited for.
 */
int wait_until(enum state state, int64_t deadline)
{
	struct vcpu *v = this_vcpu();
	struct mn_thread *t = v->current;

	t->state = state;
	t->timed_out = false;
	if (deadline != MN_FOREVER) {
		if (deadline <= mn_now() && give_up(t)) {
			t->state = RUNNING;
			return ETIMEDOUT;
		}
		timer_add(v, t, deadline);
	}
	schedule(v);
	return t->timed_out ? ETIMEDOUT : 0;
}

/*
 * Mutexes. Whoever comes first gets it, if he has waited or not. But one who has been
 * woken and comes too late is first in the queue from then on, and is given it.
 *
 * While somebody urgent waits the owner is boosted, which means as urgent as that.
 */

static void mutex_get_lock(struct mn_mutex *m)
{
	spin_lock(lock_of(&m->_queue));
	if (waitq_stale(&m->_queue)) {
		m->_owner = NULL;
		m->_boosted = 0;
	}
}

/* With the lock. */
static void mutex_own(struct mn_mutex *m, struct mn_thread *t)
{
	m->_owner = t;
	t->owns++;
	if (m->_boosted)
		__atomic_add_fetch(&t->boosts, 1, __ATOMIC_SEQ_CST);
}

static void mutex_disown(struct mn_mutex *m, struct mn_thread *t)
{
	m->_owner = NULL;
	t->owns--;
	if (m->_boosted)
		__atomic_sub_fetch(&t->boosts, 1, __ATOMIC_SEQ_CST);
}

static void mutex_enqueue(struct mn_mutex *m, struct mn_thread *t, bool again)
{
	t->passed_over = again;
	if (again)
		waitq_add_first(&m->_queue, t);
	else
		waitq_add(&m->_queue, t);
	if (!m->_boosted && (t->urgent || t->boosts)) {
		m->_boosted = 1;
		__atomic_add_fetch(&m->_owner->boosts, 1, __ATOMIC_SEQ_CST);
		boost(m->_owner);
	}
}

/* Somebody has given up. If nobody urgent is left the owner is no longer boosted. */
static void mutex_given_up(struct mn_mutex *m)
{
	struct mn_thread *t = NULL;

	mutex_get_lock(m);
	if (m->_boosted)
		for (t = m->_queue._head; t; t = t->wait_next)
			if (t->urgent || t->boosts)
				break;
	if (m->_boosted && !t) {
		m->_boosted = 0;
		__atomic_sub_fetch(&m->_owner->boosts, 1, __ATOMIC_SEQ_CST);
	}
	spin_unlock(lock_of(&m->_queue));
}

static int mutex_lock(struct mn_mutex *m, struct mn_thread *t, int64_t deadline)
{
	unsigned int *lock = lock_of(&m->_queue);
	bool again = false;

	for (;; again = true) {
		struct mn_thread *owner;

		mutex_get_lock(m);
		owner = m->_owner;
		if (!owner)
			mutex_own(m, t);
		else if (owner != t)
			mutex_enqueue(m, t, again);
		spin_unlock(lock);
		/* If it has waited it has been given it. */
		if (!owner || (owner == t && again))
			return 0;
		if (owner == t)
			return EDEADLK;
		if (wait_until(IN_MUTEX, deadline)) {
			mutex_given_up(m);
			return ETIMEDOUT;
		}
	}
}

static int mutex_unlock(struct mn_mutex *m, struct mn_thread *t)
{
	unsigned int *lock = lock_of(&m->_queue);
	struct mn_thread *next = NULL;
	int ret = EPERM;

	mutex_get_lock(m);
	if (m->_owner == t) {
		mutex_disown(m, t);
		next = waitq_take(&m->_queue);
		/* Those who are left see to the next owner when they are woken. */
		m->_boosted = next && next->passed_over && m->_boosted;
		if (next && next->passed_over)
			mutex_own(m, next);
		ret = 0;
	}
	spin_unlock(lock);
	wake_taken(next);
	return ret;
}

MN_EXPORT void mn_mutex_init(struct mn_mutex *m)
{
	*m = (struct mn_mutex)MN_MUTEX_INITIALIZER;
}

MN_EXPORT int mn_mutex_timedlock(struct mn_mutex *m, int64_t deadline)
{
	struct mn_thread *t = enter();

	return t ? leave(mutex_lock(m, t, deadline)) : EPERM;
}

MN_EXPORT int mn_mutex_lock(struct mn_mutex *m)
{
	return mn_mutex_timedlock(m, MN_FOREVER);
}

MN_EXPORT int mn_mutex_trylock(struct mn_mutex *m)
{
	unsigned int *lock = lock_of(&m->_queue);
	struct mn_thread *t = enter();
	int ret = 0;

	if (!t)
		return EPERM;
	mutex_get_lock(m);
	if (m->_owner)
		ret = EBUSY;
	else
		mutex_own(m, t);
	spin_unlock(lock);
	return leave(ret);
}

MN_EXPORT int mn_mutex_unlock(struct mn_mutex *m)
{
	struct mn_thread *t = enter();

	return t ? leave(mutex_unlock(m, t)) : EPERM;
}

/* Condition variables. */

MN_EXPORT void mn_cond_init(struct mn_cond *c)
{
	*c = (struct mn_cond)MN_COND_INITIALIZER;
}

/*
 * In the queue first, then without the mutex: whoever signals after having had
 * the mutex finds us, though we may still be on our way to sleep.
 */
MN_EXPORT int mn_cond_timedwait(struct mn_cond *c, struct mn_mutex *m,
				int64_t deadline)
{
	unsigned int *lock = lock_of(&c->_queue);
	struct mn_thread *t = enter();
	int ret;

	if (!t)
		return EPERM;
	if (m->_owner != t || m->_queue._run != rt.serial)
		return leave(EPERM);
	spin_lock(lock);
	waitq_stale(&c->_queue);
	waitq_add(&c->_queue, t);
	spin_unlock(lock);
	mutex_unlock(m, t);
	ret = wait_until(IN_COND, deadline);
	mutex_lock(m, t, MN_FOREVER);
	return leave(ret);
}

MN_EXPORT int mn_cond_wait(struct mn_cond *c, struct mn_mutex *m)
{
	return mn_cond_timedwait(c, m, MN_FOREVER);
}

/* With the lock. */
static void cond_signal(struct mn_cond *c)
{
	struct mn_thread *next;

	waitq_stale(&c->_queue);
	next = waitq_take(&c->_queue);
	spin_unlock(lock_of(&c->_queue));
	wake_taken(next);
}

/* Those who wait now, and not those who come back meanwhile. With the lock. */
static void cond_broadcast(struct mn_cond *c)
{
	struct mn_thread *list = NULL;

	waitq_stale(&c->_queue);
	waitq_take_all(&c->_queue, &list);
	spin_unlock(lock_of(&c->_queue));
	wake_list(list);
}

MN_EXPORT int mn_cond_signal(struct mn_cond *c)
{
	struct caller caller;

	if (!enter_any(&caller))
		return EPERM;
	if (lock_any(&caller, lock_of(&c->_queue)))
		cond_signal(c);
	else
		later(&this_vcpu()->conds, &c->_later, 1);
	return leave_any(&caller, 0);
}

MN_EXPORT int mn_cond_broadcast(struct mn_cond *c)
{
	struct caller caller;

	if (!enter_any(&caller))
		return EPERM;
	if (lock_any(&caller, lock_of(&c->_queue)))
		cond_broadcast(c);
	else
		later(&this_vcpu()->conds, &c->_later, LATER_BROADCAST);
	return leave_any(&caller, 0);
}

/* Semaphores. */

MN_EXPORT int mn_sem_init(struct mn_sem *s, int value)
{
	if (value < 0)
		return EINVAL;
	*s = (struct mn_sem)MN_SEM_INITIALIZER(value);
	return 0;
}

static bool sem_take(struct mn_sem *s)
{
	if (s->_value <= 0)
		return false;
	s->_value--;
	return true;
}

MN_EXPORT int mn_sem_timedwait(struct mn_sem *s, int64_t deadline)
{
	unsigned int *lock = lock_of(&s->_queue);
	struct mn_thread *t = enter();
	bool got;

	if (!t)
		return EPERM;
	spin_lock(lock);
	waitq_stale(&s->_queue);
	got = sem_take(s);
	if (!got)
		waitq_add(&s->_queue, t);
	spin_unlock(lock);
	/* mn_sem_post() gives it to the one that it takes out of the queue. */
	return leave(got ? 0 : wait_until(IN_SEM, deadline));
}

MN_EXPORT int mn_sem_wait(struct mn_sem *s)
{
	return mn_sem_timedwait(s, MN_FOREVER);
}

MN_EXPORT int mn_sem_trywait(struct mn_sem *s)
{
	unsigned int *lock = lock_of(&s->_queue);
	struct caller caller;
	bool got;

	if (!enter_any(&caller))
		return EPERM;
	if (!lock_any(&caller, lock))
		return leave_any(&caller, EAGAIN);
	got = sem_take(s);
	spin_unlock(lock);
	return leave_any(&caller, got ? 0 : EAGAIN);
}

/* With the lock. */
static int sem_post(struct mn_sem *s)
{
	struct mn_thread *next;
	int ret = 0;

	waitq_stale(&s->_queue);
	next = waitq_take(&s->_queue);
	if (!next && s->_value == INT_MAX)
		ret = EOVERFLOW;
	else if (!next)
		s->_value++;
	spin_unlock(lock_of(&s->_queue));
	wake_taken(next);
	return ret;
}

MN_EXPORT int mn_sem_post(struct mn_sem *s)
{
	struct caller caller;
	int ret = 0;

	if (!enter_any(&caller))
		return EPERM;
	if (lock_any(&caller, lock_of(&s->_queue)))
		ret = sem_post(s);
	else
		later(&this_vcpu()->sems, &s->_later, 1);
	return leave_any(&caller, ret);
}

/* What handlers have left. In a section, without locks. */

#define OBJECT(type, l)	((type *)((char *)(l) - offsetof(type, _later)))

static void sem_post_later(struct mn_later *l, unsigned int n)
{
	struct mn_sem *s = OBJECT(struct mn_sem, l);

	while (n--) {
		spin_lock(lock_of(&s->_queue));
		sem_post(s);
	}
}

static void cond_signal_later(struct mn_later *l, unsigned int n)
{
	struct mn_cond *c = OBJECT(struct mn_cond, l);
	unsigned int i;

	for (i = 0; i < (n & LATER_BROADCAST ? 1 : n); i++) {
		spin_lock(lock_of(&c->_queue));
		if (n & LATER_BROADCAST)
			cond_broadcast(c);
		else
			cond_signal(c);
	}
}

static void run_list(struct mn_later **list,
		     void (*run)(struct mn_later *l, unsigned int n))
{
	struct mn_later *l, *next;

	for (l = __atomic_exchange_n(list, NULL, __ATOMIC_ACQUIRE); l; l = next) {
		next = l->_next;
		/* From here on it may be in a list again. */
		run(l, __atomic_exchange_n(&l->_n, 0, __ATOMIC_ACQ_REL));
	}
}

void later_run(struct vcpu *v)
{
	run_list(&v->sems, sem_post_later);
	run_list(&v->conds, cond_signal_later);
}

/* Once. */

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

static int once_begin(struct mn_once *o, struct mn_thread *t)
{
	unsigned int *lock = lock_of(&o->_queue);
	int state;

	spin_lock(lock);
	if (waitq_stale(&o->_queue) && o->_state == ONCE_RUNNING)
		o->_state = ONCE_NEW;
	state = o->_state;
	if (state == ONCE_NEW)
		o->_state = ONCE_RUNNING;
	else if (state == ONCE_RUNNING)
		waitq_add(&o->_queue, t);
	spin_unlock(lock);
	return state;
}

static void once_end(struct mn_once *o)
{
	unsigned int *lock = lock_of(&o->_queue);
	struct mn_thread *list = NULL;

	enter();
	spin_lock(lock);
	waitq_take_all(&o->_queue, &list);
	/* Last: who sees it takes no lock, and may do away with all of it. */
	__atomic_store_n(&o->_state, ONCE_DONE, __ATOMIC_RELEASE);
	spin_unlock(lock);
	wake_list(list);
	leave(0);
}

MN_EXPORT int mn_timedonce(struct mn_once *o, void (*fn)(void), int64_t deadline)
{
	struct mn_thread *t;
	int state;

	if (__atomic_load_n(&o->_state, __ATOMIC_ACQUIRE) == ONCE_DONE)
		return 0;
	t = enter();
	if (!t)
		return EPERM;
	state = once_begin(o, t);
	if (state == ONCE_RUNNING)
		return leave(wait_until(IN_ONCE, deadline));
	leave(0);
	if (state == ONCE_NEW) {
		fn();
		once_end(o);
	}
	return 0;
}

MN_EXPORT int mn_once(struct mn_once *o, void (*fn)(void))
{
	return mn_timedonce(o, fn, MN_FOREVER);
}
