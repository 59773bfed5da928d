// SPDX-License-Identifier: GPL-2.0
/*
 * A forked child registers upcalls of its own, in an identifier space and
 * under a limit of its own.
 *
 * upc_register(2), DESCRIPTION (the identifier space belongs to a VM space)
 * and ERRORS (so does the limit); upcall.rst, section 1.
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

static int register_one(void)
{
	return upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
}

TEST(the_childs_upcalls_are_its_own)
{
	int id, i, fds[2], theirs = 0;
	pid_t pid;

	id = register_one();
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, pipe(fds));

	pid = fork();
	if (!pid) {
		/* Ids are cyclic: one of these is not the parent's. */
		for (i = 0; i < 3; i++)
			theirs = register_one();
		CHECK(theirs > 0);
		CHECK(upc_dispatch(theirs, 1) == 0);
		CHECK(hits == 1 && !upc.crit_count && !upc.pending);
		CHECK(write(fds[1], &theirs, sizeof(theirs)) == sizeof(theirs));
		pause();
		_exit(KSFT_FAIL);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ((int)sizeof(theirs), read(fds[0], &theirs, sizeof(theirs)));
	ASSERT_GT(theirs, 0);

	/* While the child lives, its ids mean nothing here. */
	if (theirs != id)
		EXPECT_EQ(-ENOENT, upc_dispatch(theirs, 1));
	EXPECT_EQ(0, hits);
	EXPECT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, hits);

	kill(pid, SIGKILL);
	child_status(pid);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	ASSERT_EQ(2, hits);
}

TEST(each_has_the_whole_limit)
{
	int max, i, id;
	pid_t pid;

	max = upcall_limit();
	if (max < 0)
		SKIP(return, "kernel.upcall_max cannot be read");
	for (i = 0; i < max; i++)
		ASSERT_GT(register_one(), 0);
	ASSERT_EQ(-EFBIG, register_one());

	pid = fork();
	if (!pid) {
		for (i = 0; i < max; i++) {
			id = register_one();
			CHECK(id > 0);
		}
		CHECK(register_one() == -EFBIG);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(-EFBIG, register_one());
}

TEST_HARNESS_MAIN
