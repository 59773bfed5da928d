/* SPDX-License-Identifier: MIT */
#ifndef ECHO_CLIENT_H
#define ECHO_CLIENT_H

/* The clients of echo: all of them in one thread of one process. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <upcall/mn.h>

struct load {
	long connections, requests, per_second;	/* requests: of each */
};

/* A request, and its answer. */
struct message {
	int32_t	connection, number;
	int64_t	due;
	char	more[48];
};

/* What one connection has got so far of an answer. */
struct connection {
	int		fd;
	int32_t		answers;
	size_t		have;
	struct message	in;
};

static inline int client_failed(const char *what)
{
	fprintf(stderr, "echo: client: %s: %m\n", what);
	return 1;
}

static inline void fill(struct message *m, int connection, int n, int64_t due)
{
	unsigned int i;

	m->connection = connection;
	m->number = n;
	m->due = due;
	for (i = 0; i < sizeof(m->more); i++)
		m->more[i] = connection * 7 + n * 3 + i;
}

static inline int is_answer(const struct connection *c, int connection)
{
	struct message wanted;

	fill(&wanted, connection, c->answers, c->in.due);
	return !memcmp(&wanted, &c->in, sizeof(wanted));
}

/* Each request is due at a time of its own, one connection after the other. */
static inline int64_t due_time(const struct load *load, int64_t start, long i)
{
	return start + i * (INT64_C(1000000000) / load->per_second);
}

static inline int send_due(const struct load *load, struct connection *c,
			   int64_t start, double *late, long *sent)
{
	long all = load->connections * load->requests;
	int64_t due, now;

	while (*sent < all &&
	       (due = due_time(load, start, *sent)) <= (now = mn_now())) {
		int i = *sent % load->connections;
		struct message m;

		late[*sent] = (now - due) / 1000.0;
		fill(&m, i, *sent / load->connections, due);
		if (write(c[i].fd, &m, sizeof(m)) != sizeof(m))
			return client_failed("write");
		++*sent;
	}
	return 0;
}

/* A stream: an answer may come in pieces, or with the next. */
static inline int receive(const struct load *load, struct connection *c, int i,
			  double *latency, long *received)
{
	ssize_t n;

	while ((n = recv(c[i].fd, (char *)&c[i].in + c[i].have,
			 sizeof(c[i].in) - c[i].have, MSG_DONTWAIT)) > 0) {
		c[i].have += n;
		if (c[i].have < sizeof(c[i].in))
			continue;
		if (!is_answer(&c[i], i))
			return client_failed("not what was sent");
		latency[c[i].answers++ * load->connections + i] =
			(mn_now() - c[i].in.due) / 1000.0;
		c[i].have = 0;
		++*received;
	}
	return n < 0 && errno == EAGAIN ? 0 : client_failed("read");
}

static inline int connect_all(const struct load *load, struct connection *c,
			      const struct sockaddr_in *addr, int epoll)
{
	struct epoll_event e = { .events = EPOLLIN };
	long i;

	for (i = 0; i < load->connections; i++) {
		c[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		e.data.u32 = i;
		if (c[i].fd < 0 ||
		    connect(c[i].fd, (const void *)addr, sizeof(*addr)) ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, c[i].fd, &e))
			return client_failed("connect");
	}
	return 0;
}

/* A timer that ticks whenever a request is due; its number is -1. */
static inline int tick_when_due(const struct load *load, int64_t start, int epoll)
{
	int64_t period = due_time(load, 0, 1);
	struct itimerspec its = {
		.it_interval = { period / 1000000000, period % 1000000000 },
		.it_value = { start / 1000000000, start % 1000000000 },
	};
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = -1 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
		client_failed("timer");
	return fd;
}

static inline int exchange(const struct load *load, struct connection *c,
			   int epoll, double *latency, double *late)
{
	int64_t start = mn_now();
	int timer = tick_when_due(load, start, epoll);
	long sent = 0, received = 0;
	struct epoll_event e[64];
	uint64_t ticks;
	int i, n;

	while (received < load->connections * load->requests) {
		n = epoll_wait(epoll, e, 64, -1);
		for (i = 0; i < n; i++) {
			if (e[i].data.u32 != -1u) {
				if (receive(load, c, e[i].data.u32, latency,
					    &received))
					return 1;
			} else if (read(timer, &ticks, sizeof(ticks)) < 0) {
				return client_failed("timer");
			}
			if (send_due(load, c, start, late, &sent))
				return 1;
		}
	}
	return 0;
}

/*
 * Begins when there is something to read at @go. An instrument must not wait for
 * what it measures: it goes before all others, if it may.
 */
static inline int client(const struct load *load, const struct sockaddr_in *addr,
			 int go, double *latency, double *late)
{
	struct connection *c = calloc(load->connections, sizeof(*c));
	struct sched_param first = { .sched_priority = 1 };
	int epoll = epoll_create1(0);
	char byte;

	sched_setscheduler(0, SCHED_FIFO, &first);
	if (!c || epoll < 0 || connect_all(load, c, addr, epoll))
		return 1;
	if (read(go, &byte, 1) != 1)
		return client_failed("go");
	/* The connections are closed when the process ends. */
	return exchange(load, c, epoll, latency, late);
}

#endif /* ECHO_CLIENT_H */
