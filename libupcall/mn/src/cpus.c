// SPDX-License-Identifier: MIT
/*
 * How many processors this process may use at once: what its affinity mask allows, or
 * less if its control group, or one above that, has a quota of their time. More virtual
 * CPUs than that would only take turns, and a group whose quota is used up stands still
 * with all of them.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"

#define PATH_SIZE	4096
#define CPUS_MAX	65536

/* By the kernel's call: the C library's wants to know before how many there can be. */
static long in_mask(void)
{
	unsigned long mask[CPUS_MAX / 8 / sizeof(long)];
	long i, sum = 0, n = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);

	for (i = 0; i < n / (long)sizeof(long); i++)
		sum += __builtin_popcountl(mask[i]);
	return sum > 0 ? sum : sysconf(_SC_NPROCESSORS_ONLN);
}

/* Is @word one of @list, where commas are between them, and then what is in @end? */
static bool listed(const char *list, const char *word, const char *end)
{
	const char *p = list;

	for (;;) {
		size_t comma = strcspn(p, ","), last = strcspn(p, end);
		size_t n = comma < last ? comma : last;

		if (n == strlen(word) && !strncmp(p, word, n))
			return true;
		p += n;
		if (*p++ != ',')
			return false;
	}
}

/* A hierarchy of control groups that has quotas: version 2, or 1's for "cpu". */
struct groups {
	bool	v2;
	char	mount[PATH_SIZE];	/* where it can be seen */
	char	root[PATH_SIZE];	/* which group that is */
	char	group[PATH_SIZE];	/* ours */
};

/* A line of /proc/self/cgroup: "0::/path", or "4:cpu,cpuacct:/path". */
static bool group_line(struct groups *g, const char *line)
{
	const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

	if (!path || !(g->v2 ? path == list + 1 : listed(list + 1, "cpu", ":")))
		return false;
	snprintf(g->group, sizeof(g->group), "%s", path + 1);
	g->group[strcspn(g->group, "\n")] = 0;
	return true;
}

/* One of /proc/self/mountinfo: "31 23 0:28 ROOT MOUNT OPTIONS ... - TYPE SOURCE OPTIONS" */
static bool mount_line(struct groups *g, const char *line)
{
	const char *rest = strstr(line, " - ");
	char type[16], options[256];

	if (!rest || sscanf(rest, " - %15s %*s %255s", type, options) != 2)
		return false;
	if (strcmp(type, g->v2 ? "cgroup2" : "cgroup") ||
	    (!g->v2 && !listed(options, "cpu", "\n")))
		return false;
	return sscanf(line, "%*s %*s %*s %4095s %4095s", g->root, g->mount) == 2;
}

static bool find_line(struct groups *g, const char *file,
		      bool (*fits)(struct groups *g, const char *line))
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (f && !found && getline(&line, &size, f) > 0)
		found = fits(g, line);
	free(line);
	if (f)
		fclose(f);
	return found;
}

static long number(const char *dir, const char *file, long *second)
{
	char path[PATH_SIZE + 32], text[64] = "";
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	/* "max" is none. */
	if (fgets(text, sizeof(text), f) &&
	    sscanf(text, second ? "%ld %ld" : "%ld", &n, second) < 1)
		n = -1;
	fclose(f);
	return n;
}

/* Of the one group that is @dir, rounded up; LONG_MAX if it has none. */
static long quota_of(const struct groups *g, const char *dir)
{
	long quota, period = -1;

	if (g->v2) {
		quota = number(dir, "cpu.max", &period);
	} else {
		quota = number(dir, "cpu.cfs_quota_us", NULL);
		period = number(dir, "cpu.cfs_period_us", NULL);
	}
	return quota > 0 && period > 0 ? (quota + period - 1) / period : LONG_MAX;
}

/* Of our group and those above it, as far as they can be seen. */
static long least_quota(struct groups *g)
{
	size_t skip = strcmp(g->root, "/") ? strlen(g->root) : 0, n = strlen(g->mount);
	char dir[2 * PATH_SIZE];
	long least = LONG_MAX;

	/* A group that is not below what is mounted cannot be seen. */
	if (strncmp(g->group, g->root, skip))
		return least;
	snprintf(dir, sizeof(dir), "%s%s", g->mount, g->group + skip);
	for (;;) {
		long quota = quota_of(g, dir);
		char *last = strrchr(dir, '/');

		least = quota < least ? quota : least;
		if (!last || last < dir + n)
			return least;
		*last = 0;
	}
}

static long by_quota(bool v2)
{
	struct groups *g = calloc(1, sizeof(*g));
	long least = LONG_MAX;

	if (!g)
		return least;
	g->v2 = v2;
	if (find_line(g, "/proc/self/cgroup", group_line) &&
	    find_line(g, "/proc/self/mountinfo", mount_line))
		least = least_quota(g);
	free(g);
	return least;
}

long cpus_allowed(void)
{
	long n = in_mask(), v1 = by_quota(false), v2 = by_quota(true);

	n = v1 < n ? v1 : n;
	return v2 < n ? v2 : n;
}
