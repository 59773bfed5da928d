/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_UPCALL_H
#define _ASM_X86_UPCALL_H

/*
 * What kernel/upcall/ asks of a machine. The core decides, these read and write
 * registers and the frame. All are called by the task that @regs belong to. To
 * write a frame is done with page faults disabled; arch_upcall_read_frame() and
 * arch_upcall_restarts() may sleep. Those that every upcall passes are
 * inline: a call costs as much as some of them.
 *
 * There are two ABIs, IA-32's in asm/upcall_ia32.h, and x86-64's in
 * asm/upcall_x86_64.h. A task registers its upcalls by the ABI of that system
 * call.
 */

#include <linux/entry-common.h>
#include <linux/sched.h>
#include <linux/thread_info.h>
#include <linux/uaccess.h>
#include <linux/upcall.h>

#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/segment.h>
#include <asm/sighandling.h>

/* The ABI of a system call, and of the upcalls that it registers. */
enum arch_upcall_abi {
	UPCALL_ABI_IA32,
	UPCALL_ABI_X86_64,
};

/* A frame as read back from the user's stack. */
union arch_upcall_frame {
	struct upcall_frame_ia32	ia32;
#ifdef CONFIG_X86_64
	struct upcall_frame_x86_64	x86_64;
#endif
};

/**
 * arch_upcall_in_call - may a system call push an upcall before it returns
 *
 * Most upcalls of a task to itself are pushed in the call that dispatches them,
 * which saves the way through the exit loop. That is only right if nobody
 * watches the call's end: a tracer, audit or a tracepoint must see the call's
 * own result, and a tracer may replace it or step.
 */
static inline bool arch_upcall_in_call(void)
{
	return !(READ_ONCE(current_thread_info()->syscall_work) &
		 SYSCALL_WORK_EXIT);
}

/**
 * arch_upcall_stepped - does a tracer have current execute one instruction
 *
 * The flag outlives a tracer that ends without clearing it. That tracer clears
 * ptrace, then calls upcall_step_over().
 */
static inline bool arch_upcall_stepped(void)
{
	return test_thread_flag(TIF_SINGLESTEP) &&
	       READ_ONCE(current->ptrace);
}

/* What ctxfunc does not inherit from the interrupted code. */
#define UPCALL_CLEARED_FLAGS	(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF)

/*
 * What is saved of the interrupted code, read while user memory is open: the
 * three are inline wherever that is.
 *
 * The flags as that code had them: a trap flag that a debugger set is the
 * debugger's.
 */
static __always_inline unsigned long upcall_saved_flags(struct pt_regs *regs)
{
	if (test_thread_flag(TIF_FORCED_TF))
		return regs->flags & ~X86_EFLAGS_TF;
	return regs->flags;
}

/* What restarts a call is two bytes long, in each mode. */
static __always_inline unsigned long upcall_saved_ax(struct pt_regs *regs,
						     bool cancel)
{
	return cancel ? -EINTR : regs->ax;
}

static __always_inline unsigned long upcall_saved_ip(struct pt_regs *regs,
						     bool cancel)
{
	return cancel ? regs->ip + 2 : regs->ip;
}

/*
 * Restores no more than sigreturn() does. Where FRED is in use, the event frame
 * of the system call would have a trap flag trap before the first instruction.
 */
static inline void upcall_restore_flags(struct pt_regs *regs,
					unsigned long flags)
{
#ifdef CONFIG_X86_FRED
	prevent_single_step_upon_eretu(regs);
#endif
	regs->flags = (regs->flags & ~FIX_EFLAGS) | (flags & FIX_EFLAGS);
}

#include <asm/upcall_ia32.h>

#ifdef CONFIG_X86_64
#include <asm/upcall_x86_64.h>
#endif

/* The one place where an ABI is chosen. A kernel may have one of them only. */
#if defined(CONFIG_X86_32)
#define upcall_abi(abi, fn, ...)			\
	((void)(abi), upcall_ia32_##fn(__VA_ARGS__))
#elif !defined(CONFIG_IA32_EMULATION)
#define upcall_abi(abi, fn, ...)			\
	((void)(abi), upcall_x86_64_##fn(__VA_ARGS__))
#else
#define upcall_abi(abi, fn, ...)			\
	((abi) == UPCALL_ABI_IA32 ?			\
	 upcall_ia32_##fn(__VA_ARGS__) : upcall_x86_64_##fn(__VA_ARGS__))
#endif

/**
 * arch_upcall_call_abi - the ABI of the system call that current is in
 */
static inline enum arch_upcall_abi arch_upcall_call_abi(void)
{
	return in_ia32_syscall() ? UPCALL_ABI_IA32 : UPCALL_ABI_X86_64;
}

/**
 * arch_upcall_supported - can current register upcalls
 * @upc:	with this struct upcall
 *
 * Return: 0; -EFAULT if the ABI's addresses do not reach all of it;
 * -EOPNOTSUPP.
 */
static inline int arch_upcall_supported(struct upcall __user *upc)
{
#ifdef CONFIG_X86_64
	if (arch_upcall_call_abi() == UPCALL_ABI_IA32 &&
	    upcall_ia32_beyond(upc, sizeof(*upc)))
		return -EFAULT;
	if (upcall_has_shadow_stack())
		return -EOPNOTSUPP;
#endif
	return 0;
}

/**
 * arch_upcall_allowed - can ctxfunc run where @regs would resume?
 * @abi:	the owner's
 * @regs:	user mode registers
 */
static inline bool arch_upcall_allowed(enum arch_upcall_abi abi,
				       struct pt_regs *regs)
{
	return upcall_abi(abi, allowed, regs);
}

/**
 * arch_upcall_frame - where the frame of an upcall is to be
 * @abi:	the owner's
 * @regs:	user mode registers
 */
static __always_inline void __user *arch_upcall_frame(enum arch_upcall_abi abi,
						      struct pt_regs *regs)
{
	return upcall_abi(abi, frame, regs);
}

/**
 * arch_upcall_frame_size - its size
 * @abi:	the owner's
 */
static inline size_t arch_upcall_frame_size(enum arch_upcall_abi abi)
{
	return upcall_abi(abi, frame_size);
}

/**
 * arch_upcall_push - write the frame of an upcall
 * @abi:	the owner's
 * @regs:	user mode registers, to be resumed after the upcall
 * @frame:	of arch_upcall_frame()
 * @cancel:	they are about to restart a call that is to give EINTR instead
 *
 * Changes no register.
 *
 * Return: 0 or -EFAULT.
 */
static __always_inline int arch_upcall_push(enum arch_upcall_abi abi,
					    struct pt_regs *regs,
					    void __user *frame, bool cancel)
{
	return upcall_abi(abi, push, regs, frame, cancel);
}

/**
 * arch_upcall_enter - make @regs enter an upcall
 * @abi:	the owner's
 * @regs:	user mode registers
 * @frame:	the upcall's frame, written before
 * @target:	where to
 * @upc:	the owner's struct upcall
 *
 * No later step on the way out may take eax for a restart code, so orig_ax
 * says that there was no system call.
 */
static inline void arch_upcall_enter(enum arch_upcall_abi abi,
				     struct pt_regs *regs, void __user *frame,
				     const struct upcall_target *target,
				     struct upcall __user *upc)
{
	upcall_abi(abi, enter, regs, frame, target, upc);
	regs->orig_ax = -1;
}

/**
 * arch_upcall_read_frame - read a frame back
 * @abi:	that of UPC_CONTROL_NEXT
 * @frame:	where to
 * @from:	its user address
 *
 * Return: 0 or -EFAULT.
 */
static inline int arch_upcall_read_frame(enum arch_upcall_abi abi,
					 union arch_upcall_frame *frame,
					 const void __user *from)
{
	return upcall_abi(abi, read_frame, frame, from);
}

/**
 * arch_upcall_end_next - give back what UPC_CONTROL_NEXT's arguments occupied
 * @abi:	that of UPC_CONTROL_NEXT
 * @regs:	registers of the task in it
 */
static inline void arch_upcall_end_next(enum arch_upcall_abi abi,
					struct pt_regs *regs)
{
	upcall_abi(abi, end_next, regs);
}

/**
 * arch_upcall_leave - resume what an upcall interrupted
 * @abi:	that of UPC_CONTROL_NEXT
 * @regs:	registers of the task in it
 * @from:	the frame's user address
 * @frame:	the frame as read from there
 *
 * Restores no more than sigreturn() does.
 */
static inline void arch_upcall_leave(enum arch_upcall_abi abi,
				     struct pt_regs *regs,
				     const void __user *from,
				     const union arch_upcall_frame *frame)
{
	upcall_abi(abi, leave, regs, from, frame);
	regs->orig_ax = -1;
}

bool arch_upcall_restarts(struct pt_regs *regs);

#endif /* _ASM_X86_UPCALL_H */
