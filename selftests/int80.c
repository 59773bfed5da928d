// SPDX-License-Identifier: GPL-2.0
/*
 * A 64-bit program that makes calls by int $0x80, which are the 32-bit ABI's. It
 * can register upcalls in that way, but none is entered as long as it runs
 * 64-bit code: they are held, and pending shows it. As long as it has upcalls it
 * registers no others in the other mode, nor does it make that mode's NEXT;
 * the other commands do not mind.
 *
 * upcall.rst, section 4, rule 6, and section 9.
 */
#include "upcall_modes.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

static void never(void *data)
{
	abort();
}

TEST(dispatch_is_held)
{
	int id = register32(&upc, never, never, NULL);

	ASSERT_GT(id, 0);
	ASSERT_EQ(0, control32(UPC_CONTROL_DISPATCH, id, 7));
	ASSERT_EQ(7, upc.pending);
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(1, control32(UPC_CONTROL_POLL, id, 7));

	ASSERT_EQ(0, control32(UPC_CONTROL_DISPATCH, -1, 0));
	ASSERT_EQ(7, upc.pending);
	ASSERT_EQ(id, control32(UPC_CONTROL_WAIT, -1, 7));

	ASSERT_EQ(0, control32(UPC_CONTROL_DELETE, id, 0));
	ASSERT_EQ(0, control32(UPC_CONTROL_DISPATCH, -1, 0));
	ASSERT_EQ(0, upc.pending);
}

TEST(sixty_four_bit_calls_reach_the_other)
{
	int id = register32(&upc, never, never, NULL);

	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 7));
	EXPECT_EQ(7, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(1, upc_poll(id, 7));
	EXPECT_EQ(id, upc_poll(-1, 7));
	EXPECT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(7, upc.pending);
	EXPECT_EQ(id, upc_wait(7));
	EXPECT_EQ(1, upc_pollclear(id, 1));
	EXPECT_EQ(0, control32(UPC_CONTROL_POLL, id, 1));
	EXPECT_EQ(0, upc_delete(id));
	EXPECT_EQ(-ENOENT, control32(UPC_CONTROL_DISPATCH, id, 1));
}

TEST(thirty_two_bit_calls_reach_the_other)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);

	ASSERT_GT(id, 0);
	ASSERT_EQ(0, control32(UPC_CONTROL_DISPATCH, id, 1));
	EXPECT_EQ(1, hits);
	crit_enter(&upc);
	ASSERT_EQ(0, control32(UPC_CONTROL_DISPATCH, id, 5));
	EXPECT_EQ(5, upc.pending);
	EXPECT_EQ(1, control32(UPC_CONTROL_POLL, id, 5));
	EXPECT_EQ(id, control32(UPC_CONTROL_POLL, -1, 5));
	EXPECT_EQ(1, hits);
	ASSERT_EQ(id, control32(UPC_CONTROL_SUSPEND, -1, 1));
	EXPECT_EQ(2, hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	upc.crit_count = UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(id, 5));
	upc.crit_count = 0;
	ASSERT_EQ(0, control32(UPC_CONTROL_DISPATCH, -1, 0));
	EXPECT_EQ(3, hits);
	EXPECT_EQ(0, control32(UPC_CONTROL_DELETE, id, 0));
	EXPECT_EQ(-ENOENT, upc_dispatch(id, 1));
}

TEST(owner_stays_in_its_mode)
{
	struct upcall other = UPCALL_INIT;
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits), id32;

	ASSERT_GT(id, 0);
	EXPECT_EQ(-EINVAL, register32(&upc, never, never, NULL));
	/* Nothing has changed. */
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, hits);
	ASSERT_EQ(0, upc_delete(id));

	id32 = register32(&upc, never, never, NULL);
	ASSERT_GT(id32, 0);
	EXPECT_EQ(-EINVAL, upc_register_ctx(&other, ctx_next, count_cfunc,
					    &hits));
	ASSERT_EQ(0, upc_dispatch(id32, 7));
	EXPECT_EQ(7, upc.pending);
	EXPECT_EQ(0, other.pending);
	ASSERT_EQ(0, upc_delete(id32));

	id = upc_register_ctx(&other, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(2, hits);
	EXPECT_EQ(0, other.crit_count);
	EXPECT_EQ(0, other.pending);
}

/* Frames that could be popped, if NEXT were the right one. */
static struct upcall_frame_ia32 frame32;
static struct upcall_frame_x86_64 frame64;

TEST(next_is_its_mode_s)
{
	int id = register32(&upc, never, never, NULL);

	ASSERT_GT(id, 0);
	upc.pending = 1;
	EXPECT_EQ(-EINVAL, upc_control(UPC_CONTROL_NEXT, -1, (long)&frame64));
	EXPECT_EQ(1, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
	ASSERT_EQ(0, upc_delete(id));

	upc.pending = 0;
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	upc.pending = 1;
	EXPECT_EQ(-EINVAL, control32(UPC_CONTROL_NEXT, -1, (long)&frame32));
	EXPECT_EQ(1, upc.pending);
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, hits);
}

/* Memory on both sides of the end of what 32-bit code can address. */
static bool map_around_4_gb(void)
{
	char *at = (char *)(1UL << 32) - 4096;

	return mmap(at, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at;
}

/* 32-bit code reaches nothing beyond 4 GB, be it memory of the program or not. */
TEST(upc_ends_at_4_gb)
{
	char *end = (char *)(1UL << 32);
	struct upcall *beyond = (struct upcall *)(end - 8), *below;
	int id;

	ASSERT_TRUE(map_around_4_gb());
	beyond->magic = UPCALL_MAGIC;
	EXPECT_EQ(-EFAULT, register32(beyond, never, never, NULL));

	below = (struct upcall *)(end - sizeof(*below));
	*below = (struct upcall)UPCALL_INIT;
	id = register32(below, never, never, NULL);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 7));
	EXPECT_EQ(7, below->pending);
}

/* Nor does NEXT read a frame there. One that it took would lead to no code. */
TEST(next_s_frame_ends_at_4_gb)
{
	long end = 1UL << 32, size = sizeof(struct upcall_frame_ia32), beyond;

	ASSERT_TRUE(map_around_4_gb());
	for (beyond = 4; beyond < size; beyond += 4)
		EXPECT_EQ(-EFAULT, control32(UPC_CONTROL_NEXT, -1,
					     end + beyond - size));
}

TEST_HARNESS_MAIN
