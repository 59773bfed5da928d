/* SPDX-License-Identifier: MIT */
#ifndef PROGRAM_H
#define PROGRAM_H

/* What the programs here have in common. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <upcall/mn.h>

/* Calls that can fail only if the program or the library is wrong. */
#define MUST(call) must(call, #call)

static inline void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	exit(1);
}

/* The i-th argument, a number of @least or more, or @otherwise. */
static inline long number(char **argv, int i, long otherwise, long least)
{
	char *end;
	long n;

	while (i > 0 && argv[1]) {
		argv++;
		i--;
	}
	if (i > 0)
		return otherwise;
	n = strtol(*argv, &end, 0);
	if (*end || n < least) {
		fprintf(stderr, "%s: a number from %ld is wanted\n", *argv,
			least);
		exit(2);
	}
	return n;
}

/* Work whose result can be told: a walk of @turns steps from @x. */
#define WALK_A	1664525u
#define WALK_C	1013904223u

static inline unsigned int walk(unsigned int x, unsigned int turns)
{
	while (turns--) {
		x = WALK_A * x + WALK_C;
		__asm__ volatile ("" : "+r" (x));
	}
	return x;
}

/* The same, all of it at once. */
static inline unsigned int leap(unsigned int x, unsigned int turns)
{
	unsigned int a = WALK_A, c = WALK_C;

	for (; turns; turns >>= 1) {
		if (turns & 1)
			x = a * x + c;
		c = (a + 1) * c;
		a *= a;
	}
	return x;
}

static inline const char *backend_name(enum mn_backend kind)
{
	return kind == MN_UPCALL ? "upcall" :
	       kind == MN_SIGNAL ? "signal" : "off";
}

static inline double seconds_since(int64_t start)
{
	return (mn_now() - start) / 1e9;
}

/* Of @n sorted values, the one that a part of @p are not above. */
static inline double quantile(const double *sorted, long n, double p)
{
	long i = p * n;

	return sorted[i < n ? i : n - 1];
}

/* How many of them are below @x. */
static inline long rank(const double *sorted, long n, double x)
{
	long i;

	for (i = 0; i < n && sorted[i] < x;)
		i++;
	return i;
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void print_stats(void)
{
	struct mn_stats s;

	s.size = sizeof(s);
	mn_stats(&s);
	printf("  preemption %s, %d virtual CPUs: %llu threads, %llu switches,"
	       " %llu preemptions,\n  %llu steals, %llu migrations; interrupts:"
	       " %llu sent, %llu coalesced, %llu entered,\n  %llu held,"
	       " %llu deferred\n", backend_name(s.backend), s.vcpus,
	       (unsigned long long)s.spawned, (unsigned long long)s.switches,
	       (unsigned long long)s.preemptions, (unsigned long long)s.steals,
	       (unsigned long long)s.migrations, (unsigned long long)s.sent,
	       (unsigned long long)s.coalesced, (unsigned long long)s.entered,
	       (unsigned long long)s.held, (unsigned long long)s.deferred);
}

#endif /* PROGRAM_H */
