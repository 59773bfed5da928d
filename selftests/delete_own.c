// SPDX-License-Identifier: GPL-2.0
/*
 * DELETE of -1: the caller's upcalls go, all of them, and nobody else's.
 * Nobody's struct upcall is forgotten: not the caller's either.
 *
 * upc_register(2), UPC_CONTROL_DELETE; the upcall.rst, section 6.
 */
#include "upcall_test.h"

struct task {
	struct upcall upc;
	int ids[3];
	int hits;
	int ready;
};

static int add_three(struct task *task)
{
	int i, bad = 0;

	for (i = 0; i < 3; i++) {
		task->ids[i] = upc_register_ctx(&task->upc, ctx_next,
						count_cfunc, &task->hits);
		bad += task->ids[i] <= 0;
	}
	return bad;
}

/* Has three upcalls; stays in user mode until all have been entered. */
static int other_main(void *arg)
{
	struct task *task = arg;

	WRITE_ONCE(task->ready, add_three(task) ? -1 : 1);
	while (task->ready == 1 && READ_ONCE(task->hits) < 3)
		cpu_relax();
	return 0;
}

static void *other_thread(void *arg)
{
	other_main(arg);
	return NULL;
}

/* Dispatches one at a time, since two that are pending chain. */
static int dispatch_all(struct task *task)
{
	int i, bad = 0;

	for (i = 0; i < 3; i++) {
		bad += upc_dispatch(task->ids[i], 1) != 0;
		while (!bad && READ_ONCE(task->hits) != i + 1)
			sched_yield();
	}
	return bad;
}

static int all_gone(struct task *task)
{
	int i, n = 0;

	for (i = 0; i < 3; i++)
		n += upc_dispatch(task->ids[i], 1) == -ENOENT;
	return n == 3;
}

TEST(leaves_others_alone)
{
	static struct task mine = { .upc = UPCALL_INIT };
	static struct task thread = { .upc = UPCALL_INIT };
	static struct task process = { .upc = UPCALL_INIT };
	static char stack[65536];
	pthread_t tid;
	int status;
	pid_t pid;

	ASSERT_EQ(0, pthread_create(&tid, NULL, other_thread, &thread));
	pid = clone(other_main, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		    &process);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, add_three(&mine));
	while (!READ_ONCE(thread.ready) || !READ_ONCE(process.ready))
		sched_yield();
	ASSERT_EQ(1, thread.ready);
	ASSERT_EQ(1, process.ready);

	ASSERT_EQ(0, upc_delete(-1));
	EXPECT_TRUE(all_gone(&mine));
	EXPECT_EQ(0, dispatch_all(&thread));
	EXPECT_EQ(0, dispatch_all(&process));
	pthread_join(tid, NULL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(3, thread.hits);
	EXPECT_EQ(3, process.hits);
	EXPECT_EQ(0, mine.hits);
}

TEST(pending_ones_too)
{
	static struct task mine = { .upc = UPCALL_INIT };
	int i;

	ASSERT_EQ(0, add_three(&mine));
	crit_enter(&mine.upc);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, upc_dispatch(mine.ids[i], 1));
	ASSERT_EQ(0, upc_delete(-1));
	EXPECT_EQ(0, upc_poll(-1, 0));
	EXPECT_TRUE(all_gone(&mine));
	crit_exit(&mine.upc);
	EXPECT_EQ(0, mine.hits);
	EXPECT_EQ(0, mine.upc.pending);
	EXPECT_EQ(0, mine.upc.crit_count);
}

TEST(none_to_delete)
{
	EXPECT_EQ(0, upc_delete(-1));
	EXPECT_EQ(0, upc_delete(-1));
}

/*
 * In the first way of leaving, cfunc's return sets pending and NEXT takes it
 * back, which it could not if the task's upc were forgotten.
 */
static void delete_all(void *data)
{
	struct task *task = data;

	task->ready = upc_delete(-1);
	task->hits++;
}

TEST(upc_is_kept)
{
	static struct task mine = { .upc = UPCALL_INIT, .ready = 1 };
	int id;

	id = upc_register_ctx(&mine.upc, ctx_next, delete_all, &mine);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, mine.hits);
	EXPECT_EQ(0, mine.ready);
	EXPECT_EQ(0, mine.upc.pending);
	EXPECT_EQ(0, mine.upc.crit_count);
	EXPECT_EQ(-ENOENT, upc_dispatch(id, 1));
}

TEST_HARNESS_MAIN
