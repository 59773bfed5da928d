/* SPDX-License-Identifier: MIT */
/* For upcall.c: offsets.h has the kernel's frame as <upcall/abi.h> has it. */
#define FRAME_HAS(field, offset) \
	_Static_assert(offset == offsetof(struct upcall_frame_ia32, field), \
		       "frame")

FRAME_HAS(eax, FRAME_EAX);
FRAME_HAS(ecx, FRAME_ECX);
FRAME_HAS(edx, FRAME_EDX);
FRAME_HAS(eflags, FRAME_EFLAGS);
FRAME_HAS(origip, FRAME_ORIGIP);
_Static_assert(FRAME_SIZE == sizeof(struct upcall_frame_ia32), "frame");
