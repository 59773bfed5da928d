// SPDX-License-Identifier: GPL-2.0
/*
 * Functions where there is nothing to run: those that are the kernel's are
 * refused, those that are the user's are entered, and fault in user mode.
 *
 * upcall.rst, section 3 (EFAULT), section 4, rule 2, and section 8 (Security).
 */
#include "upcall_fault.h"

static struct upcall upc = UPCALL_INIT;
static int hits, faults;
static unsigned long fault_ip, fault_err;
static struct upcall_frame *fault_frame;
static struct upcall at_fault;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	faults++;
	fault_ip = gregs[REG_IP];
	fault_err = gregs[REG_ERR];
	fault_frame = (void *)gregs[REG_SP];
	at_fault = upc;
	/* Everything is as at the entry of a context function: use one. */
	gregs[REG_IP] = (greg_t)ctx_next;
}

TEST(kernel_addresses_are_refused)
{
	unsigned long kernel = user_end();
	unsigned long bad[] = { KERNEL_ADDR, -1UL, -0x3ff00000UL, kernel };
	unsigned int i;

	if (!kernel)
		SKIP(return, "32-bit user memory has no end here");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EFAULT, upc_register_ctx(&upc, (void *)bad[i],
						    count_cfunc, &hits));
		EXPECT_EQ(-EFAULT, upc_register_ctx(&upc, ctx_next,
						    (upcall_func_t)bad[i],
						    &hits));
	}
	EXPECT_EQ(0, upc_poll(-1, 0));
}

TEST(user_addresses_fault_in_user_mode)
{
	unsigned long end = user_end();
	unsigned long nowhere[] = { 0x1000, 0x10000, end ? end - 1 : 0x1000 };
	unsigned int i;
	int id;

	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	for (i = 0; i < ARRAY_SIZE(nowhere); i++) {
		id = upc_register_ctx(&upc, (void *)nowhere[i], count_cfunc,
				      &hits);
		ASSERT_GT(id, 0);
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_EQ((int)i + 1, faults);
		ASSERT_EQ(nowhere[i], fault_ip);
		ASSERT_EQ(4, (int)fault_err & 4);
		/* It was entered, by the rules: nothing is pending any more. */
		ASSERT_EQ(UPC_CRITADD, at_fault.crit_count);
		ASSERT_EQ(0, upc_poll(id, 1));
		ASSERT_EQ(0, (long)fault_frame->fr_ax);
		ASSERT_EQ((int)i + 1, hits);
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_EQ(0, upc.pending);
	}
}

TEST_HARNESS_MAIN
