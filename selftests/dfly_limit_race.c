// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 9: tasks that registered at the same time could get
 * past the limit together.
 *
 * upc_register(2), ERRORS; the upcall.rst, section 1.
 */
#include "upcall_test.h"

#define NR_THREADS	4
#define ROUNDS		5

struct racer {
	struct upcall upc;
	pthread_t thread;
	int count;
	int error;
};

static pthread_barrier_t line;
static int hits;

static void *race(void *arg)
{
	struct racer *racer = arg;
	int ret;

	pthread_barrier_wait(&line);
	while ((ret = upc_register_ctx(&racer->upc, ctx_next, count_cfunc,
				       &hits)) > 0)
		racer->count++;
	racer->error = ret;

	/* Nobody's exit gives slots back while another still registers. */
	pthread_barrier_wait(&line);
	return NULL;
}

TEST(all_together_keep_the_limit)
{
	struct racer racers[NR_THREADS];
	int i, round, limit = 0, total;
	FILE *file;

	file = fopen("/proc/sys/kernel/upcall_max", "r");
	if (!file)
		SKIP(return, "cannot read kernel.upcall_max");
	EXPECT_EQ(1, fscanf(file, "%d", &limit));
	fclose(file);
	ASSERT_GE(limit, 32);

	ASSERT_EQ(0, pthread_barrier_init(&line, NULL, NR_THREADS));
	for (round = 0; round < ROUNDS; round++) {
		memset(racers, 0, sizeof(racers));
		for (i = 0; i < NR_THREADS; i++) {
			racers[i].upc.magic = UPCALL_MAGIC;
			ASSERT_EQ(0, pthread_create(&racers[i].thread, NULL,
						    race, &racers[i]));
		}
		total = 0;
		for (i = 0; i < NR_THREADS; i++) {
			pthread_join(racers[i].thread, NULL);
			EXPECT_EQ(-EFBIG, racers[i].error);
			total += racers[i].count;
		}
		ASSERT_EQ(limit, total);
	}
}

TEST_HARNESS_MAIN
