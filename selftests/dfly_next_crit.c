// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 8, second half: NEXT did not look at crit_count, and
 * ran what the interrupted critical section was holding back.
 *
 * upc_register(2), UPC_CONTROL_NEXT and critical sections in DESCRIPTION;
 * the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static bool in_section;
static int ran_in_section, urgent, held;

static void enter_urgent(void *data)
{
	urgent++;
}

static void enter_held(void *data)
{
	held++;
	ran_in_section += in_section;
}

FIXTURE(crit) {
};

FIXTURE_VARIANT(crit) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(crit, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(crit, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(crit)
{
}

FIXTURE_TEARDOWN(crit)
{
}

TEST_F(crit, counts_for_next)
{
	int i, u, h;

	h = upc_register_ctx(&upc, variant->ctx, enter_held, NULL);
	u = upc_register_ctx(&upc, variant->ctx, enter_urgent, NULL);
	ASSERT_GT(h, 0);
	ASSERT_GT(u, 0);
	for (i = 1; i <= 100; i++) {
		crit_enter(&upc);
		in_section = true;
		ASSERT_EQ(0, upc_dispatch(h, 1));
		/*
		 * Let the urgent one in over the one that is held. Any return
		 * to user mode may set pending again.
		 */
		do {
			upc.pending = 0;
			barrier();
			ASSERT_EQ(0, upc_dispatch(u, 33));
		} while (urgent != i);
		ASSERT_EQ(i - 1, held);
		ASSERT_EQ(1, upc.pending);
		in_section = false;
		crit_exit(&upc);
		ASSERT_EQ(i, held);
	}
	EXPECT_EQ(0, ran_in_section);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
