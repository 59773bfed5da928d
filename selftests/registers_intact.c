// SPDX-License-Identifier: GPL-2.0
/*
 * An assembly loop that another thread's upcalls interrupt 10^6 times finds
 * its general registers, flags, x87 and SSE state as it left them, at every
 * alignment of its stack. upc_register(2), CONTEXT FUNCTION - IA32; upcall.rst,
 * section 5.
 */
#include "upcall_util.h"
#include "upcall_loop.h"

static struct upcall upc = UPCALL_INIT;
static int id, hits, stop;

/* Those of a burst find the one before at work, or just over. */
#define BURST	16

static int dispatch_in_bursts(void)
{
	int i, seen, ret = dispatch_after_last(id, &upc, &stop);

	for (i = 0; i < BURST && !ret; i++) {
		seen = READ_ONCE(hits);
		ret = upc_dispatch(id, 1);
		while (READ_ONCE(hits) == seen && !READ_ONCE(stop))
			cpu_relax();
	}
	return ret;
}

static void *dispatch_without_end(void *data)
{
	int ret = 0;

	pin_to_cpu(1);
	while (!READ_ONCE(stop) && !ret)
		ret = dispatch_in_bursts();
	return (void *)(long)ret;
}

FIXTURE(registers_intact) {
};

FIXTURE_VARIANT(registers_intact) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(registers_intact, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(registers_intact, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(registers_intact)
{
	if (!__builtin_cpu_supports("sse"))
		SKIP(return setup_skipped(), "no SSE");
	id = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(registers_intact)
{
}

TEST_F_TIMEOUT(registers_intact, under_a_storm, 900)
{
	int entries = iterations(500000);
	long long start = now_ns();
	pthread_t thread;
	int batch;
	void *ret;

	/* On one CPU only the end of a time slice makes place for the other. */
	if (!pin_to_cpu(1))
		entries = entries / 1000 + 1;
	ASSERT_TRUE(pin_to_cpu(0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_without_end,
				    NULL));
	for (batch = 0; READ_ONCE(hits) < entries; batch++) {
		if (time_is_up(start, 140) && READ_ONCE(hits) >= entries / 1000)
			break;
		ASSERT_TRUE(registers_stay(batch)) {
			TH_LOG("batch %d, after %d upcalls, turn %u", batch,
			       READ_ONCE(hits), wrong_at);
		}
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	TH_LOG("%d upcalls in %d batches", hits, batch);
}

TEST_HARNESS_MAIN
