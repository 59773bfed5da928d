// SPDX-License-Identifier: GPL-2.0
/*
 * A dispatch to a task asleep in a system call neither wakes it nor breaks the
 * call; the upcall is entered at the call's end. upcall.rst, section 4, rule 3.
 */
#include "upcall_util.h"

#include <linux/futex.h>
#include <poll.h>

#define ROUNDS	10

static struct sleeper {
	struct upcall upc;
	pthread_t thread;
	int (*call)(void);
	int tid, id, hits, asked, returned;
	int ret[ROUNDS + 1], hits_then[ROUNDS + 1];
} sleeper = { .upc = UPCALL_INIT };

static int pipe_fds[2];
static int futex_word;

/* Each call returns 1 if it did all it should. */
static int call_read(void)
{
	char byte = 0;

	return upc_syscall(SYS_read, pipe_fds[0], (long)&byte, 1, 0) == 1 &&
	       byte == 'x';
}

static int call_futex(void)
{
	return upc_syscall(SYS_futex, (long)&futex_word,
			   FUTEX_WAIT_PRIVATE, 0, 0) == 0;
}

static int call_nanosleep(void)
{
	struct timespec ts = { .tv_nsec = 300000000 };
	long long start = now_ns();
	int ret;

	ret = upc_syscall(SYS_nanosleep, (long)&ts, 0, 0, 0);
	return ret == 0 && now_ns() - start >= ts.tv_nsec;
}

static int call_poll(void)
{
	struct pollfd pfd = { .fd = pipe_fds[0], .events = POLLIN };

	return upc_syscall(SYS_poll, (long)&pfd, 1, -1, 0) == 1 &&
	       pfd.revents == POLLIN && call_read();
}

/* What ends the call; nanosleep ends by itself. */
static void end_by_write(void)
{
	if (write(pipe_fds[1], "x", 1) != 1)
		abort();
}

static void end_by_wake(void)
{
	if (upc_syscall(SYS_futex, (long)&futex_word, FUTEX_WAKE_PRIVATE, 1,
			0) != 1)
		abort();
}

static void end_by_time(void)
{
}

static void *sleeper_main(void *data)
{
	struct sleeper *s = data;
	int i;

	s->tid = sys_gettid();
	s->id = upc_register_ctx(&s->upc, ctx_pop, count_cfunc, &s->hits);
	for (i = 1; i <= ROUNDS; i++) {
		__atomic_store_n(&s->asked, i, __ATOMIC_RELEASE);
		s->ret[i] = s->call();
		s->hits_then[i] = READ_ONCE(s->hits);
		__atomic_store_n(&s->returned, i, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&s->asked, i, __ATOMIC_RELEASE);
	pause();
	return NULL;
}

FIXTURE(syscall_asleep) {
};

FIXTURE_VARIANT(syscall_asleep) {
	int (*call)(void);
	void (*end)(void);
};

FIXTURE_VARIANT_ADD(syscall_asleep, read) {
	.call = call_read, .end = end_by_write,
};

FIXTURE_VARIANT_ADD(syscall_asleep, futex) {
	.call = call_futex, .end = end_by_wake,
};

FIXTURE_VARIANT_ADD(syscall_asleep, nanosleep) {
	.call = call_nanosleep, .end = end_by_time,
};

FIXTURE_VARIANT_ADD(syscall_asleep, poll) {
	.call = call_poll, .end = end_by_write,
};

FIXTURE_SETUP(syscall_asleep)
{
	ASSERT_EQ(0, pipe(pipe_fds));
	sleeper.call = variant->call;
	ASSERT_EQ(0, pthread_create(&sleeper.thread, NULL, sleeper_main,
				    &sleeper));
}

FIXTURE_TEARDOWN(syscall_asleep)
{
}

TEST_F(syscall_asleep, goes_on_and_the_upcall_comes_at_its_end)
{
	int i, in_time = 0;

	for (i = 1; i <= ROUNDS; i++) {
		WAIT_UNTIL(__atomic_load_n(&sleeper.asked,
					   __ATOMIC_ACQUIRE) == i);
		ASSERT_TRUE(wait_until_asleep(sleeper.tid));
		ASSERT_EQ(0, upc_dispatch(sleeper.id, 1));
		usleep(10000);
		ASSERT_TRUE(wait_until_asleep(sleeper.tid));
		/* nanosleep may be over by now, on a slow machine. */
		if (READ_ONCE(sleeper.asked) == i) {
			in_time++;
			ASSERT_EQ(i - 1, READ_ONCE(sleeper.hits));
			ASSERT_EQ(1, upc_poll(sleeper.id, 1));
		} else {
			ASSERT_TRUE(variant->end == end_by_time);
		}
		variant->end();
		WAIT_UNTIL(__atomic_load_n(&sleeper.returned,
					   __ATOMIC_ACQUIRE) >= i);
		EXPECT_EQ(1, sleeper.ret[i]);
		EXPECT_EQ(i, sleeper.hits_then[i]);
	}
	EXPECT_LT(ROUNDS / 2, in_time);
	EXPECT_EQ(ROUNDS, sleeper.hits);
}

TEST_HARNESS_MAIN
