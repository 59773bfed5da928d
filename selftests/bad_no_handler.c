// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall that cannot be pushed ends a process that does not handle SIGSEGV,
 * ignores or blocks it, or would handle it on the same bad stack, as a signal
 * frame that cannot be pushed does.
 *
 * upcall.rst, section 4, rule 5.
 */
#include "upcall_fault.h"

static struct upcall static_upc = UPCALL_INIT;
static int id, hits, never, spinning;

static void exit_wrongly(int sig)
{
	_exit(KSFT_FAIL);
}

static void *dispatcher(void *arg)
{
	WAIT_UNTIL(READ_ONCE(spinning));
	CHECK(upc_dispatch(id, 1) == 0);
	return NULL;
}

FIXTURE(unhandled) {
};

FIXTURE_VARIANT(unhandled) {
	bool bad_upc;		/* else the stack is bad */
	bool running;
};

FIXTURE_VARIANT_ADD(unhandled, bad_upc_in_the_call) {
	.bad_upc = true,
};

FIXTURE_VARIANT_ADD(unhandled, bad_upc_while_running) {
	.bad_upc = true, .running = true,
};

FIXTURE_VARIANT_ADD(unhandled, bad_stack_in_the_call) {
	.running = false,
};

FIXTURE_VARIANT_ADD(unhandled, bad_stack_while_running) {
	.running = true,
};

FIXTURE_SETUP(unhandled)
{
}

FIXTURE_TEARDOWN(unhandled)
{
}

static void live(bool bad_upc, bool running)
{
	struct upcall *upc = &static_upc;
	unsigned long sp = (long)__builtin_frame_address(0) - 4096;
	struct pages pages;
	pthread_t thread;

	CHECK(!make_pages(&pages));
	if (bad_upc) {
		upc = (struct upcall *)pages.middle;
		upc->magic = UPCALL_MAGIC;
	} else {
		sp = (long)pages.middle + RED_ZONE + 64;
	}
	id = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	CHECK(id > 0);
	CHECK(!break_page(&pages, READ_ONLY));
	if (!running) {
		dispatch_on(sp, id, 1);
		return;
	}
	CHECK(!pthread_create(&thread, NULL, dispatcher, NULL));
	WRITE_ONCE(spinning, 1);
	spin_on(sp, &never);
}

TEST_F(unhandled, ends_the_process)
{
	static const char * const how[] = {
		"default", "ignored", "blocked", "handled on the bad stack",
	};
	sigset_t set;
	pid_t pid;
	int i;

	for (i = 0; i < 4; i++) {
		if (i == 3 && variant->bad_upc)
			break;
		pid = fork();
		if (!pid) {
			sigemptyset(&set);
			sigaddset(&set, SIGSEGV);
			if (i == 1)
				signal(SIGSEGV, SIG_IGN);
			else if (i == 2)
				sigprocmask(SIG_BLOCK, &set, NULL);
			else if (i == 3)
				signal(SIGSEGV, exit_wrongly);
			live(variant->bad_upc, variant->running);
			_exit(KSFT_FAIL);
		}
		ASSERT_GT(pid, 0);
		EXPECT_EQ(SIGSEGV, child_status(pid) & ~0x80)
			TH_LOG("SIGSEGV was %s", how[i]);
	}
}

TEST_HARNESS_MAIN
