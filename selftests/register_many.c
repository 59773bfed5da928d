// SPDX-License-Identifier: GPL-2.0
/*
 * Several tasks register very many upcalls, so that the table grows, while
 * another task dispatches and polls. Every upcall must be found from the return
 * of its registration until its deletion, and no two may have the same id.
 *
 * upcall.rst, sections 1, 3 and 6.
 */
#include "upcall_util.h"

#define MOST	50000		/* upcalls of each task */
#define TASKS	2
#define EARLY	64		/* upcalls registered before the table grows */
#define LIMIT	1048576

static struct task {
	struct upcall upc;
	pthread_t thread;
	int ids[MOST], n;	/* n of them are registered */
	int nth, wrong;
} tasks[TASKS];

static struct upcall upc = UPCALL_INIT;
static int early[EARLY], hits, own_hits, most, running;

/* A critical section keeps what is dispatched pending. */
static void *register_all(void *arg)
{
	struct task *t = arg;
	int i, id;

	t->upc.magic = UPCALL_MAGIC;
	t->upc.crit_count = UPC_CRITADD;
	for (i = 0; i < most; i++) {
		/* Short-lived upcalls leave gaps among the ids. */
		if (i % 5 == 0) {
			id = upc_register_ctx(&t->upc, ctx_next, count_cfunc,
					      &hits);
			t->wrong += id <= 0 || upc_poll(id, 1) ||
				    upc_delete(id);
		}
		t->ids[i] = upc_register_ctx(&t->upc, ctx_next, count_cfunc,
					     &hits);
		if (t->ids[i] <= 0) {
			t->wrong++;
			break;
		}
		__atomic_store_n(&t->n, i + 1, __ATOMIC_RELEASE);
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
	/* The upcalls live as long as this thread. */
	WAIT_UNTIL(READ_ONCE(running) < 0);
	return NULL;
}

FIXTURE(many) {
	int limit;
};

FIXTURE_SETUP(many)
{
	int i;

	self->limit = upcall_limit();
	if (!set_upcall_limit(LIMIT))
		SKIP(return setup_skipped(), "may not set kernel.upcall_max");
	most = iterations(MOST);
	if (most > MOST)
		most = MOST;
	crit_enter(&upc);
	for (i = 0; i < EARLY; i++) {
		early[i] = upc_register_ctx(&upc, ctx_next, count_cfunc,
					    &own_hits);
		ASSERT_GT(early[i], 0);
		if (i % 2)
			ASSERT_EQ(0, upc_dispatch(early[i], 1 + i));
	}
}

FIXTURE_TEARDOWN(many)
{
	set_upcall_limit(self->limit);
}

/* Checks one of the early upcalls, then one of each task. */
static int lost_now(unsigned int *seed)
{
	int i = next_random(seed) % EARLY, n, wrong = 0;
	struct task *t;

	wrong += upc_poll(early[i], 1) != i % 2;
	wrong += i % 2 && upc_dispatch(early[i], 1 + i);
	for (t = tasks; t < tasks + TASKS; t++) {
		n = __atomic_load_n(&t->n, __ATOMIC_ACQUIRE);
		if (!n)
			continue;
		/* The newest one in a quarter of the cases, else any. */
		i = next_random(seed) % 4 ?
		    (int)(next_random(seed) * 5 % n) : n - 1;
		wrong += upc_dispatch(t->ids[i], 3) != 0;
		wrong += upc_poll(t->ids[i], 3) != 1;
		wrong += upc_poll(t->ids[i], 4) != 0;
	}
	return wrong;
}

TEST_F_TIMEOUT(many, found_while_the_table_grows, 280)
{
	unsigned int seed = 1, looks = 0;
	struct task *t;
	int i;

	running = TASKS;
	for (t = tasks; t < tasks + TASKS; t++)
		ASSERT_EQ(0, pthread_create(&t->thread, NULL, register_all, t));
	for (; READ_ONCE(running); looks++)
		ASSERT_EQ(0, lost_now(&seed));
	for (i = 0; i < EARLY; i++)
		EXPECT_EQ(i % 2, upc_poll(early[i], 1));
	/* Each id names an upcall of its own, so each can be deleted. */
	for (t = tasks; t < tasks + TASKS; t++) {
		ASSERT_EQ(0, t->wrong);
		for (i = 0; i < most; i++)
			ASSERT_EQ(0, upc_delete(t->ids[i]));
	}
	for (t = tasks; t < tasks + TASKS; t++) {
		for (i = 0; i < most; i++)
			ASSERT_EQ(-ENOENT, upc_poll(t->ids[i], 0));
	}
	WRITE_ONCE(running, -1);
	for (t = tasks; t < tasks + TASKS; t++)
		ASSERT_EQ(0, pthread_join(t->thread, NULL));
	EXPECT_EQ(0, hits);
	crit_exit(&upc);
	EXPECT_EQ(EARLY / 2, own_hits);
	TH_LOG("%d registered, looked at %u times", TASKS * most, looks);
}

/* Identifiers are cyclic and skip those in use. */
TEST_F_TIMEOUT(many, kept_while_others_come_and_go, 280)
{
	int *ids = tasks[0].ids, live = most / 8, i, id;

	for (i = 0; i < live; i++) {
		ids[i] = upc_register_ctx(&upc, ctx_next, count_cfunc,
					  &own_hits);
		ASSERT_GT(ids[i], 0);
	}
	/* More registrations than the table has slots. */
	for (i = 0; i < 8 * live; i++) {
		id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(id, 0);
		ASSERT_EQ(0, upc_poll(id, 1));
		ASSERT_EQ(0, upc_delete(id));
		ASSERT_EQ(-ENOENT, upc_poll(id, 1));
	}
	for (i = 0; i < live; i++)
		ASSERT_EQ(0, upc_delete(ids[i]));
	for (i = 0; i < EARLY; i++)
		EXPECT_EQ(i % 2, upc_poll(early[i], 1));
}

TEST_HARNESS_MAIN
