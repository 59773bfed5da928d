// SPDX-License-Identifier: GPL-2.0
/*
 * exec: the new image starts with no upcalls, none of the ids it had before
 * mean anything to it, and it registers its own as any other.
 *
 * upc_register(2), DESCRIPTION; upcall.rst, section 1 (execve).
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

static int image(const int *ids, int n)
{
	int i, id;

	CHECK(n == 3);
	for (i = 0; i < n; i++) {
		CHECK(upc_poll(ids[i], 0) == -ENOENT);
		CHECK(upc_pollclear(ids[i], 0) == -ENOENT);
		CHECK(upc_dispatch(ids[i], 1) == -ENOENT);
		CHECK(upc_delete(ids[i]) == -ENOENT);
	}
	CHECK(upc_poll(-1, 0) == 0);
	CHECK(upc_dispatch(-1, 0) == 0);
	CHECK(!hits && !upc.crit_count && !upc.pending);

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	CHECK(id > 0);
	CHECK(upc_dispatch(id, 1) == 0);
	CHECK(hits == 1 && !upc.crit_count && !upc.pending);
	return KSFT_PASS;
}

static void exec_cfunc(void *data)
{
	exec_image(data, 3);
}

FIXTURE(exec) {
};

FIXTURE_VARIANT(exec) {
	int dispatched;		/* how many of three are pending */
	bool in_cfunc;
};

FIXTURE_VARIANT_ADD(exec, idle) {
	.dispatched = 0,
};

FIXTURE_VARIANT_ADD(exec, all_pending) {
	.dispatched = 3,
};

FIXTURE_VARIANT_ADD(exec, inside_cfunc) {
	.dispatched = 2, .in_cfunc = true,
};

FIXTURE_SETUP(exec)
{
}

FIXTURE_TEARDOWN(exec)
{
}

TEST_F(exec, carries_nothing)
{
	pid_t pid = fork();
	int ids[3], i;

	if (!pid) {
		for (i = 0; i < 3; i++) {
			ids[i] = upc_register_ctx(&upc, ctx_next, i < 2 ?
						  count_cfunc : exec_cfunc,
						  i < 2 ? &hits : ids);
			CHECK(ids[i] > 0);
		}
		upc.crit_count = UPC_CRITADD;
		for (i = 0; i < variant->dispatched; i++)
			CHECK(upc_dispatch(ids[i], 1) == 0);
		if (!variant->in_cfunc)
			exec_image(ids, 3);
		/* From inside the one that a higher priority lets through. */
		upc.pending = 0;
		upc_dispatch(ids[2], UPC_CRITADD + 1);
		_exit(KSFT_FAIL);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
}

int main(int argc, char **argv)
{
	int ids[IMAGE_IDS], n = image_ids(argc, argv, ids);

	return n < 0 ? test_harness_run(argc, argv) : image(ids, n);
}
