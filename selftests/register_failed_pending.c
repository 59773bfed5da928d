// SPDX-License-Identifier: GPL-2.0
/*
 * A registration with a new struct upcall fails while an upcall is pending.
 * Nothing may change: the kernel neither applies nor writes the new struct
 * upcall, and the old one still holds the upcall back.
 *
 * upc_register(2), ERRORS; upcall.rst, section 3.
 */
#include "upcall_inject.h"

static struct upcall upc = UPCALL_INIT;
static struct upcall new = UPCALL_INIT;
static int id, hits, crit_inside;

static void cfunc(void *data)
{
	crit_inside = upc.crit_count;
	hits++;
}

#define TRY(upc, ctx, cfunc)						\
	upc_register_ctx((struct upcall *)(upc), (void *)(ctx),		\
			 (upcall_func_t)(cfunc), NULL)

static int too_many(void)
{
	int ret;

	while ((ret = TRY(&upc, ctx_next, cfunc)) > 0)
		;
	return ret == -EFBIG ? TRY(&new, ctx_next, cfunc) : 0;
}

static int wrong_magic(void)
{
	int ret;

	new.magic++;
	ret = TRY(&new, ctx_next, cfunc);
	new.magic--;
	return ret;
}

static int not_aligned(void)
{
	return TRY((char *)&new + 2, ctx_next, cfunc);
}

static int not_readable(void)
{
	return TRY(KERNEL_ADDR, ctx_next, cfunc);
}

static int bad_ctxfunc(void)
{
	return TRY(&new, KERNEL_ADDR, cfunc);
}

static int bad_cfunc(void)
{
	return TRY(&new, ctx_next, KERNEL_ADDR);
}

/* Returns 0 without fault injection. */
static int no_memory(void)
{
	int ret;

	if (!inject_any() || !fail_nth(1))
		return 0;
	ret = TRY(&new, ctx_next, cfunc);
	has_failed();
	return ret;
}

FIXTURE(failed) {
};

FIXTURE_VARIANT(failed) {
	int (*try)(void);
	int error;
	bool may_succeed;	/* in a kernel without fault injection */
};

FIXTURE_VARIANT_ADD(failed, efbig) {
	.try = too_many, .error = -EFBIG,
};

FIXTURE_VARIANT_ADD(failed, einval_magic) {
	.try = wrong_magic, .error = -EINVAL,
};

FIXTURE_VARIANT_ADD(failed, einval_alignment) {
	.try = not_aligned, .error = -EINVAL,
};

FIXTURE_VARIANT_ADD(failed, efault_upc) {
	.try = not_readable, .error = -EFAULT,
};

FIXTURE_VARIANT_ADD(failed, efault_ctxfunc) {
	.try = bad_ctxfunc, .error = -EFAULT,
};

FIXTURE_VARIANT_ADD(failed, efault_cfunc) {
	.try = bad_cfunc, .error = -EFAULT,
};

FIXTURE_VARIANT_ADD(failed, enomem) {
	.try = no_memory, .error = -ENOMEM, .may_succeed = true,
};

FIXTURE_SETUP(failed)
{
	id = upc_register_ctx(&upc, ctx_next, cfunc, NULL);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(failed)
{
}

static void *dispatch_it(void *arg)
{
	return (void *)(long)upc_dispatch(id, 7);
}

/* First a section holds the upcall, then pending at the same priority does. */
TEST_F(failed, and_all_is_held_as_before)
{
	struct upcall before;
	pthread_t thread;
	void *refused;
	int ret, i;

	for (i = 0; i < 2; i++) {
		upc.crit_count = i ? 0 : UPC_CRITADD;
		upc.pending = i ? 7 : 0;
		ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_it, NULL));
		ASSERT_EQ(0, pthread_join(thread, &refused));
		ASSERT_EQ(0, (long)refused);
		/* At the end of this call the dispatch has been handled. */
		getppid();
		before = upc;
		ret = variant->try();
		if (variant->may_succeed && ret >= 0)
			SKIP(return, "no fault injection here");
		ASSERT_EQ(variant->error, ret);
		EXPECT_EQ(0, memcmp(&before, &upc, sizeof(upc)));
		EXPECT_EQ(0, new.crit_count);
		EXPECT_EQ(0, new.pending);
		EXPECT_EQ(i, hits);
		EXPECT_EQ(1, upc_poll(id, 7));
		EXPECT_EQ(7, upc.pending);
		upc.crit_count = 0;
		ASSERT_EQ(0, upc_dispatch(-1, 0));
		EXPECT_EQ(i + 1, hits);
		EXPECT_EQ(UPC_CRITADD, crit_inside);
	}
}

TEST_HARNESS_MAIN
