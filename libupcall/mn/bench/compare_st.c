// SPDX-License-Identifier: MIT
/*
 * compare.h with State Threads: one kernel thread, no preemption. Its condition
 * variables know no mutex, as nothing comes between.
 */
#include <st.h>
#include <stdlib.h>

typedef st_thread_t thread_t;
typedef st_mutex_t lock_t;
typedef st_cond_t cond_t;

#define lock(m)		st_mutex_lock(*(m))
#define unlock(m)	st_mutex_unlock(*(m))
#define signal(c)	st_cond_signal(*(c))
#define yield()		st_usleep(0)
#define go_apart(me, where)

static void wait(st_cond_t *cond, st_mutex_t *mutex)
{
	st_mutex_unlock(*mutex);
	st_cond_wait(*cond);
	st_mutex_lock(*mutex);
}

static st_thread_t spawn(void *(*fn)(void *), void *arg)
{
	st_thread_t t = st_thread_create(fn, arg, 1, 0);

	if (!t)
		abort();
	return t;
}

static void join(st_thread_t t)
{
	st_thread_join(t, NULL);
}

#include "compare.h"

int main(void)
{
	if (st_init())
		return 1;
	game.lock = st_mutex_new();
	game.cond[0] = st_cond_new();
	game.cond[1] = st_cond_new();
	queue.lock = st_mutex_new();
	queue.room = st_cond_new();
	queue.some = st_cond_new();
	row("create_join", create_join, 1000);
	row("yield", yield_switch, 2000);
	row("mutex_one", play, 2000);
	row("channel", channel, 2000);
	return 0;
}
