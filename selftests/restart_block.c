// SPDX-License-Identifier: GPL-2.0
/*
 * A task is stopped and continued in a call with a timeout, so that a
 * restart_syscall is due, and an upcall comes in between whose cfunc is
 * stopped and continued in such a call itself. Neither call ends early.
 * upcall.rst, section 8, system call restart.
 */
#include "upcall_util.h"

#include <linux/futex.h>

#define ROUNDS		3
#define TIMEOUT_NS	400000000LL
#define CFUNC_NS	100000000LL
#define SLACK_NS	50000LL		/* what a timer may be late by */

static struct worker {
	struct upcall upc;
	void *ctx;
	int (*call)(struct worker *w);
	int id, round, returned, in_cfunc, hits, cfunc_wrong;
	int ret, hits_then;
	long long start, end;
	struct timespec rem;
} worker = { .upc = UPCALL_INIT };

static int futex_word;

static int call_nanosleep(struct worker *w)
{
	struct timespec ts = { .tv_nsec = TIMEOUT_NS };

	return upc_syscall(SYS_nanosleep, (long)&ts, (long)&w->rem, 0, 0);
}

static int call_poll(struct worker *w)
{
	return upc_syscall(SYS_poll, 0, 0, TIMEOUT_NS / 1000000, 0);
}

static int call_futex(struct worker *w)
{
	struct timespec ts = { .tv_nsec = TIMEOUT_NS };

	return upc_syscall(SYS_futex, (long)&futex_word, FUTEX_WAIT, 0,
			   (long)&ts);
}

/* With no upcall in its way, the call that cfunc makes has to be complete. */
static void sleep_cfunc(void *data)
{
	struct timespec ts = { .tv_nsec = CFUNC_NS };
	struct worker *w = data;
	long long start = now_ns();

	WRITE_ONCE(w->in_cfunc, 1);
	if (upc_syscall(SYS_nanosleep, (long)&ts, 0, 0, 0) ||
	    now_ns() - start < CFUNC_NS)
		w->cfunc_wrong++;
	count_cfunc(&w->hits);
	WRITE_ONCE(w->in_cfunc, 0);
}

static int worker_main(void *data)
{
	struct worker *w = data;
	int i;

	w->id = upc_register_ctx(&w->upc, w->ctx, sleep_cfunc, w);
	for (i = 1; i <= ROUNDS; i++) {
		w->start = now_ns();
		__atomic_store_n(&w->round, i, __ATOMIC_RELEASE);
		w->ret = w->call(w);
		w->end = now_ns();
		w->hits_then = READ_ONCE(w->hits);
		__atomic_store_n(&w->returned, i, __ATOMIC_RELEASE);
		/* The test looks at what it was before it goes on. */
		while (READ_ONCE(w->returned) == i)
			upc_syscall(SYS_sched_yield, 0, 0, 0, 0);
	}
	return 0;
}

FIXTURE(restart_block) {
	pid_t pid;
};

FIXTURE_VARIANT(restart_block) {
	int (*call)(struct worker *w);
	int done;
	void *ctx;
};

FIXTURE_VARIANT_ADD(restart_block, nanosleep_next) {
	.call = call_nanosleep, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_block, nanosleep_pop) {
	.call = call_nanosleep, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(restart_block, poll_next) {
	.call = call_poll, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_block, poll_pop) {
	.call = call_poll, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(restart_block, futex_next) {
	.call = call_futex, .done = -ETIMEDOUT, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_block, futex_pop) {
	.call = call_futex, .done = -ETIMEDOUT, .ctx = ctx_pop,
};

FIXTURE_SETUP(restart_block)
{
	worker.call = variant->call;
	worker.ctx = variant->ctx;
	self->pid = clone_worker(worker_main, &worker);
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(restart_block)
{
}

static void run(struct __test_metadata *_metadata, pid_t pid, int done,
		bool dispatch_stopped)
{
	long long asleep, stopping, stopped, rem;
	int i, cfunc_stops = 0;

	for (i = 1; i <= ROUNDS; i++) {
		WAIT_UNTIL(__atomic_load_n(&worker.round,
					   __ATOMIC_ACQUIRE) == i);
		ASSERT_TRUE(wait_until_asleep(pid));
		asleep = now_ns();
		if (!dispatch_stopped)
			ASSERT_EQ(0, upc_dispatch(worker.id, 1));
		stopping = now_ns();
		ASSERT_TRUE(stop_worker(pid));
		stopped = now_ns();
		if (dispatch_stopped)
			ASSERT_EQ(0, upc_dispatch(worker.id, 1));
		ASSERT_TRUE(continue_worker(pid));

		WAIT_UNTIL(READ_ONCE(worker.in_cfunc) ||
			   READ_ONCE(worker.hits) == i);
		ASSERT_TRUE(stop_worker(pid));
		cfunc_stops += READ_ONCE(worker.in_cfunc);
		ASSERT_TRUE(continue_worker(pid));

		WAIT_UNTIL(__atomic_load_n(&worker.returned,
					   __ATOMIC_ACQUIRE) == i);
		ASSERT_EQ(i, worker.hits_then);
		ASSERT_EQ(0, worker.cfunc_wrong);
		ASSERT_EQ(0, worker.upc.crit_count);
		EXPECT_TRUE(worker.ret == done || worker.ret == -EINTR);
		if (worker.ret == done)
			EXPECT_LE(TIMEOUT_NS, worker.end - worker.start);
		if (worker.ret == -EINTR && worker.call == call_nanosleep) {
			rem = worker.rem.tv_sec * NSEC_PER_SEC +
			      worker.rem.tv_nsec;
			EXPECT_GE(TIMEOUT_NS + SLACK_NS - (stopping - asleep), rem);
			EXPECT_LE(TIMEOUT_NS - (stopped - worker.start), rem);
		}
		__atomic_store_n(&worker.returned, 0, __ATOMIC_RELEASE);
	}
	ASSERT_EQ(0, child_status(pid));
	EXPECT_LT(0, cfunc_stops);
}

TEST_F(restart_block, dispatched_while_asleep)
{
	run(_metadata, self->pid, variant->done, false);
}

TEST_F(restart_block, dispatched_while_stopped)
{
	run(_metadata, self->pid, variant->done, true);
}

TEST_HARNESS_MAIN
