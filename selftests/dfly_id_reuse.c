// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 9: an identifier could be given out again right after
 * its deletion, so that a stale one named another upcall. Identifiers are
 * handed out in turn.
 *
 * upc_register(2), DESCRIPTION and UPC_CONTROL_DELETE; upcall.rst,
 * section 1.
 */
#include "upcall_test.h"

#define CYCLES	1000

static struct upcall upc = UPCALL_INIT;
static int hits;

static int add_one(void)
{
	return upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

TEST(not_given_out_next)
{
	int old, new;

	old = add_one();
	ASSERT_GT(old, 0);
	ASSERT_EQ(0, upc_delete(old));
	new = add_one();
	ASSERT_GT(new, 0);
	ASSERT_NE(old, new);
	EXPECT_EQ(-ENOENT, upc_dispatch(old, 1));
	EXPECT_EQ(0, hits);
}

TEST(not_soon_either)
{
	static int ids[CYCLES];
	int i;

	for (i = 0; i < CYCLES; i++) {
		ids[i] = add_one();
		ASSERT_GT(ids[i], 0);
		ASSERT_EQ(0, upc_delete(ids[i]));
	}
	qsort(ids, CYCLES, sizeof(ids[0]), compare);
	for (i = 1; i < CYCLES; i++)
		ASSERT_NE(ids[i - 1], ids[i]);
}

TEST(nor_after_delete_of_all)
{
	int i, old = 0, new;

	for (i = 0; i < CYCLES; i++) {
		new = add_one();
		ASSERT_GT(new, 0);
		ASSERT_NE(old, new);
		ASSERT_EQ(0, upc_delete(-1));
		old = new;
	}
}

TEST_HARNESS_MAIN
