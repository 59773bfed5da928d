// SPDX-License-Identifier: GPL-2.0
/*
 * Seccomp sees upc_register() and upc_control() as it sees any system call: it
 * refuses them, or lets them pass with all that they do. upcall.rst, section 8,
 * seccomp.
 */
#include "upcall_proc.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* One action for both calls; all else is allowed. */
static bool install_filter(__u32 action)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_upc_register, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_upc_control, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = ARRAY_SIZE(insns), .filter = insns,
	};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

FIXTURE(seccomp_filter) {
	struct upcall upc;
	int id, hits;
};

FIXTURE_VARIANT(seccomp_filter) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(seccomp_filter, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(seccomp_filter, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(seccomp_filter)
{
	self->upc.magic = UPCALL_MAGIC;
	self->id = upc_register_ctx(&self->upc, variant->ctx, count_cfunc,
				    &self->hits);
	ASSERT_GT(self->id, 0);
}

FIXTURE_TEARDOWN(seccomp_filter)
{
}

TEST_F(seccomp_filter, refuses)
{
	if (!install_filter(SECCOMP_RET_ERRNO | EPERM))
		SKIP(return, "no seccomp filters");
	EXPECT_EQ(-EPERM, upc_dispatch(self->id, 1));
	EXPECT_EQ(-EPERM, upc_wait(1));
	EXPECT_EQ(-EPERM, upc_register_ctx(&self->upc, variant->ctx,
					   count_cfunc, &self->hits));
	EXPECT_EQ(0, READ_ONCE(self->hits));
	EXPECT_EQ(0, READ_ONCE(self->upc.crit_count));
}

static void __attribute_noinline__
check_all_passes(struct __test_metadata *_metadata, struct upcall *upc, int id,
		 int *hits)
{
	int i;

	for (i = 0; i < 10; i++) {
		*hits = 0;
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_EQ(1, READ_ONCE(*hits));
		crit_enter(upc);
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_EQ(id, upc_wait(1));
		ASSERT_EQ(1, READ_ONCE(*hits));
		ASSERT_EQ(id, upc_suspend(1));
		ASSERT_EQ(2, READ_ONCE(*hits));
		ASSERT_EQ(0, upc->crit_count);
		ASSERT_EQ(0, upc->pending);
	}
}

TEST_F(seccomp_filter, allows)
{
	if (!install_filter(SECCOMP_RET_ALLOW))
		SKIP(return, "no seccomp filters");
	check_all_passes(_metadata, &self->upc, self->id, &self->hits);
}

TEST_F(seccomp_filter, logs)
{
	if (!install_filter(SECCOMP_RET_LOG))
		SKIP(return, "no seccomp filters");
	check_all_passes(_metadata, &self->upc, self->id, &self->hits);
}

TEST_HARNESS_MAIN
