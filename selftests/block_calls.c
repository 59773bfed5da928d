// SPDX-License-Identifier: GPL-2.0
/*
 * A task sleeps in a system call: the upcall that it has named by ONBLOCK is
 * dispatched. When the call is over ONWAKE's is entered, before any other code of
 * the task's, and has the call's result in its frame.
 * upcall.rst, section 6, ONBLOCK and ONWAKE.
 */
#include "upcall_block.h"
#include "upcall_six.h"

#include <poll.h>
#include <linux/futex.h>
#include <sys/file.h>

static int fds[2], word;
static char buf[65536];
static struct pollfd pfd = { .events = POLLIN };
static struct timespec ts = { .tv_nsec = 1000000 };
static pid_t child;
static long wanted;

static bool prepare_read(void)
{
	wanted = 1;
	set_args(SYS_read, fds[0], (long)buf, 1, 0, 0);
	return true;
}

static void end_read(void)
{
	CHECK(write(fds[1], "x", 1) == 1);
}

static bool prepare_write(void)
{
	wanted = 4096;
	set_args(SYS_write, fds[1], (long)buf, 4096, 0, 0);
	return fcntl(fds[1], F_SETPIPE_SZ, sizeof(buf)) == sizeof(buf) &&
	       write(fds[1], buf, sizeof(buf)) == sizeof(buf);
}

static void end_write(void)
{
	CHECK(read(fds[0], buf, sizeof(buf)) > 0);
}

static bool prepare_poll(void)
{
	wanted = 1;
	pfd.fd = fds[0];
	set_args(SYS_poll, (long)&pfd, 1, -1, 0, 0);
	return true;
}

static bool prepare_futex(void)
{
	set_args(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0, 0);
	return true;
}

static void end_futex(void)
{
	WAIT_UNTIL(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
}

/* Without a timeout nobody ends it: it ends by itself, and sleeps before. */
static bool prepare_nanosleep(void)
{
	set_args(SYS_nanosleep, (long)&ts, 0, 0, 0, 0);
	return true;
}

static bool prepare_wait4(void)
{
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	wanted = child;
	set_args(SYS_wait4, child, 0, 0, 0, 0);
	return child > 0;
}

static void end_wait4(void)
{
	kill(child, SIGKILL);
}

static bool prepare_flock(void)
{
	int fd;

	fd = memfd_create("upcall", 0);
	if (fd < 0 || flock(fd, LOCK_EX))
		return false;
	snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
	fds[0] = open(buf, O_RDWR);
	fds[1] = fd;
	set_args(SYS_flock, fds[0], LOCK_EX, 0, 0, 0);
	return fds[0] >= 0;
}

static void end_flock(void)
{
	CHECK(!flock(fds[1], LOCK_UN));
}

/* Not to be interrupted: the child shares the memory until it is gone. */
static bool prepare_vfork(void)
{
	return true;
}

static void call_vfork(void)
{
	struct timespec t = { .tv_nsec = 1000000 };
	pid_t pid = vfork();

	if (!pid) {
		while (!READ_ONCE(word))
			syscall(SYS_nanosleep, &t, NULL);
		_exit(0);
	}
	CHECK(pid > 0);
	call_ret = pid;
	wanted = pid;
}

static void end_vfork(void)
{
	WRITE_ONCE(word, 1);
}

FIXTURE(call) {
	pthread_t thread;
};

FIXTURE_VARIANT(call) {
	bool (*prepare)(void);
	void (*end)(void);
	void (*call)(void);
};

#define CALL(prep, how)		.prepare = prep, .end = how, .call = call_six

FIXTURE_VARIANT_ADD(call, read) { CALL(prepare_read, end_read) };
FIXTURE_VARIANT_ADD(call, write) { CALL(prepare_write, end_write) };
FIXTURE_VARIANT_ADD(call, poll) { CALL(prepare_poll, end_read) };
FIXTURE_VARIANT_ADD(call, futex) { CALL(prepare_futex, end_futex) };
FIXTURE_VARIANT_ADD(call, nanosleep) { CALL(prepare_nanosleep, NULL) };
FIXTURE_VARIANT_ADD(call, wait4) { CALL(prepare_wait4, end_wait4) };
FIXTURE_VARIANT_ADD(call, flock) { CALL(prepare_flock, end_flock) };
FIXTURE_VARIANT_ADD(call, vfork) {
	.prepare = prepare_vfork, .end = end_vfork, .call = call_vfork
};

FIXTURE_SETUP(call)
{
	ASSERT_EQ(0, pipe(fds));
	ASSERT_TRUE(start_standby());
	if (!variant->prepare())
		SKIP(return setup_skipped(), "this kernel does not have it");
}

FIXTURE_TEARDOWN(call)
{
}

/* The task cannot have gone on before: nothing has ended its call. */
static void end_when_told(struct __test_metadata *_metadata, void (*end)(void))
{
	WAIT_UNTIL(READ_ONCE(standby.entered));
	if (!end)
		return;
	EXPECT_EQ(0, READ_ONCE(sleeper.returned));
	end();
}

/* Told by the time it was awake: but a sleep that ends by itself may be short. */
static void expect_told_once(struct __test_metadata *_metadata, bool ended)
{
	ASSERT_TRUE(wait_until_asleep(standby.tid));
	EXPECT_EQ(1, standby.entered);
	EXPECT_EQ(1, sleeper.woken);
	EXPECT_TRUE(sleeper.told_then == 1 || !ended);
	EXPECT_EQ(0, sleeper.returned_then);
	EXPECT_EQ(wanted, call_ret);
	EXPECT_EQ(wanted, (int)sleeper.ax);
	EXPECT_EQ(0, sleeper.upc.crit_count);
	EXPECT_EQ(0, sleeper.upc.pending);
	EXPECT_TRUE(end_standby());
}

TEST_F(call, is_told_before_and_after)
{
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, sleeper_main,
				    variant->call));
	end_when_told(_metadata, variant->end);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	expect_told_once(_metadata, variant->end);
}

static int sleeps_alone(void *data)
{
	sleeper_main(data);
	return 0;
}

/* A thread of glibc's comes by after each sleep anyway, for rseq. */
TEST(of_a_task_without_rseq)
{
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_TRUE(start_standby());
	ASSERT_TRUE(prepare_read());
	pid = clone_worker(sleeps_alone, call_six);
	ASSERT_GT(pid, 0);
	end_when_told(_metadata, end_read);
	ASSERT_EQ(0, child_status(pid));
	expect_told_once(_metadata, true);
}

TEST_HARNESS_MAIN
