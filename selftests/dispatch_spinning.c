// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch to a thread that runs in user mode and makes no system call: on
 * another CPU, and on the dispatcher's own.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 4, rule 3.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static void *ctx;
static int cpu, id, hits, stop;

FIXTURE(spinning) {
	pthread_t thread;
};

FIXTURE_VARIANT(spinning) {
	void *ctx;
	int cpu;
	int rounds;
};

FIXTURE_VARIANT_ADD(spinning, other_cpu_next) {
	.ctx = ctx_next,
	.cpu = 1,
	.rounds = 1000,
};

FIXTURE_VARIANT_ADD(spinning, other_cpu_pop) {
	.ctx = ctx_pop,
	.cpu = 1,
	.rounds = 1000,
};

FIXTURE_VARIANT_ADD(spinning, same_cpu_next) {
	.ctx = ctx_next,
	.cpu = 0,
	.rounds = 100,
};

FIXTURE_VARIANT_ADD(spinning, same_cpu_pop) {
	.ctx = ctx_pop,
	.cpu = 0,
	.rounds = 100,
};

static void *spin(void *arg)
{
	if (!pin_to_cpu(cpu)) {
		WRITE_ONCE(id, -1);
		return NULL;
	}
	WRITE_ONCE(id, upc_register_ctx(&upc, ctx, count_cfunc, &hits));
	while (!READ_ONCE(stop))
		cpu_relax();
	return NULL;
}

FIXTURE_SETUP(spinning)
{
	cpu = variant->cpu;
	ctx = variant->ctx;
	ASSERT_TRUE(pin_to_cpu(0));
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, spin, NULL));
	while (!READ_ONCE(id))
		sched_yield();
	if (id == -1)
		SKIP(return setup_skipped(), "needs a second CPU");
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(spinning)
{
}

TEST_F(spinning, is_reached)
{
	int i;

	for (i = 1; i <= variant->rounds; i++) {
		ASSERT_EQ(0, upc_dispatch(id, 1));
		while (READ_ONCE(hits) < i)
			sched_yield();
	}
	WRITE_ONCE(stop, 1);
	pthread_join(self->thread, NULL);
	EXPECT_EQ(variant->rounds, hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
