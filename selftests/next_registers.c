// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT resumes from the frame: eax, ecx, edx, eflags and eip as they are in
 * it, esp just above it, ebx as it was passed in ecx, and every other
 * register as it was at the call. Also for a task that has no upcalls.
 *
 * upc_register(2), UPC_CONTROL_NEXT and CONTEXT FUNCTION - IA32; upcall.rst,
 * section 6.
 */
#include <stddef.h>
#include "upcall_test.h"

/* In the order in which pushal leaves them, the lowest first. */
struct regs {
	unsigned int edi, esi, ebp, esp, ebx, edx, ecx, eax;
};

/* The frame has memory on both sides that may be used as a stack. */
static struct {
	char below[4096];
	struct upcall_frame_ia32 frame;
	unsigned int above[8];
} stack;

/* What the assembly loads, what it finds after, and what it leaves there. */
static struct regs in, out;
static unsigned int flags_out, old_esp, vsyscall;
static int returned;

/*
 * Loads the registers from @in, with ecx and edx as NEXT has them, and calls
 * NEXT: by INT, or through the vDSO if its address is there. The frame goes
 * to where the registers are stored; returning would be an error.
 */
static void go(void)
{
	returned = 0;
	asm volatile("pushal\n\t"
		     "pushfl\n\t"
		     "movl %%esp, %c[old]\n\t"
		     "movl $3f, 16+%c[frame]\n\t"
		     "movl %c[in], %%edi\n\t"
		     "movl 4+%c[in], %%esi\n\t"
		     "movl 8+%c[in], %%ebp\n\t"
		     "movl 16+%c[in], %%ecx\n\t"
		     "movl %[frame], %%edx\n\t"
		     "movl %[next], %%ebx\n\t"
		     "movl %[nr], %%eax\n\t"
		     "cmpl $0, %c[vdso]\n\t"
		     "jne 1f\n\t"
		     "int $0x80\n\t"
		     "jmp 2f\n"
		     "1:\n\t"
		     "call *%c[vdso]\n"
		     "2:\n\t"
		     "incl %c[returned]\n\t"
		     "jmp 4f\n"
		     "3:\n\t"
		     "movl %%esp, 12+%c[out]\n\t"
		     "movl %c[old], %%esp\n\t"
		     "pushfl\n\t"
		     "popl %c[flags]\n\t"
		     "movl %%edi, %c[out]\n\t"
		     "movl %%esi, 4+%c[out]\n\t"
		     "movl %%ebp, 8+%c[out]\n\t"
		     "movl %%ebx, 16+%c[out]\n\t"
		     "movl %%edx, 20+%c[out]\n\t"
		     "movl %%ecx, 24+%c[out]\n\t"
		     "movl %%eax, 28+%c[out]\n"
		     "4:\n\t"
		     "popfl\n\t"
		     "popal"
		     :
		     : [in] "i" (&in), [out] "i" (&out),
		       [old] "i" (&old_esp), [flags] "i" (&flags_out),
		       [returned] "i" (&returned), [vdso] "i" (&vsyscall),
		       [frame] "i" (&stack.frame),
		       [next] "i" (UPC_CONTROL_NEXT),
		       [nr] "i" (__NR_upc_control)
		     : "memory", "cc");
}

FIXTURE(next) {
	struct upcall upc;
};

FIXTURE_VARIANT(next) {
	bool registered;
	bool vdso;
};

FIXTURE_VARIANT_ADD(next, by_int) { .registered = true, .vdso = false };
FIXTURE_VARIANT_ADD(next, by_vdso) { .registered = true, .vdso = true };
FIXTURE_VARIANT_ADD(next, no_upc_by_int) {
	.registered = false, .vdso = false,
};

FIXTURE_VARIANT_ADD(next, no_upc_by_vdso) {
	.registered = false, .vdso = true,
};

FIXTURE_SETUP(next)
{
	int *word = (int *)&stack;
	size_t i;

	self->upc = (struct upcall)UPCALL_INIT;
	if (variant->registered)
		ASSERT_GT(upc_register_ctx(&self->upc, ctx_next, count_cfunc,
					   NULL), 0);
	if (variant->vdso)
		vsyscall = getauxval(AT_SYSINFO);
	for (i = 0; i < sizeof(stack) / sizeof(*word); i++)
		word[i] = 0x5a000000 + i;
	stack.frame = (struct upcall_frame_ia32) {
		.eax = 0x11111111,
		.ecx = 0x22222222,
		.edx = 0x33333333,
		.eflags = 0x202,
	};
	in = (struct regs) {
		.edi = 0x44444444,
		.esi = 0x55555555,
		.ebp = 0x66666666,
		.ebx = 0x77777777,
	};
}

FIXTURE_TEARDOWN(next)
{
}

TEST_F(next, restores_them)
{
	size_t first = offsetof(typeof(stack), above) / sizeof(int), i;

	self->upc.pending = 1;
	go();
	ASSERT_EQ(0, returned);
	EXPECT_EQ(0x11111111U, out.eax);
	EXPECT_EQ(0x22222222U, out.ecx);
	EXPECT_EQ(0x33333333U, out.edx);
	EXPECT_EQ(0x77777777U, out.ebx);
	EXPECT_EQ(0x55555555U, out.esi);
	EXPECT_EQ(0x44444444U, out.edi);
	EXPECT_EQ(0x66666666U, out.ebp);
	EXPECT_EQ((unsigned int)(&stack.frame + 1), out.esp);

	/* It has read the frame, and written nothing above. */
	for (i = 0; i < ARRAY_SIZE(stack.above); i++)
		EXPECT_EQ(0x5a000000U + first + i, stack.above[i]);

	/* Nothing was pending; without a upc it is the user's own memory. */
	EXPECT_EQ(variant->registered ? 0 : 1, self->upc.pending);
	EXPECT_EQ(0, self->upc.crit_count);
}

/* Values that the kernel takes for restart codes and call numbers. */
TEST_F(next, restores_any_eax)
{
	static const int values[] = {
		0, -1, -4, -512, -513, -514, -515, -516, 500, 501,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		stack.frame.eax = values[i];
		go();
		ASSERT_EQ(0, returned);
		EXPECT_EQ(values[i], (int)out.eax);
		EXPECT_EQ(0x22222222U, out.ecx);
		EXPECT_EQ(0x33333333U, out.edx);
		EXPECT_EQ(0x77777777U, out.ebx);
	}
}

/* AC, OF, DF, SF, ZF, AF, PF and CF: the user's, but for TF. */
#define FLAGS_USER	0x40cd5

static unsigned int read_flags(void)
{
	unsigned int flags;

	asm volatile("pushfl; popl %0" : "=r" (flags));
	return flags;
}

/* No more of them than sigreturn() would: not IOPL, NT, VM, nor IF. */
TEST_F(next, restores_the_user_s_flags)
{
	static const unsigned int values[] = {
		0x202, 0x202 | FLAGS_USER, 0x203, 0x206, 0x212, 0x242, 0x282,
		0x602, 0xa02, 0x40202, 0, 0x3202, 0x4202, 0x20202, 0x180202,
	};
	unsigned int kept = read_flags() & ~FLAGS_USER;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		stack.frame.eflags = values[i];
		go();
		ASSERT_EQ(0, returned);
		EXPECT_EQ(values[i] & FLAGS_USER, flags_out & FLAGS_USER);
		EXPECT_EQ(kept, flags_out & ~FLAGS_USER);
	}
}

TEST_HARNESS_MAIN
