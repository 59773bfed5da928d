/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
#ifndef _UAPI_LINUX_UPCALL_H
#define _UAPI_LINUX_UPCALL_H

/*
 * Upcalls: functions of a task's own that any task in its address space can
 * have the kernel enter, at any instruction of the task's user mode code.
 *
 * The interface is DragonFly BSD's, as upc_register(2) of 2003 describes it.
 * See Documentation/userspace-api/upcall.rst.
 */

#include <linux/types.h>

/* The value of the magic field of struct upcall. */
#define UPCALL_MAGIC		0x55504331

/* What one critical section, or one running upcall, adds to crit_count. */
#define UPC_CRITADD		32

/**
 * struct upcall - what a task and the kernel share about its upcalls
 * @magic:	UPCALL_MAGIC. Written by the user before upc_register(), which
 *		alone reads it.
 * @crit_count:	Critical section count. An upcall is held back unless its
 *		priority is greater. Written by the owning task without
 *		atomics, and by the kernel only on the owner's behalf: on its
 *		way to user mode, or in a system call of its own. No other
 *		CPU ever writes it.
 * @pending:	Non-zero if upcalls are pending; holds all upcalls back. When
 *		the kernel sets it, it stores the highest priority among the
 *		owner's pending upcalls, and 0 where there is none. Written by
 *		the same two as @crit_count.
 *
 * There is one per task, not per upcall, in the task's own memory and aligned
 * to four bytes. It has the same layout on every architecture.
 */
struct upcall {
	__s32	magic;
	__s32	crit_count;
	__s32	pending;
};

/* Commands of upc_control(). */
#define UPC_CONTROL_DISPATCH		1
#define UPC_CONTROL_NEXT		2
#define UPC_CONTROL_DELETE		3
#define UPC_CONTROL_POLL		4
#define UPC_CONTROL_POLLANDCLEAR	5
#define UPC_CONTROL_WAIT		6
#define UPC_CONTROL_SUSPEND		7
#define UPC_CONTROL_INTERRUPT		8
#define UPC_CONTROL_TIMER		9
#define UPC_CONTROL_ONBLOCK		10
#define UPC_CONTROL_ONWAKE		11

/**
 * struct upcall_timer - when UPC_CONTROL_TIMER is to dispatch an upcall
 * @value:	In how many nanoseconds it is first dispatched; with
 *		UPCALL_TIMER_ABSTIME, at which time. 0: it is not.
 * @interval:	How many nanoseconds after that it is dispatched again, and
 *		so on. 0: it is not.
 * @clock:	CLOCK_MONOTONIC, and UPCALL_TIMER_ABSTIME may be added.
 * @priority:	At which priority.
 *
 * It has the same layout on every architecture.
 */
struct upcall_timer {
	__s64	value;
	__s64	interval;
	__s32	clock;
	__s32	priority;
};

/* In the clock field: value is a time of that clock. */
#define UPCALL_TIMER_ABSTIME	0x100

/**
 * struct upcall_frame_ia32 - what the kernel pushes for a 32-bit task
 * @eax:	Interrupted eax; on entry the register holds cfunc.
 * @ecx:	Interrupted ecx; on entry the register holds data.
 * @edx:	Interrupted edx; on entry the register holds the address of
 *		the task's struct upcall.
 * @eflags:	Interrupted flags; on entry the direction flag is clear.
 * @origip:	Interrupted instruction pointer.
 *
 * Written by the kernel directly below the interrupted stack pointer, with no
 * alignment of its own. Read by the context function, or by the kernel in
 * UPC_CONTROL_NEXT. On entry to the context function %esp points at @eax.
 */
struct upcall_frame_ia32 {
	__s32	eax;
	__s32	ecx;
	__s32	edx;
	__s32	eflags;
	__s32	origip;
};

/**
 * struct upcall_frame_x86_64 - what the kernel pushes for a 64-bit task
 * @rax:	Interrupted rax; on entry the register holds cfunc.
 * @rcx:	Interrupted rcx; on entry the register is undefined.
 * @rdx:	Interrupted rdx; on entry the register holds the address of
 *		the task's struct upcall.
 * @rsi:	Interrupted rsi; on entry the register is undefined.
 * @rdi:	Interrupted rdi; on entry the register holds data.
 * @r11:	Interrupted r11; on entry the register is undefined.
 * @rflags:	Interrupted flags; on entry the direction flag, the trap flag
 *		and the resume flag are clear.
 * @rip:	Interrupted instruction pointer.
 *
 * Written by the kernel below the red zone of the interrupted code, which is
 * the 128 bytes below its stack pointer, with no alignment of its own. Read by
 * the context function, or by the kernel in UPC_CONTROL_NEXT. On entry to the
 * context function %rsp points at @rax; the interrupted stack pointer is 192
 * bytes above that.
 */
struct upcall_frame_x86_64 {
	__u64	rax;
	__u64	rcx;
	__u64	rdx;
	__u64	rsi;
	__u64	rdi;
	__u64	r11;
	__u64	rflags;
	__u64	rip;
};

#endif /* _UAPI_LINUX_UPCALL_H */
