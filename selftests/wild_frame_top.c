// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT on the very last frame of user memory resumes, with the stack pointer
 * just above it; on one that ends a byte further, or starts in the kernel's
 * half, it is an error.
 *
 * upcall.rst, section 6 (NEXT, EFAULT).
 */
#include "upcall_next.h"

TEST(last_frame_of_user_memory)
{
	struct upcall_frame frame = FRAME_THAT_LEADS_HERE, *top, saved;
	unsigned long end = user_end();
	char *page = (char *)end - PAGE;
	unsigned int in;

	if (!end)
		SKIP(return, "32-bit user memory has no end here");
	/* If something is there already, it is the stack's first page. */
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		ASSERT_EQ(EEXIST, errno);
	top = (struct upcall_frame *)end - 1;
	saved = *top;
	*top = frame;
	next_resumes(_metadata, top);
	ASSERT_EQ(end + RED_ZONE, seen.sp);

	for (in = 1; in <= sizeof(frame); in++) {
		do_next((char *)top + in);
		ASSERT_EQ(-EFAULT, (long)seen.ax);
		ASSERT_EQ((unsigned long)top + in, seen.dx);
	}
	*top = saved;
}

TEST_HARNESS_MAIN
