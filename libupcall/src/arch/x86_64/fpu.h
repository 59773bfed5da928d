/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_FPU_H
#define LIBUPCALL_FPU_H

/*
 * What fpu_wrapper.S reads; the offsets are in offsets.h. Everyone who writes
 * it writes the same, and how last.
 */
struct fpu {
	unsigned int how;	/* FPU_FXSAVE and so on, FPU_UNKNOWN at first */
	unsigned int size;	/* of the area, without its alignment */
	unsigned int mask;	/* XSAVE: which components, bits 0 to 31 */
	unsigned int mxcsr;	/* what cfunc begins with */
};

extern struct fpu libupcall_fpu;

/* Also called in a context function, where nobody has called it before. */
void libupcall_fpu_choose(void);

#endif /* LIBUPCALL_FPU_H */
