/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the tests that need a control group of their own: it lies in a
 * hierarchy that is mounted for the test alone.
 */
#ifndef UPCALL_GROUP_H
#define UPCALL_GROUP_H

#include "upcall_proc.h"

#include <sys/mount.h>
#include <sys/stat.h>

static char group_root[32];

static inline bool make_group_root(void)
{
	snprintf(group_root, sizeof(group_root), "/tmp/upcall-XXXXXX");
	return mkdtemp(group_root);
}

/* With a controller, or NULL. False if there is none here, and no root then. */
static inline bool mount_groups(const char *controller)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", group_root);
	if (!mount("none", group_root, "cgroup2", 0, NULL) &&
	    (!controller || !write_to(path, controller)))
		return true;
	umount(group_root);
	rmdir(group_root);
	return false;
}

/* In the test's group, or that itself. */
static inline const char *group_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/upcall/%s", group_root, name);
	return path;
}

static inline long long group_value(const char *name, const char *key)
{
	long long value = -1;
	char line[128];
	FILE *f = fopen(group_file(name), "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			value = atoll(line + strlen(key));
	}
	if (f)
		fclose(f);
	return value;
}

#endif /* UPCALL_GROUP_H */
