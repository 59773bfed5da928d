/* SPDX-License-Identifier: MIT */
#ifndef COMPARE_H
#define COMPARE_H

/*
 * The same measurements for several threads libraries. A file for each defines
 * what is used here of its library (thread_t, spawn(), join(), yield(), lock_t,
 * lock(), unlock(), cond_t, wait(), signal()) and then calls compare(), within
 * threads where the library needs that.
 *
 * Prints lines "row value", in nanoseconds per operation: medians of RUNS. A row
 * that a library can't do is left out.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS	7

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void row(const char *name, double (*measure)(long), long n)
{
	double v[RUNS];
	int i;

	measure(n / 10 + 1);
	for (i = 0; i < RUNS; i++)
		v[i] = measure(n);
	qsort(v, RUNS, sizeof(v[0]), by_value);
	printf("%s %.0f\n", name, v[RUNS / 2]);
	fflush(stdout);
}

static void *nothing(void *arg)
{
	return arg;
}

/* Created and joined, one at a time. */
static double create_join(long n)
{
	double start = now();
	long i;

	for (i = 0; i < n; i++)
		join(spawn(nothing, NULL));
	return (now() - start) / n;
}

/* Two that do nothing but yield: half of what a pair of yields takes. */
static void *yielder(void *arg)
{
	long i;

	for (i = 0; i < *(long *)arg; i++)
		yield();
	return arg;
}

static double yield_switch(long n)
{
	double start = now();
	thread_t a = spawn(yielder, &n), b = spawn(yielder, &n);

	join(a);
	join(b);
	return (now() - start) / (2 * n);
}

/*
 * A ball that two threads play to each other, with a mutex and a condition
 * variable: time from one to the other.
 */
static struct {
	lock_t	lock;
	cond_t	cond[2];
	int	whose;
	long	left;
	int	apart;		/* on two processors */
	volatile int where[2];
} game;

static void *player(void *arg)
{
	int me = arg != NULL;

	if (game.apart) {
		go_apart(me, game.where);
	}
	lock(&game.lock);
	while (game.left > 0) {
		while (game.whose != me && game.left > 0)
			wait(&game.cond[me], &game.lock);
		game.left--;
		game.whose = !me;
		signal(&game.cond[!me]);
	}
	unlock(&game.lock);
	return NULL;
}

static double play(long n)
{
	double start;
	thread_t a, b;

	game.left = n;
	game.whose = 0;
	game.where[0] = game.where[1] = -1;
	start = now();
	a = spawn(player, NULL);
	b = spawn(player, &game);
	join(a);
	join(b);
	return (now() - start) / n;
}

/* From one thread to another, in order, through room for 16. */

#ifndef OWN_CHANNEL
static struct {
	lock_t	lock;
	cond_t	room, some;
	long	ring[16];
	int	first, n;
} queue;

static void channel_put(long x)
{
	lock(&queue.lock);
	while (queue.n == 16)
		wait(&queue.room, &queue.lock);
	queue.ring[(queue.first + queue.n++) % 16] = x;
	signal(&queue.some);
	unlock(&queue.lock);
}

static long channel_get(void)
{
	long x;

	lock(&queue.lock);
	while (!queue.n)
		wait(&queue.some, &queue.lock);
	x = queue.ring[queue.first];
	queue.first = (queue.first + 1) % 16;
	queue.n--;
	signal(&queue.room);
	unlock(&queue.lock);
	return x;
}
#endif

static void *producer(void *arg)
{
	long i, n = *(long *)arg;

	for (i = 0; i < n; i++)
		channel_put(i);
	return NULL;
}

static double channel(long n)
{
	double start = now();
	thread_t t = spawn(producer, &n);
	long i;

	for (i = 0; i < n; i++) {
		if (channel_get() != i) {
			fprintf(stderr, "channel: out of order\n");
			exit(1);
		}
	}
	join(t);
	return (now() - start) / n;
}

/*
 * Two that spin on one processor, until they have been taken off it for each
 * other a number of times: from the last that the one did to the first that the
 * other did, the median of one run. Between two looks at the clock a thread does
 * something else, so that it is there, as a rule, that it is interrupted; what it
 * has done of that by then is in the figure.
 */
#ifdef PREEMPTS
#define GAPS	200
#define ELSE	100

static struct {
	volatile unsigned long long last;
	volatile int	who, n;
	double		gap[GAPS];
} spinning;

static unsigned long long ticks(void)
{
	return __builtin_ia32_rdtsc();
}

static void *spinner(void *arg)
{
	int me = arg != NULL;
	volatile int i;

	while (spinning.n < GAPS) {
		if (spinning.who != me) {
			spinning.gap[spinning.n++ % GAPS] = ticks() - spinning.last;
			spinning.who = me;
		}
		spinning.last = ticks();
		for (i = 0; i < ELSE; i++)
			;
	}
	return NULL;
}

static double preemption(long unused)
{
	double start = now(), per_tick;
	unsigned long long t = ticks();
	thread_t a, b;

	(void)unused;
	spinning.n = 0;
	a = spawn(spinner, NULL);
	b = spawn(spinner, &spinning);
	join(a);
	join(b);
	per_tick = (now() - start) / (ticks() - t);
	qsort(spinning.gap, GAPS, sizeof(spinning.gap[0]), by_value);
	return spinning.gap[GAPS / 2] * per_tick;
}
#endif

#endif /* COMPARE_H */
