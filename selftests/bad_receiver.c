// SPDX-License-Identifier: GPL-2.0
/*
 * A receiver that cannot be entered is its own trouble: its dispatcher gets 0
 * each time, the receiver SIGSEGV each time, and the one upcall that all these
 * dispatches make is entered when the receiver has repaired itself.
 *
 * upcall.rst, section 4, rules 4 and 5; section 6, DISPATCH.
 */
#include "upcall_fault.h"

#define TIMES	200

static struct pages pages;
static struct upcall *upc;
static int id, other, hits, other_hits, faults, wrong, ready, done;
static struct upcall dispatcher_upc = UPCALL_INIT;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	WRITE_ONCE(faults, faults + 1);
}

static void *dispatcher(void *arg)
{
	int i, before;

	/* pthread_create() in the receiver blocks signals while at work. */
	WAIT_UNTIL(READ_ONCE(ready));
	other = upc_register_ctx(&dispatcher_upc, ctx_next, count_cfunc,
				 &other_hits);
	for (i = 0; i < TIMES; i++) {
		before = READ_ONCE(faults);
		if (upc_dispatch(id, 1))
			WRITE_ONCE(wrong, 1);
		WAIT_UNTIL(READ_ONCE(faults) != before);
		if (upc_poll(id, 1) != 1)
			WRITE_ONCE(wrong, 3);
		/* Its own upcalls are none the worse for it. */
		if (upc_dispatch(other, 1) || other_hits != i + 1)
			WRITE_ONCE(wrong, 2);
	}
	WRITE_ONCE(done, 1);
	return NULL;
}

TEST(only_the_receiver_is_hurt)
{
	pthread_t thread;

	ASSERT_EQ(0, make_pages(&pages));
	/* The next dispatch may come before the handler has returned. */
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, SA_NODEFER, on_segv));
	upc = (struct upcall *)pages.middle;
	upc->magic = UPCALL_MAGIC;
	id = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, break_page(&pages, READ_ONLY));
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
	WRITE_ONCE(ready, 1);
	while (!READ_ONCE(done))
		cpu_relax();
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, wrong);
	ASSERT_EQ(TIMES, faults);
	ASSERT_EQ(TIMES, other_hits);

	ASSERT_EQ(0, repair_page(&pages));
	ASSERT_EQ(0, hits);
	ASSERT_EQ(1, upc_poll(id, 1));
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
	ASSERT_EQ(0, upc->crit_count);
}

TEST_HARNESS_MAIN
