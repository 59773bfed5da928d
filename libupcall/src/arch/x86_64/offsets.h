/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_OFFSETS_H
#define LIBUPCALL_OFFSETS_H

/*
 * The ABI's numbers for the assembler, which cannot read <upcall/abi.h>.
 * upcall.c and frame.h assert that they are the same.
 */

#define NR_UPC_REGISTER		500
#define NR_UPC_CONTROL		501

#define CMD_DISPATCH		1
#define CMD_NEXT		2
#define CRITADD			32

/* struct upcall */
#define UPC_CRIT_COUNT		4
#define UPC_PENDING		8

/* struct upcall_frame_x86_64, and what lies untouched above it */
#define FRAME_RAX		0
#define FRAME_RCX		8
#define FRAME_RDX		16
#define FRAME_RSI		24
#define FRAME_RDI		32
#define FRAME_R11		40
#define FRAME_RFLAGS		48
#define FRAME_RIP		56
#define FRAME_SIZE		64
#define RED_ZONE		128

/* struct fpu of fpu.h, and how the state is saved */
#define FPU_HOW			0
#define FPU_SIZE		4
#define FPU_MASK		8
#define FPU_MXCSR		12

#define FPU_UNKNOWN		0
#define FPU_FXSAVE		1
#define FPU_XSAVE		2
#define FPU_XSAVEC		3

/* Components of the extended state, as XCR0 numbers them. */
#define FPU_MASK_X87		0x01
#define FPU_MASK_SSE		0x02
#define FPU_MASK_AVX		0x04
#define FPU_MASK_ZMM_HI256	0x40
#define FPU_MASK_AVX512		0xe0
#define FPU_MASK_APX		0x80000

#endif /* LIBUPCALL_OFFSETS_H */
