// SPDX-License-Identifier: GPL-2.0
/*
 * A dispatch of what is already pending: one that raises its priority puts
 * it behind its new equals, one that does not leaves it where it is.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 4.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int ids[4];
static char order[8];
static int entries;

static void enter(void *data)
{
	if (entries < 7)
		order[entries] = *(char *)data;
	entries++;
}

FIXTURE(order) {
};

FIXTURE_SETUP(order)
{
	static const char names[] = "ABCD";
	int i;

	for (i = 0; i < 4; i++) {
		ids[i] = upc_register_ctx(&upc, ctx_next, enter,
					  (void *)&names[i]);
		ASSERT_GT(ids[i], 0);
	}
	upc.crit_count = 1000;
}

FIXTURE_TEARDOWN(order)
{
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
}

/* Dispatches A to D, in the order given, at priorities of one digit. */
static int dispatch_all(const char *what)
{
	int ret = 0;

	for (; *what; what += 3)
		ret |= upc_dispatch(ids[what[0] - 'A'], what[1] - '0');
	return ret;
}

static const char *run(void)
{
	upc.crit_count = 0;
	upc_dispatch(-1, 0);
	return order;
}

TEST_F(order, first_in_first_out)
{
	ASSERT_EQ(0, dispatch_all("B5,A5,D5,C5,"));
	EXPECT_STREQ("BADC", run());
}

TEST_F(order, highest_first)
{
	ASSERT_EQ(0, dispatch_all("B1,A3,D2,C4,"));
	EXPECT_STREQ("CADB", run());
}

TEST_F(order, raised_goes_behind_new_equals)
{
	ASSERT_EQ(0, dispatch_all("A1,B5,C5,A5,D5,"));
	EXPECT_STREQ("BCAD", run());
}

TEST_F(order, raised_goes_before_lower_ones)
{
	ASSERT_EQ(0, dispatch_all("A5,B5,C1,D1,D6,"));
	EXPECT_STREQ("DABC", run());
}

TEST_F(order, equal_keeps_its_place)
{
	ASSERT_EQ(0, dispatch_all("A5,B5,C5,A5,"));
	EXPECT_STREQ("ABC", run());
}

TEST_F(order, lower_keeps_its_place)
{
	ASSERT_EQ(0, dispatch_all("A5,B5,C3,A3,A0,B4,"));
	EXPECT_STREQ("ABC", run());
}

/* Two that are raised past each other. */
TEST_F(order, raised_twice)
{
	ASSERT_EQ(0, dispatch_all("A1,B2,A3,B3,C3,A3,"));
	EXPECT_STREQ("ABC", run());
}

/* What was cleared, and dispatched again, has lost its place. */
TEST_F(order, cleared_goes_to_the_end)
{
	ASSERT_EQ(0, dispatch_all("A5,B5,C5,"));
	ASSERT_EQ(1, upc_pollclear(ids[0], 0));
	ASSERT_EQ(0, dispatch_all("A5,"));
	EXPECT_STREQ("BCA", run());
}

TEST_HARNESS_MAIN
