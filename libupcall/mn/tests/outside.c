// SPDX-License-Identifier: MIT
/*
 * Kernel threads that are no virtual CPU, helpers among them, wake user threads
 * and end themselves. While one of them is there, or a signal handler, nobody says
 * that all threads wait for each other.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include "mn_test.h"

#define POSTERS	3

static struct mn_sem sem, done;
static struct mn_mutex mutex;
static struct mn_cond cond;
static struct mn_chan *chan;
static int rounds, flag, ended;

static void doze(void)
{
	struct timespec ts = { 0, 2000000 };

	nanosleep(&ts, NULL);
}

/* With all signals blocked: those are the virtual CPUs'. */
static pthread_t kernel_thread(void *(*fn)(void *), void *arg)
{
	sigset_t all, old;
	pthread_t p;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	CHECK(!pthread_create(&p, NULL, fn, arg));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return p;
}

/* A kernel thread is joined by a helper. */
struct joined {
	pthread_t	thread;
	void		*result;
};

static void join_kernel_thread(void *arg)
{
	struct joined *j = arg;

	CHECK(!pthread_join(j->thread, &j->result));
}

static void *joined(pthread_t p)
{
	struct joined j = { .thread = p };

	CHECK(!mn_blocking(join_kernel_thread, &j));
	return j.result;
}

static void *posts(void *arg)
{
	int i;

	for (i = 0; i < rounds; i++)
		CHECK(!mn_sem_post(&sem));
	return arg;
}

static void *takes(void *arg)
{
	int i;

	for (i = 0; i < rounds; i++)
		CHECK(!mn_sem_wait(&sem));
	return arg;
}

static void *by_kernel_threads(void *arg)
{
	pthread_t p[POSTERS];
	mn_t t[POSTERS];
	int i;

	rounds = turns(3000);
	mn_sem_init(&sem, 0);
	for (i = 0; i < POSTERS; i++)
		spawn(&t[i], takes, NULL);
	for (i = 0; i < POSTERS; i++)
		p[i] = kernel_thread(posts, NULL);
	for (i = 0; i < POSTERS; i++)
		CHECK(!mn_join(t[i], NULL));
	for (i = 0; i < POSTERS; i++)
		joined(p[i]);
	CHECK(mn_sem_trywait(&sem) == EAGAIN);
	return arg;
}

/* All that does not wait, and what that does to others. */
static void *each(void *arg)
{
	int i = 5;

	CHECK(mn_sem_trywait(&sem) == EAGAIN);
	CHECK(!mn_sem_post(&sem));
	CHECK(!mn_cond_signal(&cond));
	CHECK(!mn_cond_broadcast(&cond));
	CHECK(!mn_chan_trysend(chan, &i));
	CHECK(!mn_chan_tryrecv(chan, &i) && i == 5);
	CHECK(mn_chan_tryrecv(chan, &i) == EAGAIN);
	CHECK(!mn_chan_close(chan));
	CHECK(mn_chan_trysend(chan, &i) == EPIPE);
	CHECK(!mn_chan_destroy(chan));
	/* What waits, and what is about a user thread. */
	CHECK(mn_sem_wait(&sem) == EPERM);
	CHECK(mn_sem_timedwait(&sem, 0) == EPERM);
	CHECK(mn_mutex_lock(&mutex) == EPERM);
	CHECK(mn_mutex_trylock(&mutex) == EPERM);
	CHECK(mn_mutex_unlock(&mutex) == EPERM);
	CHECK(mn_cond_wait(&cond, &mutex) == EPERM);
	CHECK(mn_chan_send(chan, &i) == EPERM);
	CHECK(mn_poll(0, POLLIN, 0) == -EPERM);
	CHECK(mn_sleep(1) == EPERM);
	CHECK(!mn_self());
	return arg;
}

static void each_helped(void *arg)
{
	each(arg);
}

static void *everything(void *arg)
{
	mn_sem_init(&sem, 0);
	mn_cond_init(&cond);
	CHECK(!mn_chan_create(&chan, sizeof(int), 1));
	joined(kernel_thread(each, NULL));
	CHECK(!mn_sem_wait(&sem));
	CHECK(!mn_chan_create(&chan, sizeof(int), 1));
	CHECK(!mn_blocking(each_helped, NULL));
	CHECK(!mn_sem_wait(&sem));
	return arg;
}

/* Those who wait get it, whoever comes from outside. */
static void *wakes(void *arg)
{
	int i = 7;

	doze();
	__atomic_store_n(&flag, 1, __ATOMIC_SEQ_CST);
	mn_cond_broadcast(&cond);
	CHECK(!mn_chan_trysend(chan, &i));
	doze();
	mn_chan_close(chan);
	return arg;
}

static void *waits_cond(void *arg)
{
	CHECK(!mn_mutex_lock(&mutex));
	while (!get(&flag))
		CHECK(mn_cond_timedwait(&cond, &mutex, mn_now() + SECOND / 50) !=
		      EPERM);
	CHECK(!mn_mutex_unlock(&mutex));
	return arg;
}

static void *waits_chan(void *arg)
{
	int i = 0;

	CHECK(!mn_chan_recv(chan, &i) && i == 7);
	CHECK(mn_chan_recv(chan, &i) == EPIPE);
	return arg;
}

static void *woken(void *arg)
{
	mn_t t[2];
	pthread_t p;

	flag = 0;
	mn_mutex_init(&mutex);
	mn_cond_init(&cond);
	CHECK(!mn_chan_create(&chan, sizeof(int), 1));
	spawn(&t[0], waits_cond, NULL);
	spawn(&t[1], waits_chan, NULL);
	p = kernel_thread(wakes, NULL);
	CHECK(!mn_join(t[0], NULL));
	CHECK(!mn_join(t[1], NULL));
	joined(p);
	CHECK(!mn_chan_destroy(chan));
	return arg;
}

/* Nobody is left but one who has not come yet: that is no deadlock. */
static void *posts_late(void *arg)
{
	int i;

	for (i = 0; i < 10; i++)
		doze();
	mn_sem_post(&sem);
	return arg;
}

static void *late(void *arg)
{
	pthread_t p;

	mn_sem_init(&sem, 0);
	p = kernel_thread(posts_late, NULL);
	CHECK(!mn_sem_wait(&sem));
	joined(p);
	return arg;
}

/* The end of a kernel thread, and of a helper's call. */
static void *exits(void *arg)
{
	mn_exit(arg);
}

static void *pthread_exits(void *arg)
{
	pthread_exit(arg);
}

static void exits_helped(void *arg)
{
	add(&ended, 1);
	mn_exit(arg);
}

static void pthread_exits_helped(void *arg)
{
	add(&ended, 1);
	pthread_exit(arg);
}

static void *ends(void *arg)
{
	void *result = NULL;
	mn_t t;

	ended = 0;
	CHECK(joined(kernel_thread(exits, &ended)) == &ended);
	CHECK(joined(kernel_thread(pthread_exits, &sem)) == &sem);
	CHECK(!mn_blocking(exits_helped, NULL));
	CHECK(!mn_blocking(pthread_exits_helped, NULL));
	CHECK(ended == 2);
	/* In a user thread it is that one's end. */
	spawn(&t, pthread_exits, &mutex);
	CHECK(!mn_join(t, &result) && result == &mutex);
	spawn(&t, exits, &cond);
	CHECK(!mn_join(t, &result) && result == &cond);
	return arg;
}

static const struct mn_case cases[] = {
	{ "a semaphore, by kernel threads", by_kernel_threads, 0 },
	{ "everything that does not wait", everything, ONCE },
	{ "who waits is woken", woken, 0 },
	{ "who comes late", late, ONCE },
	{ "the end of each kind of thread", ends, 0 },
};

/* All wait, for a signal. */
static void on_alarm(int sig)
{
	(void)sig;
	_exit(55);
}

static void *waits_for_signal(void *arg)
{
	struct itimerval soon = { .it_value = { 0, 50000 } };

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &soon, NULL);
	mn_sleep(MN_FOREVER);
	return arg;
}

static int signal_run(void *arg)
{
	struct mn_config c = config_of(arg);

	return mn_run(&c, waits_for_signal, NULL, NULL);
}

/* Runs that begin and end while others post. */
static void *posts_on(void *arg)
{
	while (!get(&flag)) {
		mn_sem_post(&done);
		mn_sem_trywait(&sem);
	}
	return arg;
}

static void *waits_done(void *arg)
{
	CHECK(!mn_sem_wait(&done));
	return arg;
}

static void *short_run(void *arg)
{
	mn_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		spawn(&t[i], waits_done, NULL);
	CHECK(!mn_join(t[0], NULL));
	/* The others may be waiting still. */
	return arg;
}

static int runs(void *arg)
{
	struct mn_config c = config_of(arg);
	pthread_t p;
	int i, ret = 0;

	alarm(100);
	flag = 0;
	p = kernel_thread(posts_on, NULL);
	for (i = 0; i < turns(2000) && !ret; i++)
		ret = mn_run(&c, short_run, NULL, NULL);
	flag = 1;
	pthread_join(p, NULL);
	return ret || mn_problems;
}

static void outside(void)
{
	const char *name = backend_names[this_setup->backend];
	struct child c;
	int good;

	in_child(&c, signal_run, (void *)this_setup);
	good = WIFEXITED(c.status) && WEXITSTATUS(c.status) == 55;
	in_child(&c, runs, (void *)this_setup);
	if (!ok(good && !c.status, "%s, %d: a signal; runs that others post into",
		name, this_setup->vcpus)) {
		printf("# the signal %s\n", good ? "came" : "did not come");
		child_said(&c);
	}
}

int main(void)
{
	return mn_main(outside, cases, N_OF(cases));
}
