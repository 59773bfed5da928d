// SPDX-License-Identifier: GPL-2.0
/*
 * The calls by which a task asks for its own upcalls, when they cannot be
 * pushed: the task gets SIGSEGV, the upcall stays pending, crit_count is as
 * the call itself leaves it.
 *
 * upcall.rst, section 4, rule 5, and section 6 (DISPATCH -1, WAIT, SUSPEND).
 */
#include "upcall_fault.h"

static struct pages pages;
static struct upcall static_upc = UPCALL_INIT, *upc = &static_upc;
static int id, hits, faults, polled;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	faults++;
	polled = upc_poll(id, 1);
	/* A bad stack is left behind by the code that has it. */
	repair_page(&pages);
}

FIXTURE(own) {
};

FIXTURE_VARIANT(own) {
	int cmd;
	bool bad_upc;		/* else the stack is bad */
};

FIXTURE_VARIANT_ADD(own, redispatch_on_bad_stack) {
	.cmd = UPC_CONTROL_DISPATCH,
};

FIXTURE_VARIANT_ADD(own, wait_on_bad_stack) {
	.cmd = UPC_CONTROL_WAIT,
};

FIXTURE_VARIANT_ADD(own, suspend_on_bad_stack) {
	.cmd = UPC_CONTROL_SUSPEND,
};

FIXTURE_VARIANT_ADD(own, redispatch_with_bad_upc) {
	.cmd = UPC_CONTROL_DISPATCH, .bad_upc = true,
};

FIXTURE_VARIANT_ADD(own, wait_with_bad_upc) {
	.cmd = UPC_CONTROL_WAIT, .bad_upc = true,
};

FIXTURE_SETUP(own)
{
	ASSERT_EQ(0, make_pages(&pages));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	if (variant->bad_upc) {
		upc = (struct upcall *)pages.middle;
		upc->magic = UPCALL_MAGIC;
	}
	id = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(own)
{
}

TEST_F(own, call_faults)
{
	unsigned long sp = (long)__builtin_frame_address(0) - PAGE;
	enum damage damage;
	int i, expected;

	/* What each returns when it finds one pending. */
	expected = variant->cmd == UPC_CONTROL_DISPATCH ? 0 : id;
	if (!variant->bad_upc)
		sp = (long)pages.middle + PAGE / 2;
	for (damage = 0; damage < NR_DAMAGES; damage++) {
		i = damage;
		/* Pending, in a section that SUSPEND alone leaves itself. */
		upc->crit_count = UPC_CRITADD;
		ASSERT_EQ(0, upc_dispatch(id, 1));
		upc->pending = 0;
		if (variant->cmd != UPC_CONTROL_SUSPEND)
			upc->crit_count = 0;

		ASSERT_EQ(0, break_page(&pages, damage));
		ASSERT_EQ(expected, call_on(sp, __NR_upc_control, variant->cmd,
					    -1, 1));
		ASSERT_EQ(i + 1, faults);
		ASSERT_EQ(1, polled);
		ASSERT_EQ(i, hits);
		ASSERT_EQ(0, upc->crit_count);
		ASSERT_EQ(1, upc_poll(id, 1));

		ASSERT_EQ(0, upc_dispatch(-1, 0));
		ASSERT_EQ(i + 1, hits);
		ASSERT_EQ(0, upc->crit_count);
		ASSERT_EQ(0, upc->pending);
	}
}

TEST_HARNESS_MAIN
