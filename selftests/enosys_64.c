// SPDX-License-Identifier: GPL-2.0
/*
 * A 64-bit program: there are no upcalls for it yet, so that both calls are
 * unknown to it, with or without x32's bit, as they are on other kernels.
 *
 * upcall.rst, section 7.
 */
#include <errno.h>
#include <unistd.h>
#include <linux/upcall.h>

#include "../kselftest_harness.h"

#define UPC_REGISTER	500
#define UPC_CONTROL	501
#define X32_BIT		0x40000000

static struct upcall upc = { .magic = UPCALL_MAGIC };

static void func(void)
{
}

FIXTURE(call) {
	int unknown;		/* the error of a call that nobody has */
};

FIXTURE_VARIANT(call) {
	int bit;
};

FIXTURE_VARIANT_ADD(call, native) {
	.bit = 0,
};

FIXTURE_VARIANT_ADD(call, x32) {
	.bit = X32_BIT,
};

FIXTURE_SETUP(call)
{
	ASSERT_EQ(-1, syscall(-1));
	self->unknown = errno;
}

FIXTURE_TEARDOWN(call)
{
}

TEST_F(call, upc_register)
{
	errno = 0;
	ASSERT_EQ(-1, syscall(variant->bit | UPC_REGISTER, &upc, func, func,
			      NULL));
	ASSERT_EQ(self->unknown, errno);
}

TEST_F(call, upc_control)
{
	int cmd;

	for (cmd = UPC_CONTROL_DISPATCH; cmd <= UPC_CONTROL_SUSPEND; cmd++) {
		errno = 0;
		ASSERT_EQ(-1, syscall(variant->bit | UPC_CONTROL, cmd, -1, 0));
		ASSERT_EQ(self->unknown, errno);
	}
}

TEST_HARNESS_MAIN
