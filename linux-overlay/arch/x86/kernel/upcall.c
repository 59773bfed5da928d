// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls on x86: what is not on the way of every upcall.
 */

#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/restart_block.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/unistd.h>

#include <asm/unistd.h>
#include <asm/upcall.h>

#ifdef CONFIG_X86_32
#define UPCALL_NR_RESTART	__NR_restart_syscall
#else
#define UPCALL_NR_RESTART	__NR_ia32_restart_syscall
#endif

/* The bytes of int $0x80, through which a system call is restarted. */
#define INSN_INT80	0x80cd

static_assert(sizeof(struct upcall) == 12);
static_assert(sizeof(struct upcall_frame_ia32) == 20);
static_assert(offsetof(struct upcall_frame_ia32, eax) == 0);
static_assert(offsetof(struct upcall_frame_ia32, origip) == 16);

/**
 * arch_upcall_cancel_restart - let no restart_syscall() follow an upcall
 * @regs:	user mode registers, before an upcall is pushed
 *
 * If the interrupted code is about to issue restart_syscall(), then a call
 * made by cfunc may replace the restart block before it does so. End the
 * interrupted call with EINTR instead, as a signal handler would.
 */
void arch_upcall_cancel_restart(struct pt_regs *regs)
{
	u16 insn;

	if (regs->ax != UPCALL_NR_RESTART ||
	    current->restart_block.fn == do_no_restart_syscall)
		return;
	if (get_user(insn, (u16 __user *)regs->ip) || insn != INSN_INT80)
		return;

	current->restart_block.fn = do_no_restart_syscall;
	regs->ax = -EINTR;
	regs->ip += sizeof(insn);
}

/**
 * arch_upcall_report_step - tell a single-stepping tracer of the new context
 *
 * As at the entry to a signal handler, the tracer sees the first instruction
 * of ctxfunc before it has run.
 */
void arch_upcall_report_step(void)
{
	if (!test_thread_flag(TIF_SINGLESTEP))
		return;
	user_disable_single_step(current);
	ptrace_notify(SIGTRAP, 0);
}
