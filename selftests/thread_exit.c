// SPDX-License-Identifier: GPL-2.0
/*
 * A thread that exits takes its upcalls with it, pending, held and idle ones:
 * their ids are unknown from then on and their slots are free.
 *
 * upc_register(2), ERRORS; upcall.rst, section 1.
 */
#include "upcall_proc.h"

#define EACH	8

static struct upcall upc = UPCALL_INIT;
static struct upcall thread_upc;
static int hits, thread_hits, ids[EACH], phase;
static bool by_syscall;

FIXTURE(leaving) {
	int id;
};

FIXTURE_VARIANT(leaving) {
	struct upcall upc;	/* the thread's, to start with */
	bool dispatch;
	bool by_syscall;
};

FIXTURE_VARIANT_ADD(leaving, idle) {
	.upc = UPCALL_INIT,
};

FIXTURE_VARIANT_ADD(leaving, idle_by_the_raw_call) {
	.upc = UPCALL_INIT, .by_syscall = true,
};

FIXTURE_VARIANT_ADD(leaving, held_by_a_section) {
	.upc = { .magic = UPCALL_MAGIC, .crit_count = UPC_CRITADD },
	.dispatch = true,
};

FIXTURE_VARIANT_ADD(leaving, held_by_a_section_by_the_raw_call) {
	.upc = { .magic = UPCALL_MAGIC, .crit_count = UPC_CRITADD },
	.dispatch = true, .by_syscall = true,
};

FIXTURE_VARIANT_ADD(leaving, held_by_pending) {
	.upc = { .magic = UPCALL_MAGIC, .pending = 1 },
	.dispatch = true,
};

FIXTURE_SETUP(leaving)
{
	self->id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(self->id, 0);
}

FIXTURE_TEARDOWN(leaving)
{
}

static void *owner(void *arg)
{
	int i;

	thread_upc = *(struct upcall *)arg;
	for (i = 0; i < EACH; i++)
		ids[i] = upc_register_ctx(&thread_upc, ctx_next, count_cfunc,
					  &thread_hits);
	WRITE_ONCE(phase, 1);
	WAIT_UNTIL(READ_ONCE(phase) == 2);
	if (by_syscall)
		syscall(SYS_exit, 0);
	return NULL;
}

TEST_F_TIMEOUT(leaving, ids_and_slots_go, 120)
{
	pthread_t thread;
	int round, i, limit = upcall_limit();

	if (limit < 0)
		SKIP(return, "kernel.upcall_max cannot be read");
	by_syscall = variant->by_syscall;
	/* Rounds enough to be refused if the slots did not come back. */
	for (round = 0; round < limit / EACH + 2; round++) {
		WRITE_ONCE(phase, 0);
		ASSERT_EQ(0, pthread_create(&thread, NULL, owner,
					    (void *)&variant->upc));
		WAIT_UNTIL(READ_ONCE(phase) == 1);
		for (i = 0; i < EACH; i++) {
			ASSERT_GT(ids[i], 0);
			if (!variant->dispatch)
				continue;
			ASSERT_EQ(0, upc_dispatch(ids[i], 1 + i));
			ASSERT_EQ(1, upc_poll(ids[i], 1 + i));
		}
		WRITE_ONCE(phase, 2);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		for (i = 0; i < EACH; i++) {
			ASSERT_EQ(-ENOENT, upc_poll(ids[i], 0));
			ASSERT_EQ(-ENOENT, upc_dispatch(ids[i], 1));
			ASSERT_EQ(-ENOENT, upc_delete(ids[i]));
		}
		ASSERT_EQ(0, thread_hits);
	}

	/* Nobody else's went with them. */
	ASSERT_EQ(0, upc_dispatch(self->id, 1));
	ASSERT_EQ(1, hits);
}

TEST_HARNESS_MAIN
