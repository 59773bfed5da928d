// SPDX-License-Identifier: MIT
/*
 * The end, with threads in every state: of the process, and of mn_run().
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include "waiters.h"

static int fds[2];

static void in_read(void *arg)
{
	char c;

	(void)arg;
	/* Until the other end is closed. */
	while (read(fds[0], &c, 1) > 0)
		;
}

static void *in_blocking(void *arg)
{
	add(&begun, 1);
	mn_blocking(in_read, NULL);
	return arg;
}

static void *in_poll(void *arg)
{
	add(&begun, 1);
	mn_poll(fds[0], POLLIN, MN_FOREVER);
	return arg;
}

static void *in_timed_poll(void *arg)
{
	add(&begun, 1);
	mn_poll(fds[0], POLLIN, mn_now() + 1000 * SECOND);
	return arg;
}

static void *in_sleep(void *arg)
{
	add(&begun, 1);
	mn_sleep(1000 * SECOND);
	return arg;
}

static void *in_section(void *arg)
{
	mn_crit_enter();
	add(&begun, 1);
	mn_sem_wait(&sem);
	mn_crit_exit();
	return arg;
}

static void *in_join(void *arg)
{
	mn_t t;

	spawn(&t, in_sleep, NULL);
	mn_join(t, NULL);
	return arg;
}

static void *exits(void *arg)
{
	add(&begun, 1);
	mn_exit(arg);
}

static void *runs(void *arg)
{
	int cooperative = this_setup->backend == MN_COOPERATIVE;

	add(&begun, 1);
	for (;;) {
		spin(1000);
		if (cooperative)
			mn_yield();
	}
	return arg;
}

static void *(*const kinds[])(void *) = {
	in_poll, in_timed_poll, in_mutex, in_cond, in_sem, in_once, in_send,
	in_recv, in_select, in_sleep, in_section, in_join, exits, runs, runs,
	in_blocking,
};

/* All of them in their states, or as good as. */
static void populate(int n)
{
	struct mn_attr urgent = { .urgent = 1 };
	mn_t t;
	int i;

	mn_mutex_init(&mutex);
	mn_cond_init(&cond);
	mn_sem_init(&sem, 0);
	once = (struct mn_once)MN_ONCE_INITIALIZER;
	begun = 0;
	CHECK(!pipe(fds));
	waiters_channels();
	CHECK(!mn_mutex_lock(&mutex));
	for (i = 0; i < n; i++)
		spawn(&t, kinds[i], NULL);
	CHECK(!mn_spawn(&t, &urgent, in_sleep, NULL));
	wait_for(&begun, n + 1);
	/* And some that have not begun. */
	mn_hold();
	for (i = 0; i < 10; i++)
		spawn(&t, exits, NULL);
	mn_release();
}

static void handler(void)
{
	_exit(42);
}

static void *calls_exit(void *arg)
{
	populate(N_OF(kinds));
	atexit(handler);
	if (!arg)
		exit(1);
	_exit(41);
}

static void *killed(void *arg)
{
	populate(N_OF(kinds));
	raise(SIGTERM);
	return arg;
}

struct end {
	const char	*what;
	void		*(*fn)(void *);
	void		*arg;
	int		status;
};

static int end_process(void *arg)
{
	const struct end *e = arg;
	struct mn_config c = config_of(this_setup);

	alarm(60);
	mn_run(&c, e->fn, e->arg, NULL);
	return 100;
}

static const struct end ends[] = {
	{ "exit()", calls_exit, NULL, 42 << 8 },
	{ "_exit()", calls_exit, &fds, 41 << 8 },
	{ "a signal", killed, NULL, SIGTERM },
};

/* mn_run() returns; another one finds nothing left of it. */
static void *leaves(void *arg)
{
	/* A blocking call would be waited for: see below. */
	populate(N_OF(kinds) - 1);
	return arg;
}

static int open_files(void)
{
	int i, n = 0;

	for (i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

static void leave(void)
{
	struct mn_config c = config_of(this_setup);
	int i, n = turns(50), before = open_files();
	struct sigaction segv;
	struct mn_stats s = { .size = sizeof(s) };

	mn_problems = 0;
	for (i = 0; i < n; i++) {
		CHECK(!mn_run(&c, leaves, NULL, NULL));
		mn_stats(&s);
		CHECK(s.threads == 0);
		free(full);
		free(empty);
		close(fds[0]);
		close(fds[1]);
	}
	CHECK(open_files() == before);
	CHECK(!sigaction(SIGSEGV, NULL, &segv) && segv.sa_handler == SIG_DFL);
	ok(!mn_problems, "%s, %d: mn_run() leaves, again and again",
	   backend_names[this_setup->backend], this_setup->vcpus);
}

/* A call that is under way is waited for: it uses the program's memory. */
static int ended;

static void ends_late(void *arg)
{
	char c;

	(void)arg;
	while (read(fds[0], &c, 1) > 0)
		;
	usleep(1000);
	add(&ended, 1);
}

static void *blocks_late(void *arg)
{
	add(&begun, 1);
	mn_blocking(ends_late, NULL);
	return arg;
}

static void *leaves_calls(void *arg)
{
	mn_t t;
	int i;

	begun = ended = 0;
	CHECK(!pipe(fds));
	for (i = 0; i < 5; i++)
		spawn(&t, blocks_late, NULL);
	wait_for(&begun, 5);
	CHECK(write(fds[1], "", 1) == 1);
	/* Whoever reads that is in its call. */
	while (mn_poll(fds[0], POLLIN, 0))
		mn_yield();
	close(fds[1]);
	return arg;
}

static void wait_for_calls(void)
{
	struct mn_config c = config_of(this_setup);

	mn_problems = 0;
	CHECK(!mn_run(&c, leaves_calls, NULL, NULL));
	/* The one that had begun, and none after. */
	CHECK(ended >= 1 && ended == get(&ended));
	close(fds[0]);
	ok(!mn_problems, "%s, %d: a call under way is waited for",
	   backend_names[this_setup->backend], this_setup->vcpus);
}

int main(void)
{
	int i, j, n = 0;

	for (i = 0; i < SETUPS; i++)
		n += suits(&mn_setups[i], 0);
	tap_plan(n * (N_OF(ends) + 2));
	for (i = 0; i < SETUPS; i++) {
		this_setup = &mn_setups[i];
		if (!suits(this_setup, 0))
			continue;
		for (j = 0; j < N_OF(ends); j++) {
			struct child c;

			in_child(&c, end_process, (void *)&ends[j]);
			if (!is(c.status, ends[j].status, ends[j].what))
				child_said(&c);
		}
		leave();
		wait_for_calls();
	}
	return tap_done();
}
