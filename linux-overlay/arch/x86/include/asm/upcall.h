/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_UPCALL_H
#define _ASM_X86_UPCALL_H

/*
 * What kernel/upcall.c asks of a machine. The core decides, these read and
 * write registers and the frame. All are called by the task that @regs belong
 * to, and may sleep where they touch user memory.
 */

#include <linux/entry-common.h>
#include <linux/upcall.h>
#include <asm/ptrace.h>

/* A frame as read back from the user's stack. */
struct arch_upcall_frame {
	struct upcall_frame_ia32 ia32;
};

/*
 * May a system call push an upcall before it returns? Not if somebody looks at
 * its exit: a tracer must see the call's own result, and might replace it.
 */
static inline bool arch_upcall_in_call(void)
{
	return !(READ_ONCE(current_thread_info()->syscall_work) &
		 SYSCALL_WORK_EXIT);
}

bool arch_upcall_allowed(struct pt_regs *regs);
void arch_upcall_cancel_restart(struct pt_regs *regs);
void __user *arch_upcall_push(struct pt_regs *regs);
void arch_upcall_enter(struct pt_regs *regs, void __user *frame,
		       const struct upcall_target *target,
		       struct upcall __user *upc);
void arch_upcall_report_step(void);
int arch_upcall_read_frame(struct arch_upcall_frame *frame,
			   const void __user *from);
void arch_upcall_end_next(struct pt_regs *regs);
void arch_upcall_leave(struct pt_regs *regs, const void __user *from,
		       const struct arch_upcall_frame *frame);

#endif /* _ASM_X86_UPCALL_H */
