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
	unsigned long ip, sp, err;
} fault;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	fault.count++;
	fault.ip = gregs[REG_IP];
	fault.sp = gregs[REG_SP];
	fault.err = gregs[REG_ERR];
	gregs[REG_IP] = (greg_t)next_leads_here;
}

FIXTURE(wild) {
	struct upcall_frame frame;
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
	struct upcall_frame frame = FRAME_THAT_LEADS_HERE;

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
	unsigned long ips[] = {
		0, 0x1000, -0x3ff00000UL, KERNEL_ADDR, KERNEL_ADDR + 1,
		-1UL, user_end(), user_end() - 1,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ips); i++) {
		self->frame.fr_ip = ips[i];
		fault.count = 0;
		next_resumes(_metadata, &self->frame);
		ASSERT_EQ(1, fault.count);
		EXPECT_EQ(ips[i], fault.ip);
		EXPECT_EQ(frame_sp(&self->frame), fault.sp);
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
