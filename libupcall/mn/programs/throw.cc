// SPDX-License-Identifier: MIT
/*
 * Exceptions in many threads that are preempted wherever they are: each throws,
 * catches, throws again, and looks whether what it has caught is its own.
 *
 * usage: throw [THREADS [ROUNDS]]: fails if one has caught another's.
 */
extern "C" {
#include "program.h"
}
#include <stdexcept>
#include <string>

static long threads, rounds;
static unsigned long thrown;
static int wrong;

static void goes_down(long me, int depth)
{
	std::string name = std::to_string(me) + ":" + std::to_string(depth);

	walk(me, 500);
	if (!depth)
		throw std::runtime_error(name);
	try {
		goes_down(me, depth - 1);
	} catch (const std::exception &e) {
		walk(me, 2000);
		if (e.what() != std::to_string(me) + ":0")
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&thrown, 1, __ATOMIC_RELAXED);
		if (depth % 2)
			throw;
		throw std::runtime_error(std::to_string(me) + ":0");
	}
}

static void *runs(void *arg)
{
	long me = (long)arg, i;

	for (i = 0; i < rounds; i++) {
		try {
			goes_down(me, 1 + i % 7);
		} catch (...) {
			walk(me, 1000);
		}
		if (std::current_exception())
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *first(void *arg)
{
	mn_t *t = new mn_t[threads];
	long i;

	for (i = 0; i < threads; i++)
		MUST(mn_spawn(&t[i], NULL, runs, (void *)i));
	for (i = 0; i < threads; i++)
		MUST(mn_join(t[i], NULL));
	delete[] t;
	return arg;
}

int main(int argc, char **argv)
{
	struct mn_config config = {};
	int64_t begin = mn_now();

	(void)argc;
	threads = number(argv, 1, 100, 1);
	rounds = number(argv, 2, 50, 1);
	config.slice = getenv("MN_SLICE") ? 0 : 200;
	MUST(mn_run(&config, first, NULL, NULL));
	printf("throw: %ld threads, %lu exceptions caught, %d wrong, %.2f s\n",
	       threads, thrown, wrong, seconds_since(begin));
	print_stats();
	return wrong != 0;
}
