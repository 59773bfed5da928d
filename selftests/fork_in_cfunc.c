// SPDX-License-Identifier: GPL-2.0
/*
 * A child forked inside cfunc has no upc; it leaves the upcall that its parent
 * was in all the same, in both of the context function's ways.
 *
 * upc_register(2), CONTEXT FUNCTION - IA32; upcall.rst, sections 5 and 6
 * (NEXT of a task with no upc).
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static pid_t child;
static int second_hits;

static void fork_cfunc(void *data)
{
	int second = *(int *)data;

	if (second && upc_dispatch(second, 1))
		abort();
	child = fork();
	if (!child)
		CHECK(upc_poll(-1, 0) == 0 && upc.crit_count == UPC_CRITADD);
}

/* Dispatches to itself; 0 if no register but the result was changed on the way. */
static int dispatch_keeps_registers(int id)
{
	long ax = __NR_upc_control, dx = 5;
#ifdef __x86_64__
	long di = UPC_CONTROL_DISPATCH, si = id, bx = 0x51515151, kept;

	asm volatile("movq %%rbx, %%r8\n\t"
		     "syscall\n\t"
		     "movq %%r8, %[kept]"
		     : "+a" (ax), "+D" (di), "+S" (si), "+d" (dx), "+b" (bx),
		       [kept] "=r" (kept)
		     : : "rcx", "r8", "r11", "memory", "cc");
	return ax || di != UPC_CONTROL_DISPATCH || si != id || dx != 5 ||
	       bx != 0x51515151 || kept != bx;
#else
	int bx = UPC_CONTROL_DISPATCH, cx = id, si = 0x51515151;
	int di = 0x1d1d1d1d;

	asm volatile("int $0x80"
		     : "+a" (ax), "+b" (bx), "+c" (cx), "+d" (dx),
		       "+S" (si), "+D" (di) : : "memory", "cc");
	return ax || bx != UPC_CONTROL_DISPATCH || cx != id || dx != 5 ||
	       si != 0x51515151 || di != 0x1d1d1d1d;
#endif
}

FIXTURE(forked) {
	int id;
	int second;
};

FIXTURE_VARIANT(forked) {
	void *ctx;
	bool another;		/* one more is pending at the fork */
};

FIXTURE_VARIANT_ADD(forked, next) { .ctx = ctx_next };

FIXTURE_VARIANT_ADD(forked, next_with_one_pending) {
	.ctx = ctx_next, .another = true,
};

FIXTURE_VARIANT_ADD(forked, pop) { .ctx = ctx_pop };

FIXTURE_VARIANT_ADD(forked, pop_with_one_pending) {
	.ctx = ctx_pop, .another = true,
};

FIXTURE_SETUP(forked)
{
	if (variant->another) {
		self->second = upc_register_ctx(&upc, variant->ctx, count_cfunc,
						&second_hits);
		ASSERT_GT(self->second, 0);
	}
	self->id = upc_register_ctx(&upc, variant->ctx, fork_cfunc,
				    &self->second);
	ASSERT_GT(self->id, 0);
}

FIXTURE_TEARDOWN(forked)
{
}

TEST_F(forked, both_leave_the_upcall)
{
	int changed = dispatch_keeps_registers(self->id);
	int i;

	if (!child) {
		/* Nothing was pending for the child, so nothing was entered. */
		CHECK(!changed && !second_hits && !upc.crit_count);
		/* And the kernel writes to no upc that is not registered. */
		if (variant->ctx == ctx_next)
			CHECK(upc.pending == 1);
		else
			CHECK(!upc.pending == !variant->another);
		CHECK(upc_dispatch(self->id, 1) == -ENOENT);
		upc.pending = 0;
		i = upc_register_ctx(&upc, variant->ctx, count_cfunc,
				     &second_hits);
		CHECK(i > 0 && !upc_dispatch(i, 1) && second_hits == 1);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(child, 0);
	EXPECT_EQ(0, child_status(child));
	EXPECT_EQ(0, changed);
	EXPECT_EQ(variant->another, second_hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
