// SPDX-License-Identifier: GPL-2.0
/*
 * A non-zero pending field holds every upcall back, whoever set it. The
 * kernel raises it to the highest priority pending, and does not lower it.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 2 and section 4,
 * rule 1.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

struct order {
	int id;
	int priority;
	int ret;
	int done;
};

FIXTURE(pending) {
	struct order order;
};

FIXTURE_VARIANT(pending) {
	int before;
	int priority;
	int after;
};

FIXTURE_VARIANT_ADD(pending, raised) {
	.before = 1, .priority = 5, .after = 5,
};

FIXTURE_VARIANT_ADD(pending, raised_to_highest) {
	.before = 1, .priority = INT_MAX, .after = INT_MAX,
};

FIXTURE_VARIANT_ADD(pending, equal) {
	.before = 5, .priority = 5, .after = 5,
};

FIXTURE_VARIANT_ADD(pending, not_lowered) {
	.before = 100, .priority = 5, .after = 100,
};

FIXTURE_VARIANT_ADD(pending, null_priority) {
	.before = 1, .priority = 0, .after = 1,
};

FIXTURE_VARIANT_ADD(pending, negative) {
	.before = -1, .priority = 5, .after = 5,
};

FIXTURE_VARIANT_ADD(pending, lowest) {
	.before = INT_MIN, .priority = 1, .after = 1,
};

FIXTURE_SETUP(pending)
{
	self->order.id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(self->order.id, 0);
	self->order.priority = variant->priority;
	upc.pending = variant->before;
	barrier();
}

FIXTURE_TEARDOWN(pending)
{
	EXPECT_EQ(0, self->order.ret);
	EXPECT_EQ(0, hits);
	EXPECT_EQ(variant->after, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(1, upc_poll(self->order.id, variant->priority));

	EXPECT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
}

TEST_F(pending, of_oneself)
{
	self->order.ret = upc_dispatch(self->order.id, variant->priority);
}

static void *dispatcher(void *arg)
{
	struct order *order = arg;

	order->ret = upc_dispatch(order->id, order->priority);
	WRITE_ONCE(order->done, 1);
	return NULL;
}

TEST_F(pending, from_another_task)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher,
				    &self->order));
	/* Its exit and a system call see to it that the kernel was here. */
	while (!READ_ONCE(self->order.done))
		cpu_relax();
	pthread_join(thread, NULL);
	upc_poll(self->order.id, 0);
}

TEST_HARNESS_MAIN
