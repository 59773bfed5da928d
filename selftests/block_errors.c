// SPDX-License-Identifier: GPL-2.0
/*
 * ONBLOCK and ONWAKE with identifiers that they cannot take. They change nothing
 * then: what was set goes on.
 * upcall.rst, section 6, ONBLOCK and ONWAKE.
 */
#include "upcall_block.h"

static int fds[2];
static char byte;

static void expect_enoent(struct __test_metadata *_metadata, int cmd, int id)
{
	EXPECT_EQ(-ENOENT, upc_control(cmd, id, 1)) {
		TH_LOG("command %d, id %d", cmd, id);
	}
}

TEST(without_any_registration)
{
	int cmd;

	for (cmd = UPC_CONTROL_ONBLOCK; cmd <= UPC_CONTROL_ONWAKE; cmd++) {
		EXPECT_EQ(0, upc_control(cmd, 0, 0));
		EXPECT_EQ(-EINVAL, upc_control(cmd, -1, 0));
		expect_enoent(_metadata, cmd, 1);
		expect_enoent(_metadata, cmd, -2);
	}
}

static void *reads(void *data)
{
	static const int none[] = { 1000, -2, INT_MIN, INT_MAX };
	struct __test_metadata *_metadata = data;
	size_t i;

	tell_of_sleeps();
	for (i = 0; i < ARRAY_SIZE(none); i++) {
		expect_enoent(_metadata, UPC_CONTROL_ONBLOCK, none[i]);
		expect_enoent(_metadata, UPC_CONTROL_ONWAKE, none[i]);
	}
	/* It tells others, and itself. */
	expect_enoent(_metadata, UPC_CONTROL_ONBLOCK, sleeper.id);
	expect_enoent(_metadata, UPC_CONTROL_ONWAKE, standby.id);
	EXPECT_EQ(-EINVAL, upc_control(UPC_CONTROL_ONBLOCK, -1, 1));
	EXPECT_EQ(-EINVAL, upc_control(UPC_CONTROL_ONWAKE, -1, 1));
	EXPECT_EQ(1, read(fds[0], &byte, 1));
	EXPECT_EQ(0, upc_control(UPC_CONTROL_ONBLOCK, 0, 0));
	return NULL;
}

TEST(nothing_changes)
{
	pthread_t thread;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_TRUE(start_standby());
	ASSERT_EQ(0, pthread_create(&thread, NULL, reads, _metadata));
	WAIT_UNTIL(READ_ONCE(standby.entered));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, sleeper.woken);
	EXPECT_TRUE(end_standby());
}

TEST_HARNESS_MAIN
