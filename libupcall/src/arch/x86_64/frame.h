/* SPDX-License-Identifier: MIT */
/* For upcall.c: offsets.h has the kernel's frame as <upcall/abi.h> has it. */
#define FRAME_HAS(field, offset) \
	_Static_assert(offset == offsetof(struct upcall_frame_x86_64, field), \
		       "frame")

FRAME_HAS(rax, FRAME_RAX);
FRAME_HAS(rcx, FRAME_RCX);
FRAME_HAS(rdx, FRAME_RDX);
FRAME_HAS(rsi, FRAME_RSI);
FRAME_HAS(rdi, FRAME_RDI);
FRAME_HAS(r11, FRAME_R11);
FRAME_HAS(rflags, FRAME_RFLAGS);
FRAME_HAS(rip, FRAME_RIP);
_Static_assert(FRAME_SIZE == sizeof(struct upcall_frame_x86_64), "frame");
