// SPDX-License-Identifier: MIT
/*
 * Measure upcalls, and what does such work without them.
 *
 *	bench count [GROUP]	on one CPU whose time stamp counter counts
 *				instructions (QEMU's -icount shift=0)
 *	bench time [GROUP]	where it counts time
 *
 * An operation is called through a pointer from one place, between two
 * readings of the time stamp counter, and so is an empty function, whose
 * figure is subtracted: what is left is the body of the operation. Each group
 * has a process of its own, with no upcalls of the groups before.
 *
 * Counted: the median of many single calls; an interrupt of the timer in some
 * of them does not show. Timed: the rows of a group take turns, a batch of
 * calls each. Each round gives the ratios to the group's first row: of these
 * the median, the 10th and the 90th percentile.
 *
 * Prints a line a row, with tabs between:
 *	count GROUP N ROW INSTRUCTIONS
 *	time GROUP N ROW TICKS RATIO P10 P90
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define WARM		10	/* calls not counted: pages come, caches fill */
#define RUNS		201	/* calls that are, if the group has no number */
#define ROUNDS		101
#define BATCH		20
#define MOST_ROWS	8

static const struct group groups[] = {
	{ "system call", COUNT, null_rows },
	{ "to itself", COUNT | TIME, own_rows, own_setup },
	{ "critical section", COUNT | TIME, section_rows },
	{ "drained by NEXT", COUNT, drain_rows, drain_setup, 1, 1 },
	{ "drained by NEXT", COUNT, drain_rows, drain_setup, 32, 32 },
	{ "drained by NEXT", COUNT, drain_rows, drain_setup, 1024, 1024, 21 },
	{ "drained by NEXT", COUNT, drain_rows, drain_setup, 4096, 4096, 5 },
	{ "sleeper woken and back", COUNT | TIME, asleep_rows, asleep_setup },
	{ "spinning on the other CPU", TIME, spinning_rows, spinning_setup },
	{ "spinning, handler and back", TIME, through_rows, spinning_setup },
	{ "one to many asleep", COUNT | TIME, many_rows, many_setup, 64, 64,
	  21 },
	{ "register and delete", COUNT, register_rows, drain_setup, 1 },
	{ "upcalls registered", COUNT, more_rows, drain_setup, 1 },
	{ "upcalls registered", COUNT, more_rows, drain_setup, 32 },
	{ "upcalls registered", COUNT, more_rows, drain_setup, 1024 },
	{ "upcalls registered", COUNT, more_rows, drain_setup, 4096 },
	{ "threads with an upcall", COUNT, more_rows, threads_setup, 1 },
	{ "threads with an upcall", COUNT, more_rows, threads_setup, 16 },
	{ "threads with an upcall", COUNT, more_rows, threads_setup, 64 },
	{ "threads with an upcall", COUNT, more_rows, threads_setup, 256 },
	{ "unused", COUNT, life_rows },
	{ NULL }
};

int have_upcalls;

void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

int add_upcall(struct upcall *upc, upcall_func_t cfunc)
{
	int id = upc_register(upc, upc_integer_wrapper, cfunc, NULL);

	if (id < 0)
		fail("upc_register");
	return id;
}

static void nothing(void)
{
}

static const struct row empty = { .name = "nothing", .op = nothing };

static inline uint64_t now(void)
{
	uint32_t low, high;

	__asm__ __volatile__ ("rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* The only place where operations are called to be measured. */
static __attribute__((noinline)) double once(const struct row *r)
{
	void (*op)(void) = r->op;
	uint64_t start;

	if (r->before)
		r->before();
	start = now();
	op();
	return now() - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(double *values, int n, int percent)
{
	qsort(values, n, sizeof(*values), by_size);
	return values[(n - 1) * percent / 100];
}

static double count(const struct row *r, int runs)
{
	static double values[RUNS];
	int i;

	for (i = 0; i < WARM; i++)
		once(r);
	for (i = 0; i < runs; i++)
		values[i] = once(r);
	return percentile(values, runs, 50);
}

static void count_group(const struct group *g)
{
	double less = count(&empty, RUNS);
	const struct row *r;

	for (r = g->rows; r->name; r++)
		if (have_upcalls || !r->upcalls)
			printf("count\t%s\t%d\t%s\t%.1f\n", g->name, g->n,
			       r->name, (count(r, g->runs ?: RUNS) - less) /
			       (g->per ?: 1));
}

/* Ticks for one, of a batch. */
static double batch(const struct row *r, int per)
{
	double sum = 0;
	int i;

	for (i = 0; i < BATCH; i++)
		sum += once(r) - once(&empty);
	return sum > 1 ? sum / (BATCH * per) : 1.0 / per;
}

static void time_group(const struct group *g)
{
	static double ticks[MOST_ROWS][ROUNDS], ratios[MOST_ROWS][ROUNDS];
	const struct row *rows[MOST_ROWS], *r;
	int i, n = 0, round;

	for (r = g->rows; r->name; r++) {
		if (!have_upcalls && r->upcalls)
			continue;
		batch(r, 1);
		rows[n++] = r;
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < n; i++) {
			ticks[i][round] = batch(rows[i], g->per ?: 1);
			ratios[i][round] = ticks[i][round] / ticks[0][round];
		}
	}
	for (i = 0; i < n; i++)
		printf("time\t%s\t%d\t%s\t%.0f\t%.3f\t%.3f\t%.3f\n", g->name,
		       g->n, rows[i]->name, percentile(ticks[i], ROUNDS, 50),
		       percentile(ratios[i], ROUNDS, 50),
		       percentile(ratios[i], ROUNDS, 10),
		       percentile(ratios[i], ROUNDS, 90));
}

static void measure(const struct group *g, int where)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (g->setup)
			g->setup(g->n);
		if (where == COUNT)
			count_group(g);
		else
			time_group(g);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork");
	if (status) {
		fprintf(stderr, "bench: %s: status %#x\n", g->name, status);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *only = argv[argc > 1 ? 2 : 1];
	int where = !strcmp(what, "count") ? COUNT : TIME;
	const struct group *g;

	/* What the row about exec executes. */
	if (!strcmp(what, "exit"))
		_exit(0);
	have_upcalls = upc_available() == 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (g = groups; g->name; g++)
		if ((g->where & where) && (!only || !strcmp(only, g->name)))
			measure(g, where);
	return 0;
}
