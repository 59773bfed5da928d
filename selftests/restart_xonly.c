// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction that restarts a call by restart_syscall() is in memory that
 * can be executed and not read, which takes protection keys. An upcall that comes
 * there ends the call with EINTR all the same, whatever the restart block says.
 *
 * upcall.rst, section 8, system call restart.
 */
#include "upcall_restart.h"

#include <setjmp.h>

#define PAGE	4096

static sigjmp_buf back;

static void on_segv(int sig)
{
	siglongjmp(back, 1);
}

static bool can_read(const char *at)
{
	struct sigaction sa = { .sa_handler = on_segv };
	bool can = false;

	if (sigaction(SIGSEGV, &sa, NULL))
		return true;
	if (!sigsetjmp(back, 1)) {
		READ_ONCE(*at);
		can = true;
	}
	signal(SIGSEGV, SIG_DFL);
	return can;
}

FIXTURE(xonly) {
	pid_t pid;
	char *at;
	long long interrupted;
};

FIXTURE_VARIANT(xonly) {
	int (*call)(struct worker *w);
	void *ctx;
};

FIXTURE_VARIANT_ADD(xonly, nanosleep_next) {
	.call = call_nanosleep, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(xonly, nanosleep_pop) {
	.call = call_nanosleep, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(xonly, clock_nanosleep_next) {
	.call = call_clock_nanosleep, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(xonly, clock_nanosleep_pop) {
	.call = call_clock_nanosleep, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(xonly, poll_next) {
	.call = call_poll, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(xonly, poll_pop) {
	.call = call_poll, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(xonly, futex_next) {
	.call = call_futex, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(xonly, futex_pop) {
	.call = call_futex, .ctx = ctx_pop,
};

FIXTURE_SETUP(xonly)
{
	struct sigaction sa = { .sa_handler = on_signal };
	char *page;

	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(page != MAP_FAILED);
	memcpy(page, LABEL(call_ret), 3);
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_EXEC));
	if (can_read(page))
		SKIP(return setup_skipped(),
		     "no protection keys: what is executable can be read");

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	worker.call = variant->call;
	worker.ctx = variant->ctx;
	worker.entry = (unsigned long)page;
	self->pid = traced_sleeper();
	ASSERT_GT(self->pid, 0);
	ASSERT_TRUE(interrupt_call(self->pid, &self->at));
	self->interrupted = now_ns();
	ASSERT_TRUE(self->at == page);
	if (!trace_break(self->pid, self->at))
		SKIP(return setup_skipped(), "no hardware breakpoints");
	ASSERT_TRUE(run_to_restart(self->pid, self->at));
}

FIXTURE_TEARDOWN(xonly)
{
}

TEST_F(xonly, by_the_call_alone)
{
	end_by_upcall(_metadata, self->pid, self->interrupted);
}

TEST_F(xonly, after_sigreturn)
{
	ASSERT_TRUE(handle_signal_at(self->pid, self->at));
	end_by_upcall(_metadata, self->pid, self->interrupted);
	EXPECT_EQ(1, worker.handled);
}

TEST_HARNESS_MAIN
