// SPDX-License-Identifier: GPL-2.0
/*
 * What the context function finds: registers, flags, segments and the frame,
 * for an upcall that comes at the end of a system call and for one that
 * interrupts a loop, at every alignment of the stack; and what the interrupted
 * code finds afterwards. upc_register(2), CONTEXT FUNCTION - IA32; upcall.rst,
 * section 5.
 */
#include "upcall_util.h"
#include "upcall_entry.h"

static struct upcall upc = UPCALL_INIT;
static int hits;
static int upcall_id;

/* For the probes below. */
static unsigned long misalign __attribute_used__;
static unsigned long set_flags __attribute_used__;
static unsigned long saved_sp __attribute_used__;
static struct regs before __attribute_used__;
static struct regs after __attribute_used__;
static unsigned long go_on __attribute_used__;
static int spinning __attribute_used__;

#ifdef __x86_64__
#define SAVE_REGS					\
	".irp reg, rbx, rbp, r12, r13, r14, r15\n\t"	\
	"pushq %\\reg\n\t"				\
	".endr\n\t"
#define RESTORE_REGS					\
	".irp reg, r15, r14, r13, r12, rbp, rbx\n\t"	\
	"popq %\\reg\n\t"				\
	".endr\n\t"
/* Patterns in the registers that 32-bit code does not have. */
#define LOAD_MORE_REGS					\
	".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n\t"	\
	"movabsq $0x7100000000000000 + \\n, %r\\n\n\t"	\
	".endr\n\t"					\
	"movabsq $0xb2b2b2b2b2b2b2b2, %rbx\n\t"
#else
#define SAVE_REGS	"pushal\n\t"
#define RESTORE_REGS	"popal\n\t"
#define LOAD_MORE_REGS
#endif

#define PROBE_ENTER					\
	SAVE_REGS					\
	"mov " R(sp) ", saved_sp\n\t"			\
	"sub misalign, " R(sp) "\n\t"			\
	"movl $0x51515151, %esi\n\t"			\
	"movl $0xd1d1d1d1, %edi\n\t"			\
	"movl $0xb1b1b1b1, %ebp\n\t"			\
	LOAD_MORE_REGS					\
	"push" W " set_flags\n\t"			\
	"popf" W "\n\t"					\
	"store_regs before\n\t"

#define PROBE_LEAVE					\
	"store_regs after\n\t"				\
	"cld\n\t"					\
	"mov saved_sp, " R(sp) "\n\t"			\
	RESTORE_REGS					\
	"ret\n\t"

/* Dispatches the upcall to itself. */
static void __attribute__((naked)) __attribute_noinline__ probe_call(void)
{
	asm volatile(PROBE_ENTER
#ifdef __x86_64__
		     "movl $" UPC_STR(UPC_CONTROL_DISPATCH) ", %edi\n\t"
		     "movslq upcall_id, %rsi\n\t"
#else
		     "movl $" UPC_STR(UPC_CONTROL_DISPATCH) ", %ebx\n\t"
		     "movl upcall_id, %ecx\n\t"
#endif
		     "movl $1, %edx\n\t"
		     "movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
		     CALL_INSN "\n\t"
		     "probe_call_end:\n\t"
		     PROBE_LEAVE);
}

/* Spins without a change of register or flag until an upcall ends it. */
static void __attribute__((naked)) __attribute_noinline__ probe_spin(void)
{
	asm volatile(PROBE_ENTER
		     "movl $0xa1a1a1a1, %eax\n\t"
		     "movl $0xb2b2b2b2, %ebx\n\t"
		     "movl $0xc1c1c1c1, %ecx\n\t"
		     "movl $0xd2d2d2d2, %edx\n\t"
		     "movl $1, spinning\n\t"
		     "probe_spin_start:\n\t"
		     "jmp *go_on\n\t"
		     "probe_spin_end:\n\t"
		     PROBE_LEAVE);
}

static void go_on_cfunc(void *data)
{
	count_cfunc(data);
	WRITE_ONCE(go_on, (unsigned long)LABEL(probe_spin_end));
}

static void *dispatch_to_spinner(void *data)
{
	WAIT_UNTIL(READ_ONCE(spinning));
	return (void *)(long)upc_dispatch(upcall_id, 1);
}

FIXTURE(frame_entry) {
};

FIXTURE_VARIANT(frame_entry) {
	unsigned long flags;
};

FIXTURE_VARIANT_ADD(frame_entry, flags_clear) { .flags = FLAGS_IF | 2 };

FIXTURE_VARIANT_ADD(frame_entry, flags_set) {
	.flags = FLAGS_STATUS | FLAGS_IF | FLAGS_ID | 2,
};

FIXTURE_VARIANT_ADD(frame_entry, direction) {
	.flags = FLAGS_CF | FLAGS_DF | FLAGS_IF | 2,
};

FIXTURE_SETUP(frame_entry)
{
	set_flags = variant->flags;
}

FIXTURE_TEARDOWN(frame_entry)
{
}

/* The same in ctx_record() and afterwards, however the upcall came. */
static void check_entry(struct __test_metadata *_metadata, unsigned long flags)
{
	ASSERT_EQ((unsigned long)&upc, entry.dx);
	ASSERT_EQ(before.sp - FRAME_SPACE, entry.sp);
	ASSERT_EQ(flags & ~FLAGS_DF, entry.flags);
	ASSERT_EQ(flags, (unsigned long)entry_frame.fr_flags);
	ASSERT_EQ(after.bx, entry.bx);
	ASSERT_EQ(0xb1b1b1b1, entry.bp);
	ASSERT_EQ(before.cs, entry.cs);
	ASSERT_EQ(before.ss, entry.ss);
	ASSERT_EQ(before.ds, entry.ds);
	ASSERT_EQ(before.es, entry.es);
	ASSERT_EQ(before.fs, entry.fs);
	ASSERT_EQ(before.gs, entry.gs);

	ASSERT_EQ((unsigned long)entry_frame.fr_ax, after.ax);
	ASSERT_EQ((unsigned long)entry_frame.fr_cx, after.cx);
	ASSERT_EQ((unsigned long)entry_frame.fr_dx, after.dx);
	ASSERT_EQ(before.sp, after.sp);
	ASSERT_EQ(flags, after.flags);
	ASSERT_EQ(before.bp, after.bp);
	ASSERT_EQ(before.cs, after.cs);
	ASSERT_EQ(before.ss, after.ss);
	ASSERT_EQ(before.ds, after.ds);
	ASSERT_EQ(before.es, after.es);
	ASSERT_EQ(before.fs, after.fs);
	ASSERT_EQ(before.gs, after.gs);
#ifdef __x86_64__
	ASSERT_EQ((unsigned long)&hits, entry.di);
	ASSERT_EQ(before.r8, entry.r8);
	ASSERT_EQ(before.r9, entry.r9);
	ASSERT_EQ(before.r10, entry.r10);
	ASSERT_EQ(before.r12, entry.r12);
	ASSERT_EQ(before.r13, entry.r13);
	ASSERT_EQ(before.r14, entry.r14);
	ASSERT_EQ(before.r15, entry.r15);
	ASSERT_EQ(entry_frame.rsi, after.si);
	ASSERT_EQ(entry_frame.rdi, after.di);
	ASSERT_EQ(entry_frame.r11, after.r11);
	ASSERT_EQ(before.r8, after.r8);
	ASSERT_EQ(before.r9, after.r9);
	ASSERT_EQ(before.r10, after.r10);
	ASSERT_EQ(before.r12, after.r12);
	ASSERT_EQ(before.r13, after.r13);
	ASSERT_EQ(before.r14, after.r14);
	ASSERT_EQ(before.r15, after.r15);
#else
	ASSERT_EQ((unsigned long)&hits, entry.cx);
	ASSERT_EQ(0x51515151U, entry.si);
	ASSERT_EQ(0xd1d1d1d1, entry.di);
	ASSERT_EQ(before.si, after.si);
	ASSERT_EQ(before.di, after.di);
#endif
}

TEST_F(frame_entry, at_the_end_of_a_system_call)
{
	upcall_id = upc_register_ctx(&upc, ctx_record, count_cfunc, &hits);
	ASSERT_GT(upcall_id, 0);
	for (misalign = 0; misalign < 32; misalign++) {
		probe_call();
		ASSERT_EQ(misalign + 1, (unsigned long)entries);
		ASSERT_EQ(misalign + 1, (unsigned long)READ_ONCE(hits));
		ASSERT_EQ((unsigned long)count_cfunc, entry.ax);
		ASSERT_EQ(0, (long)entry_frame.fr_ax);
		ASSERT_EQ(1, (long)entry_frame.fr_dx);
		ASSERT_EQ((long)LABEL(probe_call_end), (long)entry_frame.fr_ip);
#ifdef __x86_64__
		ASSERT_EQ(before.bx, entry.bx);
		ASSERT_EQ(UPC_CONTROL_DISPATCH, (long)entry_frame.rdi);
		ASSERT_EQ(upcall_id, (long)entry_frame.rsi);
		/* As the SYSCALL instruction leaves them. */
		ASSERT_EQ(entry_frame.rip, entry_frame.rcx);
		ASSERT_EQ(entry_frame.rflags, entry_frame.r11);
#else
		ASSERT_EQ((unsigned long)UPC_CONTROL_DISPATCH, entry.bx);
		ASSERT_EQ(upcall_id, entry_frame.ecx);
#endif
		check_entry(_metadata, variant->flags);
	}
}

TEST_F(frame_entry, in_a_loop)
{
	pthread_t thread;
	void *ret;

	upcall_id = upc_register_ctx(&upc, ctx_record, go_on_cfunc, &hits);
	ASSERT_GT(upcall_id, 0);
	for (misalign = 0; misalign < 32; misalign++) {
		spinning = 0;
		go_on = (unsigned long)LABEL(probe_spin_start);
		ASSERT_EQ(0, pthread_create(&thread, NULL,
					    dispatch_to_spinner, NULL));
		probe_spin();
		ASSERT_EQ(0, pthread_join(thread, &ret));
		ASSERT_EQ(0, (long)ret);
		ASSERT_EQ(misalign + 1, (unsigned long)READ_ONCE(hits));
		ASSERT_EQ((unsigned long)go_on_cfunc, entry.ax);
		ASSERT_EQ(0xb2b2b2b2, entry.bx);
		ASSERT_EQ(0xa1a1a1a1, (unsigned long)entry_frame.fr_ax);
		ASSERT_EQ(0xc1c1c1c1, (unsigned long)entry_frame.fr_cx);
		ASSERT_EQ(0xd2d2d2d2, (unsigned long)entry_frame.fr_dx);
		ASSERT_EQ((long)LABEL(probe_spin_start),
			  (long)entry_frame.fr_ip);
#ifdef __x86_64__
		ASSERT_EQ(before.si, entry_frame.rsi);
		ASSERT_EQ(before.di, entry_frame.rdi);
		ASSERT_EQ(before.r11, entry_frame.r11);
#endif
		check_entry(_metadata, variant->flags);
	}
}

TEST_HARNESS_MAIN
