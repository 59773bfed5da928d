// SPDX-License-Identifier: GPL-2.0
/*
 * The errors of upc_register(), but for the limit's, and that a call that
 * failed has changed nothing.
 *
 * upc_register(2), DESCRIPTION and ERRORS; the upcall.rst, section 3.
 */
#include "upcall_test.h"

#include <stddef.h>

static struct upcall upc = UPCALL_INIT;
static struct upcall other = UPCALL_INIT;
static int hits, crit;

static void look(void *data)
{
	crit = upc.crit_count;
	hits++;
}

FIXTURE(errors) {
	int id;
};

FIXTURE_SETUP(errors)
{
	self->id = upc_register_ctx(&upc, ctx_next, look, NULL);
	ASSERT_GT(self->id, 0);
}

/* The registration made before is still there, and its struct upcall. */
FIXTURE_TEARDOWN(errors)
{
	int before = hits;

	crit = 0;
	EXPECT_EQ(0, upc_dispatch(self->id, 1));
	EXPECT_EQ(before + 1, hits);
	EXPECT_EQ(UPC_CRITADD, crit);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);

	/* And there is no other. */
	EXPECT_EQ(0, upc_delete(self->id));
	EXPECT_EQ(0, upc_pollclear(-1, 0));
}

#define TRY(upc, ctx, cfunc)						\
	upc_register_ctx((struct upcall *)(upc), (void *)(ctx),		\
			 (upcall_func_t)(cfunc), NULL)

TEST_F(errors, functions_are_user_addresses)
{
	EXPECT_EQ(-EFAULT, TRY(&other, KERNEL_ADDR, look));
	EXPECT_EQ(-EFAULT, TRY(&other, ~0UL, look));
	EXPECT_EQ(-EFAULT, TRY(&other, ctx_next, KERNEL_ADDR));
	EXPECT_EQ(-EFAULT, TRY(&other, ctx_next, ~0UL));
}

TEST_F(errors, upc_is_a_user_address)
{
	EXPECT_EQ(-EFAULT, TRY(KERNEL_ADDR, ctx_next, look));
	/* Ends past the last address there is. */
	EXPECT_EQ(-EFAULT, TRY(0xfffffffc, ctx_next, look));
}

TEST_F(errors, upc_is_readable)
{
	size_t size = getpagesize();
	struct upcall *bad;
	char *pages;

	pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(pages != MAP_FAILED);
	ASSERT_EQ(0, mprotect(pages + size, size, PROT_NONE));
	EXPECT_EQ(-EFAULT, TRY(0, ctx_next, look));
	EXPECT_EQ(-EFAULT, TRY(pages + size, ctx_next, look));

	/* A part of it, the magic number first, is not enough. */
	bad = (void *)(pages + size - sizeof(bad->magic));
	bad->magic = UPCALL_MAGIC;
	EXPECT_EQ(-EFAULT, TRY(bad, ctx_next, look));
	bad = (void *)(pages + size - offsetof(struct upcall, pending));
	bad->magic = UPCALL_MAGIC;
	EXPECT_EQ(-EFAULT, TRY(bad, ctx_next, look));
}

TEST_F(errors, upc_is_aligned)
{
	static struct upcall buf[2];
	char *bytes = (char *)buf;
	int i, magic = UPCALL_MAGIC;

	for (i = 1; i < 4; i++) {
		memset(buf, 0, sizeof(buf));
		memcpy(bytes + i, &magic, sizeof(magic));
		EXPECT_EQ(-EINVAL, TRY(bytes + i, ctx_next, look));
	}
}

TEST_F(errors, magic_is_right)
{
	other.magic = 0;
	EXPECT_EQ(-EINVAL, TRY(&other, ctx_next, look));
	other.magic = UPCALL_MAGIC + 1;
	EXPECT_EQ(-EINVAL, TRY(&other, ctx_next, look));
	other.magic = -1;
	EXPECT_EQ(-EINVAL, TRY(&other, ctx_next, look));
}

TEST_HARNESS_MAIN
