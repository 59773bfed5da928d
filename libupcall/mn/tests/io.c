// SPDX-License-Identifier: MIT
/*
 * mn_read(), mn_write(), mn_accept(), mn_connect(): bytes come as they were
 * sent, and nobody waits but the one who called.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/un.h>
#include "mn_test.h"

#define CLIENTS	12
#define CHUNK	5000

static int listener;
static struct sockaddr_in address;

static void fill(unsigned char *buf, int n, unsigned int seed)
{
	int i;

	for (i = 0; i < n; i++)
		buf[i] = random_next(&seed);
}

static void *serves(void *arg)
{
	unsigned char buf[1000];
	int fd = (long)arg;
	ssize_t n;

	while ((n = mn_read(fd, buf, sizeof(buf))) > 0)
		CHECK(mn_write(fd, buf, n) == n);
	CHECK(!n);
	close(fd);
	return NULL;
}

static void *accepts(void *arg)
{
	mn_t t[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		int fd = mn_accept(listener, (struct sockaddr *)&from, &len,
				   SOCK_CLOEXEC);

		CHECK(fd >= 0 && len == sizeof(from));
		CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		spawn(&t[i], serves, (void *)(long)fd);
	}
	for (i = 0; i < CLIENTS; i++)
		CHECK(!mn_join(t[i], NULL));
	return arg;
}

static void *client(void *arg)
{
	unsigned char out[CHUNK], in[CHUNK];
	unsigned int seed = (long)arg + 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int i, rounds = turns(100);

	CHECK(!mn_connect(fd, (struct sockaddr *)&address, sizeof(address)));
	for (i = 0; i < rounds; i++) {
		int n = 1 + random_next(&seed) % CHUNK, got = 0;

		fill(out, n, seed);
		CHECK(mn_write(fd, out, n) == n);
		while (got < n) {
			ssize_t some = mn_read(fd, in + got, n - got);

			CHECK(some > 0);
			if (some <= 0)
				break;
			got += some;
		}
		CHECK(!memcmp(in, out, n));
	}
	/* connect() leaves the descriptor as it was. */
	CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	close(fd);
	return NULL;
}

static void *echo(void *arg)
{
	socklen_t len = sizeof(address);
	mn_t t;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = 0;
	CHECK(!bind(listener, (struct sockaddr *)&address, sizeof(address)));
	CHECK(!getsockname(listener, (struct sockaddr *)&address, &len));
	CHECK(!listen(listener, 64));
	spawn(&t, accepts, NULL);
	crew(CLIENTS, client);
	CHECK(!mn_join(t, NULL));
	close(listener);
	/* Nobody there now. */
	listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(mn_connect(listener, (struct sockaddr *)&address,
			 sizeof(address)) == -ECONNREFUSED);
	close(listener);
	return arg;
}

/* Through all kinds of descriptors that have two ends. */
static int ends[2];
static long total;

static void *writes(void *arg)
{
	unsigned char buf[CHUNK];
	unsigned int seed = 7;
	long left = total;

	while (left) {
		int n = 1 + random_next(&seed) % CHUNK;

		n = n < left ? n : left;
		fill(buf, n, seed);
		/* All of it, as a write() that waits. */
		CHECK(mn_write(ends[1], buf, n) == n);
		left -= n;
	}
	close(ends[1]);
	return arg;
}

static void stream(void)
{
	unsigned char buf[CHUNK], want[CHUNK];
	unsigned int seed = 7;
	long left;
	mn_t t;

	total = 10L * turns(50000);
	left = total;
	spawn(&t, writes, NULL);
	while (left) {
		int n = 1 + random_next(&seed) % CHUNK, got = 0;
		ssize_t some;

		n = n < left ? n : left;
		fill(want, n, seed);
		while (got < n && (some = mn_read(ends[0], buf + got,
						  n - got)) > 0)
			got += some;
		CHECK(got == n && !memcmp(buf, want, n));
		left -= n;
	}
	CHECK(mn_read(ends[0], buf, sizeof(buf)) == 0);
	CHECK(!mn_join(t, NULL));
	close(ends[0]);
}

static void *through_pipe(void *arg)
{
	CHECK(!pipe(ends));
	stream();
	return arg;
}

static void *through_socket(void *arg)
{
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	stream();
	return arg;
}

static void *through_nonblocking(void *arg)
{
	CHECK(!pipe2(ends, O_NONBLOCK));
	stream();
	return arg;
}

/* All of it in one call, where there is room for a part alone. */
static unsigned char big[300000];

static void *writes_big(void *arg)
{
	CHECK(mn_write(ends[1], big, sizeof(big)) == sizeof(big));
	close(ends[1]);
	return arg;
}

static void *all_of_it(void *arg)
{
	unsigned char buf[CHUNK];
	unsigned long got = 0;
	ssize_t n;
	mn_t t;

	fill(big, sizeof(big), 5);
	CHECK(!pipe(ends));
	spawn(&t, writes_big, NULL);
	while ((n = mn_read(ends[0], buf, sizeof(buf))) > 0) {
		CHECK(got + n <= sizeof(big) && !memcmp(buf, big + got, n));
		got += n;
	}
	CHECK(!n && got == sizeof(big));
	CHECK(!mn_join(t, NULL));
	close(ends[0]);
	return arg;
}

static void *through_file(void *arg)
{
	char name[] = "/tmp/upcall-mn-io.XXXXXX";
	unsigned char out[CHUNK], in[CHUNK];
	int fd = mkstemp(name), i;

	CHECK(fd >= 0);
	unlink(name);
	for (i = 0; i < 10; i++) {
		fill(out, sizeof(out), i + 1);
		CHECK(mn_write(fd, out, sizeof(out)) == sizeof(out));
	}
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	for (i = 0; i < 10; i++) {
		fill(out, sizeof(out), i + 1);
		CHECK(mn_read(fd, in, sizeof(in)) == sizeof(in));
		CHECK(!memcmp(in, out, sizeof(in)));
	}
	CHECK(mn_read(fd, in, sizeof(in)) == 0);
	close(fd);
	return arg;
}

/*
 * A local socket whose listener has no room for one more: connect() waits, and
 * when it has returned 0 there is a connection.
 */
static struct sockaddr_un local;
static int connected;

static void *connects(void *arg)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c = (long)arg;

	CHECK(!mn_connect(fd, (struct sockaddr *)&local, sizeof(local)));
	add(&connected, 1);
	CHECK(mn_write(fd, &c, 1) == 1);
	CHECK(mn_read(fd, &c, 1) == 1 && c == (char)(long)arg);
	close(fd);
	return NULL;
}

static void *full_backlog(void *arg)
{
	mn_t t[6];
	int i;

	connected = 0;
	local.sun_family = AF_UNIX;
	snprintf(local.sun_path + 1, sizeof(local.sun_path) - 1,
		 "upcall-mn-io-%d", getpid());
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(!bind(listener, (struct sockaddr *)&local, sizeof(local)));
	CHECK(!listen(listener, 1));
	for (i = 0; i < N_OF(t); i++)
		spawn(&t[i], connects, (void *)(long)i);
	/* As many as there is room for, and all have tried. */
	wait_for(&connected, 2);
	for (i = 0; i < 20; i++)
		mn_yield();
	for (i = 0; i < N_OF(t); i++) {
		int fd = mn_accept(listener, NULL, NULL, 0);
		char c;

		CHECK(fd >= 0);
		CHECK(mn_read(fd, &c, 1) == 1);
		CHECK(mn_write(fd, &c, 1) == 1);
		close(fd);
	}
	for (i = 0; i < N_OF(t); i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(connected == N_OF(t));
	close(listener);
	return arg;
}

static void *refusals(void *arg)
{
	char c = 0;

	CHECK(mn_read(-1, &c, 1) == -EBADF);
	CHECK(mn_write(-1, &c, 1) == -EBADF);
	CHECK(mn_accept(-1, NULL, NULL, 0) == -EBADF);
	CHECK(mn_connect(-1, (struct sockaddr *)&address, sizeof(address)) ==
	      -EBADF);
	CHECK(!pipe(ends));
	CHECK(mn_read(ends[1], &c, 1) == -EBADF);
	CHECK(mn_write(ends[0], &c, 1) == -EBADF);
	CHECK(mn_accept(ends[0], NULL, NULL, 0) == -ENOTSOCK);
	CHECK(mn_write(ends[1], NULL, 1) == -EFAULT);
	CHECK(mn_write(ends[1], &c, 0) == 0);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK(mn_write(ends[1], &c, 1) == -EPIPE);
	close(ends[1]);
	/* Of a socket there is the error and no signal. */
	signal(SIGPIPE, SIG_DFL);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	close(ends[0]);
	CHECK(mn_write(ends[1], &c, 1) == -EPIPE);
	CHECK(mn_read(ends[1], &c, 1) == 0);
	close(ends[1]);
	return arg;
}

static const struct mn_case cases[] = {
	{ "a server and its clients", echo, 0 },
	{ "through a pipe", through_pipe, 0 },
	{ "through a socket", through_socket, 0 },
	{ "through one with O_NONBLOCK", through_nonblocking, 0 },
	{ "more than there is room for", all_of_it, 0 },
	{ "to a file and back", through_file, ONCE },
	{ "a listener without room", full_backlog, 0 },
	{ "errors", refusals, ONCE },
};

MN_MAIN(cases)
