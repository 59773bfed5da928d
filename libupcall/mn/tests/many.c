// SPDX-License-Identifier: MIT
/*
 * 20,000 threads at once, each with a stack of its own that it uses. Skipped
 * where there is less than a GiB, or a limit of mappings below what that takes.
 */
#include <sys/resource.h>
#include "mn_test.h"

#define THREADS		20000
#define KIB_NEEDED	(900 * 1024)

static struct mn_mutex mutex;
static struct mn_cond all_here, go;
static int here, gone;
static volatile int open_;

static void *comes(void *arg)
{
	volatile char used[1024];

	memset((char *)used, (char)(long)arg, sizeof(used));
	CHECK(!mn_mutex_lock(&mutex));
	if (++here == THREADS)
		CHECK(!mn_cond_signal(&all_here));
	while (!open_)
		CHECK(!mn_cond_wait(&go, &mutex));
	gone++;
	CHECK(!mn_mutex_unlock(&mutex));
	CHECK(used[0] == (char)(long)arg && used[1023] == (char)(long)arg);
	return arg;
}

static mn_t threads[THREADS];

static void *crowd(void *arg)
{
	struct mn_stats s = { .size = sizeof(s) };
	void *result;
	long i;

	mn_mutex_init(&mutex);
	mn_cond_init(&all_here);
	mn_cond_init(&go);
	here = gone = open_ = 0;
	for (i = 0; i < THREADS; i++)
		spawn(&threads[i], comes, (void *)i);
	CHECK(!mn_mutex_lock(&mutex));
	while (here < THREADS)
		CHECK(!mn_cond_wait(&all_here, &mutex));
	mn_stats(&s);
	CHECK(s.threads == THREADS + 1u);
	open_ = 1;
	CHECK(!mn_cond_broadcast(&go));
	CHECK(!mn_mutex_unlock(&mutex));
	for (i = 0; i < THREADS; i++)
		CHECK(!mn_join(threads[i], &result) && result == (void *)i);
	CHECK(gone == THREADS);
	return arg;
}

static const struct mn_case cases[] = {
	{ "20,000 threads at once", crowd, ONCE },
};

static long first_number(const char *file, const char *format)
{
	FILE *f = fopen(file, "r");
	long n = -1;

	if (!f)
		return -1;
	if (fscanf(f, format, &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

int main(void)
{
	struct rusage usage;
	long kib = first_number("/proc/meminfo", "MemTotal: %ld kB");
	long maps = first_number("/proc/sys/vm/max_map_count", "%ld");

	if (kib < KIB_NEEDED) {
		printf("1..0 # SKIP %ld MiB of memory: MEM=1G has enough\n",
		       kib / 1024);
		return 0;
	}
	if (maps < 2 * THREADS + 1000) {
		printf("1..0 # SKIP vm.max_map_count is %ld\n", maps);
		return 0;
	}
	tap_plan(count_cases(cases, N_OF(cases)));
	run_cases(cases, N_OF(cases));
	getrusage(RUSAGE_SELF, &usage);
	printf("# %ld KiB at most\n", usage.ru_maxrss);
	return tap_done();
}
