/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_UPCALL_IA32_H
#define _ASM_X86_UPCALL_IA32_H

/*
 * The IA-32 ABI of upcalls, for asm/upcall.h, which has what the functions do.
 * The frame starts directly below the interrupted stack pointer (there is no
 * red zone):
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
 * A 64-bit kernel gives this to whoever registered by an IA-32 system call, so
 * all addresses have 32 bits. What 64-bit code in the same task finds in the
 * upper halves of registers is kept out of the frame, and zero after it.
 */

#ifdef CONFIG_X86_32
#define UPCALL_IA32_CS	__USER_CS
#else
#define UPCALL_IA32_CS	__USER32_CS
#endif

/* ds and es: a 64-bit kernel leaves them to the user, and in place. */
static inline bool upcall_ia32_flat_data(struct pt_regs *regs)
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

/*
 * ctxfunc is written for flat 32-bit segments, which vm86 mode, code that
 * lives on segments of its own (LDT, 16 bit) and 64-bit code do not have.
 */
static inline bool upcall_ia32_allowed(struct pt_regs *regs)
{
	if (v8086_mode(regs))
		return false;
	return regs->cs == UPCALL_IA32_CS && regs->ss == __USER_DS &&
	       upcall_ia32_flat_data(regs);
}

/*
 * Does it end beyond what 32-bit code can address? A 64-bit program may have
 * memory on both sides.
 */
static inline bool upcall_ia32_beyond(const void __user *p, size_t size)
{
	return IS_ENABLED(CONFIG_X86_64) &&
	       (u64)(unsigned long)p + size > 1ULL << 32;
}

static __always_inline void __user *upcall_ia32_frame(struct pt_regs *regs)
{
	u32 sp = regs->sp - sizeof(struct upcall_frame_ia32);

	return (void __user *)(unsigned long)sp;
}

static inline size_t upcall_ia32_frame_size(void)
{
	return sizeof(struct upcall_frame_ia32);
}

static __always_inline int upcall_ia32_push(struct pt_regs *regs,
					    void __user *to, bool cancel)
{
	struct upcall_frame_ia32 __user *frame = to;

	if (upcall_ia32_beyond(frame, sizeof(*frame)) ||
	    !user_write_access_begin(frame, sizeof(*frame)))
		return -EFAULT;
	unsafe_put_user(upcall_saved_ax(regs, cancel), &frame->eax, efault);
	unsafe_put_user(regs->cx, &frame->ecx, efault);
	unsafe_put_user(regs->dx, &frame->edx, efault);
	unsafe_put_user(upcall_saved_flags(regs), &frame->eflags, efault);
	unsafe_put_user(upcall_saved_ip(regs, cancel), &frame->origip, efault);
	user_write_access_end();
	return 0;

efault:
	user_write_access_end();
	return -EFAULT;
}

static inline void upcall_ia32_enter(struct pt_regs *regs, void __user *frame,
				     const struct upcall_target *target,
				     struct upcall __user *upc)
{
	regs->ax = target->cfunc;
	regs->cx = target->data;
	regs->dx = (unsigned long)upc;
	regs->ip = target->ctxfunc;
	regs->sp = (unsigned long)frame;
	regs->flags &= ~UPCALL_CLEARED_FLAGS;
}

static inline int upcall_ia32_read_frame(union arch_upcall_frame *frame,
					 const void __user *from)
{
	const struct upcall_frame_ia32 __user *f = from;

	if (upcall_ia32_beyond(f, sizeof(*f)) ||
	    !user_read_access_begin(f, sizeof(*f)))
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

/*
 * ebx held the command, its value was passed in ecx. ecx and edx are in the
 * frame.
 */
static inline void upcall_ia32_end_next(struct pt_regs *regs)
{
	regs->bx = (u32)regs->cx;
}

static inline void upcall_ia32_leave(struct pt_regs *regs,
				     const void __user *from,
				     const union arch_upcall_frame *frame)
{
	const struct upcall_frame_ia32 *f = &frame->ia32;

	regs->ax = (u32)f->eax;
	regs->cx = (u32)f->ecx;
	regs->dx = (u32)f->edx;
	regs->ip = (u32)f->origip;
	regs->sp = (u32)((unsigned long)from + sizeof(*f));
	upcall_restore_flags(regs, f->eflags);
}

#endif /* _ASM_X86_UPCALL_IA32_H */
