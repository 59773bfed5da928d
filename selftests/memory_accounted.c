// SPDX-License-Identifier: GPL-2.0
/*
 * Each single allocation of a registration is charged to the control group, by
 * what the kernel's own trace event of allocations says of it: memory_charged
 * sees what they all come to, where a small one may be missing.
 *
 * upcall.rst, section 7.
 */
#include "upcall_events.h"

#define MANY	200		/* upcalls: the table grows more than once */

static struct upcall upc = UPCALL_INIT;
static int hits;

/* How many events of our own allocations there are, and how many charged. */
struct seen {
	int upcalls, tables, charged;
};

static void look_at_events(struct seen *seen)
{
	char *line, *rest = text;
	bool upcall, table;

	while ((line = strsep(&rest, "\n"))) {
		if (!strstr(line, ": kmalloc: "))
			continue;
		upcall = strstr(line, "call_site=upc") ||
			 strstr(line, "sys_upc_register");
		/* Arrays have it from a function that others use, too. */
		table = strstr(line, "call_site=kvmalloc") ||
			strstr(line, "call_site=__kvmalloc");
		seen->upcalls += upcall;
		seen->tables += table;
		if (upcall || table)
			seen->charged += !!strstr(line, "accounted=true");
		if ((upcall || table) && !strstr(line, "accounted=true"))
			printf("# %s\n", line);
	}
}

static bool memory_is_charged(void)
{
	FILE *f = fopen("/proc/cgroups", "r");
	char line[128];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "memory\t", 7);
	if (f)
		fclose(f);
	return found;
}

FIXTURE(accounted) {
};

FIXTURE_SETUP(accounted)
{
	char filter[48];

	if (!memory_is_charged())
		SKIP(return setup_skipped(), "no memory control groups here");
	if (!make_instance())
		SKIP(return setup_skipped(), "no tracefs, or not for us");
	snprintf(filter, sizeof(filter), "common_pid == %d", sys_gettid());
	ASSERT_EQ(0, write_to(INSTANCE "/events/kmem/kmalloc/filter", filter));
	ASSERT_EQ(0, write_to(INSTANCE "/events/kmem/kmalloc/enable", "1"));
}

FIXTURE_TEARDOWN(accounted)
{
	rmdir(INSTANCE);
}

TEST_F(accounted, each_allocation)
{
	struct seen seen = {};
	int i, id = 0;

	for (i = 0; i < MANY && id >= 0; i++)
		id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_TRUE(read_events());
	ASSERT_GT(id, 0);
	look_at_events(&seen);
	if (!seen.upcalls)
		SKIP(return, "the trace has no names of functions");
	/* Each upcall, the table and the task's part; the array, three times. */
	EXPECT_LE(MANY, seen.upcalls);
	EXPECT_LE(2, seen.tables);
	EXPECT_EQ(seen.upcalls + seen.tables, seen.charged);
}

TEST_HARNESS_MAIN
