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
static __u32 misalign __attribute_used__;
static __u32 set_flags __attribute_used__;
static __u32 saved_esp __attribute_used__;
static struct regs before __attribute_used__;
static struct regs after __attribute_used__;
static int go_on __attribute_used__;
static int spinning __attribute_used__;

#define PROBE_ENTER					\
	"pushal\n\t"					\
	"movl %esp, saved_esp\n\t"			\
	"subl misalign, %esp\n\t"			\
	"movl $0x51515151, %esi\n\t"			\
	"movl $0xd1d1d1d1, %edi\n\t"			\
	"movl $0xb1b1b1b1, %ebp\n\t"			\
	"pushl set_flags\n\t"				\
	"popfl\n\t"					\
	"store_regs before\n\t"

#define PROBE_LEAVE					\
	"store_regs after\n\t"				\
	"cld\n\t"					\
	"movl saved_esp, %esp\n\t"			\
	"popal\n\t"					\
	"ret\n\t"

/* Dispatches the upcall to itself. */
static void __attribute__((naked)) __attribute_noinline__ probe_call(void)
{
	asm volatile(PROBE_ENTER
		     "movl $" UPC_STR(UPC_CONTROL_DISPATCH) ", %ebx\n\t"
		     "movl upcall_id, %ecx\n\t"
		     "movl $1, %edx\n\t"
		     "movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
		     "int $0x80\n\t"
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
	WRITE_ONCE(go_on, (int)LABEL(probe_spin_end));
}

static void *dispatch_to_spinner(void *data)
{
	WAIT_UNTIL(READ_ONCE(spinning));
	return (void *)(long)upc_dispatch(upcall_id, 1);
}

FIXTURE(frame_entry) {
};

FIXTURE_VARIANT(frame_entry) {
	__u32 flags;
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
static void check_entry(struct __test_metadata *_metadata, __u32 flags)
{
	ASSERT_EQ((__u32)&hits, entry.ecx);
	ASSERT_EQ((__u32)&upc, entry.edx);
	ASSERT_EQ(before.esp - sizeof(entry_frame), entry.esp);
	ASSERT_EQ(flags & ~FLAGS_DF, entry.eflags);
	ASSERT_EQ(flags, (__u32)entry_frame.eflags);
	ASSERT_EQ(after.ebx, entry.ebx);
	ASSERT_EQ(0x51515151U, entry.esi);
	ASSERT_EQ(0xd1d1d1d1, entry.edi);
	ASSERT_EQ(0xb1b1b1b1, entry.ebp);
	ASSERT_EQ(before.cs, entry.cs);
	ASSERT_EQ(before.ss, entry.ss);
	ASSERT_EQ(before.ds, entry.ds);
	ASSERT_EQ(before.es, entry.es);
	ASSERT_EQ(before.fs, entry.fs);
	ASSERT_EQ(before.gs, entry.gs);

	ASSERT_EQ((__u32)entry_frame.eax, after.eax);
	ASSERT_EQ((__u32)entry_frame.ecx, after.ecx);
	ASSERT_EQ((__u32)entry_frame.edx, after.edx);
	ASSERT_EQ(before.esp, after.esp);
	ASSERT_EQ(flags, after.eflags);
	ASSERT_EQ(before.esi, after.esi);
	ASSERT_EQ(before.edi, after.edi);
	ASSERT_EQ(before.ebp, after.ebp);
	ASSERT_EQ(before.cs, after.cs);
	ASSERT_EQ(before.ss, after.ss);
	ASSERT_EQ(before.ds, after.ds);
	ASSERT_EQ(before.es, after.es);
	ASSERT_EQ(before.fs, after.fs);
	ASSERT_EQ(before.gs, after.gs);
}

TEST_F(frame_entry, at_the_end_of_a_system_call)
{
	upcall_id = upc_register_ctx(&upc, ctx_record, count_cfunc, &hits);
	ASSERT_GT(upcall_id, 0);
	for (misalign = 0; misalign < 32; misalign++) {
		probe_call();
		ASSERT_EQ(misalign + 1, (__u32)entries);
		ASSERT_EQ(misalign + 1, (__u32)READ_ONCE(hits));
		ASSERT_EQ((__u32)count_cfunc, entry.eax);
		ASSERT_EQ((__u32)UPC_CONTROL_DISPATCH, entry.ebx);
		ASSERT_EQ(0, entry_frame.eax);
		ASSERT_EQ(upcall_id, entry_frame.ecx);
		ASSERT_EQ(1, entry_frame.edx);
		ASSERT_EQ((int)LABEL(probe_call_end), entry_frame.origip);
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
		go_on = (int)LABEL(probe_spin_start);
		ASSERT_EQ(0, pthread_create(&thread, NULL,
					    dispatch_to_spinner, NULL));
		probe_spin();
		ASSERT_EQ(0, pthread_join(thread, &ret));
		ASSERT_EQ(0, (long)ret);
		ASSERT_EQ(misalign + 1, (__u32)READ_ONCE(hits));
		ASSERT_EQ((__u32)go_on_cfunc, entry.eax);
		ASSERT_EQ(0xb2b2b2b2, entry.ebx);
		ASSERT_EQ(0xa1a1a1a1, (__u32)entry_frame.eax);
		ASSERT_EQ(0xc1c1c1c1, (__u32)entry_frame.ecx);
		ASSERT_EQ(0xd2d2d2d2, (__u32)entry_frame.edx);
		ASSERT_EQ((int)LABEL(probe_spin_start), entry_frame.origip);
		check_entry(_metadata, variant->flags);
	}
}

TEST_HARNESS_MAIN
