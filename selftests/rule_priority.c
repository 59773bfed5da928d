// SPDX-License-Identifier: GPL-2.0
/*
 * The rule: an upcall is entered if its priority, at least 1, is above
 * crit_count, and held otherwise. Each boundary from both sides, for an
 * upcall pushed in the owner's own call and for one from another task.
 *
 * upc_register(2), DESCRIPTION and UPC_CONTROL_DISPATCH; upcall.rst,
 * section 4, rules 1 and 2.
 */
#include "upcall_test.h"

static const struct {
	int crit;
	int priority;
	bool enters;
} table[] = {
	{ 0, 1, true }, { 1, 1, false }, { 2, 1, false },
	{ 1, 2, true }, { 2, 2, false }, { 3, 2, false },

	/* Below, at and above what a critical section adds. */
	{ 31, 32, true }, { 32, 32, false }, { 33, 32, false },
	{ 32, 1, false }, { 32, 33, true }, { 33, 33, false },
	{ 64, 33, false }, { 64, 64, false }, { 64, 65, true },

	/* Priorities of 0 and less count as 1. */
	{ 0, 0, true }, { 1, 0, false }, { -1, 0, true },
	{ 0, -3, true }, { 1, -3, false }, { -3, -3, true },
	{ 0, INT_MIN, true }, { 1, INT_MIN, false },

	/* A negative crit_count holds nothing. */
	{ -1, 1, true }, { -32, 1, true }, { -1000000, 1, true },
	{ INT_MIN, 1, true }, { INT_MIN, INT_MIN, true },

	{ 0, INT_MAX, true }, { INT_MAX - 32, INT_MAX, true },
	{ INT_MAX, INT_MAX, false }, { INT_MAX, 1, false },
};

static struct upcall upc = UPCALL_INIT;
static int hits, crit_seen, pending_seen;

static void enter(void *data)
{
	crit_seen = upc.crit_count;
	pending_seen = upc.pending;
	count_cfunc(&hits);
}

/* Did case @i, just dispatched as upcall @id, go as the rule says? */
static bool as_ruled(size_t i, int id)
{
	int crit = table[i].crit;
	int priority = table[i].priority < 1 ? 1 : table[i].priority;
	bool ok = upc.crit_count == crit;

	if (table[i].enters) {
		ok &= hits == 1 && crit_seen == crit + UPC_CRITADD &&
		      !pending_seen && !upc.pending && !upc_poll(id, 0);
	} else {
		ok &= !hits && upc.pending == priority &&
		      upc_poll(id, priority) == 1;
		upc.crit_count = 0;
		ok &= !upc_dispatch(-1, 0) && hits == 1 && !upc.pending;
	}
	if (!ok)
		ksft_print_msg("crit_count %d, priority %d: wrong\n",
			       table[i].crit, table[i].priority);
	return ok;
}

static void prepare(size_t i)
{
	hits = 0;
	upc.pending = 0;
	upc.crit_count = table[i].crit;
	barrier();
}

TEST(of_oneself)
{
	size_t i;
	int id;

	id = upc_register_ctx(&upc, ctx_next, enter, NULL);
	ASSERT_GT(id, 0);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		prepare(i);
		ASSERT_EQ(0, upc_dispatch(id, table[i].priority));
		EXPECT_TRUE(as_ruled(i, id));
	}
}

struct order {
	int id;
	int priority;
	int ret;
	int done;
};

static void *dispatcher(void *arg)
{
	struct order *order = arg;

	order->ret = upc_dispatch(order->id, order->priority);
	WRITE_ONCE(order->done, 1);
	return NULL;
}

TEST(from_another_task)
{
	struct order order;
	pthread_t thread;
	size_t i;
	int id;

	id = upc_register_ctx(&upc, ctx_next, enter, NULL);
	ASSERT_GT(id, 0);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		order = (struct order) {
			.id = id,
			.priority = table[i].priority,
		};
		prepare(i);
		ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, &order));
		while (!READ_ONCE(order.done) ||
		       (!READ_ONCE(hits) && !READ_ONCE(upc.pending)))
			cpu_relax();
		pthread_join(thread, NULL);
		ASSERT_EQ(0, order.ret);
		EXPECT_TRUE(as_ruled(i, id));
	}
}

TEST_HARNESS_MAIN
