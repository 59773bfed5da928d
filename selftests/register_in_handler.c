// SPDX-License-Identifier: GPL-2.0
/*
 * A signal handler registers with a new struct upcall while an upcall is
 * pending. The upcall must be entered on the handler's stack before the call
 * returns. This also lets a SIGSEGV handler replace a struct upcall that is no
 * longer mapped.
 *
 * upcall.rst, sections 3, 4 (rules 2 and 5) and 8.
 */
#include "upcall_fault.h"

static struct upcall old = UPCALL_INIT;
static struct upcall new = UPCALL_INIT;
static int id, hits, hits_then, added, handled;
static char *stack_of_cfunc, *stack_of_handler;

static void cfunc(void *data)
{
	stack_of_cfunc = (char *)&data;
	hits++;
}

static void handler(int sig, siginfo_t *info, void *context)
{
	stack_of_handler = (char *)&sig;
	added = upc_register_ctx(&new, ctx_next, cfunc, NULL);
	hits_then = hits;
	handled++;
}

static bool on_the_handlers_stack(void)
{
	return stack_of_cfunc < stack_of_handler &&
	       stack_of_cfunc > stack_of_handler - ALTSTACK;
}

FIXTURE(handler) {
};

FIXTURE_SETUP(handler)
{
	ASSERT_EQ(0, handle_on_altstack(SIGUSR1, 0, handler));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, handler));
	id = upc_register_ctx(&old, ctx_pop, cfunc, NULL);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(handler)
{
	EXPECT_EQ(1, handled);
	EXPECT_EQ(1, hits_then);
	EXPECT_EQ(1, hits);
	EXPECT_TRUE(on_the_handlers_stack());
	EXPECT_EQ(0, new.crit_count);
	EXPECT_EQ(0, new.pending);
	ASSERT_GT(added, 0);
	ASSERT_EQ(0, upc_dispatch(added, 1));
	EXPECT_EQ(2, hits);
}

TEST_F(handler, of_code_in_a_section)
{
	crit_enter(&old);
	ASSERT_EQ(0, upc_dispatch(id, 5));
	ASSERT_EQ(0, kill(getpid(), SIGUSR1));
	EXPECT_EQ(UPC_CRITADD, old.crit_count);
	EXPECT_EQ(5, old.pending);
	ASSERT_EQ(1, hits);
}

static void *interrupt(void *arg)
{
	pid_t *owner = arg;
	long bad;

	bad = !wait_until_asleep(*owner);
	bad += upc_dispatch(id, 5) != 0;
	bad += syscall(SYS_tgkill, getpid(), *owner, SIGUSR1) != 0;
	return (void *)bad;
}

/* The call waits for a higher priority than that of the dispatch. */
static void interrupt_a_wait(struct __test_metadata *_metadata, int cmd)
{
	pid_t owner = sys_gettid();
	pthread_t thread;
	void *bad;

	old.crit_count = 2 * UPC_CRITADD;
	ASSERT_EQ(0, pthread_create(&thread, NULL, interrupt, &owner));
	EXPECT_EQ(-EINTR, upc_control(cmd, -1, 6));
	ASSERT_EQ(0, pthread_join(thread, &bad));
	EXPECT_EQ(0, (long)bad);
}

TEST_F(handler, that_ends_a_wait)
{
	interrupt_a_wait(_metadata, UPC_CONTROL_WAIT);
	EXPECT_EQ(2 * UPC_CRITADD, old.crit_count);
}

TEST_F(handler, that_ends_a_suspend)
{
	interrupt_a_wait(_metadata, UPC_CONTROL_SUSPEND);
	EXPECT_EQ(UPC_CRITADD, old.crit_count);
}

TEST_F(handler, for_a_struct_upcall_that_is_gone)
{
	struct upcall *upc;
	struct pages pages;

	ASSERT_EQ(0, make_pages(&pages));
	upc = (struct upcall *)pages.middle;
	*upc = old;
	/* Nothing is pending yet, so this does not call the handler. */
	ASSERT_GT(upc_register_ctx(upc, ctx_next, cfunc, NULL), 0);
	ASSERT_EQ(0, break_page(&pages, UNMAPPED));
	ASSERT_EQ(0, upc_dispatch(id, 5));
	EXPECT_EQ(1, handled);
}

TEST_HARNESS_MAIN
