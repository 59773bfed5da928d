// SPDX-License-Identifier: GPL-2.0
/*
 * A signal is handled on top of a running cfunc, and both unwind in order.
 * upcall.rst, section 8, signals.
 */
#include "upcall_util.h"

static struct upcall upc = UPCALL_INIT;
static pthread_t target;
static int id, crit_in_handler, pending_in_handler, in_cfunc, in_handler;
static bool raises, redispatches;

/* What began and ended in which order: u..U an upcall, s..S a signal. */
static char story[32];

static void tell(char c)
{
	size_t len = strlen(story);

	if (len < sizeof(story) - 1)
		story[len] = c;
}

static void handler(int sig)
{
	tell('s');
	crit_in_handler = upc.crit_count;
	if (redispatches) {
		redispatches = false;
		upc_dispatch(id, 1);
		pending_in_handler = READ_ONCE(upc.pending);
	}
	WRITE_ONCE(in_handler, 1);
	tell('S');
}

static void cfunc(void *data)
{
	tell('u');
	if (raises)
		signal_self(SIGUSR1);
	raises = false;
	WRITE_ONCE(in_cfunc, 1);
	WAIT_UNTIL(READ_ONCE(in_handler));
	tell('U');
}

static void *signal_cfunc(void *data)
{
	WAIT_UNTIL(READ_ONCE(in_cfunc));
	return (void *)(long)pthread_kill(target, SIGUSR1);
}

FIXTURE(signal_over_upcall) {
};

FIXTURE_VARIANT(signal_over_upcall) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(signal_over_upcall, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(signal_over_upcall, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(signal_over_upcall)
{
	signal(SIGUSR1, handler);
	id = upc_register_ctx(&upc, variant->ctx, cfunc, NULL);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(signal_over_upcall)
{
	EXPECT_EQ(UPC_CRITADD, crit_in_handler);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(signal_over_upcall, raised_by_cfunc)
{
	raises = true;
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_STREQ("usSU", story);
}

TEST_F(signal_over_upcall, sent_by_another_thread)
{
	pthread_t thread;
	void *ret;

	target = pthread_self();
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_cfunc, NULL));
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_STREQ("usSU", story);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
}

/* The cfunc below is a critical section for the handler as well. */
TEST_F(signal_over_upcall, a_dispatch_in_the_handler_is_held)
{
	raises = true;
	redispatches = true;
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_LE(1, pending_in_handler);
	EXPECT_STREQ("usSUuU", story);
}

TEST_HARNESS_MAIN
