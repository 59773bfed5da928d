// SPDX-License-Identifier: GPL-2.0
/*
 * A control group that is frozen and thawed: no sleep of the task's own, so ONBLOCK
 * does not tell of it, and ONWAKE has nothing. A task that waits in SUSPEND goes on
 * waiting.
 * upcall.rst, section 6, ONBLOCK and ONWAKE; SUSPEND.
 */
#include "upcall_block.h"
#include <sys/stat.h>

static char root[32];
static int ends, ret;

static const char *group_file(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/group/%s", root, name);
	return path;
}

static int spins(void *data)
{
	tell_of_sleeps();
	__atomic_store_n(&sleeper.ready, 1, __ATOMIC_RELEASE);
	while (!READ_ONCE(ends))
		cpu_relax();
	upc_control(UPC_CONTROL_ONBLOCK, 0, 0);
	return 0;
}

static int suspends(void *data)
{
	tell_of_sleeps();
	crit_enter(&sleeper.upc);
	__atomic_store_n(&sleeper.ready, 1, __ATOMIC_RELEASE);
	ret = upc_suspend(2);
	upc_control(UPC_CONTROL_ONBLOCK, 0, 0);
	return 0;
}

/* Has the group come to be so? */
static bool is_frozen(bool frozen)
{
	char text[64] = "";
	int fd = open(group_file("cgroup.events"), O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	return n > 0 && strstr(text, frozen ? "frozen 1" : "frozen 0");
}

FIXTURE(frozen) {
	pid_t pid;
};

FIXTURE_VARIANT(frozen) {
	int (*fn)(void *data);
	bool waits;
};

FIXTURE_VARIANT_ADD(frozen, running) { .fn = spins };
FIXTURE_VARIANT_ADD(frozen, in_suspend) { .fn = suspends, .waits = true };

FIXTURE_SETUP(frozen)
{
	snprintf(root, sizeof(root), "/tmp/upcall-XXXXXX");
	ASSERT_TRUE(!!mkdtemp(root));
	if (mount("none", root, "cgroup2", 0, NULL)) {
		rmdir(root);
		SKIP(return setup_skipped(), "no control groups here");
	}
	ASSERT_EQ(0, mkdir(group_file(""), 0700));
	ASSERT_TRUE(start_standby());
	self->pid = clone_worker(variant->fn, NULL);
	ASSERT_GT(self->pid, 0);
	WAIT_UNTIL(__atomic_load_n(&sleeper.ready, __ATOMIC_ACQUIRE));
	if (variant->waits)
		ASSERT_TRUE(wait_until_asleep(self->pid));
}

FIXTURE_TEARDOWN(frozen)
{
	EXPECT_EQ(0, rmdir(group_file("")));
	EXPECT_EQ(0, umount(root));
	EXPECT_EQ(0, rmdir(root));
}

TEST_F(frozen, is_not_told)
{
	char pid[16];
	int i;

	snprintf(pid, sizeof(pid), "%d", self->pid);
	ASSERT_EQ(0, write_to(group_file("cgroup.procs"), pid));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, write_to(group_file("cgroup.freeze"), "1"));
		WAIT_UNTIL(is_frozen(true));
		ASSERT_EQ(0, write_to(group_file("cgroup.freeze"), "0"));
		WAIT_UNTIL(is_frozen(false));
	}
	if (variant->waits) {
		ASSERT_TRUE(wait_until_asleep(self->pid));
		EXPECT_EQ(0, sleeper.woken);
		ASSERT_EQ(0, upc_dispatch(sleeper.id, 2));
	}
	WRITE_ONCE(ends, 1);
	ASSERT_EQ(0, child_status(self->pid));
	ASSERT_TRUE(wait_until_asleep(standby.tid));
	EXPECT_EQ(0, standby.entered);
	EXPECT_EQ(variant->waits, sleeper.woken);
	EXPECT_EQ(variant->waits ? sleeper.id : 0, ret);
	EXPECT_TRUE(end_standby());
}

TEST_HARNESS_MAIN
