// SPDX-License-Identifier: GPL-2.0
/*
 * No frame is pushed while a task runs in virtual 8086 mode: the upcall is
 * held, and enters by a re-dispatch when the task is back from vm86().
 *
 * upcall.rst, section 4, rules 1 and 6.
 */
#include "upcall_segment.h"

#include <asm/vm86.h>

#define LOW_PAGE	0x20000
#define SPIN_OFFSET	0x100

/* Where it starts is offset 0 of its segment. It ends by what vm86 has not. */
static void __attribute__((naked)) body(void)
{
	asm(".code16\n\t"
	    "movl $1, 0x100\n"
	    "1:\n\t"
	    "cmpl $0, 0x104\n\t"
	    "je 1b\n\t"
	    "hlt\n\t"
	    ".code32");
}

TEST(holds_a_dispatch_by_another)
{
	struct vm86_struct v = {
		.regs = {
			.eip = 0, .cs = LOW_PAGE >> 4, .ds = LOW_PAGE >> 4,
			.es = LOW_PAGE >> 4, .ss = LOW_PAGE >> 4, .esp = 0xff0,
			.eflags = 0x202,
		},
		.cpu_type = CPU_386,
	};
	pthread_t thread;
	char *low;
	int ret;

	low = mmap((void *)LOW_PAGE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (low == MAP_FAILED)
		SKIP(return, "no low memory for vm86()");
	memcpy(low, body, 64);
	spin = (struct spin *)(low + SPIN_OFFSET);

	/* Once with nobody about, for what this machine can do. */
	spin->stop = 1;
	ret = upc_syscall(SYS_vm86old, (long)&v, 0, 0, 0);
	if (ret == -EPERM || !spin->inside)
		SKIP(return, "no vm86() in this kernel, or not for this user");
	ASSERT_EQ(VM86_UNKNOWN, VM86_TYPE(ret));

	spin->inside = 0;
	spin->stop = 0;
	v.regs.eip = 0;
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_to_spinner, NULL));
	ret = upc_syscall(SYS_vm86old, (long)&v, 0, 0, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(VM86_UNKNOWN, VM86_TYPE(ret));
	was_held(_metadata, 40);
}

TEST_HARNESS_MAIN
