// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 8, first half: NEXT and delivery took the order of the
 * list, not that of priority. Dispatched and registered in every order.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH and UPC_CONTROL_NEXT; upcall.rst,
 * section 4.
 */
#include "upcall_test.h"

static const char orders[][4] = {
	"012", "021", "102", "120", "201", "210",
};

static struct upcall upc = UPCALL_INIT;
static int priorities[3] = { 10, 20, 30 };
static int entered[3], entries;

static void enter(void *data)
{
	if (entries < 3)
		entered[entries] = *(int *)data;
	entries++;
}

FIXTURE(order) {
};

FIXTURE_VARIANT(order) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(order, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(order, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(order)
{
}

FIXTURE_TEARDOWN(order)
{
}

TEST_F(order, is_by_priority)
{
	size_t i, j;
	int ids[3], k;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (k = 0; k < 3; k++) {
			int n = orders[i][k] - '0';

			ids[n] = upc_register_ctx(&upc, variant->ctx, enter,
						  &priorities[n]);
			ASSERT_GT(ids[n], 0);
		}
		for (j = 0; j < ARRAY_SIZE(orders); j++) {
			entries = 0;
			crit_enter(&upc);
			for (k = 0; k < 3; k++) {
				int n = orders[j][k] - '0';

				ASSERT_EQ(0, upc_dispatch(ids[n],
							  priorities[n]));
			}
			crit_exit(&upc);
			ASSERT_EQ(3, entries);
			ASSERT_EQ(30, entered[0]);
			ASSERT_EQ(20, entered[1]);
			ASSERT_EQ(10, entered[2]);
		}
		ASSERT_EQ(0, upc_delete(-1));
	}
}

TEST_HARNESS_MAIN
