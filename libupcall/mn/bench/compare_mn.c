// SPDX-License-Identifier: MIT
/*
 * compare.h with libupcall-mn; MN_BACKEND says which back end.
 */
#include <upcall/mn.h>

typedef mn_t thread_t;
typedef struct mn_mutex lock_t;
typedef struct mn_cond cond_t;

#define lock	mn_mutex_lock
#define unlock	mn_mutex_unlock
#define wait	mn_cond_wait
#define signal	mn_cond_signal
#define yield	mn_yield
#define PREEMPTS
#define OWN_CHANNEL

static struct mn_chan *chan;

static void channel_put(long x)
{
	mn_chan_send(chan, &x);
}

static long channel_get(void)
{
	long x = -1;

	mn_chan_recv(chan, &x);
	return x;
}

static mn_t spawn(void *(*fn)(void *), void *arg);

static void join(mn_t t)
{
	mn_join(t, NULL);
}

/* Until each is on a virtual CPU of its own: an idle one takes one over. */
static void go_apart(int me, volatile int *where)
{
	do
		where[me] = mn_vcpu();
	while (where[!me] < 0 || where[!me] == where[me]);
}

#include "compare.h"

static mn_t spawn(void *(*fn)(void *), void *arg)
{
	mn_t t;

	if (mn_spawn(&t, NULL, fn, arg)) {
		fprintf(stderr, "mn_spawn failed\n");
		exit(1);
	}
	return t;
}

static void *one_cpu(void *arg)
{
	mn_chan_create(&chan, sizeof(long), 16);
	row("create_join", create_join, 2000);
	row("yield", yield_switch, 5000);
	row("mutex_one", play, 5000);
	row("channel", channel, 5000);
	return arg;
}

static void *two_cpus(void *arg)
{
	game.apart = 1;
	row("mutex_two", play, 2000);
	return arg;
}

static void *preempted(void *arg)
{
	row("preemption", preemption, 0);
	return arg;
}

int main(void)
{
	struct mn_config one = { .vcpus = 1 }, two = { .vcpus = 2 };
	struct mn_config slice = { .vcpus = 1, .slice = 1000 };

	return mn_run(&one, one_cpu, NULL, NULL) ||
	       mn_run(&two, two_cpus, NULL, NULL) ||
	       mn_run(&slice, preempted, NULL, NULL);
}
