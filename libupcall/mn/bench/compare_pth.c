// SPDX-License-Identifier: MIT
/*
 * compare.h with GNU Pth: one kernel thread, no preemption.
 */
#include <pth.h>
#include <stdlib.h>

typedef pth_t thread_t;
typedef pth_mutex_t lock_t;
typedef pth_cond_t cond_t;

#define lock(m)		pth_mutex_acquire(m, FALSE, NULL)
#define unlock(m)	pth_mutex_release(m)
#define wait(c, m)	pth_cond_await(c, m, NULL)
#define signal(c)	pth_cond_notify(c, FALSE)
#define yield()		pth_yield(NULL)
#define go_apart(me, where)

static pth_t spawn(void *(*fn)(void *), void *arg)
{
	pth_t t = pth_spawn(PTH_ATTR_DEFAULT, fn, arg);

	if (!t)
		abort();
	return t;
}

static void join(pth_t t)
{
	pth_join(t, NULL);
}

#include "compare.h"

int main(void)
{
	pth_init();
	pth_mutex_init(&game.lock);
	pth_cond_init(&game.cond[0]);
	pth_cond_init(&game.cond[1]);
	pth_mutex_init(&queue.lock);
	pth_cond_init(&queue.room);
	pth_cond_init(&queue.some);
	row("create_join", create_join, 1000);
	row("yield", yield_switch, 2000);
	row("mutex_one", play, 2000);
	row("channel", channel, 2000);
	return 0;
}
