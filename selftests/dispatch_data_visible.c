// SPDX-License-Identifier: GPL-2.0
/*
 * What the dispatcher wrote before DISPATCH, cfunc sees, and no dispatch is
 * lost: after the last one an entry follows that sees the last value.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 4, rule 4.
 */
#include "upcall_test.h"

#define ROUNDS	2000

static struct upcall upc = UPCALL_INIT;
static int id, stop;

/* Plain variables on lines of their own, so that nothing else orders them. */
static struct {
	int value;
	char pad[252];
} slots[16];

static int seen[ARRAY_SIZE(slots)];
static int entries;

static void look(void *data)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		WRITE_ONCE(seen[i], slots[i].value);
	count_cfunc(&entries);
}

static void *spin(void *arg)
{
	pin_to_cpu(1);
	WRITE_ONCE(id, upc_register_ctx(&upc, ctx_pop, look, NULL));
	while (!READ_ONCE(stop))
		cpu_relax();
	return NULL;
}

TEST(every_dispatch)
{
	int rounds = ROUNDS, i;
	pthread_t thread;
	size_t slot;

	/* On a single CPU each round takes a tick. */
	if (!pin_to_cpu(1))
		rounds = ROUNDS / 10;
	pin_to_cpu(0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, spin, NULL));
	while (!READ_ONCE(id))
		sched_yield();
	ASSERT_GT(id, 0);

	for (i = 1; i <= rounds; i++) {
		slot = i % ARRAY_SIZE(slots);
		WRITE_ONCE(slots[slot].value, i);
		ASSERT_EQ(0, upc_dispatch(id, 1));
		/* Now and then go on at once, so that some coalesce. */
		if (i % 7 == 0)
			continue;
		while (READ_ONCE(seen[slot]) != i)
			sched_yield();
	}
	for (slot = 0; slot < ARRAY_SIZE(slots); slot++)
		while (READ_ONCE(seen[slot]) != slots[slot].value)
			sched_yield();
	WRITE_ONCE(stop, 1);
	pthread_join(thread, NULL);
	EXPECT_GE(rounds, entries);
	EXPECT_EQ(0, upc_poll(-1, 0));
}

TEST_HARNESS_MAIN
