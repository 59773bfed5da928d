// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's memory for upcalls belongs to the control group of the task that
 * registers: it is charged there, given back by deletion, no more than the limit
 * on upcalls lets it be, and where the group may have no more registration gives
 * ENOMEM and the upcalls that are there go on. One that is killed for its memory
 * leaves nothing.
 *
 * upcall.rst, sections 3 (ENOMEM, EFBIG) and 7.
 */
#include "upcall_group.h"
#include "upcall_slab.h"

#define MANY		32768		/* upcalls */
#define LEAST_SIZE	24		/* of one: what it was registered with */
#define BATCH		(64 * 4096)	/* that a CPU may have charged ahead */
#define MORE		(512 * 1024)	/* than is in use: for all but some */

static struct upcall upc = UPCALL_INIT;
static int hits, ids[MANY];

#define in_use()	group_value("memory.current", "")

static bool set_most(long long bytes)
{
	char number[32];

	snprintf(number, sizeof(number), "%lld", bytes);
	return !write_to(group_file("memory.max"), number);
}

static int add(void)
{
	return upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
}

/* A report on memory that has run out is not a complaint: keep it off. */
static void hush(bool on)
{
	static char was[32];
	FILE *f = fopen("/proc/sys/kernel/printk", "r+");

	if (!f)
		return;
	if (on && fgets(was, sizeof(was), f)) {
		rewind(f);
		fprintf(f, "4");
	} else if (!on) {
		fprintf(f, "%d", atoi(was));
	}
	fclose(f);
}

FIXTURE(memory) {
	int limit;
};

FIXTURE_SETUP(memory)
{
	int i;

	self->limit = upcall_limit();
	if (!set_upcall_limit(MANY))
		SKIP(return setup_skipped(), "may not set kernel.upcall_max");
	ASSERT_TRUE(make_group_root());
	if (!mount_groups("+memory")) {
		set_upcall_limit(self->limit);
		SKIP(return setup_skipped(), "no memory control groups here");
	}
	ASSERT_EQ(0, mkdir(group_file(""), 0700));
	/* One CPU, so that little is charged ahead; and all of ours is there. */
	ASSERT_TRUE(pin_to_cpu(0));
	for (i = 0; i < MANY; i++)
		ids[i] = -1;
}

FIXTURE_TEARDOWN(memory)
{
	set_upcall_limit(self->limit);
	/* Whoever was in it has gone. */
	EXPECT_EQ(0, rmdir(group_file("")));
	EXPECT_EQ(0, umount(group_root));
	EXPECT_EQ(0, rmdir(group_root));
}

static void join(void)
{
	CHECK(!write_to(group_file("cgroup.procs"), "0"));
	CHECK(!mlockall(MCL_CURRENT));
}

static void registers_and_deletes(void)
{
	long long before, most, after;
	int i;

	join();
	before = in_use();
	for (i = 0; i < MANY; i++) {
		ids[i] = add();
		CHECK(ids[i] > 0);
	}
	most = in_use();
	CHECK(upc_delete(-1) == 0);
	after = in_use();
	printf("# %lld KiB before, %lld with %d upcalls, %lld after\n",
	       before / 1024, most / 1024, MANY, after / 1024);
	CHECK(most - before >= MANY * LEAST_SIZE - BATCH);
	CHECK(after - before <= (most - before) / 2);
	_exit(0);
}

static int in_child(void (*what)(void))
{
	pid_t pid = fork();

	if (!pid) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		what();
	}
	return child_status(pid);
}

TEST_F_TIMEOUT(memory, is_charged, 280)
{
	EXPECT_EQ(0, in_child(registers_and_deletes));
}

/* The calls that are refused do not add up. */
static void registers_too_many(void)
{
	long long before, after;
	int i;

	join();
	while (add() > 0)
		;
	before = in_use();
	for (i = iterations(300000); i; i--)
		CHECK(add() == -EFBIG);
	after = in_use();
	CHECK(after - before <= BATCH);
	_exit(0);
}

TEST_F_TIMEOUT(memory, is_bounded, 280)
{
	ASSERT_TRUE(set_upcall_limit(64));
	EXPECT_EQ(0, in_child(registers_too_many));
}

/* Nobody is there to be killed. */
static void runs_out(void)
{
	int n = 0, ret;

	CHECK(!write_to("/proc/self/oom_score_adj", "-1000"));
	join();
	CHECK(set_most(in_use() + MORE));
	while ((ret = add()) > 0 && n < MANY)
		ids[n++] = ret;
	CHECK(in_use() <= group_value("memory.max", ""));
	CHECK(ret == -ENOMEM && n > 0);
	CHECK(upc_poll(ids[0], 0) == 0 && upc_poll(ids[n - 1], 0) == 0);
	CHECK(upc_dispatch(ids[0], 1) == 0 && hits == 1);
	CHECK(upc_dispatch(ids[n - 1], 1) == 0 && hits == 2);
	CHECK(upc_delete(-1) == 0);
	ret = add();
	CHECK(ret > 0 && upc_dispatch(ret, 1) == 0 && hits == 3);
	printf("# %d upcalls, then ENOMEM\n", n);
	_exit(0);
}

TEST_F_TIMEOUT(memory, gives_enomem, 280)
{
	hush(true);
	EXPECT_EQ(0, in_child(runs_out));
	hush(false);
}

static void is_killed(void)
{
	join();
	CHECK(set_most(in_use() + MORE));
	while (add() > 0)
		upc_dispatch(-1, 0);
	_exit(KSFT_FAIL);
}

TEST_F_TIMEOUT(memory, of_the_killed_is_free, 280)
{
	struct slab_count before;
	int i, n = iterations(20);
	bool counts;

	hush(true);
	ASSERT_EQ(SIGKILL, in_child(is_killed));
	counts = settled_slabs(&before);
	for (i = 0; i < n; i++)
		ASSERT_EQ(SIGKILL, in_child(is_killed));
	hush(false);
	EXPECT_EQ(n + 1, group_value("memory.events", "oom_kill "));
	if (!counts)
		SKIP(return, "no exact count of kmalloc-cg-* here");
	EXPECT_TRUE(slabs_are_as(&before));
}

TEST_HARNESS_MAIN
