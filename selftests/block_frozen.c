// SPDX-License-Identifier: GPL-2.0
/*
 * A control group that is frozen and thawed: no sleep of the task's own, so ONBLOCK
 * does not tell of it, and ONWAKE has nothing. A task that waits in SUSPEND goes on
 * waiting.
 * upcall.rst, section 6, ONBLOCK and ONWAKE; SUSPEND.
 */
#include "upcall_block.h"
#include "upcall_group.h"

static int ends, ret;

static int spins(void *data)
{
	tell_of_sleeps();
	while (!READ_ONCE(ends))
		cpu_relax();
	upc_control(UPC_CONTROL_ONBLOCK, 0, 0);
	return 0;
}

static int suspends(void *data)
{
	tell_of_sleeps();
	crit_enter(&sleeper.upc);
	ret = upc_suspend(2);
	upc_control(UPC_CONTROL_ONBLOCK, 0, 0);
	return 0;
}

#define is_frozen()	group_value("cgroup.events", "frozen ")

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
	ASSERT_TRUE(make_group_root());
	if (!mount_groups(NULL))
		SKIP(return setup_skipped(), "no control groups here");
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
	EXPECT_EQ(0, umount(group_root));
	EXPECT_EQ(0, rmdir(group_root));
}

TEST_F(frozen, is_not_told)
{
	char pid[16];
	int i;

	snprintf(pid, sizeof(pid), "%d", self->pid);
	ASSERT_EQ(0, write_to(group_file("cgroup.procs"), pid));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, write_to(group_file("cgroup.freeze"), "1"));
		WAIT_UNTIL(is_frozen() == 1);
		ASSERT_EQ(0, write_to(group_file("cgroup.freeze"), "0"));
		WAIT_UNTIL(is_frozen() == 0);
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
