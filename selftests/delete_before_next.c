// SPDX-License-Identifier: GPL-2.0
/*
 * After cfunc has returned and before the context function calls NEXT, the task
 * loses all its upcalls and then the memory of its struct upcall. NEXT must pop
 * the frame, also when several frames are on the stack.
 *
 * upcall.rst, sections 3 and 6 (NEXT).
 */
#include "upcall_next.h"

static struct pages pages;
static struct upcall *upc;
static int ids[2], hits, faults, refused;
static int go __attribute_used__;	/* 1: thread may start, 2: done */

static enum by { BY_ITSELF, BY_ID, BY_ANOTHER, BY_ANOTHER_WHEN_PENDING } by;
static enum damage damage;

static void lose_upcalls(void)
{
	int i;

	if (by == BY_ITSELF) {
		refused += upc_delete(-1) != 0;
		return;
	}
	for (i = 0; i < 2; i++) {
		if (by == BY_ANOTHER_WHEN_PENDING)
			refused += upc_dispatch(ids[i], 100) != 0;
		refused += upc_delete(ids[i]) != 0;
	}
}

static void *another(void *arg)
{
	WAIT_UNTIL(READ_ONCE(go) == 1);
	lose_upcalls();
	WRITE_ONCE(go, 2);
	return NULL;
}

/* Called at each level; only the innermost one, which comes first, acts. */
static void __attribute_used__ lose_all(void *data)
{
	if (READ_ONCE(go))
		return;
	if (by <= BY_ID) {
		lose_upcalls();
		WRITE_ONCE(go, 2);
	} else {
		WRITE_ONCE(go, 1);
		/* A system call would let the kernel deliver the upcall. */
		while (READ_ONCE(go) != 2)
			cpu_relax();
	}
	if (break_page(&pages, damage))
		refused++;
}

/* As ctx_next, but calls lose_all() just before NEXT. */
void ctx_losing(void *data);

asm(".pushsection .text\n\t"
	".globl ctx_losing\n\t"
	"ctx_losing:\n\t"
	"call ctx_call\n\t"
	"cmpl $0, go\n\t"
	"jne 1f\n\t"
	"movl $1, 8(" R(dx) ")\n\t"
	"subl $" UPC_STR(UPC_CRITADD) ", 4(" R(dx) ")\n"
	"1:\n\t"
	"mov" W " $lose_all, " R(ax) "\n\t"
	"call ctx_call\n\t"
	"jmp ctx_leave\n\t"
	".popsection");

static void on_segv(int sig, siginfo_t *info, void *context)
{
	CHECK(!repair_page(&pages));
	faults++;
}

static void inner(void *data)
{
	hits++;
}

static void outer(void *data)
{
	hits++;
	refused += upc_dispatch(ids[1], UPC_CRITADD + 1) != 0;
}

FIXTURE(before_next) {
};

FIXTURE_VARIANT(before_next) {
	enum by by;
};

FIXTURE_VARIANT_ADD(before_next, by_itself) { .by = BY_ITSELF };
FIXTURE_VARIANT_ADD(before_next, by_id) { .by = BY_ID };
FIXTURE_VARIANT_ADD(before_next, by_another) { .by = BY_ANOTHER };
FIXTURE_VARIANT_ADD(before_next, by_another_when_pending) {
	.by = BY_ANOTHER_WHEN_PENDING,
};

FIXTURE_SETUP(before_next)
{
	ASSERT_EQ(0, make_pages(&pages));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	by = variant->by;
}

FIXTURE_TEARDOWN(before_next)
{
}

/* @levels upcalls are on the stack when the owner loses its upcalls. */
static void lose(struct __test_metadata *_metadata, int levels)
{
	struct upcall other = UPCALL_INIT;
	pthread_t thread;
	int id;

	hits = 0;
	go = 0;
	upc = (struct upcall *)pages.middle;
	*upc = other;
	ids[0] = upc_register_ctx(upc, ctx_losing, outer, NULL);
	ids[1] = upc_register_ctx(upc, ctx_losing, inner, NULL);
	ASSERT_GT(ids[0], 0);
	ASSERT_GT(ids[1], 0);
	if (by >= BY_ANOTHER)
		ASSERT_EQ(0, pthread_create(&thread, NULL, another, NULL));
	ASSERT_EQ(0, upc_dispatch(ids[levels == 1], 1));
	EXPECT_EQ(levels, hits);
	EXPECT_EQ(0, faults);
	EXPECT_EQ(0, refused);
	if (by >= BY_ANOTHER)
		ASSERT_EQ(0, pthread_join(thread, NULL));

	/* The task can register again. */
	id = upc_register_ctx(&other, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(levels + 1, hits);
	EXPECT_EQ(0, other.crit_count);
	EXPECT_EQ(0, other.pending);
	ASSERT_EQ(0, upc_delete(id));
	ASSERT_EQ(0, repair_page(&pages));
}

TEST_F(before_next, pops_one_frame)
{
	for (damage = 0; damage < NR_DAMAGES; damage++)
		lose(_metadata, 1);
}

TEST_F(before_next, pops_each_of_two)
{
	for (damage = 0; damage < NR_DAMAGES; damage++)
		lose(_metadata, 2);
}

/* NEXT still fails if it cannot read the frame. */
TEST_F(before_next, not_without_a_frame)
{
	upc = (struct upcall *)pages.middle;
	upc->magic = UPCALL_MAGIC;
	ASSERT_GT(upc_register_ctx(upc, ctx_next, inner, NULL), 0);
	ASSERT_EQ(0, upc_delete(-1));
	ASSERT_EQ(0, break_page(&pages, NO_ACCESS));
	do_next(pages.middle);
	EXPECT_EQ(-EFAULT, (int)seen.ax);
	EXPECT_EQ(0, faults);
}

TEST_HARNESS_MAIN
