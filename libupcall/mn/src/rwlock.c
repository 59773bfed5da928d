// SPDX-License-Identifier: MIT
/*
 * Locks for many readers or one writer, barriers and wait groups.
 *
 * As with channels, who is woken has what it waited for and does not look at the
 * object again, which may be gone by then.
 */
#include <errno.h>
#include <limits.h>

#include "rt.h"

/*
 * Readers and writers. Who comes while a writer has the lock or waits for it waits
 * too. Phases take turns: after a writer all readers that wait come in, after the
 * last of these the first writer. So neither waits for more than one phase of the
 * others and those before it.
 */

#define AT_ONCE	INT64_MIN	/* a deadline: do not wait */

/* One lock for both queues, and for all else. */
static unsigned int *rw_lock_of(struct mn_rwlock *l)
{
	return lock_of(&l->_readers);
}

static void rw_get_lock(struct mn_rwlock *l)
{
	spin_lock(rw_lock_of(l));
	if (waitq_stale(&l->_readers)) {
		waitq_stale(&l->_writers);
		l->_writer = NULL;
		l->_reading = 0;
	}
}

/* With the lock; @list is to be woken without it. */
static void rw_admit_readers(struct mn_rwlock *l, struct mn_thread **list)
{
	struct mn_thread *t;

	waitq_take_all(&l->_readers, list);
	for (t = *list; t; t = t->wait_next)
		l->_reading++;
}

/* A thread that ends with it keeps its memory, as with a mutex. */
static void rw_own(struct mn_rwlock *l, struct mn_thread *t)
{
	l->_writer = t;
	t->owns++;
}

static void rw_admit_writer(struct mn_rwlock *l, struct mn_thread **list)
{
	struct mn_thread *t = waitq_take(&l->_writers);

	if (!t)
		return;
	rw_own(l, t);
	t->wait_next = NULL;
	*list = t;
}

static int rw_enqueue(struct mn_rwlock *l, struct mn_waitq *q,
		      struct mn_thread *t, int64_t deadline)
{
	if (deadline == AT_ONCE)
		return EBUSY;
	if (l->_writer == t)
		return EDEADLK;
	waitq_add_under(q, t, rw_lock_of(l));
	return EAGAIN;
}

static int rdlock(struct mn_rwlock *l, int64_t deadline)
{
	struct mn_thread *t = enter();
	int ret = 0;

	if (!t)
		return EPERM;
	rw_get_lock(l);
	if (l->_writer || l->_writers._head)
		ret = rw_enqueue(l, &l->_readers, t, deadline);
	else
		l->_reading++;
	spin_unlock(rw_lock_of(l));
	return leave(ret == EAGAIN ? wait_until(IN_RWLOCK, deadline) : ret);
}

/* Readers may wait for nothing but the writer that has given up. */
static void rw_given_up(struct mn_rwlock *l)
{
	struct mn_thread *list = NULL;

	rw_get_lock(l);
	if (!l->_writer && !l->_writers._head)
		rw_admit_readers(l, &list);
	spin_unlock(rw_lock_of(l));
	wake_list(list);
}

static int wrlock(struct mn_rwlock *l, int64_t deadline)
{
	struct mn_thread *t = enter();
	int ret = 0;

	if (!t)
		return EPERM;
	rw_get_lock(l);
	if (l->_writer || l->_reading)
		ret = rw_enqueue(l, &l->_writers, t, deadline);
	else
		rw_own(l, t);
	spin_unlock(rw_lock_of(l));
	if (ret == EAGAIN) {
		ret = wait_until(IN_RWLOCK, deadline);
		if (ret)
			rw_given_up(l);
	}
	return leave(ret);
}

/* With the lock. */
static int rw_release(struct mn_rwlock *l, struct mn_thread *t,
		      struct mn_thread **list)
{
	if (l->_writer == t) {
		l->_writer = NULL;
		t->owns--;
		rw_admit_readers(l, list);
		if (!*list)
			rw_admit_writer(l, list);
		return 0;
	}
	if (l->_writer || !l->_reading)
		return EPERM;
	if (!--l->_reading)
		rw_admit_writer(l, list);
	return 0;
}

MN_EXPORT void mn_rwlock_init(struct mn_rwlock *l)
{
	*l = (struct mn_rwlock)MN_RWLOCK_INITIALIZER;
}

MN_EXPORT int mn_rwlock_rdlock(struct mn_rwlock *l)
{
	return rdlock(l, MN_FOREVER);
}

MN_EXPORT int mn_rwlock_tryrdlock(struct mn_rwlock *l)
{
	return rdlock(l, AT_ONCE);
}

MN_EXPORT int mn_rwlock_timedrdlock(struct mn_rwlock *l, int64_t deadline)
{
	return rdlock(l, deadline == AT_ONCE ? deadline + 1 : deadline);
}

MN_EXPORT int mn_rwlock_wrlock(struct mn_rwlock *l)
{
	return wrlock(l, MN_FOREVER);
}

MN_EXPORT int mn_rwlock_trywrlock(struct mn_rwlock *l)
{
	return wrlock(l, AT_ONCE);
}

MN_EXPORT int mn_rwlock_timedwrlock(struct mn_rwlock *l, int64_t deadline)
{
	return wrlock(l, deadline == AT_ONCE ? deadline + 1 : deadline);
}

MN_EXPORT int mn_rwlock_unlock(struct mn_rwlock *l)
{
	struct mn_thread *t = enter(), *list = NULL;
	int ret;

	if (!t)
		return EPERM;
	rw_get_lock(l);
	ret = rw_release(l, t, &list);
	spin_unlock(rw_lock_of(l));
	wake_list(list);
	return leave(ret);
}

/*
 * Barriers. Whose deadline has come is out of the queue before it can say that it is
 * not there any more: so _here may count it still, and where that is enough the queue
 * decides, which is counted then and not each time.
 */

MN_EXPORT int mn_barrier_init(struct mn_barrier *b, unsigned int n)
{
	if (!n)
		return EINVAL;
	*b = (struct mn_barrier)MN_BARRIER_INITIALIZER(n);
	return 0;
}

/* With the lock. */
static bool barrier_complete(struct mn_barrier *b)
{
	unsigned int n = 1;
	struct mn_thread *t;

	if (b->_here < b->_n)
		return false;
	for (t = b->_queue._head; t; t = t->wait_next)
		n++;
	return n >= b->_n;
}

/* It counts itself before it looks, and is in the queue or lets all of them go. */
static bool barrier_arrive(struct mn_barrier *b, struct mn_thread *t)
{
	unsigned int *lock = lock_of(&b->_queue);
	struct mn_thread *list = NULL;
	bool complete;

	spin_lock(lock);
	if (waitq_stale(&b->_queue))
		b->_here = 0;
	b->_here++;
	complete = barrier_complete(b);
	if (complete) {
		b->_here -= b->_n;
		waitq_take_all(&b->_queue, &list);
	} else {
		waitq_add(&b->_queue, t);
	}
	spin_unlock(lock);
	wake_list(list);
	return complete;
}

MN_EXPORT int mn_barrier_timedwait(struct mn_barrier *b, int *last,
				   int64_t deadline)
{
	struct mn_thread *t = enter();
	bool complete;
	int ret = 0;

	if (!t)
		return EPERM;
	complete = barrier_arrive(b, t);
	if (!complete)
		ret = wait_until(IN_BARRIER, deadline);
	if (ret) {
		spin_lock(lock_of(&b->_queue));
		b->_here--;
		spin_unlock(lock_of(&b->_queue));
	} else if (last) {
		*last = complete;
	}
	return leave(ret);
}

MN_EXPORT int mn_barrier_wait(struct mn_barrier *b, int *last)
{
	return mn_barrier_timedwait(b, last, MN_FOREVER);
}

/* Wait groups. */

MN_EXPORT int mn_wg_init(struct mn_wg *w, int n)
{
	if (n < 0)
		return EINVAL;
	*w = (struct mn_wg)MN_WG_INITIALIZER(n);
	return 0;
}

/* With the lock. */
static int wg_add(struct mn_wg *w, int n, struct mn_thread **list)
{
	int sum;

	if (__builtin_add_overflow(w->_n, n, &sum))
		return n < 0 ? EINVAL : EOVERFLOW;
	if (sum < 0)
		return EINVAL;
	w->_n = sum;
	if (!sum)
		waitq_take_all(&w->_queue, list);
	return 0;
}

MN_EXPORT int mn_wg_add(struct mn_wg *w, int n)
{
	unsigned int *lock = lock_of(&w->_queue);
	struct mn_thread *list = NULL;
	struct caller caller;
	int ret;

	if (!enter_any(&caller))
		return EPERM;
	spin_lock(lock);
	waitq_stale(&w->_queue);
	ret = wg_add(w, n, &list);
	spin_unlock(lock);
	wake_list(list);
	return leave_any(&caller, ret);
}

MN_EXPORT int mn_wg_done(struct mn_wg *w)
{
	return mn_wg_add(w, -1);
}

MN_EXPORT int mn_wg_timedwait(struct mn_wg *w, int64_t deadline)
{
	unsigned int *lock = lock_of(&w->_queue);
	struct mn_thread *t = enter();
	bool over;

	if (!t)
		return EPERM;
	spin_lock(lock);
	waitq_stale(&w->_queue);
	over = !w->_n;
	if (!over)
		waitq_add(&w->_queue, t);
	spin_unlock(lock);
	return leave(over ? 0 : wait_until(IN_WG, deadline));
}

MN_EXPORT int mn_wg_wait(struct mn_wg *w)
{
	return mn_wg_timedwait(w, MN_FOREVER);
}
