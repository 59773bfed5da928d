// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT takes from a frame's eflags what a user may change, TF included, and
 * nothing else: no I/O privilege, interrupts on, neither NT nor VM.
 *
 * upcall.rst, section 6 (NEXT) and section 8 (ptrace, as sigreturn).
 */
#include "upcall_next.h"

static struct upcall upc = UPCALL_INIT;
static int hits, traps;
static unsigned long trap_ip;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	traps++;
	trap_ip = gregs[REG_IP];
	gregs[REG_EFL] &= ~TF_FLAG;
}

FIXTURE(eflags) {
	struct upcall_frame frame;
};

FIXTURE_VARIANT(eflags) {
	bool vdso;
};

FIXTURE_VARIANT_ADD(eflags, int80) {
	.vdso = false,
};

FIXTURE_VARIANT_ADD(eflags, through_the_vdso) {
	.vdso = true,
};

FIXTURE_SETUP(eflags)
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
	ASSERT_EQ(0, handle_on_altstack(SIGTRAP, 0, on_trap));
}

FIXTURE_TEARDOWN(eflags)
{
}

TEST_F(eflags, only_the_users)
{
	static const unsigned long flags[] = {
		0, -1UL & ~TF_FLAG, IOPL, NT_FLAG, VM_FLAG, VM_FLAG | IOPL,
		VIF_VIP, ARITHMETIC, ARITHMETIC | DF_FLAG, CF_FLAG, DF_FLAG,
		IF_FLAG | IOPL | NT_FLAG | VM_FLAG,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		self->frame.fr_flags = flags[i];
		next_resumes(_metadata, &self->frame);
	}
	ASSERT_EQ(0, traps);
}

TEST_F(eflags, single_step)
{
	self->frame.fr_flags = IF_FLAG | TF_FLAG;
	next_resumes(_metadata, &self->frame);
	ASSERT_EQ(1, traps);
	/* After one instruction of what is resumed, not before and not later. */
	ASSERT_GT(trap_ip, (unsigned long)next_leads_here);
	ASSERT_LE(trap_ip, (unsigned long)next_leads_here + 8);
}

TEST_HARNESS_MAIN
