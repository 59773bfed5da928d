// SPDX-License-Identifier: GPL-2.0
/*
 * The 128 bytes below the interrupted stack pointer are the interrupted code's.
 * An upcall that comes at the end of a call by code that uses all of them, or
 * interrupts it, leaves them as they are, at every alignment; the frame lies
 * directly below.
 *
 * upcall.rst, section 9. registers_intact has the same under a storm.
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static int id;

static struct {
	char *frame;		/* as the context function notes it */
	int hits, spinning, go_on;
} noted;

static void cfunc(void *data)
{
	noted.hits++;
	WRITE_ONCE(noted.go_on, 1);
}

static char area[8192];

static void fill(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(area); i++)
		area[i] = i * 7 + 1;
}

/* All bytes but those from the frame down, which the context function has. */
static bool intact(char *sp)
{
	char *p;

	for (p = sp - RED_ZONE; p < area + sizeof(area); p++)
		if (*p != (char)((p - area) * 7 + 1))
			return false;
	return true;
}

/* Makes the call, or spins until it is told, on that stack. */
static long on_stack(char *sp, bool spin)
{
	unsigned long old;
	long ret = __NR_upc_control;

	asm volatile("movq %%rsp, %[old]\n\t"
		     "movq %[sp], %%rsp\n\t"
		     "testl %[spin], %[spin]\n\t"
		     "jne 1f\n\t"
		     "syscall\n\t"
		     "jmp 2f\n"
		     "1:\n\t"
		     "movl $1, 12(%[noted])\n"
		     "3:\n\t"
		     "pause\n\t"
		     "cmpl $0, 16(%[noted])\n\t"
		     "je 3b\n"
		     "2:\n\t"
		     "movq %[old], %%rsp"
		     : "+a" (ret), [old] "=&r" (old)
		     : "D" (UPC_CONTROL_DISPATCH), "S" (id), "d" (1),
		       [sp] "r" (sp), [spin] "r" ((int)spin),
		       [noted] "r" (&noted)
		     : "rcx", "r11", "memory", "cc");
	return ret;
}

FIXTURE(red_zone) {
};

FIXTURE_VARIANT(red_zone) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(red_zone, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(red_zone, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(red_zone)
{
	id = upc_register_ctx(&upc, variant->ctx, cfunc, &noted);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(red_zone)
{
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

#define ALIGNMENTS	64

TEST_F(red_zone, at_the_end_of_a_call)
{
	int i;

	for (i = 0; i < ALIGNMENTS; i++) {
		char *sp = area + sizeof(area) - 512 - i;

		fill();
		ASSERT_EQ(0, on_stack(sp, false));
		ASSERT_EQ(i + 1, noted.hits);
		ASSERT_TRUE(intact(sp));
		ASSERT_TRUE(noted.frame == sp - FRAME_SPACE);
	}
}

static void *dispatcher(void *arg)
{
	WAIT_UNTIL(READ_ONCE(noted.spinning));
	return (void *)(long)upc_dispatch(id, 1);
}

TEST_F(red_zone, of_running_code)
{
	pthread_t thread;
	void *ret;
	int i;

	for (i = 0; i < ALIGNMENTS; i++) {
		char *sp = area + sizeof(area) - 512 - i;

		fill();
		noted.spinning = 0;
		noted.go_on = 0;
		ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
		on_stack(sp, true);
		ASSERT_EQ(0, pthread_join(thread, &ret));
		ASSERT_EQ(0, (long)ret);
		ASSERT_EQ(i + 1, noted.hits);
		ASSERT_TRUE(intact(sp));
		ASSERT_TRUE(noted.frame == sp - FRAME_SPACE);
	}
}

TEST_HARNESS_MAIN
