// SPDX-License-Identifier: GPL-2.0
/*
 * A stack that is the user's to write but not in memory yet is brought in, as
 * for any write: an upcall is entered on it.
 *
 * upcall.rst, section 4, rule 2, and section 5 (where the frame is).
 */
#include "upcall_fault.h"

#define ROOM	(4 << 20)

static struct upcall upc = UPCALL_INIT;
static int hits;

static void *map(void *where, size_t len, int flags)
{
	return mmap(where, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

TEST(untouched)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	char *stack = map(NULL, 16 * PAGE, 0);
	int i, n = 0;

	ASSERT_GT(id, 0);
	ASSERT_TRUE(stack != MAP_FAILED);
	/* At the end of a page, and over the edge of two. */
	for (i = 1; i <= 20; i++) {
		ASSERT_EQ(0, madvise(stack, 16 * PAGE, MADV_DONTNEED));
		ASSERT_EQ(0, dispatch_on((long)stack + 8 * PAGE + i - 1, id, 1));
		ASSERT_EQ(++n, hits);
	}
}

TEST(shared_with_a_child)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	char *stack = map(NULL, 16 * PAGE, 0);
	int fds[2], i;
	pid_t pid;
	char c;

	ASSERT_GT(id, 0);
	ASSERT_TRUE(stack != MAP_FAILED);
	memset(stack, 0x5a, 16 * PAGE);
	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		CHECK(read(fds[0], &c, 1) == 1);
		for (i = 0; i < 16 * PAGE; i++)
			CHECK(stack[i] == 0x5a);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, dispatch_on((long)stack + 8 * PAGE + 8, id, 1));
	ASSERT_EQ(1, hits);
	ASSERT_EQ(1, write(fds[1], "", 1));
	ASSERT_EQ(0, child_status(pid));
}

TEST(below_the_end_of_one_that_grows)
{
	int id = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	char *room = map(NULL, ROOM, 0), *stack;

	ASSERT_GT(id, 0);
	ASSERT_TRUE(room != MAP_FAILED);
	ASSERT_EQ(0, munmap(room, ROOM));
	stack = map(room + ROOM - PAGE, PAGE, MAP_GROWSDOWN | MAP_FIXED);
	ASSERT_TRUE(stack != MAP_FAILED);
	ASSERT_EQ(0, dispatch_on((long)stack, id, 1));
	ASSERT_EQ(1, hits);
	ASSERT_EQ(0, dispatch_on((long)stack - PAGE + 8, id, 1));
	ASSERT_EQ(2, hits);
}

TEST_HARNESS_MAIN
