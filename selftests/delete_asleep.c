// SPDX-License-Identifier: GPL-2.0
/*
 * A task sleeps in a system call. Another task deletes all its upcalls, some of
 * which are pending, and then unmaps, protects or reuses the memory of its
 * struct upcall. The call must end as for a task that never had upcalls, and
 * the kernel must neither read nor write that memory.
 *
 * upcall.rst, section 3: the kernel does not touch struct upcall for a task
 * that owns no upcalls.
 */
#include "upcall_fault.h"

#define REUSED	NR_DAMAGES	/* mapped, and filled with a pattern */

enum before { NOTHING, DISPATCHED, CLEARED, IN_A_SECTION, NR_BEFORE };

static struct pages pages;
static struct upcall *upc;
static int fds[2], ids[2], hits, faults, handled, tid;

struct call {
	long (*sleep)(void);
	bool (*wake)(void);
	long result;
	int handled;		/* signals handled during the call */
};

static long in_read(void)
{
	char c;

	return read(fds[0], &c, 1);
}

static bool write_one(void)
{
	return write(fds[1], "", 1) == 1;
}

static long in_pause(void)
{
	return pause();
}

/* The test dispatches at lower priorities than this, which do not wake it. */
static long in_wait(void)
{
	return upc_wait(9);
}

static long in_suspend(void)
{
	return upc_suspend(9);
}

static bool interrupt(void)
{
	return !syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
}

static void handler(int sig, siginfo_t *info, void *context)
{
	if (sig == SIGSEGV)
		faults++;
	else
		handled++;
}

static void *owner(void *call)
{
	long (*sleep)(void) = call;
	int i;

	CHECK(!handle_on_altstack(SIGSEGV, 0, handler));
	CHECK(!handle_on_altstack(SIGUSR1, 0, handler));
	for (i = 0; i < 2; i++) {
		ids[i] = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
		CHECK(ids[i] > 0);
	}
	__atomic_store_n(&tid, sys_gettid(), __ATOMIC_RELEASE);
	return (void *)sleep();
}

/* Dispatches as @before says, and deletes all the owner's upcalls. */
static bool lose_upcalls(enum before before)
{
	int i;

	for (i = 0; i < 2 && before != NOTHING; i++) {
		if (upc_dispatch(ids[i], 5 + i))
			return false;
		if (before == CLEARED && upc_pollclear(ids[i], 0) != 1)
			return false;
	}
	return !upc_delete(ids[0]) && !upc_delete(ids[1]);
}

FIXTURE(asleep) {
};

FIXTURE_VARIANT(asleep) {
	struct call call;
};

FIXTURE_VARIANT_ADD(asleep, in_read) {
	.call = { in_read, write_one, 1, 0 },
};

FIXTURE_VARIANT_ADD(asleep, in_pause) {
	.call = { in_pause, interrupt, -1, 1 },
};

FIXTURE_VARIANT_ADD(asleep, in_wait) {
	.call = { in_wait, interrupt, -EINTR, 1 },
};

FIXTURE_VARIANT_ADD(asleep, in_suspend) {
	.call = { in_suspend, interrupt, -EINTR, 1 },
};

FIXTURE_SETUP(asleep)
{
	ASSERT_EQ(0, pipe(fds));
}

FIXTURE_TEARDOWN(asleep)
{
}

static void lose_all(struct __test_metadata *_metadata,
		     const struct call *call, enum before before,
		     enum damage damage)
{
	pthread_t thread;
	void *ret;

	faults = 0;
	handled = 0;
	tid = 0;
	ASSERT_EQ(0, make_pages(&pages));
	upc = (struct upcall *)pages.middle;
	upc->magic = UPCALL_MAGIC;
	upc->crit_count = before == IN_A_SECTION ? 100 : UPC_CRITADD;
	ASSERT_EQ(0, pthread_create(&thread, NULL, owner, call->sleep));
	WAIT_UNTIL(__atomic_load_n(&tid, __ATOMIC_ACQUIRE));
	ASSERT_TRUE(wait_until_asleep(tid));
	ASSERT_TRUE(lose_upcalls(before));
	if (damage == REUSED)
		reuse_page(&pages);
	else
		ASSERT_EQ(0, break_page(&pages, damage));
	ASSERT_TRUE(call->wake());
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(call->result, (long)ret);
	EXPECT_EQ(0, faults)
		TH_LOG("lost its upcalls by way %d, memory by %d", before,
		       damage);
	EXPECT_EQ(call->handled, handled);
	EXPECT_EQ(0, hits);
	if (damage == REUSED)
		EXPECT_TRUE(reused_page_is_intact(&pages));
}

TEST_F_TIMEOUT(asleep, and_all_is_lost, 60)
{
	enum before before;
	enum damage damage;

	for (before = 0; before < NR_BEFORE; before++) {
		for (damage = 0; damage <= REUSED; damage++)
			lose_all(_metadata, &variant->call, before,
				 damage);
	}
}

TEST_HARNESS_MAIN
