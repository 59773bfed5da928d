// SPDX-License-Identifier: GPL-2.0
/*
 * A cfunc left by siglongjmp() leaves the crit_count that was added for it: the
 * context function did not get to subtract it. Upcalls are held until the
 * program does. upc_register(2), DESCRIPTION; upcall.rst, section 4, rules 1
 * and 2.
 */
#include "upcall_test.h"

#include <setjmp.h>

static struct upcall upc = UPCALL_INIT;
static sigjmp_buf env;
static int jumps, hits;

static void jump_cfunc(void *data)
{
	jumps++;
	siglongjmp(env, 1);
}

static int dispatch_and_catch(int id)
{
	if (sigsetjmp(env, 1))
		return 1;
	upc_dispatch(id, 1);
	return 0;
}

FIXTURE(longjmp) {
	int jump, count;
};

FIXTURE_VARIANT(longjmp) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(longjmp, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(longjmp, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(longjmp)
{
	self->jump = upc_register_ctx(&upc, variant->ctx, jump_cfunc, NULL);
	ASSERT_GT(self->jump, 0);
	self->count = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(self->count, 0);
}

FIXTURE_TEARDOWN(longjmp)
{
}

TEST_F(longjmp, out_of_cfunc)
{
	int i;

	for (i = 1; i <= 100; i++) {
		ASSERT_EQ(1, dispatch_and_catch(self->jump));
		ASSERT_EQ(i, jumps);
		ASSERT_EQ(UPC_CRITADD, upc.crit_count);

		ASSERT_EQ(0, upc_dispatch(self->count, 1));
		ASSERT_EQ(i - 1, READ_ONCE(hits));
		ASSERT_LE(1, READ_ONCE(upc.pending));

		crit_exit(&upc);
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_EQ(i, READ_ONCE(hits));
		ASSERT_EQ(0, READ_ONCE(upc.pending));
	}
}

TEST_HARNESS_MAIN
