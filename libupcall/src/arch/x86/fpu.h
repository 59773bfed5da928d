/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_FPU_H
#define LIBUPCALL_FPU_H

/*
 * What fpu_wrapper.S reads. Written once, by fpu.c's constructor; the offsets
 * are in offsets.h.
 */
struct fpu {
	unsigned int how;	/* FPU_FNSAVE and so on */
	unsigned int size;	/* of the area, without its alignment */
	unsigned int mask;	/* XSAVE: which components, bits 0 to 31 */
	unsigned int mxcsr;	/* what cfunc begins with */
};

extern struct fpu libupcall_fpu;

#endif /* LIBUPCALL_FPU_H */
