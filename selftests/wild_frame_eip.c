// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT on a frame whose eip is the kernel's, or nobody's, gives a fault in
 * user mode, at that eip, with the frame popped.
 *
 * upcall.rst, section 6 (NEXT) and section 8 (Security).
 */
#include "upcall_next.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

static struct {
	int count;
	unsigned int eip, esp, err;
} fault;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	fault.count++;
	fault.eip = gregs[REG_EIP];
	fault.esp = gregs[REG_ESP];
	fault.err = gregs[REG_ERR];
	gregs[REG_EIP] = (greg_t)next_leads_here;
}

FIXTURE(wild) {
	struct upcall_frame_ia32 frame;
};

FIXTURE_VARIANT(wild) {
	bool vdso;
};

FIXTURE_VARIANT_ADD(wild, int80) {
	.vdso = false,
};

FIXTURE_VARIANT_ADD(wild, through_the_vdso) {
	.vdso = true,
};

FIXTURE_SETUP(wild)
{
	struct upcall_frame_ia32 frame = FRAME_THAT_LEADS_HERE;

	if (variant->vdso) {
		seen.vdso = getauxval(AT_SYSINFO);
		if (!seen.vdso)
			SKIP(return setup_skipped(),
			     "the kernel has no vDSO entry");
	}
	self->frame = frame;
	ASSERT_GT(upc_register_ctx(&upc, ctx_next, count_cfunc, &hits), 0);
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
}

FIXTURE_TEARDOWN(wild)
{
}

TEST_F(wild, eip_faults_in_user_mode)
{
	unsigned int eips[] = {
		0, 0x1000, 0xc0100000, KERNEL_ADDR, KERNEL_ADDR + 1, -1,
		user_end(), user_end() - 1,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(eips); i++) {
		self->frame.origip = eips[i];
		fault.count = 0;
		next_resumes(_metadata, &self->frame);
		ASSERT_EQ(1, fault.count);
		EXPECT_EQ(eips[i], fault.eip);
		EXPECT_EQ((unsigned long)(&self->frame + 1), fault.esp);
		/* The bit of the error code that says: from user mode. */
		EXPECT_EQ(4, (int)fault.err & 4);
		EXPECT_EQ(0, upc.crit_count);
		EXPECT_EQ(0, upc.pending);
	}
}

/* The same way, with an eip that is good. */
TEST_F(wild, a_good_eip_does_not)
{
	next_resumes(_metadata, &self->frame);
	ASSERT_EQ(0, fault.count);
}

TEST_HARNESS_MAIN
