// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch from another task to an owner in a critical section, in user
 * mode: the owner finds its pending field set without a system call of its
 * own, and handles the upcall where it leaves the section.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 4, rule 1.
 */
#include "upcall_test.h"

#define ROUNDS	500

static struct upcall upc = UPCALL_INIT;
static int id, hits, turn;

static void *dispatcher(void *arg)
{
	int i;

	for (i = 1; i <= ROUNDS; i++) {
		while (READ_ONCE(turn) != i)
			sched_yield();
		if (upc_dispatch(id, i % UPC_CRITADD + 1))
			return "dispatch failed";
	}
	return NULL;
}

FIXTURE(held) {
};

FIXTURE_VARIANT(held) {
	int cpu;
};

FIXTURE_VARIANT_ADD(held, other_cpu) { .cpu = 1 };
FIXTURE_VARIANT_ADD(held, same_cpu) { .cpu = 0 };

FIXTURE_SETUP(held)
{
	id = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(held)
{
}

TEST_F(held, until_the_section_is_left)
{
	pthread_t thread;
	void *failed;
	int i;

	/* The thread starts where its maker runs. */
	if (!pin_to_cpu(variant->cpu))
		SKIP(return, "needs a second CPU");
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
	ASSERT_TRUE(pin_to_cpu(0));

	for (i = 1; i <= ROUNDS; i++) {
		crit_enter(&upc);
		WRITE_ONCE(turn, i);
		while (!READ_ONCE(upc.pending))
			cpu_relax();
		ASSERT_EQ(i - 1, hits);
		ASSERT_EQ(i % UPC_CRITADD + 1, upc.pending);
		ASSERT_EQ(UPC_CRITADD, upc.crit_count);
		ASSERT_EQ(1, upc_poll(id, 0));
		crit_exit(&upc);
		ASSERT_EQ(i, hits);
		ASSERT_EQ(0, upc.pending);
		ASSERT_EQ(0, upc.crit_count);
	}
	pthread_join(thread, &failed);
	EXPECT_EQ(0, (long)failed);
}

TEST_HARNESS_MAIN
