/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the upcall selftests share: raw system calls and trampolines.
 *
 * The tests do not use libupcall: they call the kernel directly and enter
 * through context functions of their own, so that what is tested is the ABI.
 */
#ifndef UPCALL_TEST_H
#define UPCALL_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <cpuid.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/auxvec.h>
#include <linux/upcall.h>

/* <sys/auxv.h> has it along with an <elf.h> that excludes the kernel's. */
unsigned long getauxval(unsigned long type);

#ifndef AT_SYSINFO
#define AT_SYSINFO	32	/* 64-bit programs have none */
#endif

/* The tests that have a main() of their own leave the harness's alone. */
static int test_harness_run(int argc, char **argv) __attribute__((nothrow, unused));

#include "../kselftest_harness.h"

/* Seconds for a test that hangs: the guest may be slow at any moment. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	100

#ifndef __NR_upc_register
#define __NR_upc_register	500
#define __NR_upc_control	501
#endif

/* Fixed offsets and numbers, for the assembly below. */
#define UPC_STR_(x)		#x
#define UPC_STR(x)		UPC_STR_(x)

#ifndef READ_ONCE
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#endif

/* Beyond the end of user memory on every x86 kernel, and 4-byte aligned. */
#define KERNEL_ADDR		(~0UL - 0xfff)

/*
 * Most tests are built twice, as 32-bit and as 64-bit programs. Their assembly
 * writes R(sp) for the stack pointer as a string, RR(sp) where there are
 * operands, W for a word's suffix, and AT(n) for the nth word's offset. A call
 * or a push there would write to the red zone of the function around it:
 * BELOW_RED_ZONE goes before, ABOVE_RED_ZONE after, and no flag changes. CALL_
 * is for system calls: the instruction, as text and as two bytes, where the
 * first two of three arguments are, and what else it overwrites. In DATA_REG a
 * context function finds data.
 *
 * The fields of a frame have common names too, and so do those of the registers
 * that signal handlers and tracers see. The interrupted stack pointer is
 * RED_ZONE above the frame's end.
 */
#ifdef __x86_64__
#define R(name)			"%r" #name
#define RR(name)		"%%r" #name
#define W			"q"
#define AT(n)			UPC_STR(n) " * 8"
#define RED_ZONE		128
#define BELOW_RED_ZONE		"leaq -" UPC_STR(RED_ZONE) "(%%rsp), %%rsp\n\t"
#define ABOVE_RED_ZONE		"\n\tleaq " UPC_STR(RED_ZONE) "(%%rsp), %%rsp"

#define CALL_INSN		"syscall"
#define CALL_CODE		0x050f
#define CALL_ARG1(value)	"D" (value)
#define CALL_ARG2(value)	"S" (value)
#define CALL_CLOBBERS		"rcx", "r11",
#define DATA_REG		"%rdi"

#define upcall_frame		upcall_frame_x86_64
#define fr_ax			rax
#define fr_cx			rcx
#define fr_dx			rdx
#define fr_flags		rflags
#define fr_ip			rip

#define REG_AX			REG_RAX
#define REG_IP			REG_RIP
#define REG_SP			REG_RSP
#define ur_ax			rax
#define ur_orig_ax		orig_rax
#define ur_ip			rip
#define ur_sp			rsp
#define ur_cx			rcx
#define ur_dx			rdx
#define ur_data			rdi
#else
#define R(name)			"%e" #name
#define RR(name)		"%%e" #name
#define W			"l"
#define AT(n)			UPC_STR(n) " * 4"
#define RED_ZONE		0
#define BELOW_RED_ZONE		""
#define ABOVE_RED_ZONE		""

#define CALL_INSN		"int $0x80"
#define CALL_CODE		0x80cd
#define CALL_ARG1(value)	"b" (value)
#define CALL_ARG2(value)	"c" (value)
#define CALL_CLOBBERS
#define DATA_REG		"%ecx"

#define upcall_frame		upcall_frame_ia32
#define fr_ax			eax
#define fr_cx			ecx
#define fr_dx			edx
#define fr_flags		eflags
#define fr_ip			origip

#define REG_AX			REG_EAX
#define REG_IP			REG_EIP
#define REG_SP			REG_ESP
#define ur_ax			eax
#define ur_orig_ax		orig_eax
#define ur_ip			eip
#define ur_sp			esp
#define ur_cx			ecx
#define ur_dx			edx
#define ur_data			ecx
#endif

/* The stack pointer of what the frame leads back to. */
#define frame_sp(frame)		((unsigned long)((frame) + 1) + RED_ZONE)

/* How far below the interrupted stack pointer a context function begins. */
#define FRAME_SPACE		(sizeof(struct upcall_frame) + RED_ZONE)

typedef void (*upcall_func_t)(void *data);

/* An upcall runs in its owner's task: it asks for no more than this. */
static inline void barrier(void)
{
	asm volatile("" ::: "memory");
}

/*
 * Without a pause: an emulator takes it for a wish to stop, and two CPUs that
 * wait for each other in that way take turns.
 */
static inline void cpu_relax(void)
{
	barrier();
}

/* Both return what the kernel returned: 0 or more, or a negative errno. */
static inline long upc_syscall(int nr, long a, long b, long c, long d)
{
	long ret;

#ifdef __x86_64__
	register long r10 asm("r10") = d;

	asm volatile("syscall" : "=a" (ret)
		     : "0" ((long)nr), "D" (a), "S" (b), "d" (c), "r" (r10)
		     : "rcx", "r11", "memory", "cc");
#else
	asm volatile("int $0x80" : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d)
		     : "memory", "cc");
#endif
	return ret;
}

/*
 * The same through the vDSO, which enters the kernel by SYSENTER if it can; a
 * 64-bit program has but one way.
 */
static inline long upc_vsyscall(int nr, long a, long b, long c, long d)
{
#ifdef __x86_64__
	return upc_syscall(nr, a, b, c, d);
#else
	int ret;

	asm volatile("call *%6" : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d),
		       "D" (getauxval(AT_SYSINFO))
		     : "memory", "cc");
	return ret;
#endif
}

static inline int upc_register_ctx(struct upcall *upc, void *ctxfunc,
				   upcall_func_t cfunc, void *data)
{
	return upc_syscall(__NR_upc_register, (long)upc, (long)ctxfunc,
			   (long)cfunc, (long)data);
}

static inline int upc_control(int cmd, int id, long data)
{
	return upc_syscall(__NR_upc_control, cmd, id, data, 0);
}

#define upc_dispatch(id, prio)	upc_control(UPC_CONTROL_DISPATCH, id, prio)
#define upc_delete(id)		upc_control(UPC_CONTROL_DELETE, id, 0)
#define upc_poll(id, prio)	upc_control(UPC_CONTROL_POLL, id, prio)
#define upc_pollclear(id, prio)	upc_control(UPC_CONTROL_POLLANDCLEAR, id, prio)
#define upc_wait(prio)		upc_control(UPC_CONTROL_WAIT, -1, prio)
#define upc_suspend(prio)	upc_control(UPC_CONTROL_SUSPEND, -1, prio)

/*
 * Context functions. All give cfunc a 16-byte aligned stack, its data as
 * argument, and for those that take a second one the struct upcall that it was
 * entered by; and lose no register. ctx_next leaves in the manual page's first
 * way (always through NEXT), ctx_pop in its second (NEXT only if more is
 * pending). NEXT takes the value ebx is to have again in ecx.
 *
 * The _noting ones are the same, but first store the frame's address in the
 * first word that data points to.
 *
 * A 64-bit cfunc may use any vector register: what it may change of the FPU's
 * state is saved around it. ctx_save_mask says by which instruction.
 */
void ctx_next(void *data);
void ctx_pop(void *data);
void ctx_next_noting(void *data);
void ctx_pop_noting(void *data);

#ifdef __x86_64__
/* XSAVE's mask, or 0 if there is only FXSAVE; and what that stores. */
static unsigned int ctx_save_mask __attribute_used__;
static unsigned long ctx_save_size __attribute_used__ = 512;

#define XSAVE_AVX		0x07	/* x87, SSE, AVX */
#define XSAVE_AVX512		0xe0

static void __attribute__((constructor)) ctx_choose_save(void)
{
	unsigned int a, b, c, d, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	asm volatile("xgetbv" : "=a" (a), "=d" (high) : "c" (0));
	ctx_save_mask = a & (XSAVE_AVX | XSAVE_AVX512);
	ctx_save_size = ctx_save_mask & XSAVE_AVX512 ? 2752 : 832;
}

asm(".pushsection .text\n\t"
	"ctx_call:\n\t"			/* keeps rdx; the frame has five others */
	"pushq %rbp\n\t"
	"movq %rsp, %rbp\n\t"
	"pushq %rdx\n\t"
	"pushq %r8\n\t"
	"pushq %r9\n\t"
	"pushq %r10\n\t"
	"subq ctx_save_size, %rsp\n\t"
	"andq $-64, %rsp\n\t"
	"movq %rax, %r11\n\t"
	"movq %rdx, %rsi\n\t"
	"movl ctx_save_mask, %eax\n\t"
	"xorl %edx, %edx\n\t"
	"testl %eax, %eax\n\t"
	"jz 1f\n\t"
	".irp at, 512, 520, 528, 536, 544, 552, 560, 568\n\t"
	"movq $0, \\at(%rsp)\n\t"	/* XSAVE's header */
	".endr\n\t"
	"xsave64 (%rsp)\n\t"
	"call *%r11\n\t"
	"movl ctx_save_mask, %eax\n\t"
	"xorl %edx, %edx\n\t"
	"xrstor64 (%rsp)\n\t"
	"jmp 2f\n"
	"1:\n\t"
	"fxsave64 (%rsp)\n\t"
	"call *%r11\n\t"
	"fxrstor64 (%rsp)\n"
	"2:\n\t"
	"movq -8(%rbp), %rdx\n\t"
	"movq -16(%rbp), %r8\n\t"
	"movq -24(%rbp), %r9\n\t"
	"movq -32(%rbp), %r10\n\t"
	"leave\n\t"
	"ret\n\t"

	".globl ctx_next_noting, ctx_next\n\t"
	"ctx_next_noting:\n\t"
	"movq %rsp, (%rdi)\n\t"
	"ctx_next:\n\t"
	"call ctx_call\n\t"
	"movl $1, 8(%rdx)\n\t"
	"subl $" UPC_STR(UPC_CRITADD) ", 4(%rdx)\n\t"
	"ctx_leave:\n\t"
	"movl $" UPC_STR(UPC_CONTROL_NEXT) ", %edi\n\t"
	"movl $-1, %esi\n\t"
	"movq %rsp, %rdx\n\t"
	"movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
	"syscall\n\t"
	"ud2\n\t"			/* NEXT does not return */

	".globl ctx_pop_noting, ctx_pop\n\t"
	"ctx_pop_noting:\n\t"
	"movq %rsp, (%rdi)\n\t"
	"ctx_pop:\n\t"
	"call ctx_call\n\t"
	"subl $" UPC_STR(UPC_CRITADD) ", 4(%rdx)\n\t"
	"cmpl $0, 8(%rdx)\n\t"
	"jne ctx_leave\n\t"
	"ctx_pop_frame:\n\t"
	"popq %rax\n\t"
	"popq %rcx\n\t"
	"popq %rdx\n\t"
	"popq %rsi\n\t"
	"popq %rdi\n\t"
	"popq %r11\n\t"
	"popfq\n\t"
	"ret $" UPC_STR(RED_ZONE) "\n\t"
	".popsection");
#else
asm(".pushsection .text\n\t"
	"ctx_call:\n\t"			/* keeps edx; eax, ecx are free */
	"pushl %ebp\n\t"
	"movl %esp, %ebp\n\t"
	"pushl %edx\n\t"
	"andl $-16, %esp\n\t"
	"subl $16, %esp\n\t"
	"movl %ecx, (%esp)\n\t"
	"movl %edx, 4(%esp)\n\t"
	"call *%eax\n\t"
	"movl -4(%ebp), %edx\n\t"
	"leave\n\t"
	"ret\n\t"

	".globl ctx_next_noting, ctx_next\n\t"
	"ctx_next_noting:\n\t"
	"movl %esp, (%ecx)\n\t"
	"ctx_next:\n\t"
	"call ctx_call\n\t"
	"movl $1, 8(%edx)\n\t"
	"subl $" UPC_STR(UPC_CRITADD) ", 4(%edx)\n\t"
	"ctx_leave:\n\t"
	"movl %ebx, %ecx\n\t"
	"movl $" UPC_STR(UPC_CONTROL_NEXT) ", %ebx\n\t"
	"movl %esp, %edx\n\t"
	"movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
	"int $0x80\n\t"
	"ud2\n\t"			/* NEXT does not return */

	".globl ctx_pop_noting, ctx_pop\n\t"
	"ctx_pop_noting:\n\t"
	"movl %esp, (%ecx)\n\t"
	"ctx_pop:\n\t"
	"call ctx_call\n\t"
	"subl $" UPC_STR(UPC_CRITADD) ", 4(%edx)\n\t"
	"cmpl $0, 8(%edx)\n\t"
	"jne ctx_leave\n\t"
	"ctx_pop_frame:\n\t"
	"popl %eax\n\t"
	"popl %ecx\n\t"
	"popl %edx\n\t"
	"popfl\n\t"
	"ret\n\t"
	".popsection");
#endif

/* A struct upcall ready to be registered. */
#define UPCALL_INIT	{ .magic = UPCALL_MAGIC }

/* The manual page's critical section: an add, a subtract, and a check. */
static inline void crit_enter(struct upcall *upc)
{
	upc->crit_count += UPC_CRITADD;
	barrier();
}

static inline void crit_exit(struct upcall *upc)
{
	barrier();
	upc->crit_count -= UPC_CRITADD;
	barrier();
	if (upc->pending && !upc->crit_count)
		upc_dispatch(-1, 0);
}

/* A cfunc for tests that only count: data is an int to increment. */
static inline void count_cfunc(void *data)
{
	int *count = data;

	WRITE_ONCE(*count, READ_ONCE(*count) + 1);
}

/*
 * For SKIP() in a fixture's setup. Harnesses from before they had
 * FIXTURE_TEARDOWN_PARENT() run the test all the same if that returns; the
 * status of a test that was skipped is 255 there.
 */
static inline void setup_skipped(void)
{
#ifndef FIXTURE_TEARDOWN_PARENT
	_exit(255);
#endif
}

/* Is the answer another than an unknown system call's? */
static inline int upc_supported(void)
{
	return upc_control(UPC_CONTROL_POLL, -1, 0) !=
	       upc_syscall(-1, 0, 0, 0, 0);
}

#ifndef UPCALL_TEST_ANY_KERNEL
/* On a kernel without upcalls the whole program is skipped. */
static void __attribute__((constructor)) skip_without_upcalls(void)
{
	if (!upc_supported())
		ksft_exit_skip("no upcalls in this kernel\n");
}
#endif

static inline pid_t sys_gettid(void)
{
	return syscall(SYS_gettid);
}

/*
 * Binds the caller to the nth of the CPUs the program may use, and returns
 * false if it has fewer. The first call is to come before there are threads.
 */
static inline bool pin_to_cpu(int n)
{
	static cpu_set_t usable;
	cpu_set_t one;
	int cpu;

	if (!CPU_COUNT(&usable) &&
	    sched_getaffinity(0, sizeof(usable), &usable))
		return false;
	CPU_ZERO(&one);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &usable) || n--)
			continue;
		CPU_SET(cpu, &one);
		return !sched_setaffinity(0, sizeof(one), &one);
	}
	return false;
}

/* Returns when the task sleeps in the kernel; false if there is no telling. */
static inline bool wait_until_asleep(pid_t tid)
{
	char path[32], stat[256], *state;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	for (;;) {
		file = fopen(path, "r");
		if (!file)
			return false;
		state = fgets(stat, sizeof(stat), file);
		fclose(file);
		if (state)
			state = strrchr(stat, ')');
		if (!state)
			return false;
		if (state[2] == 'S')
			return true;
		usleep(1000);
	}
}

#endif /* UPCALL_TEST_H */
