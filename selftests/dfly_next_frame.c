// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 6: NEXT with an unreadable frame loaded registers from
 * uninitialised kernel memory. It is an error that changes nothing: no
 * register but eax, no field of upc, nothing that is pending.
 *
 * upc_register(2), UPC_CONTROL_NEXT; upcall.rst, section 6, NEXT.
 */
#include "upcall_next.h"

static void expect_efault(struct __test_metadata *_metadata, void *frame)
{
	next_fails(_metadata, frame, -EFAULT);
}

FIXTURE(next) {
	struct pages pages;
	struct upcall *upc;
	int hits;
	int id;
};

FIXTURE_VARIANT(next) {
	bool another_is_pending;
};

FIXTURE_VARIANT_ADD(next, to_resume) {
	.another_is_pending = false,
};

FIXTURE_VARIANT_ADD(next, to_enter_another) {
	.another_is_pending = true,
};

FIXTURE_SETUP(next)
{
	ASSERT_EQ(0, make_pages(&self->pages));
	self->upc = (struct upcall *)self->pages.middle;
	self->upc->magic = UPCALL_MAGIC;
	self->id = upc_register_ctx(self->upc, ctx_next, count_cfunc,
				    &self->hits);
	ASSERT_GT(self->id, 0);
	/* As a context function leaves it. */
	self->upc->pending = 1;
	if (variant->another_is_pending)
		ASSERT_EQ(0, upc_dispatch(self->id, 1));
}

FIXTURE_TEARDOWN(next)
{
	/* Whatever was tried, nothing is different. */
	EXPECT_EQ(variant->another_is_pending, upc_poll(self->id, 1));
	EXPECT_EQ(1, self->upc->pending);
	EXPECT_EQ(0, self->upc->crit_count);
	EXPECT_EQ(0, self->hits);
	EXPECT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(variant->another_is_pending, self->hits);
}

TEST_F(next, unreadable_frame)
{
	struct pages bad;
	char *end;

	ASSERT_EQ(0, make_pages(&bad));
	end = bad.middle + PAGE;
	ASSERT_EQ(0, break_page(&bad, UNMAPPED));
	expect_efault(_metadata, bad.middle);
	expect_efault(_metadata, end - sizeof(struct upcall_frame));
	ASSERT_EQ(0, repair_page(&bad));
	ASSERT_EQ(0, break_page(&bad, NO_ACCESS));
	expect_efault(_metadata, bad.middle + 64);
	ASSERT_EQ(0, repair_page(&bad));
}

TEST_F(next, frame_in_part_unreadable)
{
	struct pages bad;
	unsigned int in;

	ASSERT_EQ(0, make_pages(&bad));
	ASSERT_EQ(0, break_page(&bad, UNMAPPED));
	for (in = 1; in < sizeof(struct upcall_frame); in++) {
		expect_efault(_metadata, bad.middle - in);
		expect_efault(_metadata, bad.middle + PAGE - in);
	}
}

TEST_F(next, wild_frame)
{
	unsigned long end = user_end();
	unsigned int i;

	expect_efault(_metadata, NULL);
	expect_efault(_metadata, (void *)KERNEL_ADDR);
	for (i = 1; i <= sizeof(struct upcall_frame); i++)
		expect_efault(_metadata, (void *)-(long)i);
	if (!end)
		return;
	for (i = 0; i < sizeof(struct upcall_frame); i++)
		expect_efault(_metadata, (void *)(end - i));
}

TEST_F(next, bad_upc)
{
	struct upcall_frame frame = FRAME_THAT_LEADS_HERE;
	enum damage damage;

	for (damage = 0; damage < NR_DAMAGES; damage++) {
		ASSERT_EQ(0, break_page(&self->pages, damage));
		expect_efault(_metadata, &frame);
		ASSERT_EQ(0, repair_page(&self->pages));
	}
}

TEST_HARNESS_MAIN
