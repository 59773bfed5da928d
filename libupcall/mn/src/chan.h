/* SPDX-License-Identifier: MIT */
#ifndef MN_CHAN_H
#define MN_CHAN_H

#include "rt.h"

/* Those who wait for one of several things: a case of theirs each. */
struct cases {
	struct mn_select_case	*head, *tail;
};

/* All under chan_lock(). */
struct mn_chan {
	size_t		size, capacity;
	size_t		first, n;	/* the elements that it holds */
	bool		closed;
	unsigned int	turns;		/* so many have begun to wait */
	struct mn_waitq	senders, receivers;
	struct cases	sending, receiving;
	char		ring[];
};

/* One lock for all queues, and for all else. */
static inline unsigned int *chan_lock(struct mn_chan *c)
{
	return lock_of(&c->senders);
}

/* chan.c; with the lock. EAGAIN: not now. To be woken when that is gone: *partner. */
void chan_look(struct mn_chan *c);
int send_now(struct mn_chan *c, const void *element, struct mn_thread **partner);
int recv_now(struct mn_chan *c, void *element, struct mn_thread **partner);

/* chan.c; in a queue, and without the lock. */
int wait_turn(struct mn_thread *t, enum state state, int64_t deadline);

/* select.c; with the lock. */
void case_remove(struct cases *q, struct mn_select_case *k);
struct mn_thread *case_claim(struct mn_select_case *k);
bool cases_wait(struct cases *q);
void cases_take_all(struct cases *q, struct mn_thread **list);

#endif /* MN_CHAN_H */
