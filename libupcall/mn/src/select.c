// SPDX-License-Identifier: MIT
/*
 * One of several: a thread waits at several channels for whichever comes first.
 *
 * Each case has a place in a queue of its channel, and all of them lead to one
 * selection, which is on the thread's stack. Whoever finds a case under the lock of
 * its channel takes it out of the queue, and claims the selection for it:
 *
 *   sender at A, lock of A     receiver at B, lock of B     timers_run()
 *
 *   take the case out          take the case out
 *   taken: NULL -> case        taken: NULL -> case          taken: NULL -> no_case
 *   copy the element           copy the element
 *   unlock, wake               unlock, wake                 make it ready
 *
 * One of them wins, and does what is below. For the others the case was not there.
 * So there is one element, one wake-up, and none of either is lost.
 *
 * The first look is at all channels at the same time, with all their locks: if two
 * threads select the two ends of one channel the later one finds the case of the
 * earlier. No case of one's own is in a queue then.
 *
 * Once awake the thread takes its other cases back. A case is in a queue if _queued
 * says so, which is written under the lock; where it is not, the channel may be gone,
 * and is not looked at.
 */
#include <errno.h>

#include "chan.h"

struct selection {
	struct mn_thread	*thread;
	struct mn_select_case	*taken;
};

static struct mn_select_case no_case;	/* the deadline's */

static bool claim(struct selection *s, struct mn_select_case *k)
{
	struct mn_select_case *none = NULL;

	return __atomic_compare_exchange_n(&s->taken, &none, k, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static bool is_queued(const struct mn_select_case *k)
{
	return __atomic_load_n(&k->_queued, __ATOMIC_ACQUIRE);
}

static void case_add(struct cases *q, struct mn_select_case *k)
{
	k->_next = NULL;
	k->_prev = q->tail;
	if (q->tail)
		q->tail->_next = k;
	else
		q->head = k;
	q->tail = k;
	__atomic_store_n(&k->_queued, true, __ATOMIC_RELAXED);
}

void case_remove(struct cases *q, struct mn_select_case *k)
{
	if (k->_prev)
		k->_prev->_next = k->_next;
	else
		q->head = k->_next;
	if (k->_next)
		k->_next->_prev = k->_prev;
	else
		q->tail = k->_prev;
}

/* Of a case that has been removed: the thread that is to be woken, or NULL. */
struct mn_thread *case_claim(struct mn_select_case *k)
{
	struct selection *s = k->_selection;
	bool mine = claim(s, k);
	struct mn_thread *t = mine ? s->thread : NULL;

	/* From here on the thread may go, unless it waits for its wake-up. */
	__atomic_store_n(&k->_queued, false, __ATOMIC_RELEASE);
	return t;
}

/*
 * Does anybody wait there? Who has been told of something else does not, though he may
 * not have taken his case back yet: it is done for him.
 */
bool cases_wait(struct cases *q)
{
	struct mn_select_case *k;
	struct selection *s;

	while ((k = q->head)) {
		s = k->_selection;
		if (!__atomic_load_n(&s->taken, __ATOMIC_ACQUIRE))
			return true;
		case_remove(q, k);
		case_claim(k);
	}
	return false;
}

/* As waitq_take_all(). */
void cases_take_all(struct cases *q, struct mn_thread **list)
{
	struct mn_thread *t;
	struct mn_select_case *k;

	while (*list)
		list = &(*list)->wait_next;
	while ((k = q->head)) {
		case_remove(q, k);
		t = case_claim(k);
		if (!t)
			continue;
		t->wait_next = NULL;
		*list = t;
		list = &t->wait_next;
	}
}

/* The deadline of @t has come: has nothing else before? */
bool select_give_up(struct mn_thread *t)
{
	t->timed_out = claim(t->selection, &no_case);
	return t->timed_out;
}

static struct cases *queue_of(const struct mn_select_case *k)
{
	return k->op == MN_SELECT_SEND ? &k->chan->sending : &k->chan->receiving;
}

static bool cases_valid(const struct mn_select_case *cases, unsigned int n,
			const unsigned int *which)
{
	const struct mn_select_case *k;

	for (k = cases; k < cases + n; k++) {
		if (k->op == MN_SELECT_NONE)
			continue;
		if (k->op != MN_SELECT_SEND && k->op != MN_SELECT_RECV)
			return false;
		if (!k->chan || !k->element || !which)
			return false;
	}
	return true;
}

static void cases_lock(struct mn_select_case *cases, unsigned int n,
		       struct lock_set *locks)
{
	struct mn_select_case *k;

	for (k = cases; k < cases + n; k++)
		if (k->op)
			lock_set_add(locks, chan_lock(k->chan));
	lock_set_lock(locks);
	for (k = cases; k < cases + n; k++)
		if (k->op)
			chan_look(k->chan);
}

static unsigned int throw_dice(struct vcpu *v, unsigned int n)
{
	v->dice = v->dice * 1103515245u + 12345;
	return (v->dice >> 8) % n;
}

/* In any order, each as likely; it is in _turn, which is not in use yet. */
static void cases_shuffle(struct mn_select_case *cases, unsigned int n,
			  struct vcpu *v)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		j = throw_dice(v, i + 1);
		cases[i]._turn = cases[j]._turn;
		cases[j]._turn = i;
	}
}

/* Is there one that can be done? The first in that order. */
static int cases_try(struct mn_select_case *cases, unsigned int n,
		     unsigned int *which, struct mn_thread **partner)
{
	unsigned int i, place;
	int ret = EAGAIN;

	for (i = 0; i < n && ret == EAGAIN; i++) {
		struct mn_select_case *k;

		place = cases[i]._turn;
		k = &cases[place];
		if (k->op == MN_SELECT_SEND)
			ret = send_now(k->chan, k->element, partner);
		else if (k->op == MN_SELECT_RECV)
			ret = recv_now(k->chan, k->element, partner);
	}
	if (ret != EAGAIN)
		*which = place;
	return ret;
}

static void cases_queue(struct mn_select_case *cases, unsigned int n,
			struct selection *s)
{
	struct mn_select_case *k;

	for (k = cases; k < cases + n; k++) {
		if (!k->op)
			continue;
		k->_selection = s;
		k->_turn = k->chan->turns++;
		case_add(queue_of(k), k);
	}
}

static void cases_unqueue(struct mn_select_case *cases, unsigned int n)
{
	struct mn_select_case *k;

	for (k = cases; k < cases + n; k++) {
		unsigned int *lock;

		if (!k->op || !is_queued(k))
			continue;
		lock = chan_lock(k->chan);
		spin_lock(lock);
		if (is_queued(k))
			case_remove(queue_of(k), k);
		spin_unlock(lock);
	}
}

/* In the queues, as cases_queue() leaves it. */
static int select_wait(struct mn_thread *t, struct mn_select_case *cases,
		       unsigned int n, int64_t deadline, unsigned int *which)
{
	struct selection *s = t->selection;
	int ret = wait_turn(t, IN_SELECT, deadline);

	t->selection = NULL;
	cases_unqueue(cases, n);
	if (ret != ETIMEDOUT)
		*which = s->taken - cases;
	return ret;
}

static int select_one(struct mn_thread *t, struct mn_select_case *cases,
		      unsigned int n, int64_t deadline, unsigned int *which)
{
	struct selection s = { .thread = t };
	struct mn_thread *partner = NULL;
	struct lock_set locks = {};
	int ret;

	cases_shuffle(cases, n, this_vcpu());
	cases_lock(cases, n, &locks);
	ret = cases_try(cases, n, which, &partner);
	if (ret == EAGAIN) {
		cases_queue(cases, n, &s);
		t->selection = &s;
		t->closed = false;
	}
	lock_set_unlock(&locks);
	if (partner)
		wake(partner);
	return ret == EAGAIN ? select_wait(t, cases, n, deadline, which) : ret;
}

MN_EXPORT int mn_select(struct mn_select_case *cases, unsigned int n,
			unsigned int *which, int64_t deadline)
{
	struct mn_thread *t;

	if (!cases_valid(cases, n, which))
		return EINVAL;
	t = enter();
	return t ? leave(select_one(t, cases, n, deadline, which)) : EPERM;
}
