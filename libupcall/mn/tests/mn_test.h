/* SPDX-License-Identifier: MIT */
#ifndef MN_TEST_H
#define MN_TEST_H

/*
 * A test is a list of cases, each the first user thread of an mn_run() of its
 * own, run with each back end that is there, on one virtual CPU and on several,
 * with slices that end at every odd moment. What is wrong inside is counted by
 * CHECK(), from any thread. Where there is preemption a case is repeated, beside
 * threads that never yield, until a number of preemptions have been.
 *
 * MN_SLICE in the environment takes the place of the tests' own slices,
 * UPCALL_ITERATIONS scales the number of turns.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <upcall/mn.h>
#include "tap.h"

#define SECOND		INT64_C(1000000000)
#define MILLISECOND	INT64_C(1000000)

struct setup {
	enum mn_backend	backend;
	int		vcpus;
};

static const struct setup mn_setups[] = {
	{ MN_UPCALL, 1 }, { MN_UPCALL, 3 },
	{ MN_SIGNAL, 1 }, { MN_SIGNAL, 3 },
	{ MN_COOPERATIVE, 1 }, { MN_COOPERATIVE, 3 },
};

#define SETUPS	((int)(sizeof(mn_setups) / sizeof(mn_setups[0])))

static const char *const backend_names[] = { "auto", "upcall", "signal", "off" };

/* What cases want, or can't have. */
#define PREEMPTED	1	/* a back end that preempts */
#define ONE_VCPU	2
#define MANY_VCPUS	4
#define ONCE		8	/* is not repeated */

struct mn_case {
	const char	*what;
	void		*(*fn)(void *);
	int		flags;
};

static const struct setup *this_setup;
static int mn_problems;

static __attribute__((noinline, unused)) void
mn_problem(const char *file, int line, const char *what)
{
	char text[160];
	int n;

	if (__atomic_fetch_add(&mn_problems, 1, __ATOMIC_RELAXED) >= 5)
		return;
	n = snprintf(text, sizeof(text), "# %s:%d: %s\n", file, line, what);
	n = write(1, text, n);
}

#define CHECK(cond) do {						\
	if (!(cond))							\
		mn_problem(__FILE__, __LINE__, #cond);			\
} while (0)

/* Threads that make every slice end, while they are there. */
#define NOISE_MAX	3

static int noise, quiet;

/* @n, or less of it in a hurry or if a turn may take a slice; at least 1. */
static inline int turns(int n)
{
	const char *s = getenv("UPCALL_ITERATIONS");
	long long some = (long long)n * (s ? atoll(s) : 100000) / 100000;

	if (noise)
		some /= 32;
	return some < 1 ? 1 : some;
}

/* Nothing, @n times, where a slice may end. */
static inline void spin(unsigned int n)
{
	while (n--)
		__asm__ volatile ("" : : : "memory");
}

static inline unsigned int random_next(unsigned int *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What is added by several threads at once, when nobody cares how. */
static inline int add(int *n, int by)
{
	return __atomic_add_fetch(n, by, __ATOMIC_SEQ_CST);
}

static inline int get(int *n)
{
	return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

/* Lets others run until @n has got to @least. */
static inline void wait_for(int *n, int least)
{
	while (get(n) < least)
		mn_yield();
}

static inline void spawn(mn_t *t, void *(*fn)(void *), void *arg)
{
	int err = mn_spawn(t, NULL, fn, arg);

	if (err) {
		errno = err;
		tap_bail("mn_spawn");
	}
}

/* @n threads of fn((void *)0), fn((void *)1), ...; until all are done. */
static inline void crew(int n, void *(*fn)(void *))
{
	mn_t t[n];
	int i;

	for (i = 0; i < n; i++)
		spawn(&t[i], fn, (void *)(long)i);
	for (i = 0; i < n; i++)
		CHECK(!mn_join(t[i], NULL));
}

static inline uint64_t preemptions(void)
{
	struct mn_stats s;

	s.size = sizeof(s);
	mn_stats(&s);
	return s.preemptions;
}

static inline struct mn_config config_of(const struct setup *s)
{
	struct mn_config c;

	memset(&c, 0, sizeof(c));
	c.backend = s->backend;
	c.vcpus = s->vcpus;
	/* Not a divisor of anything, and short; a guest is slower. */
	if (!getenv("MN_SLICE"))
		c.slice = upc_available() == 1 ? 211 : 73;
	return c;
}

static inline int suits(const struct setup *s, int flags)
{
	if (s->backend == MN_UPCALL && upc_available() != 1)
		return 0;
	if (flags & PREEMPTED && s->backend == MN_COOPERATIVE)
		return 0;
	if (flags & ONE_VCPU && s->vcpus != 1)
		return 0;
	return !(flags & MANY_VCPUS && s->vcpus == 1);
}

static inline void *noisy(void *arg)
{
	while (!get(&quiet))
		spin(100);
	return arg;
}

static inline void with_noise(const struct mn_case *c, void *arg)
{
	mn_t t[NOISE_MAX];
	int i;

	quiet = 0;
	for (i = 0; i < noise; i++)
		spawn(&t[i], noisy, NULL);
	c->fn(arg);
	add(&quiet, 1);
	for (i = 0; i < noise; i++)
		CHECK(!mn_join(t[i], NULL));
}

static inline void *case_main(void *arg)
{
	const struct mn_case *c = (const struct mn_case *)arg;
	uint64_t quota = turns(300);
	int i;

	if (this_setup->backend == MN_COOPERATIVE || c->flags & ONCE)
		quota = 0;
	/* What is over before it could be preempted will not be for long. */
	for (i = 0; !i || (preemptions() < quota && i < 200); i++) {
		noise = i % (NOISE_MAX + 1);
		with_noise(c, NULL);
	}
	noise = 0;
	return NULL;
}

static inline void run_case(const struct mn_case *c)
{
	struct mn_config config = config_of(this_setup);
	struct mn_stats s;
	int ret;

	mn_problems = 0;
	ret = mn_run(&config, case_main, (void *)c, NULL);
	ok(!ret && !mn_problems, "%s, %d: %s",
	   backend_names[this_setup->backend], this_setup->vcpus, c->what);
	if (ret || mn_problems)
		printf("# mn_run(): %s; %d problems\n", strerror(ret),
		       mn_problems);
	s.size = sizeof(s);
	mn_stats(&s);
	printf("# %llu switches, %llu preemptions, %llu migrations\n",
	       (unsigned long long)s.switches,
	       (unsigned long long)s.preemptions,
	       (unsigned long long)s.migrations);
}

static inline int count_cases(const struct mn_case *c, int n)
{
	int i, j, sum = 0;

	for (i = 0; i < SETUPS; i++)
		for (j = 0; j < n; j++)
			sum += suits(&mn_setups[i], c[j].flags);
	return sum;
}

static inline void run_cases(const struct mn_case *c, int n)
{
	int i, j;

	for (i = 0; i < SETUPS; i++) {
		this_setup = &mn_setups[i];
		for (j = 0; j < n; j++)
			if (suits(this_setup, c[j].flags))
				run_case(&c[j]);
	}
}

#define N_OF(array)	((int)(sizeof(array) / sizeof((array)[0])))

/* With a test before the cases, once in each setup, that is no case: or NULL. */
static inline int mn_main(void (*before)(void), const struct mn_case *c, int n)
{
	int i, sum = count_cases(c, n);

	for (i = 0; i < SETUPS; i++)
		sum += before && suits(&mn_setups[i], 0);
	tap_plan(sum);
	for (i = 0; i < SETUPS; i++) {
		this_setup = &mn_setups[i];
		if (before && suits(this_setup, 0))
			before();
	}
	run_cases(c, n);
	return tap_done();
}

#define MN_MAIN(cases)							\
int main(void)								\
{									\
	return mn_main(NULL, cases, N_OF(cases));			\
}

/* A process of its own: what it did, and what it said on stderr. */
struct child {
	int	status;
	char	said[8192];
};

static inline void in_child(struct child *c, int (*fn)(void *), void *arg)
{
	int p[2];
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	fflush(stdout);
	if (pipe(p))
		tap_bail("pipe");
	pid = fork();
	if (pid < 0)
		tap_bail("fork");
	if (!pid) {
		dup2(p[1], 2);
		close(p[0]);
		close(p[1]);
		_exit(fn(arg));
	}
	close(p[1]);
	while (n < sizeof(c->said) - 1 &&
	       (got = read(p[0], c->said + n, sizeof(c->said) - 1 - n)) > 0)
		n += got;
	c->said[n] = 0;
	close(p[0]);
	waitpid(pid, &c->status, 0);
}

/* What it said, if that was not as it should be. */
static inline void child_said(const struct child *c)
{
	char *copy = strdup(c->said), *line;

	printf("# status 0x%x\n", c->status);
	for (line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
		printf("# %s\n", line);
	free(copy);
}

#endif /* MN_TEST_H */
