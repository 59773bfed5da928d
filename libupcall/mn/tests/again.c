// SPDX-License-Identifier: MIT
/*
 * A second mn_run(): what threads of the first one waited for, or had, is nobody's,
 * and all of it can be used, and done away with, before, between and after.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include "waiters.h"

static struct mn_mutex held_mutex = MN_MUTEX_INITIALIZER;
static struct mn_sem full_sem = MN_SEM_INITIALIZER(3);
static int onces;

static void *holds(void *arg)
{
	mn_mutex_lock(&held_mutex);
	add(&begun, 1);
	mn_sleep(1000 * SECOND);
	return arg;
}

static void *(*const waiting[])(void *) = {
	in_mutex, holds, in_cond, in_sem, in_once, in_send, in_recv,
	in_select,
};

static void *first_run(void *arg)
{
	mn_t t;
	int i, j;

	begun = 0;
	CHECK(!mn_mutex_lock(&mutex));
	for (i = 0; i < N_OF(waiting); i++)
		for (j = 0; j < 3; j++)
			if (waiting[i] != holds || !j)
				spawn(&t, waiting[i], NULL);
	/* One of each three in mn_once() is the one that calls. */
	wait_for(&begun, 20);
	for (i = 0; i < 20; i++)
		mn_sleep(MILLISECOND / 4);
	return arg;
}

static void counts(void)
{
	onces++;
}

static void *posts(void *arg)
{
	CHECK(!mn_sem_post(&sem));
	return arg;
}

static void *second_run(void *arg)
{
	char c = 0;
	mn_t t;

	CHECK(!mn_mutex_lock(&mutex));
	CHECK(!mn_mutex_unlock(&mutex));
	CHECK(!mn_mutex_trylock(&held_mutex));
	CHECK(mn_mutex_lock(&held_mutex) == EDEADLK);
	CHECK(!mn_cond_broadcast(&cond));
	CHECK(!mn_cond_signal(&cond));
	CHECK(mn_cond_timedwait(&cond, &held_mutex, mn_now() + MILLISECOND) ==
	      ETIMEDOUT);
	CHECK(!mn_mutex_unlock(&held_mutex));
	/* No one took it. */
	CHECK(!mn_sem_post(&sem));
	CHECK(!mn_sem_wait(&sem));
	spawn(&t, posts, NULL);
	CHECK(!mn_sem_wait(&sem));
	CHECK(!mn_join(t, NULL));
	onces = 0;
	CHECK(!mn_once(&once, counts) && onces == 1);
	/* What the channel has is there, and what who is gone had is not. */
	CHECK(!mn_chan_recv(full, &c) && c == 'a');
	CHECK(mn_chan_tryrecv(full, &c) == EAGAIN);
	CHECK(!mn_chan_trysend(empty, "c"));
	CHECK(!mn_chan_recv(empty, &c) && c == 'c');
	return arg;
}

static void *nothing(void *arg)
{
	return arg;
}

/* Elsewhere than in a case: those are in mn_run() themselves. */
static void twice(void)
{
	struct mn_config config = config_of(this_setup);
	const char *name = backend_names[this_setup->backend];
	int i;

	mn_problems = 0;
	for (i = 0; i < 2; i++) {
		once = (struct mn_once)MN_ONCE_INITIALIZER;
		mn_mutex_init(&held_mutex);
		waiters_channels();
		CHECK(mn_chan_trysend(full, "x") == EAGAIN);
		CHECK(!mn_run(&config, first_run, NULL, NULL));
		if (i)
			CHECK(!mn_run(&config, nothing, NULL, NULL));
		CHECK(!mn_run(&config, second_run, NULL, NULL));
		CHECK(!mn_chan_destroy(full));
		CHECK(!mn_chan_destroy(empty));
	}
	/* Between them: whoever waited is not in the way. */
	once = (struct mn_once)MN_ONCE_INITIALIZER;
	waiters_channels();
	CHECK(!mn_run(&config, first_run, NULL, NULL));
	CHECK(!mn_sem_post(&sem) && !mn_sem_trywait(&sem));
	CHECK(mn_sem_trywait(&sem) == EAGAIN);
	CHECK(!mn_sem_trywait(&full_sem) && !mn_sem_post(&full_sem));
	CHECK(!mn_cond_broadcast(&cond));
	CHECK(!mn_chan_close(full));
	CHECK(!mn_chan_destroy(full) && !mn_chan_destroy(empty));
	ok(!mn_problems, "%s, %d: twice", name, this_setup->vcpus);
}

/* A kernel thread forks while another one dumps: its child may ask. */
static int over;

static void doze(void)
{
	struct timespec ts = { 0, 1000000 };

	nanosleep(&ts, NULL);
}

static void *dumps(void *arg)
{
	int fd = (int)(long)arg;

	while (!get(&over))
		mn_dump(fd);
	return NULL;
}

static void forks(void *arg)
{
	int i, status;

	for (i = 0; i < turns(500); i++) {
		struct mn_stats s = { .size = sizeof(s) };
		pid_t pid;

		doze();
		pid = fork();
		if (!pid) {
			alarm(30);
			mn_stats(&s);
			_exit(mn_dump(1) != EPERM);
		}
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
	}
	(void)arg;
}

static void *sleeps(void *arg)
{
	while (!get(&over))
		mn_sleep(MILLISECOND);
	return arg;
}

static void *dump_and_fork(void *arg)
{
	int p[2];
	mn_t t[20];
	pthread_t dumper;
	sigset_t all, old;
	int i;

	over = 0;
	for (i = 0; i < 20; i++)
		spawn(&t[i], sleeps, NULL);
	/* A place that takes all of it: nobody reads. */
	CHECK(!pipe(p));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	CHECK(!pthread_create(&dumper, NULL, dumps, (void *)(long)p[1]));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	CHECK(!mn_blocking(forks, NULL));
	add(&over, 1);
	for (i = 0; i < 20; i++)
		CHECK(!mn_join(t[i], NULL));
	pthread_join(dumper, NULL);
	close(p[1]);
	return arg;
}

static const struct mn_case cases[] = {
	{ "fork() while another dumps", dump_and_fork, ONCE },
};

int main(void)
{
	return mn_main(twice, cases, N_OF(cases));
}
