// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall is entered on top of a signal handler, on the stack the handler
 * runs on, and both unwind in order. upcall.rst, section 8, signals.
 */
#include "upcall_util.h"

/* First what the context function notes: the frame's address. */
static struct {
	struct upcall_frame *frame;
	char *local;
	int hits, on_altstack;
} seen;

static struct upcall upc = UPCALL_INIT;
static char altstack[65536];
static int id, in_handler, hits_in_handler, ret_in_handler;
static bool dispatches;

static void cfunc(void *data)
{
	char here;
	stack_t ss;

	seen.local = &here;
	sigaltstack(NULL, &ss);
	seen.on_altstack = ss.ss_flags == SS_ONSTACK;
	count_cfunc(&seen.hits);
}

static void handler(int sig)
{
	WRITE_ONCE(in_handler, 1);
	if (dispatches)
		ret_in_handler = upc_dispatch(id, 1);
	else
		WAIT_UNTIL(READ_ONCE(seen.hits));
	hits_in_handler = READ_ONCE(seen.hits);
}

static void *dispatch_to_handler(void *data)
{
	WAIT_UNTIL(READ_ONCE(in_handler));
	return (void *)(long)upc_dispatch(id, 1);
}

static bool on_altstack(void *p)
{
	return (char *)p >= altstack && (char *)p < altstack + sizeof(altstack);
}

FIXTURE(signal_under_upcall) {
};

FIXTURE_VARIANT(signal_under_upcall) {
	void *ctx;
	int flags;
};

FIXTURE_VARIANT_ADD(signal_under_upcall, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(signal_under_upcall, pop) { .ctx = ctx_pop_noting };

FIXTURE_VARIANT_ADD(signal_under_upcall, altstack_next) {
	.ctx = ctx_next_noting, .flags = SA_ONSTACK,
};

FIXTURE_VARIANT_ADD(signal_under_upcall, altstack_pop) {
	.ctx = ctx_pop_noting, .flags = SA_ONSTACK,
};

FIXTURE_SETUP(signal_under_upcall)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	struct sigaction sa = {
		.sa_handler = handler, .sa_flags = variant->flags,
	};

	ASSERT_EQ(0, sigaltstack(&ss, NULL));
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	id = upc_register_ctx(&upc, variant->ctx, cfunc, &seen);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(signal_under_upcall)
{
	bool altstack_used = variant->flags == SA_ONSTACK;
	stack_t ss;

	EXPECT_EQ(1, seen.hits);
	EXPECT_EQ(1, hits_in_handler);
	EXPECT_EQ(altstack_used, on_altstack(seen.frame));
	EXPECT_EQ(altstack_used, on_altstack(seen.local));
	EXPECT_EQ(altstack_used, seen.on_altstack);
	EXPECT_EQ(0, upc.crit_count);

	/* And it was left again. */
	ASSERT_EQ(0, sigaltstack(NULL, &ss));
	EXPECT_EQ(0, ss.ss_flags);
}

TEST_F(signal_under_upcall, dispatched_by_the_handler)
{
	dispatches = true;
	ASSERT_EQ(0, signal_self(SIGUSR1));
	EXPECT_EQ(0, ret_in_handler);
}

TEST_F(signal_under_upcall, dispatched_by_another_thread)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_to_handler, NULL));
	ASSERT_EQ(0, signal_self(SIGUSR1));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
}

TEST_HARNESS_MAIN
