// SPDX-License-Identifier: MIT
/*
 * mn_dump(): every thread, once, by its name, its state, and the function that it is
 * in; of one that computes, of one that waits, and of the caller.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include "mn_test.h"

static struct mn_mutex mutex;
static struct mn_cond cond;
static struct mn_sem sem;
static struct mn_chan *full, *empty;
static struct mn_rwlock rwlock;
static struct mn_barrier barrier;
static struct mn_wg wg;
static int fds[2], begun, over;
static char text[65536];

/* Not static: backtrace_symbols_fd() has names of what is exported alone. */
#define STANDS	__attribute__((noinline)) void

STANDS stands_in_mutex(void)
{
	mn_mutex_lock(&mutex);
	add(&over, 1);
}

STANDS stands_in_cond(void)
{
	struct mn_mutex own = MN_MUTEX_INITIALIZER;

	mn_mutex_lock(&own);
	mn_cond_wait(&cond, &own);
	add(&over, 1);
}

STANDS stands_in_sem(void)
{
	mn_sem_wait(&sem);
	add(&over, 1);
}

STANDS stands_in_rwlock(void)
{
	mn_rwlock_rdlock(&rwlock);
	add(&over, 1);
}

STANDS stands_in_barrier(void)
{
	mn_barrier_wait(&barrier, NULL);
	add(&over, 1);
}

STANDS stands_in_wg(void)
{
	mn_wg_wait(&wg);
	add(&over, 1);
}

STANDS stands_in_send(void)
{
	mn_chan_send(full, "x");
	add(&over, 1);
}

STANDS stands_in_recv(void)
{
	char c;

	mn_chan_recv(empty, &c);
	add(&over, 1);
}

STANDS stands_in_sleep(void)
{
	mn_sleep(1000 * SECOND);
	add(&over, 1);
}

STANDS stands_in_poll(void)
{
	mn_poll(fds[0], POLLIN, MN_FOREVER);
	add(&over, 1);
}

STANDS stands_and_spins(void)
{
	for (;;) {
		spin(1000);
		if (this_setup->backend == MN_COOPERATIVE)
			mn_yield();
	}
}

static const struct {
	const char	*name, *state;
	void		(*fn)(void);
	const char	*where;
} stands[] = {
	{ "mutex", "waiting for a mutex", stands_in_mutex, "stands_in_mutex" },
	{ "cond", "waiting for a condition variable", stands_in_cond,
	  "stands_in_cond" },
	{ "sem", "waiting for a semaphore", stands_in_sem, "stands_in_sem" },
	{ "rwlock", "waiting for a read-write lock", stands_in_rwlock,
	  "stands_in_rwlock" },
	{ "barrier", "waiting at a barrier", stands_in_barrier,
	  "stands_in_barrier" },
	{ "wg", "waiting for a group", stands_in_wg, "stands_in_wg" },
	{ "send", "waiting to send", stands_in_send, "stands_in_send" },
	{ "recv", "waiting to receive", stands_in_recv, "stands_in_recv" },
	{ "sleeper", "sleeping", stands_in_sleep, "stands_in_sleep" },
	{ "poller", "polling a descriptor", stands_in_poll, "stands_in_poll" },
	{ "spinner", "", stands_and_spins, "stands_and_spins" },
};

static void *stand(void *arg)
{
	add(&begun, 1);
	stands[(long)arg].fn();
	return arg;
}

static void *exits(void *arg)
{
	return arg;
}

/* What mn_dump() says now. The caller lets others run meanwhile. */
STANDS stands_in_dump(void)
{
	int fd = memfd_create("dump", 0);
	ssize_t n;

	CHECK(!mn_dump(fd));
	n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	close(fd);
}

/* How many of them are there? */
static int listed(const char *name)
{
	char head[64], *at;
	int n = 0;

	snprintf(head, sizeof(head), "thread '%s' ", name);
	for (at = strstr(text, head); at; at = strstr(at + 1, head))
		n++;
	return n;
}

/* A thread's lines are from its name to the next one's. */
static int said(const char *name, const char *state, const char *where)
{
	char head[64], *at, *end, *found;
	int yes;

	snprintf(head, sizeof(head), "thread '%s' ", name);
	at = strstr(text, head);
	if (!at)
		return 0;
	end = strstr(at + 1, "thread '");
	if (end)
		*end = 0;
	found = strstr(at, state);
	yes = found && (!where || strstr(at, where));
	if (end)
		*end = 't';
	return yes;
}

static int all_said(void)
{
	int i, yes = 1;

	for (i = 0; i < N_OF(stands); i++)
		yes &= said(stands[i].name, stands[i].state, stands[i].where);
	/* Who never waits has been preempted if it does not run. */
	if (this_setup->vcpus == 1 && this_setup->backend != MN_COOPERATIVE)
		yes &= said("spinner", "ready, preempted,", NULL);
	return yes & said("zombie", "exited, not joined", NULL) &
	       said("main", "", "stands_in_dump");
}

static void *dump(void *arg)
{
	struct mn_attr attr = { 0 };
	int i;
	mn_t t;

	mn_mutex_init(&mutex);
	mn_cond_init(&cond);
	mn_sem_init(&sem, 0);
	mn_rwlock_init(&rwlock);
	CHECK(!mn_rwlock_wrlock(&rwlock));
	CHECK(!mn_barrier_init(&barrier, 2) && !mn_wg_init(&wg, 1));
	begun = over = 0;
	CHECK(!pipe(fds));
	CHECK(!mn_chan_create(&full, 1, 1) && !mn_chan_create(&empty, 1, 1));
	CHECK(!mn_chan_send(full, "x"));
	CHECK(!mn_mutex_lock(&mutex));
	for (i = 0; i < N_OF(stands); i++) {
		attr.name = stands[i].name;
		CHECK(!mn_spawn(&t, &attr, stand, (void *)(long)i));
	}
	attr.name = "zombie";
	CHECK(!mn_spawn(&t, &attr, exits, NULL));
	wait_for(&begun, N_OF(stands));
	/* Until the last of them has got to where it waits. */
	do
		stands_in_dump();
	while (!all_said());
	CHECK(!over);
	printf("# %d bytes\n", (int)strlen(text));
	close(fds[0]);
	close(fds[1]);
	return arg;
}

/*
 * Over and over, while all change their states and places. Each is there once; one
 * that comes or goes meanwhile may be missing.
 */
static int ending;

static void *changes(void *arg)
{
	unsigned int seed = (long)arg + 1;

	while (!get(&ending)) {
		switch (random_next(&seed) % 4) {
		case 0:
			mn_yield();
			break;
		case 1:
			CHECK(!mn_sleep(random_next(&seed) % 100000));
			break;
		case 2:
			CHECK(!mn_mutex_lock(&mutex));
			spin(random_next(&seed) % 5000);
			CHECK(!mn_mutex_unlock(&mutex));
			break;
		default:
			spin(random_next(&seed) % 50000);
			mn_yield();
		}
	}
	return NULL;
}

static void *often(void *arg)
{
	struct mn_attr attr = { 0 };
	int i, j, n = turns(300);
	mn_t t[10], brief;
	char name[16];

	mn_mutex_init(&mutex);
	ending = 0;
	for (i = 0; i < N_OF(t); i++) {
		snprintf(name, sizeof(name), "changes-%d", i);
		attr.name = name;
		CHECK(!mn_spawn(&t[i], &attr, changes, (void *)(long)i));
	}
	attr.name = "brief";
	for (i = 0; i < n; i++) {
		CHECK(!mn_spawn(&brief, &attr, exits, NULL));
		stands_in_dump();
		CHECK(listed("main") == 1 && listed("brief") <= 1);
		for (j = 0; j < N_OF(t); j++) {
			snprintf(name, sizeof(name), "changes-%d", j);
			CHECK(listed(name) == 1);
		}
		CHECK(!mn_join(brief, NULL));
	}
	add(&ending, 1);
	for (i = 0; i < N_OF(t); i++)
		CHECK(!mn_join(t[i], NULL));
	return arg;
}

/*
 * With virtual CPUs that can't answer: in a system call that waits, or with a thread
 * in a section. The first thread lets them in where it is not itself, and stays in a
 * section from then on, so that it does not get behind them. The slot is 1 while one
 * may come in, 2 when one has.
 */
static int main_at, slot;

static void come_in(int *slot)
{
	for (;;) {
		int one = 1;

		mn_crit_enter();
		if (mn_vcpu() != get(&main_at) &&
		    __atomic_compare_exchange_n(slot, &one, 2, 0,
						__ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return;
		mn_crit_exit();
		mn_yield();
	}
}

static void let_in(int *slot)
{
	for (;;) {
		int one = 1;

		mn_crit_enter();
		main_at = mn_vcpu();
		__atomic_store_n(slot, 1, __ATOMIC_SEQ_CST);
		spin(20000);
		if (!__atomic_compare_exchange_n(slot, &one, 0, 0,
						 __ATOMIC_SEQ_CST,
						 __ATOMIC_SEQ_CST))
			return;
		mn_crit_exit();
		mn_yield();
	}
}

static void *reads(void *arg)
{
	char c;

	come_in(&slot);
	CHECK(read(fds[0], &c, 1) == 1);
	mn_crit_exit();
	return arg;
}

static void *hogs(void *arg)
{
	come_in(&slot);
	while (!get(&ending))
		spin(100);
	mn_crit_exit();
	return arg;
}

static void *(*const deaf[])(void *) = { reads, hogs };

static void *silent(void *arg)
{
	static const char *const names[] = { "reads", "hogs" };
	struct mn_attr attr = { 0 };
	mn_t t[2];
	int i;

	for (i = 0; i < 2; i++) {
		ending = slot = 0;
		CHECK(!pipe(fds));
		attr.name = names[i];
		CHECK(!mn_spawn(&t[0], &attr, deaf[i], NULL));
		let_in(&slot);
		attr.name = "waits";
		CHECK(!mn_spawn(&t[1], &attr, exits, NULL));
		stands_in_dump();
		CHECK(listed("main") == 1 && listed(names[i]) == 1);
		CHECK(listed("waits") <= 1);
		CHECK(said(names[i], "running", NULL) &&
		      said(names[i], "does not answer", NULL));
		CHECK(said("main", "", "stands_in_dump"));
		CHECK(write(fds[1], "", 1) == 1);
		add(&ending, 1);
		mn_crit_exit();
		CHECK(!mn_join(t[0], NULL) && !mn_join(t[1], NULL));
		close(fds[0]);
		close(fds[1]);
	}
	return arg;
}

/* By a kernel thread that is none of the virtual CPUs, before, during and after. */
static int enough;

static void *looks(void *arg)
{
	int *looked = arg, fd = open("/dev/null", O_WRONLY), err;
	struct mn_stats s = { .size = sizeof(s) };

	while (!get(&enough)) {
		mn_stats(&s);
		err = mn_dump(fd);
		CHECK(!err || err == EPERM);
		*looked += !err;
	}
	close(fd);
	return arg;
}

static void *begins_and_ends(void *arg)
{
	crew(5, exits);
	mn_yield();
	return arg;
}

static void from_outside(void)
{
	struct mn_config c = config_of(this_setup);
	int i, n = turns(500), looked = 0;
	pthread_t thread;

	mn_problems = enough = 0;
	CHECK(!pthread_create(&thread, NULL, looks, &looked));
	for (i = 0; i < n; i++)
		CHECK(!mn_run(&c, begins_and_ends, NULL, NULL));
	add(&enough, 1);
	CHECK(!pthread_join(thread, NULL));
	ok(!mn_problems, "%s, %d: from outside, while it comes and goes",
	   backend_names[this_setup->backend], this_setup->vcpus);
	printf("# %d times\n", looked);
}

static const struct mn_case cases[] = {
	{ "who, in which state, where", dump, ONCE },
	{ "each once, while all change", often, ONCE },
	{ "one that does not answer", silent, MANY_VCPUS | ONCE },
};

int main(void)
{
	return mn_main(from_outside, cases, N_OF(cases));
}
