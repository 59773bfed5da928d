// SPDX-License-Identifier: GPL-2.0
/*
 * Two tasks of one address space, one with 64-bit upcalls, which runs 64-bit
 * code, the other with 32-bit ones, which runs 32-bit code. Each cfunc dispatches
 * to the other task, many times: each enters its own mode's context function,
 * and loses no register.
 *
 * upcall.rst, section 4, rule 6, and section 9.
 */
#include "upcall_modes.h"
#include "upcall_util.h"

#define CODE32		0x23
#define DATA32		0x2b

static struct upcall upc64 = UPCALL_INIT;
static struct upcall upc32 = UPCALL_INIT;
static int id32;
static int hits64;

/* What the 32-bit code shares, by its address. */
static struct {
	int hits;		/* its data */
	int id64, stop, wrong, ready;
	unsigned int back[2];
} m32 __attribute_used__;

static char stack32[65536];

/*
 * Counts, dispatches to the 64-bit task, and leaves in the second way. The loop
 * has patterns in its registers.
 */
asm(".pushsection .text\n\t"
	".code32\n"
	"ctx32:\n\t"
	"incl (%ecx)\n\t"
	"pushl %ebx\n\t"
	"pushl %edx\n\t"
	"movl $" UPC_STR(UPC_CONTROL_DISPATCH) ", %ebx\n\t"
	"movl m32 + 4, %ecx\n\t"
	"movl $1, %edx\n\t"
	"movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
	"int $0x80\n\t"
	"orl %eax, m32 + 12\n\t"
	"popl %edx\n\t"
	"popl %ebx\n\t"
	"subl $" UPC_STR(UPC_CRITADD) ", 4(%edx)\n\t"
	"cmpl $0, 8(%edx)\n\t"
	"jne 1f\n\t"
	"popl %eax\n\t"
	"popl %ecx\n\t"
	"popl %edx\n\t"
	"popfl\n\t"
	"ret\n"
	"1:\n\t"
	"movl %ebx, %ecx\n\t"
	"movl $" UPC_STR(UPC_CONTROL_NEXT) ", %ebx\n\t"
	"movl %esp, %edx\n\t"
	"movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
	"int $0x80\n\t"
	"ud2\n"

	"spin32:\n\t"
	"movl $0xa1a1a1a1, %eax\n\t"
	"movl $0xb2b2b2b2, %ebx\n\t"
	"movl $0xc1c1c1c1, %ecx\n\t"
	"movl $0xd2d2d2d2, %edx\n\t"
	"movl $1, m32 + 16\n"
	"1:\n\t"
	"pause\n\t"
	"cmpl $0xa1a1a1a1, %eax\n\t"
	"jne 2f\n\t"
	"cmpl $0xb2b2b2b2, %ebx\n\t"
	"jne 2f\n\t"
	"cmpl $0xc1c1c1c1, %ecx\n\t"
	"jne 2f\n\t"
	"cmpl $0xd2d2d2d2, %edx\n\t"
	"jne 2f\n\t"
	"cmpl $0, m32 + 8\n\t"
	"je 1b\n\t"
	"ljmpl *m32 + 20\n"
	"2:\n\t"
	"movl $1, m32 + 12\n\t"
	"ljmpl *m32 + 20\n\t"
	".code64\n\t"
	".popsection");

/* Nothing that a function keeps in r8 to r15 is there after 32-bit code. */
static void *run32(void *arg)
{
	static unsigned int far_ptr[2] = { 0, CODE32 };
	static unsigned long old_sp, old_bp;

	far_ptr[0] = (unsigned long)LABEL(spin32);
	id32 = register32(&upc32, LABEL(ctx32), count_cfunc, &m32.hits);
	if (id32 <= 0)
		return (void *)-1;
	asm volatile("movq %%rsp, %[old_sp]\n\t"
		     "movq %%rbp, %[old_bp]\n\t"
		     "movl $1f, m32 + 20\n\t"
		     "movw %%cs, m32 + 24\n\t"
		     "movl %[data], %%ds\n\t"
		     "movl %[data], %%es\n\t"
		     "movq %[stack], %%rsp\n\t"
		     "ljmpl *(%[far_ptr])\n"
		     "1:\n\t"
		     "movq %[old_sp], %%rsp\n\t"
		     "movq %[old_bp], %%rbp"
		     : [old_sp] "+m" (old_sp), [old_bp] "+m" (old_bp)
		     : [data] "D" (DATA32), [far_ptr] "S" (far_ptr),
		       [stack] "a" (stack32 + sizeof(stack32) - 64)
		     : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12",
		       "r13", "r14", "r15", "memory", "cc");
	return NULL;
}

static void answer(void *data)
{
	hits64++;
	if (upc_dispatch(id32, 1))
		WRITE_ONCE(m32.wrong, 1);
}

FIXTURE(mixed) {
};

FIXTURE_VARIANT(mixed) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(mixed, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(mixed, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(mixed)
{
}

FIXTURE_TEARDOWN(mixed)
{
}

TEST_F_TIMEOUT(mixed, dispatch_to_each_other, 120)
{
	int turns = iterations(10000);
	pthread_t thread;
	void *ret;

	m32.id64 = upc_register_ctx(&upc64, variant->ctx, answer, NULL);
	ASSERT_GT(m32.id64, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run32, NULL));
	WAIT_UNTIL(READ_ONCE(m32.ready));
	ASSERT_EQ(0, upc_dispatch(id32, 1));
	while (READ_ONCE(hits64) < turns && !READ_ONCE(m32.wrong))
		cpu_relax();
	EXPECT_EQ(0, m32.wrong);
	WRITE_ONCE(m32.stop, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	/* One may be on its way. */
	EXPECT_LE(hits64, READ_ONCE(m32.hits) + 1);
	EXPECT_LE(m32.hits, hits64 + 1);
	EXPECT_EQ(0, upc64.crit_count);
	EXPECT_EQ(0, upc32.crit_count);
}

TEST_HARNESS_MAIN
