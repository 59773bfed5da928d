// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses that are none: NEXT on a frame whose rip is not canonical gives
 * SIGSEGV in user mode, at that rip, with the frame popped; NEXT on a frame that
 * is not, or that is on the border of user memory, is an error; and so is the
 * registration of such functions. An upcall for code whose rsp is like that
 * stays pending, and the code gets SIGSEGV.
 *
 * upcall.rst, section 3, section 4, rule 5, section 6 (NEXT), and section 8
 * (Security).
 */
#include "upcall_next.h"

static struct upcall upc = UPCALL_INIT;
static int id, hits, polled;

/* On both sides of the borders that 48 and 57 bits make, and far from them. */
static const unsigned long bad[] = {
	1UL << 63, (1UL << 63) - 1, 1UL << 62, 0xdeadbeefdeadbeef,
	0x0100000000000000, 0xfeffffffffffffff, 0xfffe000000000000,
	0x0123456789abcdef,
};

static struct {
	int count;
	unsigned long ip, sp;
} fault;

static bool resume;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	fault.count++;
	fault.ip = gregs[REG_IP];
	fault.sp = gregs[REG_SP];
	polled = upc_poll(id, 1);
	if (resume)
		gregs[REG_IP] = (greg_t)next_leads_here;
}

FIXTURE(noncanonical) {
};

FIXTURE_SETUP(noncanonical)
{
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
}

FIXTURE_TEARDOWN(noncanonical)
{
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(noncanonical, rip_of_a_frame)
{
	struct upcall_frame frame = FRAME_THAT_LEADS_HERE;
	unsigned int i;

	resume = true;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		frame.rip = bad[i];
		fault.count = 0;
		next_resumes(_metadata, &frame);
		ASSERT_EQ(1, fault.count);
		EXPECT_EQ(bad[i], fault.ip);
		EXPECT_EQ(frame_sp(&frame), fault.sp);
	}
}

TEST_F(noncanonical, frame)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		next_fails(_metadata, (void *)bad[i], -EFAULT);
	for (i = 0; i <= sizeof(struct upcall_frame); i++) {
		next_fails(_metadata, (void *)((1UL << 47) - i), -EFAULT);
		next_fails(_metadata, (void *)((1UL << 63) - i), -EFAULT);
		next_fails(_metadata, (void *)((1UL << 56) - i), -EFAULT);
	}
	EXPECT_EQ(0, fault.count);
}

TEST_F(noncanonical, functions)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EFAULT, upc_register_ctx(&upc, (void *)bad[i],
						    count_cfunc, &hits));
		EXPECT_EQ(-EFAULT, upc_register_ctx(&upc, ctx_next,
						    (upcall_func_t)bad[i],
						    &hits));
		EXPECT_EQ(-EFAULT, upc_register_ctx((void *)(bad[i] & ~3UL),
						    ctx_next, count_cfunc,
						    &hits));
	}
}

static void bad_stack(struct __test_metadata *_metadata, unsigned long sp)
{
	hits = 0;
	fault.count = 0;
	ASSERT_EQ(0, dispatch_on(sp, id, 3));
	ASSERT_EQ(1, fault.count);
	ASSERT_EQ(sp, fault.sp);
	ASSERT_EQ(1, polled);
	ASSERT_EQ(0, hits);
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
}

TEST_F(noncanonical, stack_pointer)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad_stack(_metadata, bad[i]);
	/* The frame is on the border, or the stack pointer is just above it. */
	for (i = 0; i <= FRAME_SPACE; i += 4) {
		bad_stack(_metadata, (1UL << 47) + i);
		bad_stack(_metadata, (1UL << 56) + i);
		bad_stack(_metadata, (1UL << 63) + i);
		bad_stack(_metadata, -(1UL << 47) + i);
	}
}

TEST_HARNESS_MAIN
