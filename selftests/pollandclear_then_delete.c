// SPDX-License-Identifier: GPL-2.0
/*
 * POLLANDCLEAR, then DELETE, in every combination, with others pending
 * beside it: the queue is whole after it, and what was deleted never runs.
 *
 * upc_register(2), UPC_CONTROL_POLLANDCLEAR and UPC_CONTROL_DELETE; the
 * upcall.rst, sections 4 and 6.
 */
#include "upcall_test.h"

#define NR_UPCALLS	5
#define ROUNDS		2000

static struct upcall upc = UPCALL_INIT;
static int ids[NR_UPCALLS], hits[NR_UPCALLS];

/* Upcalls that have gone have no business here. */
static int strays;

static void enter(void *data)
{
	int *hit = data;

	if (hit < hits || hit >= hits + NR_UPCALLS)
		strays++;
	else
		(*hit)++;
}

static int add(int i)
{
	ids[i] = upc_register_ctx(&upc, ctx_next, enter, &hits[i]);
	return ids[i];
}

TEST(one)
{
	ASSERT_GT(add(0), 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(ids[0], 5));
	ASSERT_EQ(1, upc_pollclear(ids[0], 0));
	ASSERT_EQ(0, upc_delete(ids[0]));
	crit_exit(&upc);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, hits[0]);

	ASSERT_GT(add(1), 0);
	ASSERT_EQ(0, upc_dispatch(ids[1], 1));
	EXPECT_EQ(1, hits[1]);
}

TEST(with_others_pending)
{
	bool pending[NR_UPCALLS];
	int round, i, bits;

	for (i = 0; i < NR_UPCALLS; i++)
		ASSERT_GT(add(i), 0);
	srand(1);
	for (round = 0; round < ROUNDS; round++) {
		bits = rand();
		memset(hits, 0, sizeof(hits));
		crit_enter(&upc);
		for (i = 0; i < NR_UPCALLS; i++) {
			pending[i] = true;
			ASSERT_EQ(0, upc_dispatch(ids[i], 1 + rand() % 3));
		}
		for (i = 0; i < NR_UPCALLS; i++) {
			if (bits & (1 << i)) {
				ASSERT_EQ(1, upc_pollclear(ids[i], 0));
				pending[i] = false;
			}
			if (bits & (0x100 << i)) {
				ASSERT_EQ(0, upc_delete(ids[i]));
				ASSERT_GT(add(i), 0);
				pending[i] = false;
			}
			if (bits & (0x10000 << i)) {
				ASSERT_EQ(0, upc_dispatch(ids[i], 2));
				pending[i] = true;
			}
		}
		crit_exit(&upc);
		for (i = 0; i < NR_UPCALLS; i++)
			ASSERT_EQ(pending[i], hits[i]);
		ASSERT_EQ(0, upc.pending);
		ASSERT_EQ(0, upc.crit_count);
	}
	EXPECT_EQ(0, strays);
}

TEST_HARNESS_MAIN
