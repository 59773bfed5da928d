/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_OFFSETS_H
#define LIBUPCALL_OFFSETS_H

/*
 * The ABI's numbers for the assembler, which cannot read <upcall/abi.h>.
 * upcall.c asserts that they are the same.
 */

#define NR_UPC_REGISTER		500
#define NR_UPC_CONTROL		501

#define CMD_DISPATCH		1
#define CMD_NEXT		2
#define CRITADD			32

/* struct upcall */
#define UPC_CRIT_COUNT		4
#define UPC_PENDING		8

/* struct upcall_frame_ia32 */
#define FRAME_EAX		0
#define FRAME_ECX		4
#define FRAME_EDX		8
#define FRAME_EFLAGS		12
#define FRAME_ORIGIP		16
#define FRAME_SIZE		20

/* struct fpu of fpu.h, and how the state is saved */
#define FPU_HOW			0
#define FPU_SIZE		4
#define FPU_MASK		8
#define FPU_MXCSR		12

#define FPU_FNSAVE		0
#define FPU_FXSAVE		1
#define FPU_FXSAVE_SSE		2
#define FPU_XSAVE		3

/* Components of the extended state, as XCR0 numbers them. */
#define FPU_MASK_AVX		0x04
#define FPU_MASK_AVX512		0xe0

#endif /* LIBUPCALL_OFFSETS_H */
