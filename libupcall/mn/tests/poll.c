// SPDX-License-Identifier: MIT
/*
 * mn_poll(): the events that have come, or the deadline, and nothing missed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include "mn_test.h"

#define CREW	8

static int pairs[CREW][2];
static int timeouts, events;

static void *answers(void *arg)
{
	int fd = pairs[(long)arg][1], i, n = turns(2000);
	char c;

	for (i = 0; i < n; i++) {
		CHECK(mn_poll(fd, POLLIN, MN_FOREVER) == POLLIN);
		CHECK(read(fd, &c, 1) == 1 && c == (char)i);
		CHECK(write(fd, &c, 1) == 1);
	}
	return NULL;
}

static void *asks(void *arg)
{
	int fd = pairs[(long)arg][0], i, n = turns(2000);
	mn_t t;
	char c;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[(long)arg]));
	fd = pairs[(long)arg][0];
	spawn(&t, answers, arg);
	for (i = 0; i < n; i++) {
		c = i;
		CHECK(write(fd, &c, 1) == 1);
		CHECK(mn_poll(fd, POLLIN, MN_FOREVER) == POLLIN);
		CHECK(read(fd, &c, 1) == 1 && c == (char)i);
	}
	CHECK(!mn_join(t, NULL));
	close(pairs[(long)arg][0]);
	close(pairs[(long)arg][1]);
	return NULL;
}

static void *to_and_fro(void *arg)
{
	crew(CREW, asks);
	return arg;
}

/* Deadlines and events meet. What a reader has not seen is still there. */
static int fifo[2], read_, over;

static void *reads_in_time(void *arg)
{
	unsigned int seed = (long)arg + 5;
	int i, n = turns(1000), ret;
	char c;

	for (i = 0; i < n; i++) {
		int64_t deadline = mn_now() + random_next(&seed) % 100000;

		ret = mn_poll(fifo[0], POLLIN, deadline);
		if (!ret) {
			CHECK(mn_now() >= deadline);
			add(&timeouts, 1);
			continue;
		}
		CHECK(ret == POLLIN);
		add(&events, 1);
		/* Another may have been faster. */
		if (read(fifo[0], &c, 1) == 1)
			add(&read_, 1);
	}
	add(&over, 1);
	return NULL;
}

static void *timed(void *arg)
{
	mn_t t[CREW];
	unsigned int seed = 3;
	int i, written = 0;
	char c = 0;

	CHECK(!pipe2(fifo, O_NONBLOCK));
	timeouts = events = read_ = over = 0;
	for (i = 0; i < CREW; i++)
		spawn(&t[i], reads_in_time, (void *)(long)i);
	while (get(&over) < CREW) {
		written += write(fifo[1], &c, 1) == 1;
		spin(random_next(&seed) % 20000);
		mn_yield();
	}
	for (i = 0; i < CREW; i++)
		CHECK(!mn_join(t[i], NULL));
	while (read(fifo[0], &c, 1) == 1)
		read_++;
	CHECK(read_ == written);
	CHECK(timeouts + events == CREW * turns(1000));
	close(fifo[0]);
	close(fifo[1]);
	return arg;
}

/* Several for one descriptor, each for what it wants. */
static int sv[2], readers, writers;

static void *wants(void *arg)
{
	int in = (long)arg % 2;
	int ret = mn_poll(sv[0], in ? POLLIN : POLLOUT, MN_FOREVER);

	CHECK(ret == (in ? POLLIN : POLLOUT));
	add(in ? &readers : &writers, 1);
	return NULL;
}

static void *each_its_own(void *arg)
{
	static char lots[4096];
	mn_t t[CREW];
	int i;

	readers = writers = 0;
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv));
	while (write(sv[0], lots, sizeof(lots)) > 0)
		;
	for (i = 0; i < CREW; i++)
		spawn(&t[i], wants, (void *)(long)i);
	for (i = 0; i < 10; i++)
		mn_yield();
	CHECK(!readers && !writers);
	CHECK(write(sv[1], "x", 1) == 1);
	wait_for(&readers, CREW / 2);
	CHECK(!writers);
	while (read(sv[1], lots, sizeof(lots)) > 0)
		;
	for (i = 0; i < CREW; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(readers == CREW / 2 && writers == CREW / 2);
	close(sv[0]);
	close(sv[1]);
	return arg;
}

static void *hangup(void *arg)
{
	int ret = mn_poll(fifo[0], POLLIN, MN_FOREVER);

	CHECK(ret & POLLHUP);
	return arg;
}

static void *results(void *arg)
{
	int64_t before;
	int file;
	mn_t t;

	CHECK(mn_poll(-1, POLLIN, MN_FOREVER) == -EBADF);
	CHECK(mn_poll(1 << 30, POLLIN, MN_FOREVER) == -EBADF);
	CHECK(!pipe(fifo));
	close(fifo[0]);
	CHECK(mn_poll(fifo[0], POLLIN, MN_FOREVER) == -EBADF);
	CHECK(mn_poll(fifo[0], POLLIN, 0) == -EBADF);
	close(fifo[1]);

	CHECK(!pipe(fifo));
	CHECK(mn_poll(fifo[0], POLLIN, 0) == 0);
	CHECK(mn_poll(fifo[0], POLLIN, -SECOND) == 0);
	CHECK(mn_poll(fifo[1], POLLOUT, 0) == POLLOUT);
	before = mn_now();
	CHECK(mn_poll(fifo[0], POLLIN, before + MILLISECOND) == 0);
	CHECK(mn_now() >= before + MILLISECOND);
	spawn(&t, hangup, NULL);
	mn_yield();
	close(fifo[1]);
	CHECK(!mn_join(t, NULL));
	close(fifo[0]);

	/* Of a file poll() says that it is ready, and epoll nothing. */
	file = open("/proc/self/exe", O_RDONLY);
	CHECK(mn_poll(file, POLLIN, MN_FOREVER) == POLLIN);
	close(file);
	return arg;
}

static const struct mn_case cases[] = {
	{ "to and fro", to_and_fro, 0 },
	{ "events and deadlines", timed, 0 },
	{ "several for one descriptor", each_its_own, 0 },
	{ "results", results, 0 },
};

MN_MAIN(cases)
