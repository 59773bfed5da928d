// SPDX-License-Identifier: GPL-2.0
/*
 * A struct upcall that the kernel cannot write, as a whole or in part: its
 * owner gets SIGSEGV, the upcall stays pending, crit_count stays as it was,
 * and once the memory is there again a re-dispatch enters.
 *
 * upcall.rst, section 4, rule 5.
 */
#include "upcall_fault.h"

static struct pages pages;
static struct upcall *upc;
static int id, hits, faults, polled, repaired, dispatched, ready;

/* Takes its time: nothing but a dispatch has the push tried again. */
static void on_segv(int sig, siginfo_t *info, void *context)
{
	int i;

	for (i = 0; i < 200; i++)
		sched_yield();
	polled = upc_poll(id, 5);
	repaired = !repair_page(&pages);
	WRITE_ONCE(faults, faults + 1);
}

static void *dispatch_once(void *arg)
{
	WAIT_UNTIL(READ_ONCE(ready));
	dispatched = upc_dispatch(id, 5);
	return NULL;
}

/* The thread waits: pthread_create() blocks signals while it is at work. */
static int hit(bool running)
{
	int before = faults;
	pthread_t thread;

	WRITE_ONCE(ready, !running);
	if (!running) {
		dispatch_once(NULL);
		return 0;
	}
	if (pthread_create(&thread, NULL, dispatch_once, NULL))
		return -1;
	WRITE_ONCE(ready, 1);
	while (READ_ONCE(faults) == before)
		cpu_relax();
	return pthread_join(thread, NULL);
}

FIXTURE(bad_upc) {
};

FIXTURE_VARIANT(bad_upc) {
	int offset;		/* of upc from the page that is broken */
	bool running;		/* hit in user mode, not in its own call */
};

FIXTURE_VARIANT_ADD(bad_upc, whole_in_the_call) {
	.offset = 64,
};

FIXTURE_VARIANT_ADD(bad_upc, pending_in_the_call) {
	.offset = -8,
};

FIXTURE_VARIANT_ADD(bad_upc, pending_and_crit_count_in_the_call) {
	.offset = -4,
};

FIXTURE_VARIANT_ADD(bad_upc, crit_count_in_the_call) {
	.offset = PAGE - 8,
};

FIXTURE_VARIANT_ADD(bad_upc, whole_while_running) {
	.offset = 64, .running = true,
};

FIXTURE_VARIANT_ADD(bad_upc, pending_while_running) {
	.offset = -8, .running = true,
};

FIXTURE_VARIANT_ADD(bad_upc, pending_and_crit_count_while_running) {
	.offset = -4, .running = true,
};

FIXTURE_VARIANT_ADD(bad_upc, crit_count_while_running) {
	.offset = PAGE - 8, .running = true,
};

FIXTURE_SETUP(bad_upc)
{
	ASSERT_EQ(0, make_pages(&pages));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	upc = (struct upcall *)(pages.middle + variant->offset);
	upc->magic = UPCALL_MAGIC;
	id = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(bad_upc)
{
}

TEST_F(bad_upc, faults_and_stays_pending)
{
	enum damage damage;
	int i;

	for (damage = 0; damage < NR_DAMAGES; damage++) {
		i = damage;
		dispatched = -1;
		ASSERT_EQ(0, break_page(&pages, damage));
		ASSERT_EQ(0, hit(variant->running));
		ASSERT_EQ(i + 1, faults);
		ASSERT_EQ(1, repaired);
		ASSERT_EQ(0, dispatched);
		ASSERT_EQ(1, polled);
		ASSERT_EQ(1, upc_poll(id, 5));
		ASSERT_EQ(i, hits);
		ASSERT_EQ(0, upc->crit_count);

		ASSERT_EQ(0, upc_dispatch(-1, 0));
		ASSERT_EQ(i + 1, hits);
		ASSERT_EQ(0, upc_poll(id, 1));
		ASSERT_EQ(0, upc->crit_count);
		ASSERT_EQ(0, upc->pending);
	}
}

/* To hold an upcall back, pending has to be raised: that is a write too. */
TEST_F(bad_upc, faults_when_held)
{
	upc->crit_count = UPC_CRITADD;
	/* Where pending could be written, crit_count is not to be read. */
	ASSERT_EQ(0, break_page(&pages, variant->offset <= 64 ?
				READ_ONLY : NO_ACCESS));
	ASSERT_EQ(0, hit(variant->running));
	ASSERT_EQ(1, faults);
	ASSERT_EQ(0, dispatched);
	ASSERT_EQ(1, polled);
	ASSERT_EQ(UPC_CRITADD, upc->crit_count);
	ASSERT_EQ(0, hits);
	upc->crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
}

TEST_HARNESS_MAIN
