/* SPDX-License-Identifier: MIT */
#ifndef FRAME_H
#define FRAME_H

/* What a kernel does to the registers, for emulated.h, on x86-64. */
#include <linux/audit.h>
#include <ucontext.h>

#define FRAME_ARCH	AUDIT_ARCH_X86_64
#define FRAME_RESULT	REG_RAX
#define FRAME_FLAGS	REG_EFL

static __inline__ void frame_args(const greg_t *r, long arg[4])
{
	arg[0] = r[REG_RDI];
	arg[1] = r[REG_RSI];
	arg[2] = r[REG_RDX];
	arg[3] = r[REG_R10];
}

/* Into the context function, with the stack pointer at the frame. */
static __inline__ void frame_enter(greg_t *r, void *frame, upcall_func_t ctx,
				   upcall_func_t cfunc, void *data,
				   struct upcall *upc)
{
	r[REG_RAX] = (greg_t)cfunc;
	r[REG_RDI] = (greg_t)data;
	r[REG_RDX] = (greg_t)upc;
	r[REG_RSP] = (greg_t)frame;
	r[REG_RIP] = (greg_t)ctx;
	r[REG_EFL] &= ~(REGS_DF | REGS_TF | REGS_RF);
	/* Undefined: whatever is of least use. */
	r[REG_RCX] = r[REG_RSI] = r[REG_R11] = 0x5a5a5a5a5a5a5a5a;
}

static __inline__ void *frame_push(const greg_t *r)
{
	struct upcall_frame_x86_64 *f = (void *)(r[REG_RSP] - 128);

	f--;
	f->rax = r[REG_RAX];
	f->rcx = r[REG_RCX];
	f->rdx = r[REG_RDX];
	f->rsi = r[REG_RSI];
	f->rdi = r[REG_RDI];
	f->r11 = r[REG_R11];
	f->rflags = r[REG_EFL];
	f->rip = r[REG_RIP];
	return f;
}

/* At NEXT: the frame. */
static __inline__ void *frame_of_next(greg_t *r)
{
	return (void *)r[REG_RDX];
}

static __inline__ void frame_pop(greg_t *r, void *frame)
{
	const struct upcall_frame_x86_64 *f = frame;

	r[REG_RAX] = f->rax;
	r[REG_RCX] = f->rcx;
	r[REG_RDX] = f->rdx;
	r[REG_RSI] = f->rsi;
	r[REG_RDI] = f->rdi;
	r[REG_R11] = f->r11;
	r[REG_EFL] = f->rflags;
	r[REG_RIP] = f->rip;
	r[REG_RSP] = (greg_t)(f + 1) + 128;
}

#endif /* FRAME_H */
