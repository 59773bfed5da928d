/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many objects are in use in the caches that upcalls are allocated from,
 * to the one: those of kmalloc() that are charged to the allocator's control
 * group. A cache that is shrunk first keeps no freed objects apart for a CPU,
 * and what its slabs say is exact.
 */
#ifndef UPCALL_SLAB_H
#define UPCALL_SLAB_H

#include "upcall_inject.h"

#include <dirent.h>

#define SLAB_DIR	"/sys/kernel/slab/"
#define SLAB_PREFIX	"kmalloc-cg-"
#define SLAB_CACHES	32

struct slab_count {
	int nr;
	char name[SLAB_CACHES][32];
	long objects[SLAB_CACHES];
};

static inline long slab_objects(const char *cache)
{
	char path[96];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), SLAB_DIR "%.40s/shrink", cache);
	if (write_to(path, "1"))
		return -1;
	snprintf(path, sizeof(path), SLAB_DIR "%.40s/objects", cache);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

/* False if there is no such count in this kernel. */
static inline bool count_slabs(struct slab_count *c)
{
	DIR *dir = opendir(SLAB_DIR);
	struct dirent *d;
	long n;

	c->nr = 0;
	while (dir && (d = readdir(dir)) && c->nr < SLAB_CACHES) {
		if (strncmp(d->d_name, SLAB_PREFIX, strlen(SLAB_PREFIX)))
			continue;
		n = slab_objects(d->d_name);
		if (n < 0)
			continue;
		snprintf(c->name[c->nr], sizeof(c->name[0]), "%.31s", d->d_name);
		c->objects[c->nr++] = n;
	}
	if (dir)
		closedir(dir);
	return c->nr > 0;
}

/* What is freed after a grace period, or in batches, has been by then. */
static inline void drain(void)
{
	syscall(SYS_membarrier, 1, 0, 0);	/* MEMBARRIER_CMD_GLOBAL */
	usleep(500000);
	syscall(SYS_membarrier, 1, 0, 0);
}

/* What is in use when nothing is going on: the same for a while. */
static inline bool settled_slabs(struct slab_count *c)
{
	struct slab_count last;
	int same = 0, turns = 0;

	/* kfree_rcu() gathers for five seconds. */
	sleep(6);
	if (!count_slabs(&last))
		return false;
	while (same < 2 && turns++ < 10) {
		drain();
		if (!count_slabs(c))
			return false;
		same = memcmp(c->objects, last.objects,
			      c->nr * sizeof(c->objects[0])) ? 0 : same + 1;
		last = *c;
	}
	return true;
}

/*
 * Does no cache have more in use than before? What has been leaked stays, so
 * some patience loses nothing. Says what it has found.
 */
static inline bool slabs_are_as(struct slab_count *before)
{
	struct slab_count c;
	int i, more = 1, turns = 0;

	while (more && turns++ < 20) {
		drain();
		if (!count_slabs(&c) || c.nr != before->nr)
			return false;
		for (i = more = 0; i < c.nr; i++)
			more += c.objects[i] > before->objects[i];
	}
	for (i = 0; i < c.nr; i++)
		printf("#   %-16s %6ld objects before, %6ld after\n",
		       c.name[i], before->objects[i], c.objects[i]);
	return !more;
}

#endif /* UPCALL_SLAB_H */
