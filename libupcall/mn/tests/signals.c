// SPDX-License-Identifier: MIT
/*
 * Signals: each thread has a mask of its own, wherever it goes on; a handler leaves
 * none behind; and there is a place to wait for signals.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include "mn_test.h"

#define CREW	6

static void *yields(void *arg)
{
	mn_yield();
	return arg;
}

static int is_blocked(int sig)
{
	sigset_t now;

	CHECK(!pthread_sigmask(SIG_SETMASK, NULL, &now));
	return sigismember(&now, sig);
}

static int change(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	return sigprocmask(how, &set, NULL);
}

/* What the kernel thread has that runs this one, by what comes and does not. */
static int got_usr1;

static void counts(int sig)
{
	(void)sig;
	add(&got_usr1, 1);
}

static void *inherits(void *arg)
{
	CHECK(is_blocked(SIGUSR1) == (arg != NULL));
	CHECK(!is_blocked(SIGUSR2));
	return NULL;
}

static void *has_a_mask(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int blocks = (long)arg % 2, i, n = turns(300);
	mn_t t;

	CHECK(!is_blocked(SIGUSR1));
	if (blocks)
		CHECK(!change(SIG_BLOCK, SIGUSR1));
	spawn(&t, inherits, blocks ? &seed : NULL);
	for (i = 0; i < n; i++) {
		if (random_next(&seed) % 2)
			mn_yield();
		else
			spin(random_next(&seed) % 20000);
		CHECK(is_blocked(SIGUSR1) == blocks);
	}
	CHECK(!mn_join(t, NULL));
	if (blocks)
		CHECK(!change(SIG_UNBLOCK, SIGUSR1));
	CHECK(!is_blocked(SIGUSR1));
	return NULL;
}

static void *masks(void *arg)
{
	crew(CREW, has_a_mask);
	CHECK(!is_blocked(SIGUSR1));
	CHECK(pthread_sigmask(1000, &(sigset_t){ 0 }, NULL) == EINVAL);
	CHECK(sigprocmask(1000, &(sigset_t){ 0 }, NULL) == -1);
	return arg;
}

/* It comes to the one that has it not blocked, when the other waits. */
static void *comes_late(void *arg)
{
	mn_t t;

	got_usr1 = 0;
	signal(SIGUSR1, counts);
	CHECK(!change(SIG_BLOCK, SIGUSR1));
	CHECK(!raise(SIGUSR1) && !got_usr1);
	CHECK(!change(SIG_UNBLOCK, SIGUSR1) && got_usr1 == 1);
	CHECK(!change(SIG_BLOCK, SIGUSR1));
	CHECK(!kill(getpid(), SIGUSR1));
	spawn(&t, inherits, &t);
	CHECK(!mn_join(t, NULL));
	CHECK(!change(SIG_UNBLOCK, SIGUSR1));
	wait_for(&got_usr1, 2);
	return arg;
}

/* A handler has more blocked than the thread that it interrupts, which has it not. */
static void blocks_and_restores(int sig)
{
	CHECK(is_blocked(sig) && !is_blocked(SIGUSR2));
	CHECK(!change(SIG_BLOCK, SIGUSR2));
	CHECK(is_blocked(sig) && is_blocked(SIGUSR2));
	CHECK(!change(SIG_UNBLOCK, SIGUSR2));
	add(&got_usr1, 1);
}

/* What it leaves blocked, or not, the kernel takes back. */
static volatile int how_changed;

static void leaves_changed(int sig)
{
	CHECK(!change(how_changed, SIGUSR2));
	CHECK(is_blocked(SIGUSR2) == (how_changed == SIG_BLOCK));
	CHECK(mn_self() != NULL);
	add(&got_usr1, sig == SIGUSR1);
}

/* On whatever stack it runs, and if its own signal is not blocked there either. */
static void *changes_are_undone(void *arg)
{
	static const int flags[] = { 0, SA_NODEFER, SA_ONSTACK, SA_SIGINFO };
	int i, blocked;
	mn_t t;

	got_usr1 = 0;
	for (i = 0; i < 2 * N_OF(flags); i++) {
		struct sigaction sa = {
			.sa_handler = leaves_changed,
			.sa_flags = flags[i / 2],
		};

		blocked = i % 2;
		how_changed = blocked ? SIG_UNBLOCK : SIG_BLOCK;
		CHECK(!sigaction(SIGUSR1, &sa, NULL));
		if (blocked)
			CHECK(!change(SIG_BLOCK, SIGUSR2));
		CHECK(!raise(SIGUSR1) && got_usr1 == i + 1);
		CHECK(is_blocked(SIGUSR2) == blocked);
		/* Nor by a switch to another one and back. */
		CHECK(!change(SIG_BLOCK, SIGHUP));
		spawn(&t, yields, NULL);
		CHECK(!change(SIG_UNBLOCK, SIGHUP));
		CHECK(!mn_join(t, NULL));
		CHECK(is_blocked(SIGUSR2) == blocked);
		CHECK(!change(SIG_UNBLOCK, SIGUSR2) && !is_blocked(SIGUSR2));
	}
	return arg;
}

static void *leaves_none(void *arg)
{
	int i;

	got_usr1 = 0;
	signal(SIGUSR1, blocks_and_restores);
	for (i = 1; i <= 3; i++) {
		CHECK(!raise(SIGUSR1) && got_usr1 == i);
		CHECK(!mn_sleep(1000));
		CHECK(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2));
	}
	return arg;
}

/* With all blocked slices end nevertheless. */
static int changing, enough;

static void *changes(void *arg)
{
	while (!get(&enough)) {
		add(&changing, 1);
		spin(100);
	}
	return arg;
}

static void *blocks_all(void *arg)
{
	sigset_t all, old;
	int before;
	mn_t t;

	enough = 0;
	spawn(&t, changes, NULL);
	sigfillset(&all);
	CHECK(!pthread_sigmask(SIG_SETMASK, &all, &old));
	before = get(&changing);
	while (get(&changing) == before)
		spin(100);
	CHECK(!pthread_sigmask(SIG_SETMASK, &old, NULL));
	add(&enough, 1);
	CHECK(!mn_join(t, NULL));
	return arg;
}

/*
 * Handlers that wake others, over whatever is going on: over those who post the same
 * semaphore, over the scheduler, over the idle loop. Nothing is lost.
 */
static struct mn_sem sem;
static struct mn_cond cond;
static struct mn_chan *chan;
static int posted, sent, handled;
static int made, taken, received;

static void wakes(int sig)
{
	int err;

	CHECK(!mn_sem_post(&sem));
	add(&posted, 1);
	CHECK(!mn_cond_signal(&cond) && !mn_cond_broadcast(&cond));
	err = mn_chan_trysend(chan, &sig);
	CHECK(!err || err == EAGAIN);
	add(&sent, !err);
	add(&handled, 1);
}

/* Of a signal that queues: each that is sent has a handler of its own. */
static void begin_waking(void)
{
	CHECK(!mn_sem_init(&sem, 0));
	mn_cond_init(&cond);
	CHECK(!mn_chan_create(&chan, sizeof(int), 10));
	posted = sent = handled = 0;
	CHECK(signal(SIGRTMIN, wakes) != SIG_ERR);
}

static void *takes(void *arg)
{
	while (!get(&enough))
		if (!mn_sem_timedwait(&sem, mn_now() + MILLISECOND))
			add(&taken, 1);
	return arg;
}

static void *posts(void *arg)
{
	while (!get(&enough)) {
		CHECK(!mn_sem_post(&sem));
		add(&made, 1);
		if ((long)arg % 2)
			mn_yield();
		if (!mn_sem_trywait(&sem))
			add(&taken, 1);
	}
	return arg;
}

static void *receives(void *arg)
{
	int sig;

	while (!mn_chan_recv(chan, &sig)) {
		CHECK(sig == SIGRTMIN);
		add(&received, 1);
	}
	return arg;
}

static void *waits(void *arg)
{
	struct mn_mutex m = MN_MUTEX_INITIALIZER;

	CHECK(!mn_mutex_lock(&m));
	while (!get(&enough))
		mn_cond_timedwait(&cond, &m, mn_now() + MILLISECOND);
	CHECK(!mn_mutex_unlock(&m));
	return arg;
}

/* From a kernel thread: to the process, so that anybody may get it. */
static void *sends(void *arg)
{
	struct timespec ts = { 0, 200000 };
	int i, n = *(int *)arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (i = 0; i < n; i++) {
		CHECK(!kill(getpid(), SIGRTMIN));
		nanosleep(&ts, NULL);
	}
	add(&enough, 1);
	return NULL;
}

static void *handlers_wake(void *arg)
{
	static void *(*const fns[])(void *) = {
		takes, takes, posts, posts, waits, receives,
	};
	mn_t t[N_OF(fns)];
	int i, n = turns(5000);
	pthread_t sender;

	begin_waking();
	enough = made = taken = received = 0;
	for (i = 0; i < N_OF(fns); i++)
		spawn(&t[i], fns[i], (void *)(long)i);
	CHECK(!pthread_create(&sender, NULL, sends, &n));
	for (i = 0; i < N_OF(fns) - 1; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(!pthread_join(sender, NULL));
	wait_for(&handled, n);
	while (!mn_sem_trywait(&sem))
		taken++;
	CHECK(taken == made + posted);
	CHECK(!mn_chan_close(chan));
	CHECK(!mn_join(t[N_OF(fns) - 1], NULL));
	CHECK(received == sent);
	CHECK(!mn_chan_destroy(chan));
	return arg;
}

/* Nobody else is there, and all virtual CPUs are idle. */
static void *idle_is_woken(void *arg)
{
	int i;

	begin_waking();
	for (i = 0; i < 5; i++) {
		pthread_t sender;
		int one = 1;

		CHECK(!pthread_create(&sender, NULL, sends, &one));
		CHECK(!mn_sem_wait(&sem));
		CHECK(!pthread_join(sender, NULL));
	}
	/* The handler that posted may not have come to its end. */
	wait_for(&handled, 5);
	CHECK(!mn_chan_destroy(chan));
	return arg;
}

/* SIGALRM and SIGTERM are blocked in all threads: see main(). */
static sigset_t waited;

static void *waits_for_signals(void *arg)
{
	struct itimerval it = { .it_value = { .tv_usec = 1000 } };

	CHECK(mn_sigwait(NULL, MN_FOREVER) == -EINVAL);
	CHECK(mn_sigwait(&waited, 0) == -ETIMEDOUT);
	CHECK(mn_sigwait(&waited, mn_now() + MILLISECOND) == -ETIMEDOUT);
	CHECK(!kill(getpid(), SIGTERM));
	CHECK(mn_sigwait(&waited, MN_FOREVER) == SIGTERM);
	/* Nobody else is there: it is no deadlock. */
	CHECK(!setitimer(ITIMER_REAL, &it, NULL));
	CHECK(mn_sigwait(&waited, MN_FOREVER) == SIGALRM);
	return arg;
}

static const struct mn_case cases[] = {
	{ "masks", masks, 0 },
	{ "what was blocked comes", comes_late, ONCE },
	{ "a handler leaves none", leaves_none, ONCE },
	{ "what a handler changes is undone", changes_are_undone, ONCE },
	{ "slices end with all blocked", blocks_all, PREEMPTED | ONCE },
	{ "mn_sigwait()", waits_for_signals, ONCE },
	{ "handlers wake", handlers_wake, ONCE },
	{ "handlers wake the idle", idle_is_woken, ONCE },
};

int main(void)
{
	sigemptyset(&waited);
	sigaddset(&waited, SIGALRM);
	sigaddset(&waited, SIGTERM);
	sigprocmask(SIG_BLOCK, &waited, NULL);
	return mn_main(NULL, cases, N_OF(cases));
}
