// SPDX-License-Identifier: GPL-2.0
/*
 * Signals and upcalls from another thread interrupt an assembly loop, and each
 * other, at any instruction: each unwinds to what it interrupted, and the loop
 * loses nothing. upcall.rst, section 8, signals.
 */
#include "upcall_util.h"
#include "upcall_loop.h"

static struct upcall upc = UPCALL_INIT;
static pthread_t target;
static int id, hits, stop;
static int signals, signals_over_upcalls;

static void count_signal(int sig)
{
	signals++;
	signals_over_upcalls += upc.crit_count != 0;
}

static void *send_both(void *data)
{
	int seen, ret = 0;

	pin_to_cpu(1);
	while (!READ_ONCE(stop) && !ret) {
		seen = READ_ONCE(signals);
		ret = pthread_kill(target, SIGUSR1);
		while (!ret && !READ_ONCE(stop) && READ_ONCE(signals) == seen)
			ret = dispatch_after_last(id, &upc, &stop);
	}
	return (void *)(long)ret;
}

FIXTURE(signal_storm) {
};

FIXTURE_VARIANT(signal_storm) {
	int flags;
	void *ctx;
};

FIXTURE_VARIANT_ADD(signal_storm, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(signal_storm, pop) { .ctx = ctx_pop };

FIXTURE_VARIANT_ADD(signal_storm, altstack_next) {
	.flags = SA_ONSTACK, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(signal_storm, altstack_pop) {
	.flags = SA_ONSTACK, .ctx = ctx_pop,
};

FIXTURE_SETUP(signal_storm)
{
	static char altstack[65536];
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	struct sigaction sa = {
		.sa_handler = count_signal, .sa_flags = variant->flags,
	};

	if (!__builtin_cpu_supports("sse"))
		SKIP(return setup_skipped(), "no SSE");
	ASSERT_EQ(0, sigaltstack(&ss, NULL));
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	id = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(signal_storm)
{
}

TEST_F_TIMEOUT(signal_storm, unwinds, 900)
{
	int count = iterations(10000);
	long long start = now_ns();
	pthread_t thread;
	int batch;
	void *ret;

	if (!pin_to_cpu(1))
		count = count / 100 + 1;
	ASSERT_TRUE(pin_to_cpu(0));
	target = pthread_self();
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_both, NULL));
	for (batch = 0; READ_ONCE(signals) < count; batch++) {
		if (time_is_up(start, 30) && READ_ONCE(signals) >= count / 100)
			break;
		ASSERT_TRUE(registers_stay(batch)) {
			TH_LOG("batch %d, after %d upcalls, %d signals, turn %u",
			       batch, READ_ONCE(hits), READ_ONCE(signals),
			       wrong_at);
		}
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_LT(0, hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	TH_LOG("%d upcalls, %d signals, %d on top of upcalls", hits, signals,
	       signals_over_upcalls);
}

TEST_HARNESS_MAIN
