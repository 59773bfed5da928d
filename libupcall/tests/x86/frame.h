/* SPDX-License-Identifier: MIT */
#ifndef FRAME_H
#define FRAME_H

/* What a kernel does to the registers, for emulated.h, on IA-32. */
#include <linux/audit.h>
#include <ucontext.h>

#define FRAME_ARCH	AUDIT_ARCH_I386
#define FRAME_RESULT	REG_EAX
#define FRAME_FLAGS	REG_EFL

static __inline__ void frame_args(const greg_t *r, long arg[4])
{
	arg[0] = r[REG_EBX];
	arg[1] = r[REG_ECX];
	arg[2] = r[REG_EDX];
	arg[3] = r[REG_ESI];
}

/* Into the context function, with the stack pointer at the frame. */
static __inline__ void frame_enter(greg_t *r, void *frame, upcall_func_t ctx,
				   upcall_func_t cfunc, void *data,
				   struct upcall *upc)
{
	r[REG_EAX] = (greg_t)cfunc;
	r[REG_ECX] = (greg_t)data;
	r[REG_EDX] = (greg_t)upc;
	r[REG_ESP] = (greg_t)frame;
	r[REG_EIP] = (greg_t)ctx;
	r[REG_EFL] &= ~(REGS_DF | REGS_TF | REGS_RF);
}

static __inline__ void *frame_push(const greg_t *r)
{
	struct upcall_frame_ia32 *f = (void *)r[REG_ESP];

	f--;
	f->eax = r[REG_EAX];
	f->ecx = r[REG_ECX];
	f->edx = r[REG_EDX];
	f->eflags = r[REG_EFL];
	f->origip = r[REG_EIP];
	return f;
}

/* At NEXT: the frame; ecx has what ebx is to have again. */
static __inline__ void *frame_of_next(greg_t *r)
{
	r[REG_EBX] = r[REG_ECX];
	return (void *)r[REG_EDX];
}

static __inline__ void frame_pop(greg_t *r, void *frame)
{
	const struct upcall_frame_ia32 *f = frame;

	r[REG_EAX] = f->eax;
	r[REG_ECX] = f->ecx;
	r[REG_EDX] = f->edx;
	r[REG_EFL] = f->eflags;
	r[REG_EIP] = f->origip;
	r[REG_ESP] = (greg_t)(f + 1);
}

#endif /* FRAME_H */
