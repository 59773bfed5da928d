// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatch to a thread in a system call: it does not wake the thread, and
 * the upcall is entered when the call ends, before its caller goes on.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 4, rule 3.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int id, hits, returned, returned_at_entry = -1;
static int pipe_fd[2];
static pid_t tid;

static void enter(void *data)
{
	returned_at_entry = READ_ONCE(returned);
	count_cfunc(&hits);
}

struct reader {
	void *ctx;
	char buf[16];
	ssize_t ret;
};

static void *read_pipe(void *arg)
{
	struct reader *reader = arg;

	tid = sys_gettid();
	WRITE_ONCE(id, upc_register_ctx(&upc, reader->ctx, enter, NULL));
	reader->ret = read(pipe_fd[0], reader->buf, sizeof(reader->buf));
	WRITE_ONCE(returned, 1);
	return NULL;
}

FIXTURE(sleeper) {
};

FIXTURE_VARIANT(sleeper) {
	void *ctx;
	int dispatches;
};

FIXTURE_VARIANT_ADD(sleeper, next) { .ctx = ctx_next, .dispatches = 1 };
FIXTURE_VARIANT_ADD(sleeper, pop) { .ctx = ctx_pop, .dispatches = 1 };
FIXTURE_VARIANT_ADD(sleeper, many) { .ctx = ctx_next, .dispatches = 100 };

FIXTURE_SETUP(sleeper)
{
	ASSERT_EQ(0, pipe(pipe_fd));
}

FIXTURE_TEARDOWN(sleeper)
{
}

TEST_F(sleeper, enters_when_the_call_ends)
{
	struct reader reader = { .ctx = variant->ctx };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, read_pipe, &reader));
	while (!READ_ONCE(id))
		sched_yield();
	ASSERT_GT(id, 0);
	if (!wait_until_asleep(tid))
		SKIP(return, "cannot see that the thread sleeps");

	for (i = 0; i < variant->dispatches; i++)
		ASSERT_EQ(0, upc_dispatch(id, 1));
	usleep(50000);
	EXPECT_EQ(0, READ_ONCE(hits));
	EXPECT_EQ(0, READ_ONCE(returned));
	EXPECT_EQ(1, upc_poll(id, 1));
	EXPECT_TRUE(wait_until_asleep(tid));

	ASSERT_EQ(5, write(pipe_fd[1], "hello", 5));
	pthread_join(thread, NULL);
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, returned_at_entry);
	EXPECT_EQ(5, reader.ret);
	EXPECT_EQ(0, memcmp(reader.buf, "hello", 5));
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
