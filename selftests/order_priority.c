// SPDX-License-Identifier: GPL-2.0
/*
 * Order of entry: by priority, the highest first; among equals by the time
 * since when they have been pending at that priority. Against a model, with
 * many upcalls dispatched many times.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH and UPC_CONTROL_NEXT; upcall.rst,
 * section 4.
 */
#include "upcall_test.h"

#define NR_UPCALLS	1000
#define NR_DISPATCHES	3000

static struct upcall upc = UPCALL_INIT;

struct one {
	int id;
	int priority;		/* the model's: 0 if not pending */
	int since;
};

static struct one ones[NR_UPCALLS];
static struct one *model[NR_UPCALLS];
static struct one *entered[NR_UPCALLS];
static int entries;

static void enter(void *data)
{
	if (entries < NR_UPCALLS)
		entered[entries] = data;
	entries++;
}

static int compare(const void *a, const void *b)
{
	const struct one *x = *(struct one *const *)a;
	const struct one *y = *(struct one *const *)b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->since - y->since;
}

FIXTURE(order) {
	int count;
};

FIXTURE_VARIANT(order) {
	void *ctx;
	int priorities;
};

FIXTURE_VARIANT_ADD(order, next_all_equal) {
	.ctx = ctx_next, .priorities = 1,
};

FIXTURE_VARIANT_ADD(order, next_few) {
	.ctx = ctx_next, .priorities = 5,
};

FIXTURE_VARIANT_ADD(order, pop_few) {
	.ctx = ctx_pop, .priorities = 5,
};

FIXTURE_VARIANT_ADD(order, next_many) {
	.ctx = ctx_next, .priorities = 100000,
};

/* All that is dispatched is held by a section. */
FIXTURE_SETUP(order)
{
	int i, priority;
	struct one *one;

	for (i = 0; i < NR_UPCALLS; i++) {
		ones[i].id = upc_register_ctx(&upc, variant->ctx, enter,
					      &ones[i]);
		if (ones[i].id == -EFBIG)
			SKIP(return setup_skipped(),
			     "kernel.upcall_max is too low");
		ASSERT_GT(ones[i].id, 0);
	}
	upc.crit_count = INT_MAX;
	srand(1);
	for (i = 0; i < NR_DISPATCHES; i++) {
		one = &ones[rand() % NR_UPCALLS];
		priority = rand() % variant->priorities + 1;
		ASSERT_EQ(0, upc_dispatch(one->id, priority));
		if (priority <= one->priority)
			continue;
		if (!one->priority)
			model[self->count++] = one;
		one->priority = priority;
		one->since = i;
	}
	ASSERT_EQ(0, entries);
	qsort(model, self->count, sizeof(model[0]), compare);
}

FIXTURE_TEARDOWN(order)
{
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc_poll(-1, 0));
}

TEST_F(order, of_entry)
{
	int i;

	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(self->count, entries);
	for (i = 0; i < self->count; i++)
		ASSERT_EQ(model[i]->id, entered[i]->id);
}

TEST_F(order, of_poll_and_clear)
{
	int i;

	for (i = 0; i < self->count; i++) {
		ASSERT_EQ(model[i]->id, upc_poll(-1, 0));
		ASSERT_EQ(model[i]->id, upc_pollclear(-1, model[i]->priority));
	}
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(0, entries);
}

TEST_HARNESS_MAIN
