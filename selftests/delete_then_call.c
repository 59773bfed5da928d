// SPDX-License-Identifier: GPL-2.0
/*
 * A task has lost all its upcalls and then the memory of its struct upcall.
 * Each command of upc_control() must work as for a task without upcalls,
 * without a SIGSEGV. Commands that do not involve struct upcall must not write
 * to memory that is in its place.
 *
 * upcall.rst, sections 3 and 6.
 */
#include "upcall_fault.h"

#define REUSED	NR_DAMAGES	/* mapped, and filled with a pattern */

static struct pages pages;
static struct upcall *upc;
static int id, own[2], hits, faults, handled;
static pid_t owner;

static void handler(int sig, siginfo_t *info, void *context)
{
	if (sig == SIGSEGV)
		faults++;
	else
		handled++;
}

static void *lose_upcalls(void *arg)
{
	return (void *)(long)(upc_delete(own[0]) | upc_delete(own[1]));
}

static void *interrupt(void *arg)
{
	CHECK(wait_until_asleep(owner));
	CHECK(!syscall(SYS_tgkill, getpid(), owner, SIGUSR1));
	return NULL;
}

static void *another_owner(void *arg)
{
	static struct upcall its = UPCALL_INIT;

	its.crit_count = UPC_CRITADD;
	WRITE_ONCE(id, upc_register_ctx(&its, ctx_next, count_cfunc, &hits));
	for (;;)
		pause();
	return arg;
}

FIXTURE(then_call) {
};

enum whose { OWN, GONE, ANOTHERS };

FIXTURE_VARIANT(then_call) {
	int cmd;
	enum whose whose;
	int data, result;
	bool sleeps;		/* until a signal comes */
	bool needs_it;		/* accesses struct upcall if it can */
};

FIXTURE_VARIANT_ADD(then_call, redispatch) {
	.cmd = UPC_CONTROL_DISPATCH, .needs_it = true,
};

FIXTURE_VARIANT_ADD(then_call, redispatch_of_a_priority) {
	.cmd = UPC_CONTROL_DISPATCH, .data = 40, .needs_it = true,
};

FIXTURE_VARIANT_ADD(then_call, dispatch_another_s) {
	.cmd = UPC_CONTROL_DISPATCH, .whose = ANOTHERS, .data = 1,
};

FIXTURE_VARIANT_ADD(then_call, dispatch_what_is_gone) {
	.cmd = UPC_CONTROL_DISPATCH, .whose = GONE, .result = -ENOENT,
};

FIXTURE_VARIANT_ADD(then_call, delete) {
	.cmd = UPC_CONTROL_DELETE,
};

FIXTURE_VARIANT_ADD(then_call, poll) {
	.cmd = UPC_CONTROL_POLL,
};

FIXTURE_VARIANT_ADD(then_call, pollandclear) {
	.cmd = UPC_CONTROL_POLLANDCLEAR,
};

FIXTURE_VARIANT_ADD(then_call, wait) {
	.cmd = UPC_CONTROL_WAIT, .result = -EINTR, .sleeps = true,
};

FIXTURE_VARIANT_ADD(then_call, suspend) {
	.cmd = UPC_CONTROL_SUSPEND, .result = -EFAULT, .needs_it = true,
};

FIXTURE_SETUP(then_call)
{
	pthread_t thread;

	owner = sys_gettid();
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, handler));
	ASSERT_EQ(0, handle_on_altstack(SIGUSR1, 0, handler));
	ASSERT_EQ(0, pthread_create(&thread, NULL, another_owner, NULL));
	WAIT_UNTIL(READ_ONCE(id));
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(then_call)
{
}

/* Registers two upcalls, one of them pending; deletes them; breaks memory. */
static bool lose_all(int damage, bool by_another)
{
	pthread_t thread;
	void *refused;
	int i;

	if (make_pages(&pages))
		return false;
	upc = (struct upcall *)pages.middle;
	upc->magic = UPCALL_MAGIC;
	for (i = 0; i < 2; i++)
		own[i] = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	crit_enter(upc);
	if (upc_dispatch(own[0], 5))
		return false;
	if (!by_another)
		refused = (void *)(long)upc_delete(-1);
	else if (pthread_create(&thread, NULL, lose_upcalls, NULL) ||
		 pthread_join(thread, &refused))
		return false;
	if (damage != REUSED)
		return !refused && !break_page(&pages, damage);
	reuse_page(&pages);
	return !refused;
}

TEST_F(then_call, does_without)
{
	int damage, by_another, n = 0;
	pthread_t thread;

	for (by_another = 0; by_another < 2; by_another++) {
		for (damage = 0; damage <= REUSED; damage++) {
			int whose[] = { -1, own[0], id };

			if (damage == REUSED && variant->needs_it)
				continue;
			ASSERT_TRUE(lose_all(damage, by_another));
			whose[GONE] = own[0];
			if (variant->sleeps)
				ASSERT_EQ(0, pthread_create(&thread, NULL,
							    interrupt, NULL));
			EXPECT_EQ(variant->result,
				  upc_control(variant->cmd,
					      whose[variant->whose],
					      variant->data));
			if (variant->sleeps)
				ASSERT_EQ(0, pthread_join(thread, NULL));
			n += variant->sleeps;
			EXPECT_EQ(0, faults);
			EXPECT_EQ(0, hits);
			if (damage == REUSED)
				EXPECT_TRUE(reused_page_is_intact(&pages));
		}
	}
	EXPECT_EQ(n, handled);
}

TEST_HARNESS_MAIN
