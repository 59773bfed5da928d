// SPDX-License-Identifier: GPL-2.0
/*
 * A signal wakes a task that sleeps in WAIT or SUSPEND, but before the task
 * runs another thread has taken the signal, or it was discarded. The call must
 * go on: EINTR means that there is a signal for the task.
 *
 * upcall.rst, section 6, WAIT and SUSPEND. The sender has a real-time priority
 * and runs on the same CPU, so that the task cannot run in between.
 */
#include "upcall_proc.h"

#include <sys/signalfd.h>

#define ROUNDS	20

static struct waiter {
	struct upcall upc;
	pthread_t thread;
	pid_t tid;
	int cmd, id, hits, ready, handled, interrupted, crit;
	bool without;		/* the waiter owns no upcalls */
} waiter = { .upc = UPCALL_INIT };

static void handler(int sig)
{
	WRITE_ONCE(waiter.handled, waiter.handled + 1);
}

static void *wait_main(void *arg)
{
	struct waiter *w = &waiter;
	sigset_t none;

	sigemptyset(&none);
	CHECK(!pthread_sigmask(SIG_SETMASK, &none, NULL));
	w->tid = sys_gettid();
	if (!w->without)
		w->id = upc_register_ctx(&w->upc, ctx_next, count_cfunc,
					 &w->hits);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		w->upc.crit_count = UPC_CRITADD;
		if (upc_control(w->cmd, -1, 1) != -EINTR)
			break;
		w->crit = w->upc.crit_count;
		w->interrupted++;
	}
	return NULL;
}

static sigset_t usr1;

/* Each of these sends a signal and removes it again: 1 if that worked. */
static int taken_by_sigtimedwait(void)
{
	struct timespec ts = {};

	return !kill(getpid(), SIGUSR1) &&
	       sigtimedwait(&usr1, NULL, &ts) == SIGUSR1;
}

static int taken_by_signalfd(void)
{
	int fd = signalfd(-1, &usr1, SFD_NONBLOCK);
	struct signalfd_siginfo info;
	int n;

	n = !kill(getpid(), SIGUSR1) &&
	    read(fd, &info, sizeof(info)) == sizeof(info);
	close(fd);
	return n;
}

static int discarded(void)
{
	struct sigaction sa = { .sa_handler = SIG_IGN }, old;

	return !kill(getpid(), SIGUSR1) && !sigaction(SIGUSR1, &sa, &old) &&
	       !sigaction(SIGUSR1, &old, NULL);
}

/* SIGCONT discards a SIGSTOP that has not been handled yet. */
static int stopped_and_continued(void)
{
	return !syscall(SYS_tgkill, getpid(), waiter.tid, SIGSTOP) &&
	       !syscall(SYS_tgkill, getpid(), waiter.tid, SIGCONT);
}

FIXTURE(stale) {
};

FIXTURE_VARIANT(stale) {
	int (*send)(void);
	int cmd;
	bool without;
};

FIXTURE_VARIANT_ADD(stale, wait_and_sigtimedwait) {
	.send = taken_by_sigtimedwait, .cmd = UPC_CONTROL_WAIT,
};

FIXTURE_VARIANT_ADD(stale, wait_and_signalfd) {
	.send = taken_by_signalfd, .cmd = UPC_CONTROL_WAIT,
};

FIXTURE_VARIANT_ADD(stale, wait_and_discarded) {
	.send = discarded, .cmd = UPC_CONTROL_WAIT,
};

FIXTURE_VARIANT_ADD(stale, wait_and_stopped) {
	.send = stopped_and_continued, .cmd = UPC_CONTROL_WAIT,
};

FIXTURE_VARIANT_ADD(stale, wait_without_upcalls) {
	.send = taken_by_sigtimedwait, .cmd = UPC_CONTROL_WAIT,
	.without = true,
};

FIXTURE_VARIANT_ADD(stale, suspend_and_sigtimedwait) {
	.send = taken_by_sigtimedwait, .cmd = UPC_CONTROL_SUSPEND,
};

FIXTURE_VARIANT_ADD(stale, suspend_and_discarded) {
	.send = discarded, .cmd = UPC_CONTROL_SUSPEND,
};

FIXTURE_VARIANT_ADD(stale, suspend_and_stopped) {
	.send = stopped_and_continued, .cmd = UPC_CONTROL_SUSPEND,
};

/* The waiter has a lower priority on the same CPU. */
FIXTURE_SETUP(stale)
{
	struct sched_param fifo = { .sched_priority = 1 };
	struct sched_param none = {};
	struct sigaction sa = { .sa_handler = handler };
	struct waiter *w = &waiter;

	ASSERT_TRUE(pin_to_cpu(0));
	w->cmd = variant->cmd;
	w->without = variant->without;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &usr1, NULL));
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&w->thread, NULL, wait_main, NULL));
	WAIT_UNTIL(__atomic_load_n(&w->ready, __ATOMIC_ACQUIRE));
	ASSERT_TRUE(w->without || w->id > 0);
	ASSERT_EQ(0, pthread_setschedparam(w->thread, SCHED_OTHER, &none));
	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		SKIP(return setup_skipped(), "may not use SCHED_FIFO");
}

FIXTURE_TEARDOWN(stale)
{
}

TEST_F(stale, is_no_signal)
{
	struct waiter *w = &waiter;
	int i, taken = 0;

	for (i = 0; i < ROUNDS; i++) {
		ASSERT_TRUE(wait_until_asleep(w->tid));
		taken += variant->send();
		ASSERT_TRUE(wait_until_asleep(w->tid));
		ASSERT_EQ(w->handled, READ_ONCE(w->interrupted));
	}
	EXPECT_EQ(ROUNDS, taken);
	EXPECT_EQ(0, w->interrupted);

	/* A signal that nobody takes ends the call. */
	ASSERT_EQ(0, kill(getpid(), SIGUSR1));
	usleep(1000);
	ASSERT_TRUE(wait_until_asleep(w->tid));
	EXPECT_EQ(1, w->handled);
	EXPECT_EQ(1, READ_ONCE(w->interrupted));
	EXPECT_EQ(w->cmd == UPC_CONTROL_WAIT ? UPC_CRITADD : 0, w->crit);
	if (w->without)
		return;
	ASSERT_EQ(0, upc_dispatch(w->id, UPC_CRITADD + 1));
	ASSERT_EQ(0, pthread_join(w->thread, NULL));
	EXPECT_EQ(1, w->hits);
}

TEST_HARNESS_MAIN
