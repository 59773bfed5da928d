// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer stops a task that sleeps in WAIT or SUSPEND, and lets it go on, or it
 * is stopped and continued by signals. It knows of neither, and so the call goes
 * on: EINTR means that there is a signal, with a handler. SUSPEND has left one
 * section, not two.
 *
 * upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_trace.h"
#include "upcall_util.h"

static struct waiter {
	struct upcall upc;
	int cmd, id, ready, hits, handled, ret, crit, over;
	bool without;		/* it owns no upcalls */
} waiter = { .upc = UPCALL_INIT };

static void handler(int sig)
{
	waiter.handled++;
}

static int waiter_main(void *data)
{
	struct waiter *w = data;

	if (!w->without)
		w->id = upc_register_ctx(&w->upc, ctx_pop, count_cfunc, &w->hits);
	/* SUSPEND is to take off one of the two. */
	w->upc.crit_count = 2 * UPC_CRITADD;
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	w->ret = upc_control(w->cmd, -1, 1);
	w->crit = w->upc.crit_count;
	w->upc.crit_count = UPC_CRITADD;
	crit_exit(&w->upc);
	/* A call that ended too early is found out while it sleeps here. */
	while (!READ_ONCE(w->over))
		upc_syscall(SYS_poll, 0, 0, 1, 0);
	return 0;
}

static bool interrupted(pid_t pid)
{
	return trace_seize(pid) && !ptrace(PTRACE_CONT, pid, NULL, NULL) &&
	       wait_until_asleep(pid) &&
	       trace_until(pid, PTRACE_INTERRUPT, SIGTRAP) &&
	       !ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static bool detached(pid_t pid)
{
	return trace_seize(pid) && !ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* The old way, by a SIGSTOP that is not delivered. */
static bool attached(pid_t pid)
{
	return !ptrace(PTRACE_ATTACH, pid, NULL, NULL) &&
	       trace_stopped(pid, SIGSTOP) &&
	       !ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* A tracer's end is like a detach. */
static bool tracer_ended(pid_t pid)
{
	int tracer = fork();

	if (!tracer)
		_exit(ptrace(PTRACE_SEIZE, pid, NULL, NULL) ||
		      ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	return tracer > 0 && !child_status(tracer);
}

/* The tracer takes the signal. */
static bool signal_taken(pid_t pid)
{
	return !ptrace(PTRACE_SEIZE, pid, NULL, NULL) &&
	       !kill(pid, SIGUSR1) && trace_stopped(pid, SIGUSR1) &&
	       !ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static bool stopped(pid_t pid)
{
	return stop_worker(pid) && continue_worker(pid);
}

FIXTURE(wait_traced) {
	pid_t pid;
};

FIXTURE_VARIANT(wait_traced) {
	bool (*what)(pid_t pid);
	bool suspend;
};

FIXTURE_VARIANT_ADD(wait_traced, wait_interrupted) {
	.what = interrupted,
};

FIXTURE_VARIANT_ADD(wait_traced, suspend_interrupted) {
	.what = interrupted, .suspend = true,
};

FIXTURE_VARIANT_ADD(wait_traced, wait_detached) {
	.what = detached,
};

FIXTURE_VARIANT_ADD(wait_traced, suspend_detached) {
	.what = detached, .suspend = true,
};

FIXTURE_VARIANT_ADD(wait_traced, wait_attached) {
	.what = attached,
};

FIXTURE_VARIANT_ADD(wait_traced, suspend_attached) {
	.what = attached, .suspend = true,
};

FIXTURE_VARIANT_ADD(wait_traced, wait_tracer_ended) {
	.what = tracer_ended,
};

FIXTURE_VARIANT_ADD(wait_traced, suspend_tracer_ended) {
	.what = tracer_ended, .suspend = true,
};

FIXTURE_VARIANT_ADD(wait_traced, wait_signal_taken) {
	.what = signal_taken,
};

FIXTURE_VARIANT_ADD(wait_traced, suspend_signal_taken) {
	.what = signal_taken, .suspend = true,
};

FIXTURE_VARIANT_ADD(wait_traced, wait_stopped) {
	.what = stopped,
};

FIXTURE_VARIANT_ADD(wait_traced, suspend_stopped) {
	.what = stopped, .suspend = true,
};

FIXTURE_SETUP(wait_traced)
{
	struct sigaction act = { .sa_handler = handler };

	waiter.cmd = variant->suspend ? UPC_CONTROL_SUSPEND : UPC_CONTROL_WAIT;
	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
}

FIXTURE_TEARDOWN(wait_traced)
{
}

static bool start(pid_t *pid)
{
	*pid = clone_worker(waiter_main, &waiter);
	if (*pid < 0)
		return false;
	WAIT_UNTIL(__atomic_load_n(&waiter.ready, __ATOMIC_ACQUIRE));
	return wait_until_asleep(*pid);
}

static int end(pid_t pid)
{
	WAIT_UNTIL(READ_ONCE(waiter.ret));
	WRITE_ONCE(waiter.over, 1);
	return child_status(pid);
}

static int crit_then(void)
{
	return waiter.cmd == UPC_CONTROL_SUSPEND ? UPC_CRITADD :
						   2 * UPC_CRITADD;
}

TEST_F(wait_traced, goes_on)
{
	int i;

	ASSERT_TRUE(start(&self->pid));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(variant->what(self->pid));
		ASSERT_TRUE(wait_until_asleep(self->pid));
		ASSERT_EQ(0, READ_ONCE(waiter.ret));
	}
	ASSERT_EQ(0, upc_dispatch(waiter.id, 1));
	ASSERT_EQ(0, end(self->pid));
	EXPECT_EQ(waiter.id, waiter.ret);
	EXPECT_EQ(crit_then(), waiter.crit);
	EXPECT_EQ(1, waiter.hits);
	EXPECT_EQ(0, waiter.handled);
}

/* A handler ends it, also after it went on. */
TEST_F(wait_traced, until_a_signal)
{
	ASSERT_TRUE(start(&self->pid));
	ASSERT_TRUE(variant->what(self->pid));
	ASSERT_TRUE(wait_until_asleep(self->pid));
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	ASSERT_EQ(0, end(self->pid));
	EXPECT_EQ(-EINTR, waiter.ret);
	EXPECT_EQ(crit_then(), waiter.crit);
	EXPECT_EQ(0, waiter.hits);
	EXPECT_EQ(1, waiter.handled);
}

/* The same without upcalls. */
TEST_F(wait_traced, that_owns_none)
{
	/* SUSPEND needs a struct upcall. */
	waiter.cmd = UPC_CONTROL_WAIT;
	waiter.without = true;
	ASSERT_TRUE(start(&self->pid));
	ASSERT_TRUE(variant->what(self->pid));
	ASSERT_TRUE(wait_until_asleep(self->pid));
	ASSERT_EQ(0, READ_ONCE(waiter.ret));
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	ASSERT_EQ(0, end(self->pid));
	EXPECT_EQ(-EINTR, waiter.ret);
	EXPECT_EQ(1, waiter.handled);
}

TEST_HARNESS_MAIN
