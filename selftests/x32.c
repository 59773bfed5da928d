// SPDX-License-Identifier: GPL-2.0
/*
 * x32 programs have no upcalls: with that ABI's bit both calls are unknown, as
 * they are on other kernels.
 *
 * upcall.rst, section 7.
 */
#define UPCALL_TEST_ANY_KERNEL
#include "upcall_test.h"

#define X32_BIT		0x40000000

static struct upcall upc = UPCALL_INIT;
static int hits;

TEST(upc_register_is_unknown)
{
	long unknown = upc_syscall(-1, 0, 0, 0, 0);

	ASSERT_GT(0, unknown);
	ASSERT_EQ(unknown, upc_syscall(X32_BIT | __NR_upc_register, (long)&upc,
				       (long)ctx_next, (long)count_cfunc,
				       (long)&hits));
}

TEST(upc_control_is_unknown)
{
	long unknown = upc_syscall(-1, 0, 0, 0, 0);
	int cmd;

	ASSERT_GT(0, unknown);
	for (cmd = UPC_CONTROL_DISPATCH; cmd <= UPC_CONTROL_ONWAKE; cmd++)
		ASSERT_EQ(unknown, upc_syscall(X32_BIT | __NR_upc_control, cmd,
					       -1, 0, 0));
}

TEST_HARNESS_MAIN
