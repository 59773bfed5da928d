// SPDX-License-Identifier: MIT
/*
 * How many virtual CPUs there are if nobody says so: mn_run(3). Each case in a process
 * of its own, which may give up what it has.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include "mn_test.h"

#define SKIPPED	99

static const char *const dirs[] = {
	"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu",
	"/sys/fs/cgroup/cpu,cpuacct",
};

static void *nothing(void *arg)
{
	return arg;
}

static int vcpus_of(const char *env)
{
	struct mn_config c = { 0 };
	struct mn_stats s = { .size = sizeof(s) };

	unsetenv("MN_VCPUS");
	if (env)
		setenv("MN_VCPUS", env, 1);
	if (mn_run(&c, nothing, NULL, NULL) || mn_stats(&s))
		return 0;
	return s.vcpus;
}

/* Leaves the process @n of the processors that it has, as many as there are. */
static int limit_mask(int n)
{
	cpu_set_t set;
	int i, left = n;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && left-- <= 0)
			CPU_CLR(i, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? 0 : CPU_COUNT(&set);
}

static int masked(void *arg)
{
	int n = limit_mask((long)arg);

	if (n != (long)arg)
		return SKIPPED;
	return vcpus_of(NULL) == n ? 0 : 1;
}

static int write_to(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd, n;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

/* So many tenths of a processor's time; of version 2, or 1. */
static int set_quota(const char *dir, int tenths)
{
	char text[64];

	snprintf(text, sizeof(text), "%d 100000", tenths * 10000);
	if (!write_to(dir, "cpu.max", text))
		return 0;
	snprintf(text, sizeof(text), "%d", tenths * 10000);
	return write_to(dir, "cpu.cfs_period_us", "100000") ||
	       write_to(dir, "cpu.cfs_quota_us", text) ? -1 : 0;
}

static char parent[128], child[160];

/* A group with a quota, and one in it, where processes are: the first that can be. */
static int make_groups(int tenths)
{
	unsigned int i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(parent, sizeof(parent), "%s/mn-%d", dirs[i], getpid());
		snprintf(child, sizeof(child), "%s/inner", parent);
		if (mkdir(parent, 0755))
			continue;
		if (!set_quota(parent, tenths) && !mkdir(child, 0755))
			return 0;
		rmdir(parent);
	}
	return -1;
}

static int in_group(void *env)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (write_to(child, "cgroup.procs", pid))
		return SKIPPED;
	return vcpus_of(env);
}

static void quota(int tenths, const char *env, int expected, const char *what)
{
	int here = vcpus_of(NULL), got = SKIPPED;
	struct child c;

	if (make_groups(tenths)) {
		ok(1, "%s # SKIP no control groups with quotas", what);
		return;
	}
	in_child(&c, in_group, (void *)env);
	if (WIFEXITED(c.status))
		got = WEXITSTATUS(c.status);
	rmdir(child);
	rmdir(parent);
	if (got == SKIPPED)
		ok(1, "%s # SKIP this process cannot be moved", what);
	else
		is(got, expected < here || env ? expected : here, what);
}

static void mask(long n)
{
	struct child c;

	in_child(&c, masked, (void *)n);
	if (WIFEXITED(c.status) && WEXITSTATUS(c.status) == SKIPPED)
		ok(1, "%ld by the mask # SKIP there are not as many", n);
	else
		ok(!c.status, "%ld by the mask", n);
}

int main(void)
{
	tap_plan(6);
	mask(1);
	mask(2);
	quota(5, NULL, 1, "half a processor");
	quota(10, NULL, 1, "one processor, and not one and a bit");
	quota(15, NULL, 2, "one and a half are two");
	quota(5, "3", 3, "MN_VCPUS comes before the quota");
	return tap_done();
}
