/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_UPCALL_X86_64_H
#define _ASM_X86_UPCALL_X86_64_H

/*
 * The x86-64 ABI of upcalls, for asm/upcall.h, which has what the functions do.
 * The frame lies below the red zone, 128 bytes that the interrupted code may use
 * below its stack pointer:
 *
 *	interrupted rsp ->	whatever the interrupted code has there
 *				128 bytes, which are left as they are
 *				rip
 *				rflags
 *				r11
 *				rdi
 *				rsi
 *				rdx
 *				rcx
 *	rsp in ctxfunc ->	rax
 *
 * ctxfunc finds cfunc in rax, data in rdi, the address of struct upcall in rdx.
 * rcx, rsi and r11 are undefined. All other registers and the FPU are not
 * touched, nor is PKRU: stack and struct upcall are accessed as the interrupted
 * code could.
 *
 * The frame has the registers that entry, the arguments of UPC_CONTROL_NEXT and
 * the SYSCALL instruction destroy.
 */

#ifdef CONFIG_X86_USER_SHADOW_STACK
#include <asm/shstk.h>
#endif

#define UPCALL_RED_ZONE	128

/* Pushes onto a shadow stack are not done yet. */
static inline bool upcall_has_shadow_stack(void)
{
#ifdef CONFIG_X86_USER_SHADOW_STACK
	return cpu_feature_enabled(X86_FEATURE_USER_SHSTK) && shstk_is_enabled();
#else
	return false;
#endif
}

/* In 64-bit mode the other segments do not matter. */
static inline bool upcall_x86_64_allowed(struct pt_regs *regs)
{
	return user_64bit_mode(regs) && !upcall_has_shadow_stack();
}

static __always_inline void __user *upcall_x86_64_frame(struct pt_regs *regs)
{
	return (void __user *)(regs->sp - UPCALL_RED_ZONE -
			       sizeof(struct upcall_frame_x86_64));
}

static inline size_t upcall_x86_64_frame_size(void)
{
	return sizeof(struct upcall_frame_x86_64);
}

static __always_inline int upcall_x86_64_push(struct pt_regs *regs,
					      void __user *to, bool cancel)
{
	struct upcall_frame_x86_64 __user *frame = to;

	if (!user_write_access_begin(frame, sizeof(*frame)))
		return -EFAULT;
	unsafe_put_user(upcall_saved_ax(regs, cancel), &frame->rax, efault);
	unsafe_put_user(regs->cx, &frame->rcx, efault);
	unsafe_put_user(regs->dx, &frame->rdx, efault);
	unsafe_put_user(regs->si, &frame->rsi, efault);
	unsafe_put_user(regs->di, &frame->rdi, efault);
	unsafe_put_user(regs->r11, &frame->r11, efault);
	unsafe_put_user(upcall_saved_flags(regs), &frame->rflags, efault);
	unsafe_put_user(upcall_saved_ip(regs, cancel), &frame->rip, efault);
	user_write_access_end();
	return 0;

efault:
	user_write_access_end();
	return -EFAULT;
}

/* With rcx and r11 as they are here, a system call ends with SYSRET. */
static inline void upcall_x86_64_enter(struct pt_regs *regs,
				       void __user *frame,
				       const struct upcall_target *target,
				       struct upcall __user *upc)
{
	regs->ax = target->cfunc;
	regs->di = target->data;
	regs->dx = (unsigned long)upc;
	regs->ip = target->ctxfunc;
	regs->cx = regs->ip;
	regs->sp = (unsigned long)frame;
	regs->flags &= ~UPCALL_CLEARED_FLAGS;
	regs->r11 = regs->flags;
}

static inline int upcall_x86_64_read_frame(union arch_upcall_frame *frame,
					   const void __user *from)
{
	const struct upcall_frame_x86_64 __user *f = from;
	struct upcall_frame_x86_64 *to = &frame->x86_64;

	if (!user_read_access_begin(f, sizeof(*f)))
		return -EFAULT;
	unsafe_get_user(to->rax, &f->rax, efault);
	unsafe_get_user(to->rcx, &f->rcx, efault);
	unsafe_get_user(to->rdx, &f->rdx, efault);
	unsafe_get_user(to->rsi, &f->rsi, efault);
	unsafe_get_user(to->rdi, &f->rdi, efault);
	unsafe_get_user(to->r11, &f->r11, efault);
	unsafe_get_user(to->rflags, &f->rflags, efault);
	unsafe_get_user(to->rip, &f->rip, efault);
	user_read_access_end();
	return 0;

efault:
	user_read_access_end();
	return -EFAULT;
}

/* All registers that the arguments occupy are in the frame. */
static inline void upcall_x86_64_end_next(struct pt_regs *regs)
{
}

/*
 * Unless the frame was pushed at the end of a system call, rcx and rip differ,
 * and this goes by IRET. That finds out what is wrong with a rip that is no
 * address, as it does after sigreturn().
 */
static inline void upcall_x86_64_leave(struct pt_regs *regs,
				       const void __user *from,
				       const union arch_upcall_frame *frame)
{
	const struct upcall_frame_x86_64 *f = &frame->x86_64;

	regs->ax = f->rax;
	regs->cx = f->rcx;
	regs->dx = f->rdx;
	regs->si = f->rsi;
	regs->di = f->rdi;
	regs->r11 = f->r11;
	regs->ip = f->rip;
	regs->sp = (unsigned long)from + sizeof(*f) + UPCALL_RED_ZONE;
	upcall_restore_flags(regs, f->rflags);
}

#endif /* _ASM_X86_UPCALL_X86_64_H */
