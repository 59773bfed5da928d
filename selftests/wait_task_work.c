// SPDX-License-Identifier: GPL-2.0
/*
 * A task sleeps in WAIT or SUSPEND while io_uring queues task work for it. The
 * kernel must run the work and go on waiting: EINTR means that there is a
 * signal.
 *
 * upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_ring.h"

#define ROUNDS	5

enum work { POLLS, READS, TIMEOUTS };

static struct waiter {
	struct upcall upc;
	struct ring ring;
	pthread_t thread;
	pid_t tid;
	enum work work;
	unsigned int flags;
	int cmd, crit, id, hits, handled;
	int ready, ret, returned;
	bool without;		/* the waiter owns no upcalls */
	int fds[2], errors;
	char read[ROUNDS];
} waiter = { .upc = UPCALL_INIT };

static void handler(int sig)
{
	waiter.handled++;
}

static bool submit_all(struct waiter *w)
{
	bool done = true;
	int i;

	if (w->work == POLLS)
		return submit_polls(&w->ring, w->fds[0]);
	for (i = 0; i < ROUNDS && done; i++)
		done = w->work == READS ?
		       submit_read(&w->ring, w->fds[0], &w->read[i]) :
		       submit_timeout(&w->ring, 50 * i + 50);
	return done;
}

static void *wait_main(void *arg)
{
	struct waiter *w = &waiter;

	w->tid = sys_gettid();
	w->errors = make_ring(&w->ring, w->flags);
	if (!w->errors && !submit_all(w))
		w->errors = -EIO;
	if (!w->errors && !w->without)
		w->id = upc_register_ctx(&w->upc, ctx_next, count_cfunc,
					 &w->hits);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	if (w->errors)
		return NULL;
	w->ret = upc_control(w->cmd, -1, 1);
	w->crit = w->upc.crit_count;
	__atomic_store_n(&w->returned, 1, __ATOMIC_RELEASE);
	/* The main thread may wait until this thread is asleep. */
	for (;;)
		pause();
	return NULL;
}

FIXTURE(task_work) {
};

FIXTURE_VARIANT(task_work) {
	int cmd;
	enum work work;
	unsigned int flags;
	bool without;
};

FIXTURE_VARIANT_ADD(task_work, wait_and_poll) {
	.cmd = UPC_CONTROL_WAIT, .work = POLLS,
};

FIXTURE_VARIANT_ADD(task_work, wait_and_poll_uninterrupted) {
	.cmd = UPC_CONTROL_WAIT, .work = POLLS,
	.flags = IORING_SETUP_COOP_TASKRUN,
};

FIXTURE_VARIANT_ADD(task_work, wait_and_read) {
	.cmd = UPC_CONTROL_WAIT, .work = READS,
};

FIXTURE_VARIANT_ADD(task_work, wait_and_timeout) {
	.cmd = UPC_CONTROL_WAIT, .work = TIMEOUTS,
};

FIXTURE_VARIANT_ADD(task_work, wait_without_upcalls) {
	.cmd = UPC_CONTROL_WAIT, .work = POLLS, .without = true,
};

FIXTURE_VARIANT_ADD(task_work, suspend_and_poll) {
	.cmd = UPC_CONTROL_SUSPEND, .work = POLLS,
};

FIXTURE_VARIANT_ADD(task_work, suspend_and_read) {
	.cmd = UPC_CONTROL_SUSPEND, .work = READS,
};

FIXTURE_VARIANT_ADD(task_work, suspend_and_timeout) {
	.cmd = UPC_CONTROL_SUSPEND, .work = TIMEOUTS,
};

FIXTURE_SETUP(task_work)
{
	struct sigaction sa = { .sa_handler = handler };
	struct waiter *w = &waiter;

	if (!have_rings())
		SKIP(return setup_skipped(), "no io_uring, or not for us");
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pipe(w->fds));
	w->cmd = variant->cmd;
	w->work = variant->work;
	w->flags = variant->flags;
	w->without = variant->without;
	w->upc.crit_count = w->cmd == UPC_CONTROL_SUSPEND ? 2 * UPC_CRITADD :
							    UPC_CRITADD;
	ASSERT_EQ(0, pthread_create(&w->thread, NULL, wait_main, NULL));
	WAIT_UNTIL(__atomic_load_n(&w->ready, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, w->errors);
	ASSERT_TRUE(wait_until_asleep(w->tid));
}

FIXTURE_TEARDOWN(task_work)
{
}

/* Each round, the work is done and the waiter sleeps again. */
static void have_it_work(struct __test_metadata *_metadata)
{
	struct waiter *w = &waiter;
	unsigned int i;

	for (i = 1; i <= ROUNDS; i++) {
		if (w->work != TIMEOUTS)
			ASSERT_EQ(1, write(w->fds[1], "x", 1));
		WAIT_UNTIL(completed(&w->ring) >= i);
		ASSERT_TRUE(wait_until_asleep(w->tid));
		ASSERT_EQ(0, __atomic_load_n(&w->returned, __ATOMIC_ACQUIRE));
	}
	if (w->work == READS)
		EXPECT_EQ(0, memcmp(w->read, "xxxxx", ROUNDS));
	EXPECT_EQ(0, w->handled);
}

static void expect_return(struct __test_metadata *_metadata, int ret)
{
	struct waiter *w = &waiter;

	WAIT_UNTIL(__atomic_load_n(&w->returned, __ATOMIC_ACQUIRE));
	EXPECT_EQ(ret, w->ret);
	EXPECT_EQ(UPC_CRITADD, w->crit);
}

TEST_F(task_work, then_an_upcall)
{
	struct waiter *w = &waiter;

	have_it_work(_metadata);
	if (w->without)
		return;
	ASSERT_EQ(0, upc_dispatch(w->id, UPC_CRITADD + 1));
	expect_return(_metadata, w->id);
	EXPECT_EQ(1, w->hits);
	EXPECT_EQ(0, w->handled);
}

TEST_F(task_work, then_a_signal)
{
	struct waiter *w = &waiter;

	have_it_work(_metadata);
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), w->tid, SIGUSR1));
	expect_return(_metadata, -EINTR);
	EXPECT_EQ(0, w->hits);
	EXPECT_EQ(1, w->handled);
}

TEST_HARNESS_MAIN
