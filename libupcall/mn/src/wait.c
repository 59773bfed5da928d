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

#include "rt.h"

#define LOCKS	256

static struct {
	unsigned int	lock __attribute__((aligned(64)));
} locks[LOCKS];

unsigned int *lock_of(const void *object)
{
	unsigned long a = (unsigned long)object;

	return &locks[(a >> 4 ^ a >> 12 ^ a >> 20) % LOCKS].lock;
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

void waitq_add(struct mn_waitq *q, struct mn_thread *t)
{
	t->wait_next = NULL;
	t->wait_prev = q->_tail;
	if (q->_tail)
		q->_tail->wait_next = t;
	else
		q->_head = t;
	q->_tail = t;
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
	if (!q)
		return false;
	spin_lock(lock_of(q));
	mine = t->waitq == q;
	if (mine)
		waitq_remove(q, t);
	spin_unlock(lock_of(q));
	t->timed_out = mine;
	return mine;
}

/*
 * Waits until somebody wakes the current thread, which is in a queue, or until
 * @deadline: ETIMEDOUT then.
 */
int wait_until(enum state state, int64_t deadline)
{
	struct vcpu *v = this_vcpu();
	struct mn_thread *t = v->current;

	t->state = state;
	t->timed_out = false;
	if (deadline != MN_FOREVER)
		timer_add(v, t, deadline);
	schedule(v);
	return t->timed_out ? ETIMEDOUT : 0;
}

/* Mutexes. Whoever comes first gets it, if he has waited or not. */

static int mutex_lock(struct mn_mutex *m, struct mn_thread *t)
{
	unsigned int *lock = lock_of(&m->_queue);

	for (;;) {
		struct mn_thread *owner;

		spin_lock(lock);
		owner = m->_owner;
		if (!owner)
			m->_owner = t;
		else if (owner != t)
			waitq_add(&m->_queue, t);
		spin_unlock(lock);
		if (!owner)
			return 0;
		if (owner == t)
			return EDEADLK;
		wait_until(IN_MUTEX, MN_FOREVER);
	}
}

static int mutex_unlock(struct mn_mutex *m, struct mn_thread *t)
{
	unsigned int *lock = lock_of(&m->_queue);
	struct mn_thread *next = NULL;
	int ret = EPERM;

	spin_lock(lock);
	if (m->_owner == t) {
		m->_owner = NULL;
		next = waitq_take(&m->_queue);
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

MN_EXPORT int mn_mutex_lock(struct mn_mutex *m)
{
	struct mn_thread *t = enter();

	return t ? leave(mutex_lock(m, t)) : EPERM;
}

MN_EXPORT int mn_mutex_trylock(struct mn_mutex *m)
{
	unsigned int *lock = lock_of(&m->_queue);
	struct mn_thread *t = enter();
	int ret = 0;

	if (!t)
		return EPERM;
	spin_lock(lock);
	if (m->_owner)
		ret = EBUSY;
	else
		m->_owner = t;
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
	if (m->_owner != t)
		return leave(EPERM);
	spin_lock(lock);
	waitq_add(&c->_queue, t);
	spin_unlock(lock);
	mutex_unlock(m, t);
	ret = wait_until(IN_COND, deadline);
	mutex_lock(m, t);
	return leave(ret);
}

MN_EXPORT int mn_cond_wait(struct mn_cond *c, struct mn_mutex *m)
{
	return mn_cond_timedwait(c, m, MN_FOREVER);
}

MN_EXPORT int mn_cond_signal(struct mn_cond *c)
{
	unsigned int *lock = lock_of(&c->_queue);
	struct mn_thread *next;

	if (!enter())
		return EPERM;
	spin_lock(lock);
	next = waitq_take(&c->_queue);
	spin_unlock(lock);
	wake_taken(next);
	return leave(0);
}

/* Those who wait now, and not those who come back meanwhile. */
MN_EXPORT int mn_cond_broadcast(struct mn_cond *c)
{
	unsigned int *lock = lock_of(&c->_queue);
	struct mn_thread *list = NULL;

	if (!enter())
		return EPERM;
	spin_lock(lock);
	waitq_take_all(&c->_queue, &list);
	spin_unlock(lock);
	wake_list(list);
	return leave(0);
}

/* Semaphores. */

MN_EXPORT int mn_sem_init(struct mn_sem *s, int value)
{
	if (value < 0)
		return EINVAL;
	*s = (struct mn_sem)MN_SEM_INITIALIZER(value);
	return 0;
}

static int sem_wait_until(struct mn_sem *s, int64_t deadline)
{
	unsigned int *lock = lock_of(&s->_queue);
	struct mn_thread *t = enter();
	bool got;

	if (!t)
		return EPERM;
	spin_lock(lock);
	got = s->_value > 0;
	if (got)
		s->_value--;
	else if (deadline)
		waitq_add(&s->_queue, t);
	spin_unlock(lock);
	if (got)
		return leave(0);
	/* mn_sem_post() gives it to the one that it takes out of the queue. */
	return leave(deadline ? wait_until(IN_SEM, deadline) : EAGAIN);
}

MN_EXPORT int mn_sem_wait(struct mn_sem *s)
{
	return sem_wait_until(s, MN_FOREVER);
}

MN_EXPORT int mn_sem_trywait(struct mn_sem *s)
{
	return sem_wait_until(s, 0);
}

MN_EXPORT int mn_sem_timedwait(struct mn_sem *s, int64_t deadline)
{
	/* In the past is in the past. */
	return sem_wait_until(s, deadline > 0 ? deadline : 1);
}

MN_EXPORT int mn_sem_post(struct mn_sem *s)
{
	unsigned int *lock = lock_of(&s->_queue);
	struct mn_thread *next;
	int ret = 0;

	if (!enter())
		return EPERM;
	spin_lock(lock);
	next = waitq_take(&s->_queue);
	if (!next && s->_value == INT_MAX)
		ret = EOVERFLOW;
	else if (!next)
		s->_value++;
	spin_unlock(lock);
	wake_taken(next);
	return leave(ret);
}

/* Once. */

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

static int once_begin(struct mn_once *o, struct mn_thread *t)
{
	unsigned int *lock = lock_of(&o->_queue);
	int state;

	spin_lock(lock);
	state = o->_state;
	if (state == ONCE_NEW)
		o->_state = ONCE_RUNNING;
	else if (state == ONCE_RUNNING)
		waitq_add(&o->_queue, t);
	spin_unlock(lock);
	return state;
}

MN_EXPORT int mn_once(struct mn_once *o, void (*fn)(void))
{
	unsigned int *lock = lock_of(&o->_queue);
	struct mn_thread *t, *list = NULL;
	int state;

	if (__atomic_load_n(&o->_state, __ATOMIC_ACQUIRE) == ONCE_DONE)
		return 0;
	t = enter();
	if (!t)
		return EPERM;
	state = once_begin(o, t);
	if (state == ONCE_RUNNING)
		wait_until(IN_ONCE, MN_FOREVER);
	if (state != ONCE_NEW)
		return leave(0);

	leave(0);
	fn();
	enter();
	spin_lock(lock);
	waitq_take_all(&o->_queue, &list);
	/* Last: who sees it takes no lock, and may do away with all of it. */
	__atomic_store_n(&o->_state, ONCE_DONE, __ATOMIC_RELEASE);
	spin_unlock(lock);
	wake_list(list);
	return leave(0);
}
