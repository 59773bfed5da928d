// SPDX-License-Identifier: GPL-2.0
/*
 * The owner registers with alternating struct upcalls in a loop. The old one
 * always holds upcalls back and the new one does not. Every dispatch that
 * returned before a registration began must have been entered when the
 * registration returns, and the memory of the old struct upcall may then be
 * unmapped.
 *
 * upcall.rst, sections 3 and 4, rule 4.
 */
#include "upcall_fault.h"
#include "upcall_util.h"

static struct pages pages[2];
static struct upcall *upcs[2];
static int id, seen, told, sent, refused, over;

/* Notes what the dispatcher wrote before its dispatch. */
static void look(void *data)
{
	WRITE_ONCE(seen, READ_ONCE(told));
}

/* Dispatches again as soon as the last upcall has been entered. */
static void *send(void *arg)
{
	unsigned int seed = 7;
	int i, n;

	pin_to_cpu(1);
	for (i = 1; !READ_ONCE(over); i++) {
		WRITE_ONCE(told, i);
		if (upc_dispatch(id, 1 + (i & 7)))
			refused++;
		__atomic_store_n(&sent, i, __ATOMIC_RELEASE);
		while (READ_ONCE(seen) != i && !READ_ONCE(over))
			cpu_relax();
		for (n = next_random(&seed) % 1000; n; n--)
			cpu_relax();
	}
	return NULL;
}

FIXTURE(loop) {
};

FIXTURE_VARIANT(loop) {
	struct upcall left;	/* the old one, when it is replaced */
	void *ctx;
	bool removed;		/* unmap the old one afterwards */
};

FIXTURE_VARIANT_ADD(loop, held_by_sections_next) {
	.left = { .crit_count = UPC_CRITADD }, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(loop, held_by_sections_pop) {
	.left = { .crit_count = UPC_CRITADD }, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(loop, held_by_pending) {
	.left = { .pending = 8 }, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(loop, not_held) {
	.ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(loop, held_by_sections_that_go) {
	.left = { .crit_count = UPC_CRITADD }, .ctx = ctx_pop,
	.removed = true,
};

FIXTURE_VARIANT_ADD(loop, held_by_pending_that_goes) {
	.left = { .pending = 8 }, .ctx = ctx_next, .removed = true,
};

FIXTURE_SETUP(loop)
{
	int i;

	ASSERT_TRUE(pin_to_cpu(0));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, make_pages(&pages[i]));
		upcs[i] = (struct upcall *)pages[i].middle;
		upcs[i]->magic = UPCALL_MAGIC;
	}
	id = upc_register_ctx(upcs[0], variant->ctx, look, NULL);
	ASSERT_GT(id, 0);
	if (variant->removed)
		ASSERT_EQ(0, break_page(&pages[1], UNMAPPED));
}

FIXTURE_TEARDOWN(loop)
{
}

TEST_F_TIMEOUT(loop, each_call_enters_what_is_pending, 200)
{
	int i, spin, added, before, n = iterations(500);
	long long start = now_ns();
	struct upcall *old, *new;
	unsigned int seed = 1;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, send, NULL));
	for (i = 1; READ_ONCE(sent) < n && !time_is_up(start, 20); i++) {
		old = upcs[~i & 1];
		new = upcs[i & 1];
		if (variant->removed)
			ASSERT_EQ(0, repair_page(&pages[i & 1]));
		new->crit_count = 0;
		new->pending = 0;
		old->pending |= variant->left.pending;
		old->crit_count = variant->left.crit_count;
		/* Waits for a dispatch, but not always long enough. */
		spin = next_random(&seed);
		while (spin-- && READ_ONCE(sent) == READ_ONCE(seen))
			cpu_relax();
		before = __atomic_load_n(&sent, __ATOMIC_ACQUIRE);
		added = upc_register_ctx(new, ctx_next, look, NULL);
		ASSERT_LE(before, READ_ONCE(seen))
			TH_LOG("at the end of registration %d", i);
		ASSERT_GT(added, 0);
		if (variant->removed)
			ASSERT_EQ(0, break_page(&pages[~i & 1], UNMAPPED));
		ASSERT_EQ(0, upc_delete(added));
	}
	WRITE_ONCE(over, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, refused);
	TH_LOG("%d registrations, %d dispatches", i - 1, sent);
}

TEST_HARNESS_MAIN
