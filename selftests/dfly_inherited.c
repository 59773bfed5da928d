// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 10, second half: upcalls were once inherited over fork
 * and exec. (The first half, the unchecked magic, is dfly_magic.)
 *
 * upc_register(2), DESCRIPTION (the structure is per process); upcall.rst,
 * section 1 (fork, execve).
 */
#include "upcall_proc.h"

/* At the same address in the image after exec, with a good magic there too. */
static struct upcall upc = UPCALL_INIT;
static int hits;

/* What a kernel that inherited them would do: enter, or count them in. */
static void nothing_is_ours(const int *ids, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		CHECK(upc_poll(ids[i], 0) == -ENOENT);
		CHECK(upc_dispatch(ids[i], INT_MAX) == -ENOENT);
	}
	CHECK(upc_poll(-1, 0) == 0);
	CHECK(upc_pollclear(-1, 0) == 0);
	upc.pending = 77;
	CHECK(upc_dispatch(-1, 0) == 0);
	CHECK(upc.pending == 77 && !upc.crit_count && !hits);
}

static int image(const int *ids, int n)
{
	CHECK(n == 2);
	nothing_is_ours(ids, n);
	return KSFT_PASS;
}

static int register_two(int *ids)
{
	int i;

	for (i = 0; i < 2; i++) {
		ids[i] = upc_register_ctx(&upc, ctx_next, count_cfunc,
					  &hits);
		if (ids[i] <= 0)
			return -1;
	}
	/* One of them pending, so that there is something to inherit. */
	upc.crit_count = UPC_CRITADD;
	if (upc_dispatch(ids[0], 3))
		return -1;
	upc.crit_count = 0;
	return upc.pending == 3 ? 0 : -1;
}

TEST(over_fork)
{
	int ids[2];
	pid_t pid;

	ASSERT_EQ(0, register_two(ids));
	pid = fork();
	if (!pid) {
		nothing_is_ours(ids, 2);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
}

TEST(over_exec)
{
	int ids[2];
	pid_t pid;

	pid = fork();
	if (!pid) {
		CHECK(!register_two(ids));
		exec_image(ids, 2);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
}

TEST(over_fork_and_exec)
{
	int ids[2];
	pid_t pid;

	ASSERT_EQ(0, register_two(ids));
	pid = fork();
	if (!pid)
		exec_image(ids, 2);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));

	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
}

int main(int argc, char **argv)
{
	int ids[IMAGE_IDS], n = image_ids(argc, argv, ids);

	return n < 0 ? test_harness_run(argc, argv) : image(ids, n);
}
