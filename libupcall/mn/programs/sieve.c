// SPDX-License-Identifier: MIT
/*
 * The prime sieve: a thread for each prime, which takes numbers from a channel
 * and hands on those that its prime does not divide. The first number that gets
 * past all of them is the next prime, and gets a thread.
 *
 * usage: sieve [LIMIT]; says how many primes there are up to LIMIT, and fails if
 * an ordinary sieve finds others.
 */
#include "program.h"

#define CAPACITY	64

/* What comes before a filter, and what the filter found there. */
struct stage {
	struct mn_chan	*in;
	mn_t		thread;
	int		prime;
};

static int limit;
static struct stage *stages;	/* more than there can be */
static int n_stages;		/* each filter counts the next one */

static void *filter(void *arg);

static struct mn_chan *add_stage(void)
{
	struct stage *s = &stages[n_stages++];
	struct mn_attr attr = { .stack_size = MN_STACK_MIN };
	char name[MN_NAME_MAX];

	snprintf(name, sizeof(name), "filter %d", n_stages);
	attr.name = name;
	MUST(mn_chan_create(&s->in, sizeof(int), CAPACITY));
	MUST(mn_spawn(&s->thread, &attr, filter, s));
	return s->in;
}

/* The last filter gets no prime, only the end. */
static void *filter(void *arg)
{
	struct stage *s = arg;
	struct mn_chan *out;
	int n;

	if (mn_chan_recv(s->in, &s->prime))
		return NULL;
	out = add_stage();
	while (!mn_chan_recv(s->in, &n))
		if (n % s->prime)
			MUST(mn_chan_send(out, &n));
	MUST(mn_chan_close(out));
	return NULL;
}

static void *generate(void *arg)
{
	struct mn_chan *out = add_stage();
	int i;

	for (i = 2; i <= limit; i++)
		MUST(mn_chan_send(out, &i));
	MUST(mn_chan_close(out));
	/* Each has made the next before it ends. */
	for (i = 0; i < n_stages; i++)
		MUST(mn_join(stages[i].thread, NULL));
	for (i = 0; i < n_stages; i++)
		MUST(mn_chan_destroy(stages[i].in));
	return arg;
}

/* Eratosthenes: returns how many, and whether the filters had the same. */
static int plain_sieve(int *same)
{
	char *composite = calloc(limit + 1, 1);
	int i, j, n = 0;

	*same = 1;
	for (i = 2; i <= limit; i++) {
		if (composite[i])
			continue;
		*same &= n < n_stages && stages[n].prime == i;
		n++;
		for (j = 2 * i; j <= limit; j += i)
			composite[j] = 1;
	}
	free(composite);
	return n;
}

int main(int argc, char **argv)
{
	int64_t start = mn_now();
	int primes, same;

	(void)argc;
	limit = number(argv, 1, 2000, 2);
	stages = calloc(limit, sizeof(*stages));
	if (!stages)
		must(ENOMEM, "calloc");
	MUST(mn_run(NULL, generate, NULL, NULL));
	primes = plain_sieve(&same);
	printf("sieve: %d primes up to %d by %d threads, %.2f s\n",
	       n_stages - 1, limit, n_stages, seconds_since(start));
	print_stats();
	if (same && primes == n_stages - 1)
		return 0;
	printf("sieve: WRONG: there are %d, and they are%s the same\n", primes,
	       same ? "" : " not");
	return 1;
}
