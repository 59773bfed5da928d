/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_UPCALL_H
#define _ASM_X86_UPCALL_H

/*
 * What kernel/upcall/ asks of a machine. The core decides, these read and write
 * registers and the frame. All are called by the task that @regs belong to, and
 * may sleep where they touch user memory. Those that every upcall passes are
 * inline: a call costs as much as some of them.
 *
 * An upcall interrupts user mode at any instruction. On IA-32 the frame starts
 * directly below the interrupted stack pointer (there is no red zone):
 *
 *	interrupted esp ->	whatever the interrupted code has there
 *				eip
 *				eflags
 *				edx
 *				ecx
 *	esp in ctxfunc ->	eax
 *
 * ctxfunc finds cfunc in eax, data in ecx, the address of struct upcall in
 * edx. All other registers, the segments and the FPU are not touched.
 *
 * A 64-bit kernel gives this to 32-bit programs. Only IA-32 system calls lead
 * here, so whoever has registered an upcall has done so in that ABI, and all
 * addresses have 32 bits. What 64-bit code in the same task finds in the upper
 * halves of registers is kept out of the frame, and zero after it.
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

/* A frame as read back from the user's stack. */
struct arch_upcall_frame {
	struct upcall_frame_ia32 ia32;
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

#ifdef CONFIG_X86_32
#define ARCH_UPCALL_CS	__USER_CS
#else
#define ARCH_UPCALL_CS	__USER32_CS
#endif

/* ds and es: a 64-bit kernel leaves them to the user, and in place. */
static inline bool arch_upcall_flat_data(struct pt_regs *regs)
{
	u16 ds, es;

#ifdef CONFIG_X86_32
	ds = regs->ds;
	es = regs->es;
#else
	savesegment(ds, ds);
	savesegment(es, es);
#endif
	return ds == __USER_DS && es == __USER_DS;
}

/**
 * arch_upcall_allowed - can ctxfunc run where @regs would resume?
 * @regs:	user mode registers
 *
 * ctxfunc is written for flat 32-bit segments, which vm86 mode, code that
 * lives on segments of its own (LDT, 16 bit) and 64-bit code do not have.
 */
static inline bool arch_upcall_allowed(struct pt_regs *regs)
{
	if (v8086_mode(regs))
		return false;
	return regs->cs == ARCH_UPCALL_CS && regs->ss == __USER_DS &&
	       arch_upcall_flat_data(regs);
}

/*
 * The flags as the interrupted code had them: a trap flag that a debugger
 * set is the debugger's.
 */
static inline unsigned long arch_upcall_saved_flags(struct pt_regs *regs)
{
	if (test_thread_flag(TIF_FORCED_TF))
		return regs->flags & ~X86_EFLAGS_TF;
	return regs->flags;
}

/**
 * arch_upcall_push - write the frame of an upcall below the stack pointer
 * @regs:	user mode registers, to be resumed after the upcall
 *
 * Changes no register.
 *
 * Return: the frame's address, or NULL if it cannot be written.
 */
static __always_inline void __user *arch_upcall_push(struct pt_regs *regs)
{
	struct upcall_frame_ia32 __user *frame;
	u32 sp = regs->sp - sizeof(*frame);

	frame = (void __user *)(unsigned long)sp;
	if (!user_write_access_begin(frame, sizeof(*frame)))
		return NULL;
	unsafe_put_user(regs->ax, &frame->eax, efault);
	unsafe_put_user(regs->cx, &frame->ecx, efault);
	unsafe_put_user(regs->dx, &frame->edx, efault);
	unsafe_put_user(arch_upcall_saved_flags(regs), &frame->eflags, efault);
	unsafe_put_user(regs->ip, &frame->origip, efault);
	user_write_access_end();
	return frame;

efault:
	user_write_access_end();
	return NULL;
}

/**
 * arch_upcall_enter - make @regs enter an upcall
 * @regs:	user mode registers
 * @frame:	the upcall's frame, written before
 * @target:	where to
 * @upc:	the owner's struct upcall
 *
 * No later step on the way out may take eax for a restart code, so orig_ax
 * says that there was no system call.
 */
static inline void arch_upcall_enter(struct pt_regs *regs, void __user *frame,
				     const struct upcall_target *target,
				     struct upcall __user *upc)
{
	regs->ax = target->cfunc;
	regs->cx = target->data;
	regs->dx = (unsigned long)upc;
	regs->ip = target->ctxfunc;
	regs->sp = (unsigned long)frame;
	regs->flags &= ~(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
	regs->orig_ax = -1;
}

/**
 * arch_upcall_read_frame - read a frame back
 * @frame:	where to
 * @from:	its user address
 *
 * Return: 0 or -EFAULT.
 */
static inline int arch_upcall_read_frame(struct arch_upcall_frame *frame,
					 const void __user *from)
{
	const struct upcall_frame_ia32 __user *f = from;

	if (!user_read_access_begin(f, sizeof(*f)))
		return -EFAULT;
	unsafe_get_user(frame->ia32.eax, &f->eax, efault);
	unsafe_get_user(frame->ia32.ecx, &f->ecx, efault);
	unsafe_get_user(frame->ia32.edx, &f->edx, efault);
	unsafe_get_user(frame->ia32.eflags, &f->eflags, efault);
	unsafe_get_user(frame->ia32.origip, &f->origip, efault);
	user_read_access_end();
	return 0;

efault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * arch_upcall_end_next - give back what UPC_CONTROL_NEXT's arguments occupied
 * @regs:	registers of the task in UPC_CONTROL_NEXT
 *
 * ebx held the command, its value was passed in ecx. ecx and edx are in the
 * frame.
 */
static inline void arch_upcall_end_next(struct pt_regs *regs)
{
	regs->bx = (u32)regs->cx;
}

/*
 * Where FRED is in use, a system call's event frame says that a trap flag in
 * the flags to return to is not to trap at once. What NEXT resumes has not made
 * that call.
 */
#ifdef CONFIG_X86_FRED
#define arch_upcall_end_event(regs)	prevent_single_step_upon_eretu(regs)
#else
#define arch_upcall_end_event(regs)	do { } while (0)
#endif

/**
 * arch_upcall_leave - resume what an upcall interrupted
 * @regs:	registers of the task in UPC_CONTROL_NEXT
 * @from:	the frame's user address
 * @frame:	the frame as read from there
 *
 * Restores no more than sigreturn() does.
 */
static inline void arch_upcall_leave(struct pt_regs *regs,
				     const void __user *from,
				     const struct arch_upcall_frame *frame)
{
	const struct upcall_frame_ia32 *f = &frame->ia32;

	arch_upcall_end_event(regs);
	regs->ax = (u32)f->eax;
	regs->cx = (u32)f->ecx;
	regs->dx = (u32)f->edx;
	regs->ip = (u32)f->origip;
	regs->sp = (u32)((unsigned long)from + sizeof(*f));
	regs->flags = (regs->flags & ~FIX_EFLAGS) | (f->eflags & FIX_EFLAGS);
	regs->orig_ax = -1;
}

void arch_upcall_cancel_restart(struct pt_regs *regs);

#endif /* _ASM_X86_UPCALL_H */
