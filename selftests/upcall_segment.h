/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of code that no frame can be pushed for share: a thread that
 * dispatches to such code while it spins, and what is to be found after it.
 */
#ifndef UPCALL_SEGMENT_H
#define UPCALL_SEGMENT_H

#include "upcall_proc.h"

#include <asm/ldt.h>

/* The spinning code sets inside, and goes on until stop is set. */
struct spin {
	int inside;
	int stop;
	unsigned int back[2];	/* where it goes then: a far pointer */
};

static struct upcall upc = UPCALL_INIT;
static struct spin static_spin, *spin = &static_spin;
static int id, hits, early_hits, wrong;

static void *dispatch_to_spinner(void *arg)
{
	int i;

	while (!READ_ONCE(spin->inside))
		cpu_relax();
	wrong |= upc_dispatch(id, 7);
	while (READ_ONCE(upc.pending) < 7)
		cpu_relax();
	wrong |= upc_poll(id, 7) != 1;
	for (i = 0; i < 100; i++) {
		wrong |= upc_dispatch(id, 1 + i % 7);
		sched_yield();
	}
	wrong |= upc_dispatch(id, 40);
	while (READ_ONCE(upc.pending) < 40)
		cpu_relax();
	wrong |= upc_poll(id, 40) != 1;
	early_hits = READ_ONCE(hits);
	WRITE_ONCE(spin->stop, 1);
	return NULL;
}

/* Back where a frame can be pushed: the one upcall is held, and then enters. */
static inline void was_held(struct __test_metadata *_metadata, int priority)
{
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, early_hits);
	EXPECT_EQ(0, hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_LE(priority, upc.pending);
	EXPECT_EQ(1, upc_poll(id, priority));
	EXPECT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc_poll(id, 1));
	/* And it is as before: nothing stays switched off. */
	EXPECT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(2, hits);
}

/*
 * A call of the kernel if eax is not 0, then a spin. edi is &struct spin. The
 * bytes of the 32-bit code mean the same in 64-bit code.
 */
#define BODY								\
	"testl %eax, %eax\n\t"						\
	"jz 1f\n\t"							\
	"int $0x80\n"							\
	"1:\n\t"							\
	"movl $1, (%edi)\n"						\
	"2:\n\t"							\
	"pause\n\t"							\
	"cmpl $0, 4(%edi)\n\t"						\
	"je 2b\n\t"							\
	"ljmpl *8(%edi)\n"

static void __attribute__((naked, unused)) flat_body(void)
{
	asm(".code32\n\t" BODY);
#ifdef __x86_64__
	asm(".code64");
#endif
}

/*
 * Has a body run that is given by a far pointer, with nr and what the kernel is
 * asked. There and back by jumps: an emulator uses the stack of a far call as
 * if it were the kernel, which SMAP forbids.
 */
static inline int far_call(int selector, unsigned int offset, int nr, int priority)
{
	unsigned int far_ptr[2] = { offset, selector };

#ifdef __x86_64__
	/* Whoever leaves 64-bit code has no r8 to r15, by the books. */
	static char low_stack[4096];
	static unsigned long old_sp;

	asm volatile("movq %%rsp, %[old]\n\t"
		     "movl $1f, 8(%%rdi)\n\t"
		     "movw %%cs, 12(%%rdi)\n\t"
		     "movq %[stack], %%rsp\n\t"
		     "ljmpl *(%%rsi)\n"
		     "1:\n\t"
		     "movq %[old], %%rsp"
		     : "+a" (nr), [old] "+m" (old_sp)
		     : "b" (UPC_CONTROL_DISPATCH), "c" (id), "d" (priority),
		       "S" (far_ptr), "D" (spin),
		       [stack] "r" (low_stack + sizeof(low_stack))
		     : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		       "memory", "cc");
#else
	asm volatile("movl $1f, 8(%%edi)\n\t"
		     "movw %%cs, 12(%%edi)\n\t"
		     "ljmp *(%%esi)\n"
		     "1:"
		     : "+a" (nr)
		     : "b" (UPC_CONTROL_DISPATCH), "c" (id), "d" (priority),
		       "S" (far_ptr), "D" (spin)
		     : "memory", "cc");
#endif
	return nr;
}

static inline void is_held_by_itself(struct __test_metadata *_metadata,
				     int selector, unsigned int offset)
{
	spin->stop = 1;
	wrong = far_call(selector, offset, __NR_upc_control, 5);
	was_held(_metadata, 5);
}

static inline void is_held_by_another(struct __test_metadata *_metadata,
				      int selector, unsigned int offset)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_to_spinner, NULL));
	far_call(selector, offset, 0, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	was_held(_metadata, 40);
}

/* Returns the selector of LDT entry 0, or a negative errno. */
static inline int make_segment(void *base, unsigned int limit, bool code,
			       bool is_32bit)
{
	struct user_desc desc = {
		.entry_number = 0,
		.base_addr = (unsigned long)base,
		.limit = limit,
		.limit_in_pages = limit == 0xfffff,
		.contents = code ? MODIFY_LDT_CONTENTS_CODE :
				   MODIFY_LDT_CONTENTS_DATA,
		.seg_32bit = is_32bit,
	};
	int ret = upc_syscall(SYS_modify_ldt, 1, (long)&desc, sizeof(desc), 0);

	return ret < 0 ? ret : 7;	/* entry 0, in the LDT, privilege 3 */
}

#endif /* UPCALL_SEGMENT_H */
