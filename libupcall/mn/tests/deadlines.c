// SPDX-License-Identifier: MIT
/*
 * Whatever waits gives up at its deadline, not before, and leaves everything as if
 * it had not been there; with a deadline that is over it does what can be done at once.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include "mn_test.h"

#define CREW	6

static struct mn_mutex mutex;
static struct mn_chan *chan;
static struct mn_once once;
static struct mn_sem let_go;
static int called, sent, received, in_it;

/* Of call(deadline): the one that is over, and one that comes. */
#define TIMES_OUT(err, call) do {					\
	int64_t deadline = 0;						\
									\
	CHECK((call) == (err));						\
	deadline = mn_now() + MILLISECOND;				\
	CHECK((call) == (err));						\
	CHECK(mn_now() >= deadline);					\
} while (0)

static void *has_mutex(void *arg)
{
	TIMES_OUT(ETIMEDOUT, mn_mutex_timedlock(&mutex, deadline));
	return arg;
}

static void *mutexes(void *arg)
{
	struct mn_cond cond = MN_COND_INITIALIZER;
	mn_t t;

	mn_mutex_init(&mutex);
	CHECK(!mn_mutex_timedlock(&mutex, 0));
	CHECK(mn_mutex_timedlock(&mutex, MN_FOREVER) == EDEADLK);
	spawn(&t, has_mutex, NULL);
	CHECK(!mn_join(t, NULL));
	/* It is the caller's again, and nobody else's. */
	TIMES_OUT(ETIMEDOUT, mn_cond_timedwait(&cond, &mutex, deadline));
	CHECK(!mn_mutex_unlock(&mutex));
	CHECK(!mn_mutex_timedlock(&mutex, MN_FOREVER));
	CHECK(!mn_mutex_unlock(&mutex));
	return arg;
}

/* Some give up, some do not; what is inside is one at a time. */
static void *competes(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(2000);

	for (i = 0; i < n; i++) {
		int64_t deadline = mn_now() + random_next(&seed) % 50000;
		int err = mn_mutex_timedlock(&mutex, deadline);

		CHECK(!err || err == ETIMEDOUT);
		if (err)
			continue;
		CHECK(add(&in_it, 1) == 1);
		spin(random_next(&seed) % 10000);
		if (random_next(&seed) % 8 == 0)
			mn_yield();
		add(&in_it, -1);
		CHECK(!mn_mutex_unlock(&mutex));
	}
	return arg;
}

static void *urgent_too(void *arg)
{
	struct mn_attr urgent = { .size = sizeof(urgent), .urgent = 1 };
	mn_t t;

	mn_mutex_init(&mutex);
	CHECK(!mn_spawn(&t, &urgent, competes, (void *)(long)CREW));
	crew(CREW, competes);
	CHECK(!mn_join(t, NULL));
	CHECK(!mn_mutex_trylock(&mutex));
	CHECK(!mn_mutex_unlock(&mutex));
	return arg;
}

/* No element is lost with somebody who gives up, and none comes twice. */
static void *sends(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, err, n = turns(2000);

	for (i = 0; i < n; i++) {
		int value = 1 + random_next(&seed) % 100;

		err = mn_chan_timedsend(chan, &value, mn_now() +
					random_next(&seed) % 30000);
		CHECK(!err || err == ETIMEDOUT);
		if (!err)
			add(&sent, value);
	}
	return arg;
}

static void *receives(void *arg)
{
	unsigned int seed = (long)arg + 100;
	int value, err;

	do {
		value = 0;
		err = mn_chan_timedrecv(chan, &value, mn_now() +
					random_next(&seed) % 30000);
		CHECK(!err || (!value && (err == ETIMEDOUT || err == EPIPE)));
		add(&received, value);
	} while (err != EPIPE);
	return arg;
}

static void *channels(void *arg)
{
	mn_t t[2];
	int value = 1, i;

	sent = received = 0;
	CHECK(!mn_chan_create(&chan, sizeof(int), 1));
	TIMES_OUT(ETIMEDOUT, mn_chan_timedrecv(chan, &value, deadline));
	CHECK(!mn_chan_timedsend(chan, &value, 0));
	TIMES_OUT(ETIMEDOUT, mn_chan_timedsend(chan, &value, deadline));
	CHECK(!mn_chan_timedrecv(chan, &value, 0));
	for (i = 0; i < 2; i++)
		spawn(&t[i], receives, (void *)(long)i);
	crew(CREW, sends);
	CHECK(!mn_chan_close(chan));
	for (i = 0; i < 2; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(sent == received);
	CHECK(mn_chan_timedsend(chan, &value, 0) == EPIPE);
	CHECK(mn_chan_timedrecv(chan, &value, 0) == EPIPE);
	CHECK(!mn_chan_destroy(chan));
	return arg;
}

static void *waits(void *arg)
{
	CHECK(!mn_sem_wait(&let_go));
	return arg;
}

static void *joins_too(void *arg)
{
	TIMES_OUT(ETIMEDOUT, mn_timedjoin(arg, NULL, deadline));
	return arg;
}

static void *joins(void *arg)
{
	void *result = NULL;
	mn_t t, other;

	mn_sem_init(&let_go, 0);
	spawn(&t, waits, &result);
	TIMES_OUT(ETIMEDOUT, mn_timedjoin(t, &result, deadline));
	CHECK(!result);
	spawn(&other, joins_too, t);
	CHECK(!mn_join(other, NULL));
	CHECK(!mn_sem_post(&let_go));
	CHECK(!mn_timedjoin(t, &result, mn_now() + 1000 * SECOND));
	CHECK(result == &result);
	/* Who has ended is joined at once; who has given up may detach it. */
	spawn(&t, waits, NULL);
	CHECK(!mn_sem_post(&let_go));
	while (mn_timedjoin(t, NULL, 0))
		mn_yield();
	spawn(&t, waits, NULL);
	TIMES_OUT(ETIMEDOUT, mn_timedjoin(t, NULL, deadline));
	CHECK(!mn_detach(t));
	CHECK(!mn_sem_post(&let_go));
	return arg;
}

static void slow(void)
{
	add(&called, 1);
	CHECK(!mn_sem_wait(&let_go));
}

static void *calls_slow(void *arg)
{
	CHECK(!mn_timedonce(&once, slow, 0));
	return arg;
}

static void *onces(void *arg)
{
	mn_t t;

	once = (struct mn_once)MN_ONCE_INITIALIZER;
	mn_sem_init(&let_go, 0);
	called = 0;
	spawn(&t, calls_slow, NULL);
	wait_for(&called, 1);
	TIMES_OUT(ETIMEDOUT, mn_timedonce(&once, slow, deadline));
	CHECK(!mn_sem_post(&let_go));
	CHECK(!mn_timedonce(&once, slow, MN_FOREVER));
	CHECK(!mn_timedonce(&once, slow, 0));
	CHECK(!mn_join(t, NULL));
	CHECK(called == 1);
	return arg;
}

static void counts(void *arg)
{
	add(arg, 1);
}

/* A call has been made or has not, and what is returned says so. */
static void *calls_back(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, err, mine = 0, made = 0, n = turns(500);

	for (i = 0; i < n; i++) {
		err = mn_timedblocking(counts, &mine, mn_now() +
				       random_next(&seed) % 100000);
		CHECK(!err || err == ETIMEDOUT);
		made += !err;
		CHECK(get(&mine) == made);
	}
	CHECK(!mn_timedblocking(counts, &mine, MN_FOREVER));
	CHECK(get(&mine) == made + 1);
	return NULL;
}

static void *blocks(void *arg)
{
	crew(CREW, calls_back);
	return arg;
}

static void reads_and_writes(int from, int to)
{
	char c = 0, much[65536] = "";
	ssize_t n;

	TIMES_OUT(-ETIMEDOUT, mn_timedread(from, &c, 1, deadline));
	CHECK(mn_timedwrite(to, "x", 1, 0) == 1);
	CHECK(mn_timedread(from, &c, 1, 0) == 1 && c == 'x');
	/* As much as there is room for, and then nothing. */
	do
		n = mn_timedwrite(to, much, sizeof(much), mn_now() + MILLISECOND);
	while (n > 0);
	CHECK(n == -ETIMEDOUT);
	TIMES_OUT(-ETIMEDOUT, mn_timedwrite(to, much, sizeof(much), deadline));
	CHECK(mn_timedread(from, much, sizeof(much), MN_FOREVER) > 0);
	close(to);
	while ((n = mn_timedread(from, much, sizeof(much), 0)) > 0)
		;
	CHECK(!n);
	close(from);
}

static void *descriptors(void *arg)
{
	int ends[2];

	CHECK(!pipe(ends));
	reads_and_writes(ends[0], ends[1]);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	reads_and_writes(ends[0], ends[1]);
	return arg;
}

static void is_as_it_was(int fd)
{
	socklen_t len = sizeof(struct timeval);
	struct timeval tv;

	CHECK(!getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len));
	CHECK(!tv.tv_sec && !tv.tv_usec);
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
}

/* A local socket, whose listener has room for one, or two. */
static void *connections(void *arg)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct sockaddr *addr = (struct sockaddr *)&a;
	socklen_t len = sizeof(a.sun_family);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fds[4], n, i, fd;

	CHECK(!bind(listener, addr, len));
	len = sizeof(a);
	CHECK(!getsockname(listener, addr, &len) && !listen(listener, 0));
	TIMES_OUT(-ETIMEDOUT, mn_timedaccept(listener, NULL, NULL, 0, deadline));
	for (n = 0; n < N_OF(fds); n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (mn_timedconnect(fds[n], addr, len, mn_now() + MILLISECOND))
			break;
	}
	CHECK(n && n < N_OF(fds));
	TIMES_OUT(-ETIMEDOUT, mn_timedconnect(fds[n], addr, len, deadline));
	is_as_it_was(fds[n]);
	fd = mn_timedaccept(listener, NULL, NULL, 0, 0);
	CHECK(fd >= 0);
	CHECK(!mn_timedconnect(fds[n], addr, len, MN_FOREVER));
	is_as_it_was(fds[n]);
	for (i = 0; i <= n; i++)
		close(fds[i]);
	close(fd);
	close(listener);
	return arg;
}

static const struct mn_case cases[] = {
	{ "mutexes and condition variables", mutexes, ONCE },
	{ "some give up, urgent ones as well", urgent_too, 0 },
	{ "channels", channels, 0 },
	{ "mn_timedjoin()", joins, ONCE },
	{ "mn_timedonce()", onces, ONCE },
	{ "mn_timedblocking()", blocks, 0 },
	{ "reading and writing", descriptors, ONCE },
	{ "mn_timedaccept() and mn_timedconnect()", connections, ONCE },
};

MN_MAIN(cases)
