// SPDX-License-Identifier: MIT
/*
 * Channels: a ring of elements, and those who wait for room or for an element.
 * Who is woken looks again; another may have been faster.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rt.h"

#define ELEMENT_MAX	65536
#define RING_MAX	(256u << 20)

struct mn_chan {
	size_t		size, capacity;
	size_t		first, n;	/* the elements that it holds */
	bool		closed;
	struct mn_waitq	senders, receivers;
	char		ring[];
};

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

	if (!chan || !size || size > ELEMENT_MAX || !capacity)
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

/* One lock for both queues, and for all else. */
static unsigned int *chan_lock(struct mn_chan *c)
{
	return lock_of(&c->senders);
}

/*
 * One try. EAGAIN: it can't be done now, and the thread, if there is one, is in
 * the queue of those who wait for it.
 */
static int try_send(struct mn_chan *c, const void *element,
		    struct mn_thread *t)
{
	struct mn_thread *receiver = NULL;
	int ret = 0;

	spin_lock(chan_lock(c));
	if (c->closed) {
		ret = EPIPE;
	} else if (c->n < c->capacity) {
		put(c, element);
		receiver = waitq_take(&c->receivers);
	} else {
		ret = EAGAIN;
		if (t)
			waitq_add(&c->senders, t);
	}
	spin_unlock(chan_lock(c));
	if (receiver)
		wake(receiver);
	return ret;
}

static int try_recv(struct mn_chan *c, void *element, struct mn_thread *t)
{
	struct mn_thread *sender = NULL;
	int ret = 0;

	spin_lock(chan_lock(c));
	if (c->n) {
		take(c, element);
		sender = waitq_take(&c->senders);
	} else if (c->closed) {
		ret = EPIPE;
	} else {
		ret = EAGAIN;
		if (t)
			waitq_add(&c->receivers, t);
	}
	spin_unlock(chan_lock(c));
	if (sender)
		wake(sender);
	return ret;
}

MN_EXPORT int mn_chan_send(struct mn_chan *c, const void *element)
{
	struct mn_thread *t = enter();
	int ret;

	if (!t)
		return EPERM;
	while ((ret = try_send(c, element, t)) == EAGAIN)
		wait_until(IN_SEND, MN_FOREVER);
	return leave(ret);
}

MN_EXPORT int mn_chan_recv(struct mn_chan *c, void *element)
{
	struct mn_thread *t = enter();
	int ret;

	if (!t)
		return EPERM;
	while ((ret = try_recv(c, element, t)) == EAGAIN)
		wait_until(IN_RECV, MN_FOREVER);
	return leave(ret);
}

MN_EXPORT int mn_chan_trysend(struct mn_chan *c, const void *element)
{
	return enter() ? leave(try_send(c, element, NULL)) : EPERM;
}

MN_EXPORT int mn_chan_tryrecv(struct mn_chan *c, void *element)
{
	return enter() ? leave(try_recv(c, element, NULL)) : EPERM;
}

/* Who is woken looks again; one of them may do away with the channel. */
MN_EXPORT int mn_chan_close(struct mn_chan *c)
{
	struct mn_thread *list = NULL;
	bool closed;

	if (!enter())
		return EPERM;
	spin_lock(chan_lock(c));
	closed = c->closed;
	c->closed = true;
	waitq_take_all(&c->receivers, &list);
	waitq_take_all(&c->senders, &list);
	spin_unlock(chan_lock(c));
	wake_list(list);
	return leave(closed ? EPIPE : 0);
}

MN_EXPORT int mn_chan_destroy(struct mn_chan *c)
{
	bool busy;

	if (!enter())
		return EPERM;
	spin_lock(chan_lock(c));
	busy = c->senders._head || c->receivers._head;
	spin_unlock(chan_lock(c));
	leave(0);
	if (busy)
		return EBUSY;
	free(c);
	return 0;
}
