// SPDX-License-Identifier: GPL-2.0
/*
 * Identifiers: positive, distinct, and one space for all tasks that share
 * the memory, threads and clone(CLONE_VM) processes alike.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 1.
 */
#include "upcall_proc.h"

/* What the limit leaves to everybody. */
#define NR_IDS	32

struct owner {
	struct upcall upc;
	int id;
	int hits;
};

/* Registers, tells its id and runs in user mode until it is dispatched to. */
static int owner_main(void *arg)
{
	struct owner *owner = arg;

	WRITE_ONCE(owner->id, upc_register_ctx(&owner->upc, ctx_next,
					       count_cfunc, &owner->hits));
	while (owner->id > 0 && !READ_ONCE(owner->hits))
		cpu_relax();
	return 0;
}

static void *owner_thread(void *arg)
{
	owner_main(arg);
	return NULL;
}

static int id_of(struct owner *owner)
{
	while (!READ_ONCE(owner->id))
		sched_yield();
	return owner->id;
}

TEST(positive_and_distinct)
{
	static struct upcall upc = UPCALL_INIT;
	int ids[NR_IDS], i, j, hits = 0;

	for (i = 0; i < NR_IDS; i++) {
		ids[i] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(ids[i], 0);
		for (j = 0; j < i; j++)
			ASSERT_NE(ids[i], ids[j]);
	}
	for (i = 0; i < NR_IDS; i++)
		EXPECT_EQ(0, upc_dispatch(ids[i], 1));
	EXPECT_EQ(NR_IDS, hits);
}

TEST(shared_with_threads)
{
	static struct owner mine = { .upc = UPCALL_INIT };
	static struct owner other[2] = {
		{ .upc = UPCALL_INIT }, { .upc = UPCALL_INIT },
	};
	pthread_t threads[2];
	int i;

	mine.id = upc_register_ctx(&mine.upc, ctx_next, count_cfunc,
				   &mine.hits);
	ASSERT_GT(mine.id, 0);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, owner_thread,
					    &other[i]));
		ASSERT_GT(id_of(&other[i]), 0);
		EXPECT_NE(mine.id, other[i].id);
	}
	EXPECT_NE(other[0].id, other[1].id);

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, upc_dispatch(other[i].id, 1));
		pthread_join(threads[i], NULL);
		EXPECT_EQ(1, other[i].hits);
	}
	EXPECT_EQ(0, mine.hits);
}

TEST(shared_with_processes)
{
	static struct owner mine = { .upc = UPCALL_INIT };
	static struct owner other = { .upc = UPCALL_INIT };
	static char stack[65536];
	int status;
	pid_t pid;

	mine.id = upc_register_ctx(&mine.upc, ctx_next, count_cfunc,
				   &mine.hits);
	ASSERT_GT(mine.id, 0);
	pid = clone(owner_main, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		    &other);
	ASSERT_GT(pid, 0);
	ASSERT_GT(id_of(&other), 0);
	EXPECT_NE(mine.id, other.id);

	EXPECT_EQ(0, upc_dispatch(other.id, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, other.hits);
	EXPECT_EQ(0, mine.hits);
}

static int ready, racer_id;
static struct upcall racer_upc = UPCALL_INIT;

static void *racer(void *arg)
{
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	WAIT_UNTIL(READ_ONCE(ready) == 2);
	racer_id = upc_register_ctx(&racer_upc, ctx_next, count_cfunc, arg);
	return NULL;
}

/* Two register what is the first upcall of their memory, both of them. */
static void be_first_or_second(void)
{
	static struct upcall upc = UPCALL_INIT;
	int id, hits = 0;
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, racer, &hits));
	WAIT_UNTIL(READ_ONCE(ready));
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	/* The racer may be gone by then, and its upcall with it. */
	CHECK(!pthread_join(thread, NULL));
	CHECK(id > 0 && racer_id > 0 && id != racer_id);
	CHECK(upc_dispatch(id, 1) == 0 && hits == 1);
	CHECK(upc_poll(racer_id, 0) == -ENOENT);
	_exit(0);
}

FIXTURE(race) {
};

FIXTURE_SETUP(race)
{
}

FIXTURE_TEARDOWN(race)
{
}

TEST_F_TIMEOUT(race, to_be_first, 280)
{
	int i, n = iterations(500);
	pid_t pid;

	for (i = 0; i < n; i++) {
		pid = fork();
		if (!pid)
			be_first_or_second();
		ASSERT_EQ(0, child_status(pid));
	}
}

TEST_HARNESS_MAIN
