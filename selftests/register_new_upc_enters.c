// SPDX-License-Identifier: GPL-2.0
/*
 * The old struct upcall holds upcalls back, and a registration with a new one,
 * which does not, enters them before it returns: the frame has its result. The
 * old one is left as it is.
 *
 * upcall.rst, sections 3 and 4, rule 2.
 */
#include "upcall_proc.h"

#define UPCALLS	3

/* What the context functions want first is where to note the frame. */
static struct note {
	struct upcall_frame *frame;
	int result;		/* of the interrupted call, in the frame */
	int crit, pending;	/* in the new one, as cfunc saw them */
	int turn;		/* the first that is entered has 1 */
} notes[UPCALLS + 1];

static struct upcall old = UPCALL_INIT;
static struct upcall new = UPCALL_INIT;
static int ids[UPCALLS + 1], turns;

static void cfunc(void *data)
{
	struct note *note = data;

	note->result = note->frame->fr_ax;
	note->crit = new.crit_count;
	note->pending = new.pending;
	note->turn = ++turns;
}

FIXTURE(enters) {
};

FIXTURE_VARIANT(enters) {
	void *ctx;
	int crit, pending;	/* of the old one, to start with */
	bool by_thread;		/* which dispatches */
	bool by_vdso;		/* the registration, by SYSENTER if it can */
};

FIXTURE_VARIANT_ADD(enters, held_by_a_section_next) {
	.ctx = ctx_next_noting, .crit = UPC_CRITADD,
};

FIXTURE_VARIANT_ADD(enters, held_by_a_section_pop) {
	.ctx = ctx_pop_noting, .crit = UPC_CRITADD, .by_vdso = true,
};

FIXTURE_VARIANT_ADD(enters, held_by_pending_next) {
	.ctx = ctx_next_noting, .pending = 1, .by_vdso = true,
};

FIXTURE_VARIANT_ADD(enters, held_by_pending_pop) {
	.ctx = ctx_pop_noting, .pending = 1,
};

FIXTURE_VARIANT_ADD(enters, of_a_thread_held_by_a_section) {
	.ctx = ctx_next_noting, .crit = UPC_CRITADD, .by_thread = true,
};

FIXTURE_VARIANT_ADD(enters, of_a_thread_held_by_pending) {
	.ctx = ctx_pop_noting, .pending = 1, .by_thread = true,
};

static void *ctx;
static bool by_thread, by_vdso;

FIXTURE_SETUP(enters)
{
	int i;

	ctx = variant->ctx;
	by_thread = variant->by_thread;
	by_vdso = variant->by_vdso;
	for (i = 0; i < UPCALLS; i++) {
		ids[i] = upc_register_ctx(&old, ctx, cfunc, &notes[i]);
		ASSERT_GT(ids[i], 0);
	}
	old.crit_count = variant->crit;
	old.pending = variant->pending;
}

/* The new one is as it was before, and the new upcall is a registered one. */
FIXTURE_TEARDOWN(enters)
{
	EXPECT_EQ(0, new.pending);
	ASSERT_EQ(0, upc_poll(ids[UPCALLS], 1));
	ASSERT_EQ(0, notes[UPCALLS].turn);
	turns = 0;
	ASSERT_EQ(0, upc_dispatch(ids[UPCALLS], 1000));
	EXPECT_EQ(1, notes[UPCALLS].turn);
}

static void *dispatch_all(void *priorities)
{
	int *prio = priorities;
	long i, refused = 0;

	for (i = 0; i < UPCALLS; i++)
		refused += prio[i] && upc_dispatch(ids[i], prio[i]);
	return (void *)refused;
}

/* Makes those pending and registers with the new one; false if that fails. */
static bool replace(int *priorities)
{
	struct upcall before;
	void *refused = NULL;
	pthread_t thread;

	if (!by_thread)
		refused = dispatch_all(priorities);
	else if (pthread_create(&thread, NULL, dispatch_all, priorities) ||
		 pthread_join(thread, &refused))
		return false;
	if (refused || turns)
		return false;
	before = old;
	ids[UPCALLS] = (by_vdso ? upc_vsyscall : upc_syscall)
		(__NR_upc_register, (long)&new, (long)ctx, (long)cfunc,
		 (long)&notes[UPCALLS]);
	return ids[UPCALLS] > 0 && !memcmp(&old, &before, sizeof(old));
}

TEST_F(enters, the_only_one)
{
	int prio[UPCALLS] = { 1 };

	ASSERT_TRUE(replace(prio));
	ASSERT_EQ(1, turns);
	EXPECT_EQ(ids[UPCALLS], notes[0].result);
	EXPECT_EQ(UPC_CRITADD, notes[0].crit);
	EXPECT_EQ(0, notes[0].pending);
	EXPECT_EQ(0, new.crit_count);
	EXPECT_EQ(0, upc_poll(ids[0], 1));
}

/* The first through the registration, the others through NEXT: on one frame. */
TEST_F(enters, all_of_them_by_priority)
{
	int prio[UPCALLS] = { 3, 7, 5 };
	static const int turn[UPCALLS] = { 3, 1, 2 };
	static const int rest[UPCALLS] = { 0, 5, 3 };
	int i;

	ASSERT_TRUE(replace(prio));
	ASSERT_EQ(UPCALLS, turns);
	for (i = 0; i < UPCALLS; i++) {
		EXPECT_EQ(turn[i], notes[i].turn);
		EXPECT_EQ(rest[i], notes[i].pending);
		EXPECT_EQ(UPC_CRITADD, notes[i].crit);
		EXPECT_EQ(ids[UPCALLS], notes[i].result);
		EXPECT_TRUE(notes[1].frame == notes[i].frame);
	}
	EXPECT_EQ(0, new.crit_count);
}

TEST_HARNESS_MAIN
