// SPDX-License-Identifier: MIT
/*
 * Threads begin, end, and are waited for: results, names, who may join.
 */
#include "mn_test.h"

#define CREW	20

static void *give_back(void *arg)
{
	spin((long)arg * 100);
	CHECK(mn_self() != NULL);
	return arg;
}

/* From the middle of its calls. */
static int __attribute__((noinline)) deeper(volatile int *depth, void *result)
{
	if (!--*depth)
		mn_exit(result);
	return *depth ? 1 + deeper(depth, result) : 0;
}

static void *exits(void *arg)
{
	int depth = 10;

	return (void *)(long)deeper(&depth, arg);
}

static void *results(void *arg)
{
	mn_t t[CREW];
	void *result;
	long i;

	for (i = 0; i < CREW; i++)
		spawn(&t[i], i % 2 ? give_back : exits, (void *)(i + 1));
	/* Not in the order in which they end. */
	for (i = 0; i < CREW; i++) {
		int j = i * 7 % CREW;

		CHECK(!mn_join(t[j], &result));
		CHECK(result == (void *)(long)(j + 1));
	}
	return arg;
}

static int lives;

static void *live(void *arg)
{
	spin((long)arg % 64);
	add(&lives, 1);
	return arg;
}

/* Four that do nothing but begin and await others. */
static void *spawner(void *arg)
{
	long i, n = turns(100000) / 4;
	mn_t t;
	void *result;

	for (i = 0; i < n; i++) {
		spawn(&t, live, (void *)i);
		CHECK(!mn_join(t, &result) && result == (void *)i);
	}
	return arg;
}

static void *many(void *arg)
{
	lives = 0;
	crew(4, spawner);
	CHECK(lives == turns(100000) / 4 * 4);
	return arg;
}

static void *detached(void *arg)
{
	struct mn_attr attr = { .name = "detached", .detached = 1 };
	struct mn_stats s = { .size = sizeof(s) };
	int i, n = turns(20000);
	mn_t t;

	lives = 0;
	for (i = 0; i < n; i++) {
		int err;

		/* Not more at once than there is room for. */
		wait_for(&lives, i - 500);
		/* Half of them are let go of when they run already, or have. */
		if (i % 2) {
			spawn(&t, live, (void *)(long)i);
			spin(i % 200);
			CHECK(!mn_detach(t));
			continue;
		}
		err = mn_spawn(NULL, &attr, live, (void *)(long)i);
		CHECK(!err);
	}
	wait_for(&lives, n);
	/* What is left of them goes by itself. */
	do {
		mn_yield();
		mn_stats(&s);
	} while (s.threads > 1u + noise);
	CHECK(s.threads == 1u + noise);
	return arg;
}

static struct mn_sem go;
static int joined, refused;

static void *waits(void *arg)
{
	CHECK(!mn_sem_wait(&go));
	add(&lives, 1);
	return arg;
}

static void *joiner(void *arg)
{
	void *result = NULL;
	int err = mn_join(arg, &result);

	if (err == EINVAL) {
		add(&refused, 1);
		mn_sem_post(&go);
	} else if (!err) {
		add(&joined, 1);
		CHECK(result == &go);
	}
	return NULL;
}

/* Of two who want to join one, one does. */
static void *two_joiners(void *arg)
{
	int i, n = turns(2000);

	mn_sem_init(&go, 0);
	joined = refused = 0;
	for (i = 0; i < n; i++) {
		mn_t t, a, b;

		spawn(&t, waits, &go);
		spawn(&a, joiner, t);
		spawn(&b, joiner, t);
		CHECK(!mn_join(a, NULL));
		CHECK(!mn_join(b, NULL));
	}
	CHECK(joined == n);
	CHECK(refused == n);
	return arg;
}

static void *refusals(void *arg)
{
	mn_t t;

	lives = 0;
	mn_sem_init(&go, 0);
	CHECK(mn_join(mn_self(), NULL) == EDEADLK);
	CHECK(mn_join(NULL, NULL) == EINVAL);
	CHECK(mn_detach(NULL) == EINVAL);
	spawn(&t, waits, NULL);
	CHECK(!mn_detach(t));
	CHECK(mn_detach(t) == EINVAL);
	CHECK(mn_join(t, NULL) == EINVAL);
	CHECK(!mn_sem_post(&go));
	wait_for(&lives, 1);
	return arg;
}

static void *say_name(void *arg)
{
	strcpy(arg, mn_name(mn_self()));
	return NULL;
}

static void *names(void *arg)
{
	char seen[MN_NAME_MAX], other[MN_NAME_MAX];
	char own[MN_NAME_MAX + 10];
	struct mn_attr attr = { .name = own };
	mn_t t;

	CHECK(!strcmp(mn_name(mn_self()), "main"));
	CHECK(mn_name(NULL) == NULL);
	strcpy(own, "a name");
	CHECK(!mn_spawn(&t, &attr, say_name, seen));
	/* It is copied. */
	strcpy(own, "another");
	CHECK(!strcmp(mn_name(t), "a name"));
	CHECK(!mn_join(t, NULL));
	CHECK(!strcmp(seen, "a name"));
	/* And cut off. */
	memset(own, 'x', sizeof(own) - 1);
	own[sizeof(own) - 1] = 0;
	CHECK(!mn_spawn(&t, &attr, say_name, seen));
	CHECK(!mn_join(t, NULL));
	CHECK(strlen(seen) == MN_NAME_MAX - 1 && strspn(seen, "x") ==
	      MN_NAME_MAX - 1);
	/* Without one, each gets its own. */
	spawn(&t, say_name, seen);
	CHECK(!mn_join(t, NULL));
	spawn(&t, say_name, other);
	CHECK(!mn_join(t, NULL));
	CHECK(*seen && *other && strcmp(seen, other));
	return arg;
}

static void *stacks(void *arg)
{
	static const size_t sizes[] = { MN_STACK_MIN, 65536, 100000, 1 << 20 };
	mn_t t[40];
	int i;

	for (i = 0; i < N_OF(t); i++) {
		struct mn_attr attr = { .stack_size = sizes[i % N_OF(sizes)] };

		CHECK(!mn_spawn(&t[i], &attr, exits, (void *)(long)i));
	}
	for (i = 0; i < N_OF(t); i++) {
		void *result;

		CHECK(!mn_join(t[i], &result) && result == (void *)(long)i);
	}
	return arg;
}

/* A frame of @arg bytes, and what the thread then says of its stack. */
static void *uses(void *arg)
{
	size_t n = (size_t)arg, before, used, size;
	volatile char *frame;

	CHECK(!mn_stack_used(NULL, &before, &size));
	frame = __builtin_alloca(n);
	frame[0] = 1;
	CHECK(!mn_stack_used(mn_self(), &used, NULL));
	CHECK(used >= n && used <= size);
	/* All else is there too, but not as much as that. */
	CHECK(before < 100000 && used < n + 100000);
	return (void *)size;
}

static void *stacks_used(void *arg)
{
	static const size_t sizes[] = { 300000, 1 << 20 };
	unsigned int i;
	void *size;
	mn_t t;

	for (i = 0; i < N_OF(sizes); i++) {
		struct mn_attr attr = { .stack_size = sizes[i] };

		CHECK(!mn_spawn(&t, &attr, uses, (void *)(sizes[i] / 2)));
		CHECK(!mn_join(t, &size));
		CHECK((size_t)size <= sizes[i] + 4096 && (size_t)size > sizes[i] - 4096);
	}
	return arg;
}

static void stack_of_none(void)
{
	size_t used = 1, size = 2;

	is(mn_stack_used(NULL, &used, &size), EPERM, "the stack of no user thread");
}

static const struct mn_case cases[] = {
	{ "results of threads that return and that exit", results, 0 },
	{ "10^5 threads begun and joined", many, ONCE },
	{ "detached threads leave nothing", detached, 0 },
	{ "one of two joiners is refused", two_joiners, 0 },
	{ "who can't be joined or detached", refusals, 0 },
	{ "names", names, 0 },
	{ "stacks of different sizes", stacks, 0 },
	{ "how much of a stack was used", stacks_used, 0 },
};

int main(void)
{
	return mn_main(stack_of_none, cases, N_OF(cases));
}
