// SPDX-License-Identifier: GPL-2.0
/*
 * Two upcalls of one task are dispatched one after the other, a random moment
 * apart, so that the second meets the entry of the first at any of its steps.
 * Nothing follows to cover for one that is lost: both have to be entered.
 *
 * upcall.rst, section 4, rules 2 to 4.
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static int ids[2], seq, seen[2], entries[2], failed, done;

static void see(void *data)
{
	int *mine = data;

	entries[mine - seen]++;
	WRITE_ONCE(*mine, READ_ONCE(seq));
}

static void *dispatcher(void *arg)
{
	unsigned int seed = 1, spin, r;
	int i, n = *(int *)arg;

	pin_to_cpu(1);
	for (i = 1; i <= n; i++) {
		r = next_random(&seed);
		WRITE_ONCE(seq, i);
		if (upc_dispatch(ids[r & 1], 1 + r / 2 % UPC_CRITADD))
			failed++;
		for (spin = r / 64 % 128; spin; spin--)
			cpu_relax();
		if (upc_dispatch(ids[~r & 1], 1 + r / 4 % UPC_CRITADD))
			failed++;
		WAIT_UNTIL(READ_ONCE(seen[0]) == i && READ_ONCE(seen[1]) == i);
	}
	WRITE_ONCE(done, 1);
	return NULL;
}

FIXTURE(pairs) {
	int n;
};

FIXTURE_VARIANT(pairs) {
	void *ctx;
	bool sections;		/* the receiver has critical sections */
};

FIXTURE_VARIANT_ADD(pairs, next) {
	.ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(pairs, pop) {
	.ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(pairs, next_and_sections) {
	.ctx = ctx_next, .sections = true,
};

FIXTURE_VARIANT_ADD(pairs, pop_and_sections) {
	.ctx = ctx_pop, .sections = true,
};

FIXTURE_SETUP(pairs)
{
	int i;

	/* On one CPU, every round costs two turns of the scheduler's. */
	self->n = iterations(pin_to_cpu(1) ? 5000 : 100);
	pin_to_cpu(0);
	for (i = 0; i < 2; i++) {
		ids[i] = upc_register_ctx(&upc, variant->ctx, see, &seen[i]);
		ASSERT_GT(ids[i], 0);
	}
}

FIXTURE_TEARDOWN(pairs)
{
}

TEST_F_TIMEOUT(pairs, both_are_entered, 280)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, &self->n));
	while (!READ_ONCE(done)) {
		if (variant->sections) {
			crit_enter(&upc);
			crit_exit(&upc);
		}
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, failed);
	/* One dispatch each a round, all waited for: nothing to coalesce. */
	EXPECT_EQ(self->n, entries[0]);
	EXPECT_EQ(self->n, entries[1]);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
