// SPDX-License-Identifier: MIT
/*
 * Channels: every element arrives once, each sender's in its order.
 */
#include "mn_test.h"

#define SENDERS		4
#define RECEIVERS	3
#define N		turns(10000)

struct element {
	int	sender, number;
	char	rest[5];	/* an odd size */
} __attribute__((packed));

static struct mn_chan *chan;
static int received[SENDERS];

static void *sends(void *arg)
{
	struct element e = { .sender = (long)arg, .rest = "abcd" };

	for (e.number = 1; e.number <= N; e.number++)
		CHECK(!mn_chan_send(chan, &e));
	return NULL;
}

static void *receives(void *arg)
{
	int last[SENDERS] = { 0 };
	struct element e;
	int err;

	while (!(err = mn_chan_recv(chan, &e))) {
		CHECK(e.sender >= 0 && e.sender < SENDERS);
		CHECK(!memcmp(e.rest, "abcd", 5));
		CHECK(e.number > last[e.sender]);
		last[e.sender] = e.number;
		add(&received[e.sender], 1);
	}
	CHECK(err == EPIPE);
	return arg;
}

static void pass(int capacity)
{
	mn_t s[SENDERS], r[RECEIVERS];
	int i;

	memset(received, 0, sizeof(received));
	CHECK(!mn_chan_create(&chan, sizeof(struct element), capacity));
	for (i = 0; i < SENDERS; i++)
		spawn(&s[i], sends, (void *)(long)i);
	for (i = 0; i < RECEIVERS; i++)
		spawn(&r[i], receives, NULL);
	for (i = 0; i < SENDERS; i++)
		CHECK(!mn_join(s[i], NULL));
	CHECK(!mn_chan_close(chan));
	for (i = 0; i < RECEIVERS; i++)
		CHECK(!mn_join(r[i], NULL));
	for (i = 0; i < SENDERS; i++)
		CHECK(received[i] == N);
	CHECK(!mn_chan_destroy(chan));
}

static void *small(void *arg)
{
	pass(1);
	return arg;
}

static void *large(void *arg)
{
	pass(37);
	return arg;
}

/* A line of threads, as of a sieve's: each adds one. */
#define LINE	50

static struct mn_chan *line[LINE + 1];

static void *adds_one(void *arg)
{
	int i = (long)arg, x;

	while (!mn_chan_recv(line[i], &x)) {
		x++;
		CHECK(!mn_chan_send(line[i + 1], &x));
	}
	CHECK(!mn_chan_close(line[i + 1]));
	return NULL;
}

static void *feeds(void *arg)
{
	int i, n = turns(500);

	for (i = 0; i < n; i++)
		CHECK(!mn_chan_send(line[0], &i));
	CHECK(!mn_chan_close(line[0]));
	return arg;
}

static void *pipeline(void *arg)
{
	mn_t t[LINE], feeder;
	int i, x, n = 0;

	for (i = 0; i <= LINE; i++)
		CHECK(!mn_chan_create(&line[i], sizeof(int), 1 + i % 3));
	for (i = 0; i < LINE; i++)
		spawn(&t[i], adds_one, (void *)(long)i);
	spawn(&feeder, feeds, NULL);
	while (!mn_chan_recv(line[LINE], &x))
		CHECK(x == n++ + LINE);
	CHECK(n == turns(500));
	CHECK(!mn_join(feeder, NULL));
	for (i = 0; i < LINE; i++)
		CHECK(!mn_join(t[i], NULL));
	for (i = 0; i <= LINE; i++)
		CHECK(!mn_chan_destroy(line[i]));
	return arg;
}

static int piped;

static void *sends_until_closed(void *arg)
{
	int x = 1, err;

	while (!(err = mn_chan_send(chan, &x)))
		;
	CHECK(err == EPIPE);
	add(&piped, 1);
	return arg;
}

static void *receives_until_closed(void *arg)
{
	int x, err;

	while (!(err = mn_chan_recv(chan, &x)))
		CHECK(x == 1);
	CHECK(err == EPIPE);
	add(&piped, 1);
	return arg;
}

static void closed_on(void *(*fn)(void *))
{
	mn_t t[5];
	int i;

	piped = 0;
	CHECK(!mn_chan_create(&chan, sizeof(int), 2));
	for (i = 0; i < N_OF(t); i++)
		spawn(&t[i], fn, NULL);
	for (i = 0; i < 20; i++)
		mn_yield();
	/* Here it is certain that they wait. */
	if (this_setup->backend == MN_COOPERATIVE && this_setup->vcpus == 1)
		CHECK(mn_chan_destroy(chan) == EBUSY);
	CHECK(!mn_chan_close(chan));
	for (i = 0; i < N_OF(t); i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(piped == N_OF(t));
	CHECK(!mn_chan_destroy(chan));
}

static void *closed(void *arg)
{
	closed_on(sends_until_closed);
	return arg;
}

static void *closed_empty(void *arg)
{
	closed_on(receives_until_closed);
	return arg;
}

static void *results(void *arg)
{
	int x;

	CHECK(!mn_chan_create(&chan, sizeof(int), 2));
	CHECK(mn_chan_tryrecv(chan, &x) == EAGAIN);
	x = 1;
	CHECK(!mn_chan_trysend(chan, &x));
	x = 2;
	CHECK(!mn_chan_send(chan, &x));
	x = 3;
	CHECK(mn_chan_trysend(chan, &x) == EAGAIN);
	CHECK(!mn_chan_close(chan));
	CHECK(mn_chan_close(chan) == EPIPE);
	CHECK(mn_chan_send(chan, &x) == EPIPE);
	CHECK(mn_chan_trysend(chan, &x) == EPIPE);
	/* What it holds is still there. */
	CHECK(!mn_chan_recv(chan, &x) && x == 1);
	CHECK(!mn_chan_tryrecv(chan, &x) && x == 2);
	CHECK(mn_chan_recv(chan, &x) == EPIPE);
	CHECK(mn_chan_tryrecv(chan, &x) == EPIPE);
	CHECK(!mn_chan_destroy(chan));
	return arg;
}

static const struct mn_case cases[] = {
	{ "one element", small, 0 },
	{ "37 elements", large, 0 },
	{ "a line of threads", pipeline, 0 },
	{ "senders of a channel that is closed", closed, 0 },
	{ "receivers of a channel that is closed", closed_empty, 0 },
	{ "EAGAIN, EPIPE, what a closed one still holds", results, 0 },
};

MN_MAIN(cases)
