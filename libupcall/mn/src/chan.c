// SPDX-License-Identifier: MIT
/*
 * Channels: a ring of elements, and those who wait for room or for an element. A ring
 * that has no place has elements go from one to another. Of those who wait, in
 * mn_select() too, the first comes first.
 *
 * Who is woken has what he waited for: a receiver its element, a sender has got rid
 * of its own, or it is said that the channel has been closed. He does not look at the
 * channel again, which may be gone by then: another one who was woken, or the one
 * who woke, may know that nobody needs it any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"

#define ELEMENT_MAX	65536
#define RING_MAX	(256u << 20)

static void put(struct mn_chan *c, const void *element)
{
	size_t last = (c->first + c->n) % c->capacity;

	memcpy(c->ring + last * c->size, element, c->size);
	c->n++;
}

static void take(struct mn_chan *c, void *element)
{
	memcpy(element, c->ring + c->first * c->size, c->size);
	c->first = (c->first + 1) % c->capacity;
	c->n--;
}

MN_EXPORT int mn_chan_create(struct mn_chan **chan, size_t size,
			     size_t capacity)
{
	struct mn_chan *c;

	if (!chan || !size || size > ELEMENT_MAX)
		return EINVAL;
	if (capacity > RING_MAX / size)
		return ENOMEM;
	c = calloc(1, sizeof(*c) + size * capacity);
	if (!c)
		return ENOMEM;
	c->size = size;
	c->capacity = capacity;
	*chan = c;
	return 0;
}

void chan_look(struct mn_chan *c)
{
	waitq_stale(&c->receivers);
	if (waitq_stale(&c->senders)) {
		c->sending = (struct cases){};
		c->receiving = (struct cases){};
	}
}

static void chan_get_lock(struct mn_chan *c)
{
	spin_lock(chan_lock(c));
	chan_look(c);
}

/* False in a signal handler, if what it has interrupted may have it. */
static bool chan_lock_any(struct mn_chan *c, struct caller *caller)
{
	if (!lock_any(caller, chan_lock(c)))
		return false;
	chan_look(c);
	return true;
}

/* @t waits for its turn to send or to receive @element. */
static void wait_with(struct mn_chan *c, struct mn_waitq *q,
		      struct mn_thread *t, void *element)
{
	t->element = element;
	t->closed = false;
	t->chan_turn = c->turns++;
	waitq_add_under(q, t, chan_lock(c));
}

/*
 * The first who waits at the other end. He has to be woken: when the lock is gone, as
 * he may do away with the channel then. Whoever has been told of something else
 * meanwhile does not wait here any more.
 */
static struct mn_thread *first_waiting(struct mn_waitq *q, struct cases *cases,
				       void **element)
{
	struct mn_thread *t;
	struct mn_select_case *k;

	while ((k = cases->head)) {
		if (q->_head && (int)(q->_head->chan_turn - k->_turn) < 0)
			break;
		case_remove(cases, k);
		t = case_claim(k);
		if (t) {
			*element = k->element;
			return t;
		}
	}
	t = waitq_take(q);
	if (t)
		*element = t->element;
	return t;
}

int send_now(struct mn_chan *c, const void *element, struct mn_thread **partner)
{
	void *into;

	if (c->closed)
		return EPIPE;
	*partner = first_waiting(&c->receivers, &c->receiving, &into);
	/* It is empty, then. */
	if (*partner)
		memcpy(into, element, c->size);
	else if (c->n < c->capacity)
		put(c, element);
	else
		return EAGAIN;
	return 0;
}

int recv_now(struct mn_chan *c, void *element, struct mn_thread **partner)
{
	bool had = c->n;
	void *from;

	if (had)
		take(c, element);
	/* It was full, then, which is empty if it has no room. */
	*partner = first_waiting(&c->senders, &c->sending, &from);
	if (*partner && had)
		put(c, from);
	else if (*partner)
		memcpy(element, from, c->size);
	if (had || *partner)
		return 0;
	return c->closed ? EPIPE : EAGAIN;
}

/*
 * One try, with the lock, and without it after. EAGAIN: it can't be done now, and
 * the thread, if there is one, is in the queue of those who wait for it.
 */
static int try_send(struct mn_chan *c, const void *element,
		    struct mn_thread *t)
{
	struct mn_thread *receiver = NULL;
	int ret = send_now(c, element, &receiver);

	if (ret == EAGAIN && t)
		wait_with(c, &c->senders, t, (void *)element);
	spin_unlock(chan_lock(c));
	if (receiver)
		wake(receiver);
	return ret;
}

static int try_recv(struct mn_chan *c, void *element, struct mn_thread *t)
{
	struct mn_thread *sender = NULL;
	int ret = recv_now(c, element, &sender);

	if (ret == EAGAIN && t)
		wait_with(c, &c->receivers, t, element);
	spin_unlock(chan_lock(c));
	if (sender)
		wake(sender);
	return ret;
}

/* As try_send() and try_recv() leave it. */
int wait_turn(struct mn_thread *t, enum state state, int64_t deadline)
{
	return wait_until(state, deadline) ?: t->closed ? EPIPE : 0;
}

MN_EXPORT int mn_chan_timedsend(struct mn_chan *c, const void *element,
				int64_t deadline)
{
	struct mn_thread *t = enter();
	int ret;

	if (!t)
		return EPERM;
	chan_get_lock(c);
	ret = try_send(c, element, t);
	return leave(ret == EAGAIN ? wait_turn(t, IN_SEND, deadline) : ret);
}

MN_EXPORT int mn_chan_send(struct mn_chan *c, const void *element)
{
	return mn_chan_timedsend(c, element, MN_FOREVER);
}

MN_EXPORT int mn_chan_timedrecv(struct mn_chan *c, void *element,
				int64_t deadline)
{
	struct mn_thread *t = enter();
	int ret;

	if (!t)
		return EPERM;
	chan_get_lock(c);
	ret = try_recv(c, element, t);
	return leave(ret == EAGAIN ? wait_turn(t, IN_RECV, deadline) : ret);
}

MN_EXPORT int mn_chan_recv(struct mn_chan *c, void *element)
{
	return mn_chan_timedrecv(c, element, MN_FOREVER);
}

MN_EXPORT int mn_chan_trysend(struct mn_chan *c, const void *element)
{
	struct caller caller;

	if (!enter_any(&caller))
		return EPERM;
	return leave_any(&caller, chan_lock_any(c, &caller) ?
				  try_send(c, element, NULL) : EAGAIN);
}

MN_EXPORT int mn_chan_tryrecv(struct mn_chan *c, void *element)
{
	struct caller caller;

	if (!enter_any(&caller))
		return EPERM;
	return leave_any(&caller, chan_lock_any(c, &caller) ?
				  try_recv(c, element, NULL) : EAGAIN);
}

MN_EXPORT int mn_chan_close(struct mn_chan *c)
{
	struct mn_thread *t, *list = NULL;
	struct caller caller;
	bool closed;

	if (!enter_any(&caller))
		return EPERM;
	chan_get_lock(c);
	closed = c->closed;
	c->closed = true;
	waitq_take_all(&c->receivers, &list);
	waitq_take_all(&c->senders, &list);
	cases_take_all(&c->receiving, &list);
	cases_take_all(&c->sending, &list);
	for (t = list; t; t = t->wait_next)
		t->closed = true;
	spin_unlock(chan_lock(c));
	wake_list(list);
	return leave_any(&caller, closed ? EPIPE : 0);
}

/* In a child of fork() nobody waits. */
MN_EXPORT int mn_chan_destroy(struct mn_chan *c)
{
	struct caller caller;
	bool busy;

	if (enter_any(&caller)) {
		chan_get_lock(c);
		busy = c->senders._head || c->receivers._head ||
		       cases_wait(&c->sending) || cases_wait(&c->receiving);
		spin_unlock(chan_lock(c));
		if (leave_any(&caller, busy))
			return EBUSY;
	}
	free(c);
	return 0;
}
