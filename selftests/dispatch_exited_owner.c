// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch to an owner that has exited: its upcalls went with it, pending
 * or not, and the identifier names nothing any more.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH and ERRORS; upcall.rst,
 * section 1.
 */
#include "upcall_test.h"

#define ROUNDS	200

struct owner {
	struct upcall upc;
	int id;
	int hits;
	bool pending;
};

static int owner_main(void *arg)
{
	struct owner *owner = arg;

	owner->id = upc_register_ctx(&owner->upc, ctx_next, count_cfunc,
				     &owner->hits);
	if (owner->pending) {
		crit_enter(&owner->upc);
		upc_dispatch(owner->id, 1);
	}
	return 0;
}

static void *owner_thread(void *arg)
{
	owner_main(arg);
	return NULL;
}

FIXTURE(exited) {
};

FIXTURE_VARIANT(exited) {
	bool pending;
};

FIXTURE_VARIANT_ADD(exited, idle) { .pending = false };
FIXTURE_VARIANT_ADD(exited, pending) { .pending = true };

FIXTURE_SETUP(exited)
{
}

FIXTURE_TEARDOWN(exited)
{
}

TEST_F(exited, thread)
{
	static struct owner owner;
	pthread_t thread;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		owner = (struct owner) {
			.upc = UPCALL_INIT,
			.pending = variant->pending,
		};
		ASSERT_EQ(0, pthread_create(&thread, NULL, owner_thread,
					    &owner));
		pthread_join(thread, NULL);
		ASSERT_GT(owner.id, 0);
		ASSERT_EQ(-ENOENT, upc_dispatch(owner.id, 1));
		ASSERT_EQ(-ENOENT, upc_poll(owner.id, 0));
		ASSERT_EQ(-ENOENT, upc_delete(owner.id));
		ASSERT_EQ(0, owner.hits);
	}
}

TEST_F(exited, process)
{
	static struct owner owner;
	static char stack[65536];
	int i, status;
	pid_t pid;

	for (i = 0; i < ROUNDS; i++) {
		owner = (struct owner) {
			.upc = UPCALL_INIT,
			.pending = variant->pending,
		};
		pid = clone(owner_main, stack + sizeof(stack),
			    CLONE_VM | SIGCHLD, &owner);
		ASSERT_GT(pid, 0);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_GT(owner.id, 0);
		ASSERT_EQ(-ENOENT, upc_dispatch(owner.id, 1));
		ASSERT_EQ(-ENOENT, upc_poll(owner.id, 0));
		ASSERT_EQ(-ENOENT, upc_delete(owner.id));
		ASSERT_EQ(0, owner.hits);
	}
}

TEST_HARNESS_MAIN
