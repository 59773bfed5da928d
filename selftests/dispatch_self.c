// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch to oneself: the upcall is entered before the call returns, and
 * the call then returns 0. With both ways of leaving and of calling.
 *
 * upc_register(2), DESCRIPTION and UPC_CONTROL_DISPATCH; upcall.rst,
 * sections 5 and 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

FIXTURE(self) {
	int id;
};

FIXTURE_VARIANT(self) {
	void *ctx;
	long (*call)(int nr, long a, long b, long c, long d);
};

FIXTURE_VARIANT_ADD(self, next) { .ctx = ctx_next, .call = upc_syscall };
FIXTURE_VARIANT_ADD(self, pop) { .ctx = ctx_pop, .call = upc_syscall };
FIXTURE_VARIANT_ADD(self, next_vdso) { .ctx = ctx_next, .call = upc_vsyscall };
FIXTURE_VARIANT_ADD(self, pop_vdso) { .ctx = ctx_pop, .call = upc_vsyscall };

FIXTURE_SETUP(self)
{
	self->id = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(self->id, 0);
}

FIXTURE_TEARDOWN(self)
{
}

TEST_F(self, enters_before_the_call_returns)
{
	int i;

	for (i = 1; i <= 1000; i++) {
		ASSERT_EQ(0, variant->call(__NR_upc_control,
					   UPC_CONTROL_DISPATCH, self->id, 1,
					   0));
		ASSERT_EQ(i, hits);
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_EQ(0, upc.pending);
		ASSERT_EQ(0, upc_poll(self->id, 0));
	}
}

TEST_F(self, is_held_by_a_critical_section)
{
	int i;

	for (i = 1; i <= 100; i++) {
		crit_enter(&upc);
		ASSERT_EQ(0, variant->call(__NR_upc_control,
					   UPC_CONTROL_DISPATCH, self->id, 1,
					   0));
		ASSERT_EQ(i - 1, hits);
		ASSERT_EQ(1, upc.pending);
		crit_exit(&upc);
		ASSERT_EQ(i, hits);
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_EQ(0, upc.pending);
	}
}

TEST_HARNESS_MAIN
