// SPDX-License-Identifier: GPL-2.0
/*
 * The line "Upcalls:" in /proc/PID/status: how many a task has registered, how
 * many of them are pending, the highest priority of these, and the lowest
 * that it waits for. It is a task's own, and goes at its exit and exec.
 *
 * Documentation/filesystems/proc.rst.
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

struct shown {
	int registered, pending, priority, wait;
};

/* Reads the line of a task; false if it has none. */
static bool read_line(pid_t tid, struct shown *s)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "r");
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Upcalls:\t%d\t%d\t%d\t%d\n",
			       &s->registered, &s->pending, &s->priority,
			       &s->wait) == 4;
	if (file)
		fclose(file);
	return found;
}

#define EXPECT_LINE(task, reg, pend, prio, min_prio)			\
	do {								\
		struct shown s_ = { -1, -1, -1, -1 };			\
									\
		EXPECT_TRUE(read_line(task, &s_));			\
		EXPECT_EQ(reg, s_.registered);				\
		EXPECT_EQ(pend, s_.pending);				\
		EXPECT_EQ(prio, s_.priority);				\
		EXPECT_EQ(min_prio, s_.wait);				\
	} while (0)

FIXTURE(status) {
};

FIXTURE_SETUP(status)
{
	if (access("/proc/self/status", R_OK))
		SKIP(return setup_skipped(), "no /proc here");
}

FIXTURE_TEARDOWN(status)
{
}

TEST_F(status, counts_what_is_pending)
{
	pid_t tid = sys_gettid();
	int id[3], i;
	struct shown s;

	ASSERT_FALSE(read_line(tid, &s));
	for (i = 0; i < 3; i++) {
		id[i] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(id[i], 0);
		EXPECT_LINE(tid, i + 1, 0, 0, 0);
	}
	upc.crit_count = 1000;
	ASSERT_EQ(0, upc_dispatch(id[1], 7));
	EXPECT_LINE(tid, 3, 1, 7, 0);
	ASSERT_EQ(0, upc_dispatch(id[0], 33));
	EXPECT_LINE(tid, 3, 2, 33, 0);
	ASSERT_EQ(0, upc_dispatch(id[2], 1));
	EXPECT_LINE(tid, 3, 3, 33, 0);
	ASSERT_EQ(1, upc_pollclear(id[0], 1));
	EXPECT_LINE(tid, 3, 2, 7, 0);
	ASSERT_EQ(0, upc_delete(id[1]));
	EXPECT_LINE(tid, 2, 1, 1, 0);
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, hits);
	EXPECT_LINE(tid, 2, 0, 0, 0);
	ASSERT_EQ(0, upc_delete(-1));
	EXPECT_LINE(tid, 0, 0, 0, 0);
}

static struct {
	struct upcall upc;
	int id, tid, awake, over;
} sleeper = { .upc = UPCALL_INIT };

static void *sleep_for_7(void *arg)
{
	sleeper.id = upc_register_ctx(&sleeper.upc, ctx_next, count_cfunc,
				      &hits);
	__atomic_store_n(&sleeper.tid, sys_gettid(), __ATOMIC_RELEASE);
	upc_wait(7);
	WRITE_ONCE(sleeper.awake, 1);
	WAIT_UNTIL(READ_ONCE(sleeper.over));
	return arg;
}

TEST_F(status, of_a_thread_that_waits)
{
	pthread_t thread;
	struct shown s;

	ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_for_7, NULL));
	WAIT_UNTIL(__atomic_load_n(&sleeper.tid, __ATOMIC_ACQUIRE));
	ASSERT_GT(sleeper.id, 0);
	WAIT_UNTIL(read_line(sleeper.tid, &s) && s.wait);
	EXPECT_LINE(sleeper.tid, 1, 0, 0, 7);

	/* Not enough to wake it. */
	ASSERT_EQ(0, upc_dispatch(sleeper.id, 6));
	EXPECT_LINE(sleeper.tid, 1, 1, 6, 7);

	/* It is the thread's: this one has nothing to show. */
	EXPECT_FALSE(read_line(sys_gettid(), &s));
	ASSERT_EQ(0, upc_dispatch(sleeper.id, 7));
	WAIT_UNTIL(READ_ONCE(sleeper.awake));
	EXPECT_LINE(sleeper.tid, 1, 0, 0, 0);
	WRITE_ONCE(sleeper.over, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, hits);
}

/* Reads the line of a process in which others come and go. */
TEST_F(status, of_a_process_that_ends)
{
	int i, n = iterations(300);
	struct shown s;
	pid_t pid;

	for (i = 0; i < n; i++) {
		pid = fork();
		if (!pid) {
			CHECK(upc_register_ctx(&upc, ctx_next, count_cfunc,
					       &hits) > 0);
			_exit(0);
		}
		ASSERT_GT(pid, 0);
		while (!waitpid(pid, NULL, WNOHANG)) {
			if (!read_line(pid, &s))
				continue;
			ASSERT_LE(s.registered, 1);
			ASSERT_EQ(0, s.pending);
			ASSERT_EQ(0, s.wait);
		}
		ASSERT_FALSE(read_line(pid, &s));
	}
}

TEST_HARNESS_MAIN
