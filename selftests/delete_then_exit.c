// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer stops a task at its exit. Meanwhile another task dispatches its
 * upcall, deletes it, and unmaps, protects or reuses the memory of its struct
 * upcall. The task must exit as usual, and the memory must not change.
 *
 * upcall.rst, sections 1 and 3.
 */
#include "upcall_fault.h"
#include "upcall_util.h"

#include <sys/ptrace.h>

static struct pages pages;
static struct upcall *upc;
static int id, hits, tid, traced, exiting, lost;

/* Shares memory and errno with its parent, so it makes raw system calls. */
static int tracer(void *data)
{
	int status;

	CHECK(!upc_syscall(SYS_ptrace, PTRACE_SEIZE, tid, 0,
			   PTRACE_O_TRACEEXIT));
	WRITE_ONCE(traced, 1);
	CHECK(upc_syscall(SYS_wait4, tid, (long)&status, __WALL, 0) == tid);
	CHECK(status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8));
	WRITE_ONCE(exiting, 1);
	WAIT_UNTIL(__atomic_load_n(&lost, __ATOMIC_ACQUIRE));
	CHECK(!upc_syscall(SYS_ptrace, PTRACE_CONT, tid, 0, 0));
	return 0;
}

static void *exits(void *arg)
{
	bool in_a_section = arg;

	upc->crit_count = in_a_section ? UPC_CRITADD : 0;
	id = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	CHECK(id > 0);
	if (in_a_section)
		CHECK(!upc_dispatch(id, 5));
	__atomic_store_n(&tid, sys_gettid(), __ATOMIC_RELEASE);
	WAIT_UNTIL(READ_ONCE(traced));
	return NULL;
}

FIXTURE(then_exit) {
};

FIXTURE_VARIANT(then_exit) {
	bool in_a_section;	/* an upcall is held when the exit begins */
	bool dispatched;	/* while the task is stopped */
	bool deleted;
};

FIXTURE_VARIANT_ADD(then_exit, with_nothing_pending) {
	.deleted = true,
};

FIXTURE_VARIANT_ADD(then_exit, dispatched_to) {
	.dispatched = true, .deleted = true,
};

FIXTURE_VARIANT_ADD(then_exit, in_a_section) {
	.in_a_section = true, .dispatched = true, .deleted = true,
};

/* It still owns upcalls when struct upcall is removed. */
FIXTURE_VARIANT_ADD(then_exit, with_what_it_has) {
	.dispatched = true,
};

FIXTURE_SETUP(then_exit)
{
}

FIXTURE_TEARDOWN(then_exit)
{
}

TEST_F(then_exit, exits)
{
	pthread_t thread;
	int damage;
	pid_t pid;

	for (damage = 0; damage <= NR_DAMAGES; damage++) {
		tid = 0;
		traced = 0;
		exiting = 0;
		lost = 0;
		ASSERT_EQ(0, make_pages(&pages));
		upc = (struct upcall *)pages.middle;
		upc->magic = UPCALL_MAGIC;
		ASSERT_EQ(0, pthread_create(&thread, NULL, exits,
					    (void *)variant->in_a_section));
		WAIT_UNTIL(__atomic_load_n(&tid, __ATOMIC_ACQUIRE));
		pid = clone_worker(tracer, NULL);
		ASSERT_GT(pid, 0);
		WAIT_UNTIL(READ_ONCE(exiting));
		if (variant->dispatched)
			ASSERT_EQ(0, upc_dispatch(id, 7));
		if (variant->deleted)
			ASSERT_EQ(0, upc_delete(id));
		if (damage == NR_DAMAGES)
			reuse_page(&pages);
		else
			ASSERT_EQ(0, break_page(&pages, damage));
		__atomic_store_n(&lost, 1, __ATOMIC_RELEASE);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, child_status(pid));
		EXPECT_EQ(0, hits);
		EXPECT_EQ(-ENOENT, upc_poll(id, 0));
		if (damage == NR_DAMAGES)
			EXPECT_TRUE(reused_page_is_intact(&pages));
	}
}

TEST_HARNESS_MAIN
