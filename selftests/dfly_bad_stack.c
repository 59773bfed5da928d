// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 5: crit_count was raised and the upcall taken off before
 * the frame was written, so that a bad stack held the section for ever and
 * lost the upcall. Here the stack is bad for a task's dispatch to itself.
 *
 * upcall.rst, section 4, rule 5, and section 5 (where the frame is).
 */
#include "upcall_fault.h"

static struct upcall upc = UPCALL_INIT;
static int id, hits, faults, polled;
static unsigned long fault_sp;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	fault_sp = uc->uc_mcontext.gregs[REG_SP];
	polled = upc_poll(id, 3);
	faults++;
}

/* A context function that needs no stack but its frame. */
static void __attribute__((naked)) ctx_frame_only(void)
{
	asm("incl (" DATA_REG ")\n\t"
	    "movl $1, 8(" R(dx) ")\n\t"
	    "subl $" UPC_STR(UPC_CRITADD) ", 4(" R(dx) ")\n\t"
	    "jmp ctx_leave");
}

FIXTURE(stack) {
	struct pages pages;
};

FIXTURE_SETUP(stack)
{
	ASSERT_EQ(0, make_pages(&self->pages));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	id = upc_register_ctx(&upc, ctx_frame_only, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(stack)
{
}

static void bad_stack(struct __test_metadata *_metadata, unsigned long sp)
{
	hits = 0;
	faults = 0;
	ASSERT_EQ(0, dispatch_on(sp, id, 3));
	ASSERT_EQ(1, faults);
	ASSERT_EQ(sp, fault_sp);
	ASSERT_EQ(1, polled);
	ASSERT_EQ(0, hits);
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(1, upc_poll(id, 3));

	/* On this stack, which is a good one, it enters. */
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
	ASSERT_EQ(1, faults);
	ASSERT_EQ(0, upc_poll(id, 1));
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(0, upc.pending);
}

TEST_F(stack, broken_page)
{
	enum damage damage;

	for (damage = 0; damage < NR_DAMAGES; damage++) {
		ASSERT_EQ(0, break_page(&self->pages, damage));
		bad_stack(_metadata, (long)self->pages.middle + PAGE / 2);
		bad_stack(_metadata, (long)self->pages.middle + PAGE);
		ASSERT_EQ(0, repair_page(&self->pages));
	}
}

static void straddling(struct __test_metadata *_metadata, struct pages *pages,
		       unsigned long border, unsigned int good)
{
	enum damage damage;
	unsigned int in;

	for (damage = 0; damage < NR_DAMAGES; damage++) {
		ASSERT_EQ(0, break_page(pages, damage));
		for (in = 1; in < sizeof(struct upcall_frame); in++)
			bad_stack(_metadata, border + RED_ZONE + in);

		/* One that just does not is as good as any. */
		hits = 0;
		faults = 0;
		ASSERT_EQ(0, dispatch_on(border + RED_ZONE + good, id, 3));
		ASSERT_EQ(0, faults);
		ASSERT_EQ(1, hits);
		ASSERT_EQ(0, repair_page(pages));
	}
}

TEST_F(stack, frame_straddles_into_a_broken_page)
{
	straddling(_metadata, &self->pages, (long)self->pages.middle + PAGE,
		   sizeof(struct upcall_frame));
}

/* Some of it can be written, and is: that is below the stack. */
TEST_F(stack, frame_straddles_out_of_a_broken_page)
{
	straddling(_metadata, &self->pages, (long)self->pages.middle, 0);
}

TEST_F(stack, wild_stack_pointer)
{
	static const unsigned long wild[] = {
		0, 1, 4, FRAME_SPACE - 1, FRAME_SPACE, PAGE, KERNEL_ADDR, KERNEL_ADDR + PAGE / 2,
		-1UL, -4UL, -20UL,
	};
	unsigned long end = user_end();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wild); i++)
		bad_stack(_metadata, wild[i]);
	if (!end)
		return;
	for (i = 1; i <= sizeof(struct upcall_frame); i++)
		bad_stack(_metadata, end + RED_ZONE + i);
}

TEST_HARNESS_MAIN
