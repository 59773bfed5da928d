// SPDX-License-Identifier: GPL-2.0
/*
 * Calls by int $0x80 are the 32-bit ABI's, whoever makes them. A 64-bit program
 * can so register upcalls, but none is entered as long as it runs 64-bit code:
 * they are held, and pending shows it.
 *
 * upcall.rst, section 4, rule 6.
 */
#include <linux/upcall.h>

#include "../kselftest_harness.h"

#define UPC_REGISTER	500
#define UPC_CONTROL	501

/* Linked without -fpie, so that all addresses have 32 bits. */
static struct upcall upc = { .magic = UPCALL_MAGIC };

static void never(void)
{
	abort();
}

static int int80(int nr, long a, long b, long c, long d)
{
	int ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d)
		     : "memory", "cc", "r8", "r9", "r10", "r11");
	return ret;
}

TEST(dispatch_is_held)
{
	int id;

	if (int80(UPC_CONTROL, UPC_CONTROL_POLL, -1, 0, 0))
		SKIP(return, "no upcalls for 32-bit programs in this kernel");
	id = int80(UPC_REGISTER, (long)&upc, (long)never, (long)never, 0);
	ASSERT_GT(id, 0);

	ASSERT_EQ(0, int80(UPC_CONTROL, UPC_CONTROL_DISPATCH, id, 7, 0));
	ASSERT_EQ(7, upc.pending);
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(1, int80(UPC_CONTROL, UPC_CONTROL_POLL, id, 7, 0));

	ASSERT_EQ(0, int80(UPC_CONTROL, UPC_CONTROL_DISPATCH, -1, 0, 0));
	ASSERT_EQ(7, upc.pending);
	ASSERT_EQ(id, int80(UPC_CONTROL, UPC_CONTROL_WAIT, -1, 7, 0));

	ASSERT_EQ(0, int80(UPC_CONTROL, UPC_CONTROL_DELETE, id, 0, 0));
	ASSERT_EQ(0, int80(UPC_CONTROL, UPC_CONTROL_DISPATCH, -1, 0, 0));
	ASSERT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
