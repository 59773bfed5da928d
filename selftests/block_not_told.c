// SPDX-License-Identifier: GPL-2.0
/*
 * What ONBLOCK tells once, and what it does not tell: calls that do not sleep, sleeps
 * in a critical section that holds its priority back, in WAIT and SUSPEND, and stops;
 * nor what there is no upcall for any more.
 * upcall.rst, section 6, ONBLOCK and ONWAKE.
 */
#include "upcall_block.h"
#include "upcall_fault.h"

#define MANY	8		/* times what fits into the pipe */

static int fds[2];
static char buf[MANY * PAGE];
static struct upcall unused = UPCALL_INIT;

static void read_one(void)
{
	CHECK(read(fds[0], buf, 1) == 1);
}

static void in_section(void)
{
	sleeper.upc.crit_count += UPC_CRITADD;
	barrier();
	read_one();
	barrier();
	sleeper.upc.crit_count -= UPC_CRITADD;
	barrier();
}

static void waits(void)
{
	CHECK(upc_wait(2) == sleeper.id);
}

static void suspends(void)
{
	crit_enter(&sleeper.upc);
	CHECK(upc_suspend(2) == sleeper.id);
}

static void turns_it_off(void)
{
	CHECK(!upc_control(UPC_CONTROL_ONBLOCK, 0, 1));
	read_one();
}

static void deletes_the_others(void)
{
	CHECK(!upc_delete(standby.id));
	read_one();
}

static void deletes_its_own(void)
{
	CHECK(!upc_delete(sleeper.id));
	read_one();
}

/* What struct upcall says does not matter then: it need not be one any more. */
static void owns_none(void)
{
	CHECK(upc_register_ctx(&unused, ctx_next, count_cfunc, buf) > 0);
	CHECK(!upc_delete(-1));
	read_one();
}

static void read_three(void)
{
	int i;

	for (i = 1; i <= 3; i++) {
		read_one();
		CHECK(sleeper.woken == i);
	}
}

static void writes_much(void)
{
	CHECK(write(fds[1], buf, sizeof(buf)) == sizeof(buf));
}

FIXTURE(sleep) {
	pthread_t thread;
};

FIXTURE_SETUP(sleep)
{
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(PAGE, fcntl(fds[1], F_SETPIPE_SZ, PAGE));
	ASSERT_TRUE(start_standby());
}

FIXTURE_TEARDOWN(sleep)
{
}

#define BEGIN(call)							\
	do {								\
		ASSERT_EQ(0, pthread_create(&self->thread, NULL,		\
					    sleeper_main, call));	\
		WAIT_UNTIL(__atomic_load_n(&sleeper.ready, __ATOMIC_ACQUIRE)); \
		ASSERT_TRUE(wait_until_asleep(sleeper.tid));		\
	} while (0)

/* It sleeps: the call is let end, and it was told so often. */
static void expect_told(struct __test_metadata *_metadata, pthread_t thread,
			int told, int woken)
{
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_TRUE(wait_until_asleep(standby.tid));
	EXPECT_EQ(told, standby.entered);
	EXPECT_EQ(woken, sleeper.woken);
	EXPECT_EQ(0, sleeper.upc.pending);
}

TEST_F(sleep, no_sleep_at_all)
{
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, sleeper_main,
				    read_one));
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(0, standby.entered);
	EXPECT_EQ(0, sleeper.woken);
}

TEST_F(sleep, in_a_section_that_holds_it_back)
{
	sleeper.priority = UPC_CRITADD;
	BEGIN(in_section);
	expect_told(_metadata, self->thread, 0, 0);
}

TEST_F(sleep, in_a_section_that_does_not)
{
	sleeper.priority = UPC_CRITADD + 1;
	BEGIN(in_section);
	WAIT_UNTIL(READ_ONCE(standby.entered));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	WAIT_UNTIL(READ_ONCE(sleeper.returned));
	/* Its own, of a lower priority, is held, and waits for the section's end. */
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(1, standby.entered);
	EXPECT_EQ(0, sleeper.woken);
	EXPECT_EQ(1, sleeper.upc.pending);
}

/* The upcall that ends it is ONWAKE's, dispatched by us. */
static void end_wait(struct __test_metadata *_metadata, pthread_t thread)
{
	ASSERT_EQ(0, upc_dispatch(sleeper.id, 2));
	expect_told(_metadata, thread, 0, 1);
}

TEST_F(sleep, in_wait)
{
	BEGIN(waits);
	end_wait(_metadata, self->thread);
}

TEST_F(sleep, in_suspend)
{
	BEGIN(suspends);
	end_wait(_metadata, self->thread);
}

TEST_F(sleep, when_turned_off)
{
	BEGIN(turns_it_off);
	expect_told(_metadata, self->thread, 0, 0);
}

TEST_F(sleep, when_the_others_is_deleted)
{
	BEGIN(deletes_the_others);
	expect_told(_metadata, self->thread, 0, 0);
}

TEST_F(sleep, when_its_own_is_deleted)
{
	BEGIN(deletes_its_own);
	expect_told(_metadata, self->thread, 0, 0);
}

TEST_F(sleep, with_no_upcalls)
{
	BEGIN(owns_none);
	expect_told(_metadata, self->thread, 0, 0);
}

/* What is told once is told again the next time. */
TEST_F(sleep, one_call_after_the_other)
{
	int i;

	BEGIN(read_three);
	for (i = 1; i <= 3; i++) {
		WAIT_UNTIL(READ_ONCE(standby.entered) == i);
		ASSERT_TRUE(wait_until_asleep(sleeper.tid));
		ASSERT_TRUE(wait_until_asleep(standby.tid));
		ASSERT_EQ(1, write(fds[1], "x", 1));
	}
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(3, standby.entered);
	EXPECT_EQ(3, sleeper.woken);
}

TEST_F(sleep, many_times_in_a_call)
{
	size_t got = 0;
	ssize_t ret;

	BEGIN(writes_much);
	WAIT_UNTIL(READ_ONCE(standby.entered));
	while (got < sizeof(buf)) {
		ret = read(fds[0], buf, PAGE);
		ASSERT_GT(ret, 0);
		got += ret;
		if (got < sizeof(buf) - PAGE)
			ASSERT_TRUE(wait_until_asleep(sleeper.tid));
	}
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(1, standby.entered);
	EXPECT_EQ(1, sleeper.woken);
	EXPECT_EQ(0, sleeper.returned_then);
}

/* In user mode, until it is told to end. */
static int spins(void *data)
{
	tell_of_sleeps();
	while (!READ_ONCE(sleeper.returned))
		cpu_relax();
	upc_control(UPC_CONTROL_ONBLOCK, 0, 0);
	return 0;
}

TEST_F(sleep, a_stop)
{
	pid_t pid = clone_worker(spins, NULL);
	int i;

	ASSERT_GT(pid, 0);
	WAIT_UNTIL(__atomic_load_n(&sleeper.ready, __ATOMIC_ACQUIRE));
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(stop_worker(pid));
		ASSERT_TRUE(continue_worker(pid));
	}
	WRITE_ONCE(sleeper.returned, 1);
	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(0, standby.entered);
	EXPECT_EQ(0, sleeper.woken);
}

TEST_HARNESS_MAIN
