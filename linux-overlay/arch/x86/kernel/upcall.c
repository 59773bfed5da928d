// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls on x86: what is not on the way of every upcall.
 */

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/unistd.h>

#include <asm/unistd.h>
#include <asm/upcall.h>

/* The bytes of the instructions through which a system call is restarted. */
#define INSN_INT80	0x80cd
#define INSN_SYSCALL	0x050f

static_assert(sizeof(struct upcall) == 12);
static_assert(sizeof(struct upcall_frame_ia32) == 20);
static_assert(offsetof(struct upcall_frame_ia32, eax) == 0);
static_assert(offsetof(struct upcall_frame_ia32, origip) == 16);
static_assert(sizeof(struct upcall_frame_x86_64) == 64);
static_assert(offsetof(struct upcall_frame_x86_64, rax) == 0);
static_assert(offsetof(struct upcall_frame_x86_64, rip) == 56);

/*
 * The instruction by which restart_syscall() is issued if its number is in ax,
 * or -1. The numbers are those of other calls in the other mode.
 */
static int upcall_restart_insn(struct pt_regs *regs)
{
#ifdef CONFIG_X86_32
	return regs->ax == __NR_restart_syscall ? INSN_INT80 : -1;
#else
	if (regs->ax == __NR_ia32_restart_syscall)
		return INSN_INT80;
	if ((regs->ax & ~__X32_SYSCALL_BIT) != __NR_restart_syscall)
		return -1;
	return user_64bit_mode(regs) ? INSN_SYSCALL : -1;
#endif
}

/*
 * The instruction at @ip, as far as it matters. Memory may be executable without
 * being readable, by protection keys.
 */
static u16 upcall_insn(unsigned long ip)
{
	u16 insn;

	if (!get_user(insn, (u16 __user *)ip) ||
	    access_process_vm(current, ip, &insn, sizeof(insn),
			      FOLL_FORCE) == sizeof(insn))
		return insn;
	return 0;
}

/**
 * arch_upcall_restarts - is the interrupted code about to restart a call
 * @regs:	user mode registers, before an upcall is pushed
 *
 * That is, to issue restart_syscall(). A call made by cfunc may replace the
 * restart block before it does so. End the interrupted call with EINTR instead,
 * as a signal handler would. That holds for a block that says so already, too:
 * it would be replaced all the same.
 *
 * May sleep.
 */
bool arch_upcall_restarts(struct pt_regs *regs)
{
	int insn = upcall_restart_insn(regs);

	return insn >= 0 && upcall_insn(regs->ip) == insn;
}
