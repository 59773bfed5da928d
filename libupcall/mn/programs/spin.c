// SPDX-License-Identifier: MIT
/*
 * Threads that never yield, call nothing and wait for nothing, many more than
 * there are virtual CPUs. Shows how far each of them had come when half of all the
 * work was done.
 *
 * usage: spin [THREADS [SLICES [MICROSECONDS]]]: each has work for about SLICES
 * slices of MICROSECONDS. Fails if one has not done its work, or not done it right.
 */
#include "program.h"

#define VCPUS		2

struct spinner {
	volatile unsigned int	x;	/* in the integer unit, */
	volatile unsigned int	done;
	double			sum;	/* and in the other */
	mn_t			thread;
};

static struct spinner *spinners;
static double *progress;		/* of each, half-way */
static int n_threads, slices, slice;
static unsigned int work;
static volatile int all_awake;
static struct mn_sem go = MN_SEM_INITIALIZER(0);

static void spin(struct spinner *s, unsigned int turns)
{
	double sum = 0;

	while (s->done < turns) {
		s->x = WALK_A * s->x + WALK_C;
		sum += 0.5;
		s->done++;
	}
	s->sum = sum;
}

/* Returns the mean. */
static double look_around(void)
{
	double sum = 0;
	int i;

	for (i = 0; i < n_threads; i++) {
		progress[i] = 100.0 * spinners[i].done / work;
		sum += progress[i];
	}
	return sum / n_threads;
}

/*
 * An urgent thread: it comes in when its time has come, whoever spins. It takes
 * longer than a slice to look at them all; if that ended it would have to wait for
 * its turn, behind all of them.
 */
static void *watcher(void *arg)
{
	mn_hold();
	while (look_around() < 50)
		MUST(mn_sleep(1000000));
	mn_release();
	return arg;
}

static void *spinner(void *arg)
{
	MUST(mn_sem_wait(&go));
	while (!all_awake)
		mn_yield();
	spin(arg, work);
	return arg;
}

/* How many turns fit into a slice here? */
static unsigned int turns_per_slice(void)
{
	const unsigned int turns = 1 << 20;
	struct spinner s = { 0 };
	int64_t start = mn_now();

	spin(&s, turns);
	return turns * (slice * 1000.0 / (mn_now() - start)) + 1;
}

static void *spin_all(void *arg)
{
	struct mn_attr urgent = { .urgent = 1 };
	mn_t t;
	int i;

	work = turns_per_slice() * slices;
	for (i = 0; i < n_threads; i++) {
		struct mn_attr attr = { .stack_size = MN_STACK_MIN };

		spinners[i].x = i;
		MUST(mn_spawn(&spinners[i].thread, &attr, spinner,
			      &spinners[i]));
	}
	/* They begin together: to wake them all takes longer than they do. */
	for (i = 0; i < n_threads; i++)
		MUST(mn_sem_post(&go));
	all_awake = 1;
	MUST(mn_spawn(&t, &urgent, watcher, NULL));
	MUST(mn_join(t, NULL));
	for (i = 0; i < n_threads; i++)
		MUST(mn_join(spinners[i].thread, NULL));
	return arg;
}

static int count_good(void)
{
	int i, good = 0;

	for (i = 0; i < n_threads; i++) {
		const struct spinner *s = &spinners[i];

		good += s->done == work && s->sum == work * 0.5 &&
			s->x == leap(i, work);
	}
	return good;
}

static void print_progress(void)
{
	qsort(progress, n_threads, sizeof(*progress), by_value);
	puts("  work done by a thread when half of all was done:");
	printf("      least     10 %%   median     90 %%     most\n"
	       "    %6.1f%%  %6.1f%%  %6.1f%%  %6.1f%%  %6.1f%%\n",
	       progress[0], quantile(progress, n_threads, 0.1),
	       quantile(progress, n_threads, 0.5),
	       quantile(progress, n_threads, 0.9), progress[n_threads - 1]);
}

int main(int argc, char **argv)
{
	struct mn_config config = { .vcpus = VCPUS };
	int64_t start = mn_now();
	int good;

	(void)argc;
	n_threads = number(argv, 1, 1000, 1);
	slices = number(argv, 2, 10, 1);
	slice = number(argv, 3, 200, 50);
	config.slice = slice;
	spinners = calloc(n_threads, sizeof(*spinners));
	progress = calloc(n_threads, sizeof(*progress));
	if (!spinners || !progress)
		must(ENOMEM, "calloc");
	MUST(mn_run(&config, spin_all, NULL, NULL));
	good = count_good();
	printf("spin: %d threads that never yield, %d slices of %d us each:\n"
	       "  %d finished, with the right result, in %.2f s\n", n_threads,
	       slices, slice, good, seconds_since(start));
	print_progress();
	print_stats();
	return good != n_threads;
}
