// SPDX-License-Identifier: GPL-2.0
/*
 * The limit: one for each address space, EFBIG past it, never less than 32 nor
 * more than 1048576, set by the sysctl kernel.upcall_max. Deletion and exit
 * give slots back.
 *
 * upc_register(2), ERRORS; the upcall.rst, sections 1 and 3.
 */
#include "upcall_proc.h"

#define SYSCTL		"/proc/sys/kernel/upcall_max"
#define LEAST		32
#define MOST		1048576

static struct upcall upc = UPCALL_INIT;
static int hits;

static int add_one(void)
{
	return upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
}

/* Registers until the kernel refuses; returns how many, or its error. */
static int add_all(void)
{
	int n = 0, ret;

	while ((ret = add_one()) > 0)
		n++;
	return ret == -EFBIG ? n : ret;
}

static int read_limit(void)
{
	FILE *file = fopen(SYSCTL, "r");
	int n = -1;

	if (file) {
		if (fscanf(file, "%d", &n) != 1)
			n = -1;
		fclose(file);
	}
	return n;
}

static int write_limit(int limit)
{
	char number[16];

	sprintf(number, "%d\n", limit);
	return write_to(SYSCTL, number);
}

FIXTURE(limit) {
	int saved;
};

FIXTURE_SETUP(limit)
{
	int ret;

	if (access("/proc/sys/kernel", F_OK))
		SKIP(return setup_skipped(), "no sysctl files here");
	self->saved = read_limit();
	ASSERT_GE(self->saved, LEAST);
	ret = write_limit(LEAST);
	if (ret == -EACCES || ret == -EPERM || ret == -EROFS)
		SKIP(return setup_skipped(), "may not set kernel.upcall_max");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(limit)
{
	EXPECT_EQ(0, write_limit(self->saved));
}

TEST_F(limit, is_exact)
{
	static struct upcall other = UPCALL_INIT;
	int id, i;

	ASSERT_EQ(LEAST, read_limit());
	id = add_one();
	ASSERT_GT(id, 0);
	for (i = 1; i < LEAST; i++)
		ASSERT_GT(add_one(), 0);

	/* Refused, the call does not replace the struct upcall either. */
	ASSERT_EQ(-EFBIG, upc_register_ctx(&other, ctx_next, count_cfunc,
					   &hits));
	other.crit_count = UPC_CRITADD;
	EXPECT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, hits);
}

TEST_F(limit, delete_gives_back)
{
	int id;

	id = add_one();
	ASSERT_GT(id, 0);
	ASSERT_EQ(LEAST - 1, add_all());
	ASSERT_EQ(0, upc_delete(id));
	ASSERT_EQ(1, add_all());
	ASSERT_EQ(0, upc_delete(-1));
	ASSERT_EQ(LEAST, add_all());
}

static int add_and_exit(void *arg)
{
	*(int *)arg = add_all();
	return 0;
}

static void *add_and_exit_thread(void *arg)
{
	add_and_exit(arg);
	return NULL;
}

TEST_F(limit, exit_gives_back)
{
	static char stack[65536];
	static int added;
	pthread_t thread;
	int i, status;
	pid_t pid;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, add_and_exit_thread,
					    &added));
		pthread_join(thread, NULL);
		ASSERT_EQ(LEAST, added);

		added = 0;
		pid = clone(add_and_exit, stack + sizeof(stack),
			    CLONE_VM | SIGCHLD, &added);
		ASSERT_GT(pid, 0);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(LEAST, added);
	}
	EXPECT_EQ(LEAST, add_all());
}

TEST_F(limit, is_for_each_address_space)
{
	int status;
	pid_t pid;

	ASSERT_EQ(LEAST, add_all());
	pid = fork();
	if (!pid)
		_exit(add_all());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(LEAST, WEXITSTATUS(status));
}

TEST_F(limit, is_for_all_its_tasks_together)
{
	static int added;
	pthread_t thread;

	ASSERT_EQ(LEAST, add_all());
	ASSERT_EQ(0, pthread_create(&thread, NULL, add_and_exit_thread,
				    &added));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, added);
}

TEST_F(limit, can_be_raised_and_lowered)
{
	int ids[LEAST + 9], i;

	ASSERT_EQ(0, write_limit(LEAST + 8));
	for (i = 0; i < LEAST + 8; i++) {
		ids[i] = add_one();
		ASSERT_GT(ids[i], 0);
	}
	ASSERT_EQ(-EFBIG, add_one());

	/* Those past the new limit stay; none can be added until they go. */
	ASSERT_EQ(0, write_limit(LEAST));
	EXPECT_EQ(0, upc_dispatch(ids[LEAST + 7], 1));
	EXPECT_EQ(1, hits);
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(-EFBIG, add_one());
		ASSERT_EQ(0, upc_delete(ids[i]));
	}
	ASSERT_EQ(-EFBIG, add_one());
	ASSERT_EQ(0, upc_delete(ids[8]));
	ASSERT_EQ(1, add_all());
}

TEST_F(limit, is_not_below_32)
{
	EXPECT_EQ(-EINVAL, write_limit(LEAST - 1));
	EXPECT_EQ(-EINVAL, write_limit(0));
	EXPECT_EQ(-EINVAL, write_limit(-1));
	EXPECT_EQ(LEAST, read_limit());
}

TEST_F(limit, is_not_above_1048576)
{
	EXPECT_EQ(0, write_limit(MOST));
	EXPECT_EQ(MOST, read_limit());
	EXPECT_EQ(-EINVAL, write_limit(MOST + 1));
	EXPECT_EQ(MOST, read_limit());
	EXPECT_EQ(-EINVAL, write_limit(LEAST - 1));
	EXPECT_EQ(-EINVAL, write_limit(INT_MAX));
	/* Truncated to 32 bits, this would be valid. */
	EXPECT_GT(0, write_to(SYSCTL, "4294967360\n"));
	EXPECT_EQ(MOST, read_limit());
	EXPECT_EQ(0, write_limit(LEAST));
	EXPECT_EQ(LEAST, read_limit());
}

TEST_HARNESS_MAIN
