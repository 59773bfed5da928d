// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring keeps queueing task work for a task that calls WAIT or SUSPEND in a
 * loop, while another task dispatches. Every call must return the id of the
 * upcall and never EINTR, since there are no signals.
 *
 * upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_ring.h"
#include "upcall_util.h"

static struct upcall upc = UPCALL_INIT;
static struct ring ring;
static int id, hits, fd, ready, over, refused;

/* Each write queues task work for the waiter. */
static void *write_always(void *arg)
{
	unsigned int seed = 1;
	long long one = 1;
	int n;

	WAIT_UNTIL(__atomic_load_n(&ready, __ATOMIC_ACQUIRE));
	while (!READ_ONCE(over)) {
		refused += write(fd, &one, sizeof(one)) != sizeof(one);
		for (n = next_random(&seed) % 2000; n; n--)
			cpu_relax();
	}
	return NULL;
}

/* Dispatches again when the last upcall has been entered. */
static void *dispatch_always(void *arg)
{
	unsigned int seed = 2;
	int i, n;

	WAIT_UNTIL(__atomic_load_n(&ready, __ATOMIC_ACQUIRE));
	for (i = 0; !READ_ONCE(over); i++) {
		for (n = next_random(&seed) % 10; n; n--)
			sched_yield();
		refused += upc_dispatch(id, 1) != 0;
		while (READ_ONCE(hits) == i && !READ_ONCE(over))
			sched_yield();
	}
	return NULL;
}

FIXTURE(storm) {
};

FIXTURE_VARIANT(storm) {
	int cmd;
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(storm, wait) { .cmd = UPC_CONTROL_WAIT };
FIXTURE_VARIANT_ADD(storm, suspend) { .cmd = UPC_CONTROL_SUSPEND };
FIXTURE_VARIANT_ADD(storm, wait_uninterrupted) {
	.cmd = UPC_CONTROL_WAIT, .flags = IORING_SETUP_COOP_TASKRUN,
};

FIXTURE_SETUP(storm)
{
	if (!have_rings())
		SKIP(return setup_skipped(), "no io_uring, or not for us");
}

FIXTURE_TEARDOWN(storm)
{
}

TEST_F_TIMEOUT(storm, only_upcalls_end_it, 120)
{
	int i, before, ret, n = iterations(2000);
	bool suspend = variant->cmd == UPC_CONTROL_SUSPEND;
	long long start = now_ns();
	pthread_t threads[2];

	fd = eventfd(0, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, make_ring(&ring, variant->flags));
	ASSERT_TRUE(submit_polls(&ring, fd));
	id = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, write_always, NULL));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, dispatch_always, NULL));
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);

	/* A section holds upcalls that come before the call. */
	for (i = 0; i < n && !time_is_up(start, 10); i++) {
		forget_completed(&ring);
		crit_enter(&upc);
		before = hits;
		ret = upc_control(variant->cmd, -1, 1);
		ASSERT_EQ(id, ret)
			TH_LOG("in turn %d", i);
		if (!suspend) {
			ASSERT_EQ(before, READ_ONCE(hits));
			crit_exit(&upc);
		}
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_LT(before, READ_ONCE(hits));
	}
	WRITE_ONCE(over, 1);
	ASSERT_EQ(0, pthread_join(threads[0], NULL));
	ASSERT_EQ(0, pthread_join(threads[1], NULL));
	EXPECT_EQ(0, refused);
	EXPECT_LT(0, (int)completed(&ring));
	TH_LOG("%d turns, %u completions", i, completed(&ring));
}

TEST_HARNESS_MAIN
