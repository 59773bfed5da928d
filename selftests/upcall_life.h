/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of random operations share: lives, one after the other, each a
 * child that has to come to its end.
 */
#ifndef UPCALL_LIFE_H
#define UPCALL_LIFE_H

#include "upcall_proc.h"

static pid_t child;
static bool hung;		/* was the last child ended by us? */
static unsigned int patience;	/* seconds it is given */
static unsigned long *progress;	/* where it counts what it does, if it does */

/* One that still gets on is not hung: the machine may be slow. */
static void on_hang(int sig)
{
	static unsigned long last;

	if (progress && READ_ONCE(*progress) != last) {
		last = READ_ONCE(*progress);
		alarm(patience);
		return;
	}
	hung = true;
	kill(child, SIGKILL);
}

static inline int watch_for_hangs(void)
{
	struct sigaction sa = { .sa_handler = on_hang };

	return sigaction(SIGALRM, &sa, NULL);
}

/* The wait status of child, which is given that long. */
static inline int life_status(unsigned int seconds)
{
	int status;

	hung = false;
	patience = seconds;
	alarm(seconds);
	status = child_status(child);
	alarm(0);
	return status;
}

/* Where a test of this kind begins: UPCALL_SEED, or always at the same place. */
static inline unsigned int first_seed(void)
{
	const char *seed = getenv("UPCALL_SEED");

	return seed ? strtoul(seed, NULL, 0) : 1;
}

/* xorshift: of next_random()'s bits the low ones repeat. */
static inline unsigned int throw_dice(unsigned int *dice, unsigned int below)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 17;
	*dice ^= *dice << 5;
	return *dice % below;
}

/* What several threads, or lives, count together. */
static inline void count(unsigned long *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

#endif /* UPCALL_LIFE_H */
