/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations that fail because a test wants it: the kernel's fault injection,
 * for a percentage of them or for the nth. The kernel says nothing of it in its
 * log.
 */
#ifndef UPCALL_INJECT_H
#define UPCALL_INJECT_H

#include "upcall_proc.h"

#define INJECT_DIR	"/sys/kernel/debug/"

static inline bool inject_set(const char *what, const char *name,
			      const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), INJECT_DIR "%s/%s", what, name);
	return !write_to(path, value);
}

static inline bool inject_into(const char *what, int percent)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", percent);
	return inject_set(what, "verbose", "0") &&
	       inject_set(what, "task-filter", "Y") &&
	       inject_set(what, "times", "-1") &&
	       inject_set(what, "probability", number);
}

/*
 * So many percent of what the tasks that ask for it allocate fails: those of
 * kmalloc() and those of pages. 0 ends it.
 */
static inline bool inject_percent(int percent)
{
	return inject_into("failslab", percent) &&
	       inject_set("failslab", "ignore-gfp-wait", "N") &&
	       inject_into("fail_page_alloc", percent) &&
	       inject_set("fail_page_alloc", "ignore-gfp-wait", "N") &&
	       inject_set("fail_page_alloc", "min-order", "0");
}

/* So many percent of what is copied for them from and to user memory. */
static inline bool inject_copies(int percent)
{
	return inject_into("fail_usercopy", percent);
}

/* What the nth failure needs to be set: that each allocation may be one. */
static inline bool inject_any(void)
{
	inject_set("fail_usercopy", "verbose", "0");
	return inject_percent(0);
}

static int nth_fd = -1;

/* From now on the nth allocation of the calling thread fails. */
static inline bool fail_nth(int n)
{
	char number[16];
	int len = snprintf(number, sizeof(number), "%d", n);

	if (nth_fd < 0)
		nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	return pwrite(nth_fd, number, len, 0) == len;
}

/* Has it? None does any more. */
static inline bool has_failed(void)
{
	char number[16] = "";
	int len = pread(nth_fd, number, sizeof(number) - 1, 0);

	pwrite(nth_fd, "0", 1, 0);
	/* It is this copy that has failed if not even that can be read. */
	return len > 0 && !atoi(number);
}

/* For the calling thread. */
static inline bool inject_here(bool on)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/task/%d/make-it-fail",
		 sys_gettid());
	return !write_to(path, on ? "1" : "0");
}

#endif /* UPCALL_INJECT_H */
