// SPDX-License-Identifier: GPL-2.0
/*
 * At most one upcall is pushed per return to user mode, and those that are
 * still pending wait until it leaves, though their priority would do:
 * pending holds them back.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 4, rule 2.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;

struct one {
	int depth_on_entry;
	int crit_on_entry;
	int entries_on_leave;
};

static struct one ones[3];
static int depth, entries;

static void look(void *data)
{
	struct one *one = data;
	int i;

	one->depth_on_entry = depth++;
	one->crit_on_entry = upc.crit_count;
	entries++;
	/* Many returns to user mode, and nothing new is due. */
	for (i = 0; i < 100; i++)
		upc_poll(-1, 0);
	one->entries_on_leave = entries;
	depth--;
}

FIXTURE(one_push) {
	int ids[3];
};

FIXTURE_VARIANT(one_push) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(one_push, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(one_push, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(one_push)
{
	int i;

	for (i = 0; i < 3; i++) {
		self->ids[i] = upc_register_ctx(&upc, variant->ctx, look,
						&ones[i]);
		ASSERT_GT(self->ids[i], 0);
	}
}

FIXTURE_TEARDOWN(one_push)
{
	int i;

	ASSERT_EQ(3, entries);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, ones[i].depth_on_entry);
		EXPECT_EQ(UPC_CRITADD, ones[i].crit_on_entry);
	}
	/* Priorities fall from the first to the last. */
	EXPECT_EQ(1, ones[0].entries_on_leave);
	EXPECT_EQ(2, ones[1].entries_on_leave);
	EXPECT_EQ(3, ones[2].entries_on_leave);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
}

/* All three are above the crit_count that an upcall runs at. */
TEST_F(one_push, redispatch)
{
	upc.pending = 1;
	ASSERT_EQ(0, upc_dispatch(self->ids[0], 300));
	ASSERT_EQ(0, upc_dispatch(self->ids[2], 100));
	ASSERT_EQ(0, upc_dispatch(self->ids[1], 200));
	ASSERT_EQ(0, entries);
	ASSERT_EQ(300, upc.pending);
	ASSERT_EQ(0, upc_dispatch(-1, 0));
}

struct order {
	pid_t owner;
	int *ids;
	int bad;
};

static void *dispatch_all(void *arg)
{
	struct order *order = arg;

	order->bad = !wait_until_asleep(order->owner);
	order->bad += upc_dispatch(order->ids[2], 100) != 0;
	order->bad += upc_dispatch(order->ids[0], 300) != 0;
	order->bad += upc_dispatch(order->ids[1], 200) != 0;
	return NULL;
}

/* All three come while the owner sleeps in a system call. */
TEST_F(one_push, end_of_a_system_call)
{
	struct order order = { .owner = sys_gettid(), .ids = self->ids };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_all, &order));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, order.bad);
}

TEST_HARNESS_MAIN
