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
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/upcall.h>

/* The tests that have a main() of their own leave the harness's alone. */
static int test_harness_run(int argc, char **argv) __attribute__((nothrow, unused));

#include "../kselftest_harness.h"

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
#define KERNEL_ADDR		0xfffff000UL

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
static inline int upc_syscall(int nr, long a, long b, long c, long d)
{
	int ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d)
		     : "memory", "cc");
	return ret;
}

/* The same through the vDSO, which enters the kernel by SYSENTER if it can. */
static inline int upc_vsyscall(int nr, long a, long b, long c, long d)
{
	int ret;

	asm volatile("call *%6" : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d),
		       "D" (getauxval(AT_SYSINFO))
		     : "memory", "cc");
	return ret;
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
 */
void ctx_next(void *data);
void ctx_pop(void *data);
void ctx_next_noting(void *data);
void ctx_pop_noting(void *data);

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
	"popl %eax\n\t"
	"popl %ecx\n\t"
	"popl %edx\n\t"
	"popfl\n\t"
	"ret\n\t"
	".popsection");

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
