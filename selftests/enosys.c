// SPDX-License-Identifier: GPL-2.0
/*
 * Both calls are unknown to a kernel without upcalls and known to one with
 * them, which is the kernel that has the sysctl of their limit.
 *
 * upcall.rst, section 7.
 */
#define UPCALL_TEST_ANY_KERNEL
#include "upcall_proc.h"

FIXTURE(call) {
	int unknown;		/* what a call that nobody has gives */
	bool have;
};

FIXTURE_SETUP(call)
{
	if (access("/proc/sys/kernel", F_OK))
		SKIP(return setup_skipped(),
		     "no sysctl files to tell the kernel by");
	self->have = !access(UPCALL_MAX_FILE, F_OK);
	self->unknown = upc_syscall(-1, 0, 0, 0, 0);
	ASSERT_GT(0, self->unknown);
}

FIXTURE_TEARDOWN(call)
{
}

TEST_F(call, upc_register)
{
	static struct upcall upc = UPCALL_INIT;
	int ret = upc_register_ctx(&upc, ctx_next, count_cfunc, NULL);

	ASSERT_EQ(self->have, ret > 0);
	if (!self->have)
		ASSERT_EQ(self->unknown, ret);
}

TEST_F(call, upc_control)
{
	int cmd, ret;

	for (cmd = UPC_CONTROL_DISPATCH; cmd <= UPC_CONTROL_POLLANDCLEAR;
	     cmd++) {
		/* NEXT would not come back. */
		if (cmd == UPC_CONTROL_NEXT && self->have)
			continue;
		ret = upc_control(cmd, -1, 0);
		ASSERT_EQ(self->have ? 0 : self->unknown, ret);
	}
}

TEST_HARNESS_MAIN
