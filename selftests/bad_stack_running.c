// SPDX-License-Identifier: GPL-2.0
/*
 * A task is hit on its way to user code whose stack cannot be written: it gets
 * SIGSEGV, the upcall stays pending and crit_count as it was; its dispatcher
 * gets 0. Back on a good stack, a re-dispatch enters.
 *
 * upcall.rst, section 4, rules 3 and 5.
 */
#include "upcall_fault.h"

static struct upcall upc = UPCALL_INIT;
static int id, hits, faults, polled, dispatched;
static unsigned long fault_sp;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	fault_sp = uc->uc_mcontext.gregs[REG_SP];
	polled = upc_poll(id, 3);
	WRITE_ONCE(faults, faults + 1);
}

/* Spinning or not yet there, the owner has no other good moment. */
static void *dispatcher(void *arg)
{
	int *ready = arg;

	WAIT_UNTIL(READ_ONCE(*ready));
	dispatched = upc_dispatch(id, 3);
	return NULL;
}

static void hit_on(struct __test_metadata *_metadata, unsigned long sp)
{
	pthread_t thread;
	unsigned long old;
	int ready = 0;

	hits = 0;
	faults = 0;
	dispatched = -1;
	/* Held until the stack is the bad one: asm() below lets it come. */
	upc.pending = 1;
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, &ready));
	asm volatile("mov " RR(sp) ", %[old]\n\t"
		     "mov %[sp], " RR(sp) "\n\t"
		     "movl $0, 8(%[upc])\n\t"
		     "movl $1, (%[ready])\n"
		     "1:\n\t"
		     "pause\n\t"
		     "cmpl $0, (%[faults])\n\t"
		     "je 1b\n\t"
		     "mov %[old], " RR(sp)
		     : [old] "=&r" (old)
		     : [sp] "r" (sp), [ready] "r" (&ready),
		       [faults] "r" (&faults), [upc] "r" (&upc)
		     : "memory", "cc");
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, dispatched);
	ASSERT_EQ(1, faults);
	ASSERT_EQ(sp, fault_sp);
	ASSERT_EQ(1, polled);
	ASSERT_EQ(0, hits);
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(1, upc_poll(id, 3));
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(0, upc.pending);
}

FIXTURE(running) {
	struct pages pages;
};

FIXTURE_SETUP(running)
{
	ASSERT_EQ(0, make_pages(&self->pages));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	id = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(running)
{
}

TEST_F(running, broken_page)
{
	unsigned long end = (long)self->pages.middle + PAGE;
	enum damage damage;

	for (damage = 0; damage < NR_DAMAGES; damage++) {
		ASSERT_EQ(0, break_page(&self->pages, damage));
		hit_on(_metadata, end - 64);
		hit_on(_metadata, end);
		hit_on(_metadata, end + RED_ZONE + 8);
		hit_on(_metadata, end + FRAME_SPACE - 1);
		ASSERT_EQ(0, repair_page(&self->pages));
	}
}

TEST_F(running, wild_stack_pointer)
{
	unsigned long wild[] = {
		0, 16, KERNEL_ADDR, -4UL, user_end() + RED_ZONE + 8,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wild); i++)
		hit_on(_metadata, wild[i]);
}

TEST_HARNESS_MAIN
