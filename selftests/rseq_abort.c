// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall that hits a restartable sequence aborts it first: what the frame
 * holds as the interrupted instruction is the abort address.
 * upcall.rst, section 8, rseq.
 */
#include "upcall_util.h"

#include <sys/rseq.h>

#define ROUNDS	200

static struct upcall upc = UPCALL_INIT;
static int id;

/* Shared with the assembly. */
static int in_section __attribute_used__;
static int leave __attribute_used__;
static int aborts __attribute_used__;

/* First what the context function notes: the frame's address. */
static struct {
	struct upcall_frame *frame;
	int hits, in_section, at_abort;
} seen;

/*
 * Spins in a restartable sequence until leave is set, starting again each time
 * it is aborted. The argument is where the thread's rseq_cs field is.
 */
static void __attribute__((naked)) __attribute_noinline__ spin_in_section(__u64 *rseq_cs)
{
	asm volatile(".pushsection .data\n\t"
		     ".balign 32\n\t"
		     "section_cs:\n\t"
		     ".long 0, 0\n\t"
		     ".long section_start, 0\n\t"
		     ".long section_end - section_start, 0\n\t"
		     ".long section_abort, 0\n\t"
		     ".popsection\n\t"

#ifdef __x86_64__
		     "movq %rdi, %rax\n\t"
#else
		     "movl 4(%esp), %eax\n\t"
#endif
		     "section_enter:\n\t"
		     "mov" W " $section_cs, (" R(ax) ")\n\t"
		     "section_start:\n\t"
		     "movl $1, in_section\n\t"
		     "cmpl $0, leave\n\t"
		     "je section_start\n\t"
		     "section_end:\n\t"
		     "movl $0, in_section\n\t"
		     "mov" W " $0, (" R(ax) ")\n\t"
		     "ret\n\t"

		     ".long 0x53053053\n\t"	/* the signature, RSEQ_SIG */
		     "section_abort:\n\t"
		     "movl $0, in_section\n\t"
		     "incl aborts\n\t"
		     "jmp section_enter\n\t");
}

static void cfunc(void *data)
{
	char *ip = (char *)(unsigned long)seen.frame->fr_ip;

	seen.in_section += ip >= LABEL(section_start) &&
			   ip < LABEL(section_end);
	seen.at_abort += ip == LABEL(section_abort);
	/* The next one is not to come before the section is entered anew. */
	WRITE_ONCE(in_section, 0);
	count_cfunc(&seen.hits);
}

/* One upcall at a time: none may be lost, and none coalesces. */
static void *hit_section(void *data)
{
	int i, ret = 0;

	pin_to_cpu(1);
	for (i = 0; i < ROUNDS && !ret; i++) {
		WAIT_UNTIL(READ_ONCE(in_section));
		ret = upc_dispatch(id, 1);
		WAIT_UNTIL(READ_ONCE(seen.hits) != i || ret);
	}
	WRITE_ONCE(leave, 1);
	return (void *)(long)ret;
}

FIXTURE(rseq_abort) {
	struct rseq *rseq;
};

FIXTURE_VARIANT(rseq_abort) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(rseq_abort, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(rseq_abort, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(rseq_abort)
{
	self->rseq = (struct rseq *)((char *)__builtin_thread_pointer() +
				     __rseq_offset);
	if (!__rseq_size || (int)self->rseq->cpu_id < 0)
		SKIP(return setup_skipped(),
		     "the C library has registered no rseq");
	id = upc_register_ctx(&upc, variant->ctx, cfunc, &seen);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(rseq_abort)
{
}

TEST_F_TIMEOUT(rseq_abort, the_saved_eip_is_the_abort_address, 120)
{
	pthread_t thread;
	void *ret;

	ASSERT_TRUE(pin_to_cpu(0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, hit_section, NULL));
	spin_in_section((__u64 *)&self->rseq->rseq_cs);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_EQ(ROUNDS, seen.hits);
	EXPECT_EQ(0, seen.in_section);
	EXPECT_LT(0, seen.at_abort);
	EXPECT_LE(seen.at_abort, aborts);
	EXPECT_EQ(0, upc.crit_count);
}

TEST_HARNESS_MAIN
