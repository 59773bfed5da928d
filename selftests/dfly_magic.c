// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 10, first half: the magic number was never checked.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, sections 2 and 3.
 */
#include "upcall_test.h"

static int hits;

static int try(struct upcall *upc)
{
	return upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
}

TEST(is_the_documented_one)
{
	/* "UPC1", in ASCII. */
	EXPECT_EQ(0x55504331, UPCALL_MAGIC);
}

TEST(every_bit_counts)
{
	struct upcall upc = UPCALL_INIT;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		upc.magic = UPCALL_MAGIC ^ (int)(1U << bit);
		ASSERT_EQ(-EINVAL, try(&upc));
	}
	upc.magic = UPCALL_MAGIC;
	ASSERT_GT(try(&upc), 0);
}

TEST(refused_is_not_registered)
{
	struct upcall upc = { .magic = 0 };

	ASSERT_EQ(-EINVAL, try(&upc));
	EXPECT_EQ(0, upc_pollclear(-1, 0));
}

/* Registration alone reads it: later it is the user's to do with as he will. */
TEST(not_read_again)
{
	struct upcall upc = UPCALL_INIT;
	int id;

	id = try(&upc);
	ASSERT_GT(id, 0);
	upc.magic = 0;
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, upc.magic);
}

TEST_HARNESS_MAIN
