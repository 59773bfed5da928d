// SPDX-License-Identifier: GPL-2.0
/*
 * An execve() that fails is no exec: the task owns its upcalls as before, those
 * that are pending are so still, and its struct upcall is the one in use.
 *
 * upc_register(2), DESCRIPTION; upcall.rst, section 1 (execve).
 */
#include <sys/stat.h>

#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static char no_image[sizeof("/proc/self/fd/2147483647")];

FIXTURE(exec_fails) {
	int id, pending_id;
	int hits, pending_hits;
};

FIXTURE_VARIANT(exec_fails) {
	const char *path;
	int err;
};

FIXTURE_VARIANT_ADD(exec_fails, no_file) {
	.path = "/proc/self/nothing", .err = ENOENT,
};

FIXTURE_VARIANT_ADD(exec_fails, no_permission) {
	.path = "/proc/self/status", .err = EACCES,
};

/* This one has begun: the kernel has read of the file, and has made an mm. */
FIXTURE_VARIANT_ADD(exec_fails, no_image) {
	.path = no_image, .err = ENOEXEC,
};

FIXTURE_SETUP(exec_fails)
{
	int fd = memfd_create("no_image", 0);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(8, write(fd, "no image", 8));
	ASSERT_EQ(0, fchmod(fd, 0755));
	sprintf(no_image, "/proc/self/fd/%d", fd);

	self->id = upc_register_ctx(&upc, ctx_next, count_cfunc, &self->hits);
	ASSERT_GT(self->id, 0);
	self->pending_id = upc_register_ctx(&upc, ctx_next, count_cfunc,
					    &self->pending_hits);
	ASSERT_GT(self->pending_id, 0);
}

FIXTURE_TEARDOWN(exec_fails)
{
}

TEST_F(exec_fails, leaves_all_as_it_was)
{
	char *const none = NULL;

	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(self->pending_id, 3));
	ASSERT_EQ(-1, execve(variant->path, &none, &none));
	ASSERT_EQ(variant->err, errno);

	EXPECT_EQ(1, upc_poll(self->pending_id, 3));
	EXPECT_EQ(0, upc_poll(self->id, 0));
	EXPECT_EQ(UPC_CRITADD, upc.crit_count);
	EXPECT_EQ(3, upc.pending);
	EXPECT_EQ(0, self->pending_hits);

	crit_exit(&upc);
	EXPECT_EQ(1, self->pending_hits);
	ASSERT_EQ(0, upc_dispatch(self->id, 1));
	EXPECT_EQ(1, self->hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
