// SPDX-License-Identifier: GPL-2.0
/*
 * A process ends, in each of the ways it can, with its table full of pending
 * upcalls of several threads. What is tested is that it ends as it should and
 * that the next one starts with nothing.
 *
 * upcall.rst, section 1 (the table is freed with the mm).
 */
#include "upcall_proc.h"

#define THREADS	4

static __thread struct upcall upc;
static int hits, ready, registered;

enum ending { EXITS, THREAD_EXITS_GROUP, KILLED, ABORTS, LEADER_LEAVES };

static void fill(int share)
{
	int id;

	upc.magic = UPCALL_MAGIC;
	upc.crit_count = UPC_CRITADD;
	for (; share; share--) {
		id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		CHECK(id > 0);
		CHECK(upc_dispatch(id, 1 + share % UPC_CRITADD) == 0);
		__atomic_fetch_add(&registered, 1, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
}

static void *fills(void *arg)
{
	fill((long)arg);
	for (;;)
		pause();
	return NULL;
}

static void *fills_and_ends_all(void *arg)
{
	fill((long)arg);
	WAIT_UNTIL(READ_ONCE(ready) == THREADS);
	syscall(SYS_exit_group, 7);
	return NULL;
}

static void live(enum ending ending, int limit)
{
	bool by_thread = ending == THREAD_EXITS_GROUP ||
			 ending == LEADER_LEAVES;
	pthread_t thread;
	int i;

	for (i = 1; i < THREADS; i++)
		CHECK(!pthread_create(&thread, NULL, by_thread && i == 1 ?
				      fills_and_ends_all : fills,
				      (void *)(long)(limit / THREADS)));
	fill(limit / THREADS);
	if (ending == LEADER_LEAVES)
		syscall(SYS_exit, 0);
	WAIT_UNTIL(READ_ONCE(ready) == THREADS);
	CHECK(registered == limit / THREADS * THREADS && !hits);
	switch (ending) {
	case EXITS:
		_exit(7);
	case KILLED:
		kill(getpid(), SIGKILL);
		break;
	case ABORTS:
		abort();
		break;
	default:
		break;
	}
	for (;;)
		pause();
}

FIXTURE(teardown) {
};

FIXTURE_VARIANT(teardown) {
	enum ending ending;
	int status;
};

FIXTURE_VARIANT_ADD(teardown, exit) {
	.ending = EXITS, .status = 7 << 8,
};

FIXTURE_VARIANT_ADD(teardown, exit_group_by_a_thread) {
	.ending = THREAD_EXITS_GROUP, .status = 7 << 8,
};

FIXTURE_VARIANT_ADD(teardown, leader_left_before) {
	.ending = LEADER_LEAVES, .status = 7 << 8,
};

FIXTURE_VARIANT_ADD(teardown, killed) {
	.ending = KILLED, .status = SIGKILL,
};

FIXTURE_VARIANT_ADD(teardown, aborted) {
	.ending = ABORTS, .status = SIGABRT,
};

FIXTURE_SETUP(teardown)
{
}

FIXTURE_TEARDOWN(teardown)
{
}

TEST_F_TIMEOUT(teardown, with_all_pending, 240)
{
	int round, limit = upcall_limit();
	pid_t pid;

	if (limit < 0)
		SKIP(return, "kernel.upcall_max cannot be read");
	for (round = 0; round < 5; round++) {
		pid = fork();
		if (!pid)
			live(variant->ending, limit);
		ASSERT_GT(pid, 0);
		/* The bit of a core dump does not matter. */
		ASSERT_EQ(variant->status, child_status(pid) & ~0x80);
	}
}

TEST_HARNESS_MAIN
