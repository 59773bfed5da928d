// SPDX-License-Identifier: GPL-2.0
/*
 * A forked child starts with no upcalls and no upc, whatever its parent had,
 * and the parent keeps all of it.
 *
 * upc_register(2), DESCRIPTION (who shares the identifier space); upcall.rst,
 * section 1.
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static int hits, entered_in_child;

static void note_pid(void *data)
{
	hits++;
	if (getpid() != *(pid_t *)data)
		entered_in_child = 1;
}

static void child_has_nothing(int id)
{
	CHECK(upc_poll(id, 0) == -ENOENT);
	CHECK(upc_pollclear(id, 0) == -ENOENT);
	CHECK(upc_dispatch(id, 1) == -ENOENT);
	CHECK(upc_delete(id) == -ENOENT);
	CHECK(upc_poll(-1, 0) == 0);
	CHECK(upc_pollclear(-1, 1) == 0);
	CHECK(upc_delete(-1) == 0);
	CHECK(upc_dispatch(-1, 0) == 0);
}

TEST(nothing_is_inherited)
{
	pid_t self = getpid(), pid;
	int id;

	id = upc_register_ctx(&upc, ctx_next, note_pid, &self);
	ASSERT_GT(id, 0);

	/* One is pending over the fork. */
	upc.crit_count = UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(id, 7));
	ASSERT_EQ(7, upc.pending);

	pid = fork();
	if (!pid) {
		upc.crit_count = 0;
		upc.pending = 0;
		child_has_nothing(id);
		CHECK(!upc.crit_count && !upc.pending && !hits);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));

	ASSERT_EQ(1, upc_poll(id, 7));
	ASSERT_EQ(0, hits);
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
	ASSERT_EQ(0, entered_in_child);
}

TEST(the_childs_copy_of_upc_is_left_alone)
{
	static int *go;
	pid_t self = getpid(), pid;
	int id, i;

	go = mmap(NULL, sizeof(*go), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(go != MAP_FAILED);
	id = upc_register_ctx(&upc, ctx_next, note_pid, &self);
	ASSERT_GT(id, 0);

	pid = fork();
	if (!pid) {
		upc.crit_count = 12345;
		upc.pending = 54321;
		WAIT_UNTIL(__atomic_load_n(go, __ATOMIC_ACQUIRE));
		CHECK(upc.crit_count == 12345 && upc.pending == 54321);
		CHECK(!hits);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	for (i = 1; i <= 100; i++) {
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_EQ(i, hits);
	}
	__atomic_store_n(go, 1, __ATOMIC_RELEASE);
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(0, upc.crit_count);
}

TEST(wait_in_the_child_ends_by_a_signal_alone)
{
	pid_t self = getpid(), pid;
	int id;

	id = upc_register_ctx(&upc, ctx_next, note_pid, &self);
	ASSERT_GT(id, 0);
	upc.crit_count = UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(id, 1));

	pid = fork();
	if (!pid) {
		CHECK(!tick_every_ms(20));
		CHECK(upc_wait(1) == -EINTR);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));

	/* The parent does have one pending, and does not sleep. */
	ASSERT_EQ(id, upc_wait(1));
}

TEST_HARNESS_MAIN
