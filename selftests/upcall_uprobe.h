/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of uprobes share: placing one on an instruction of the test's
 * own, and a thread whose code has one, and has neither critical sections nor
 * an eye on pending.
 */
#ifndef UPCALL_UPROBE_H
#define UPCALL_UPROBE_H

#include "upcall_util.h"

#define UPROBE_GROUP	"upcall_selftest"
#define UPROBE_EVENTS	TRACEFS "/uprobe_events"
#define UPROBE_ENABLE	TRACEFS "/events/" UPROBE_GROUP "/%s/enable"

/* A function's only argument, for assembly: an int in eax, a pointer in R(cx). */
#ifdef __x86_64__
#define INT_ARG		"movl %edi, %eax"
#define POINTER_ARG	"movq %rdi, %rcx"
#else
#define INT_ARG		"movl 4(%esp), %eax"
#define POINTER_ARG	"movl 4(%esp), %ecx"
#endif

struct area {
	unsigned long start, end, offset;
};

/* The area of memory that an address is in, or that has a name. */
static inline bool find_area(unsigned long addr, const char *name,
			     struct area *area)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 64];
	bool found = false;

	if (!maps)
		return false;
	while (!found && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &area->start, &area->end,
			   &area->offset) != 3)
			continue;
		found = name ? !!strstr(line, name) :
			addr >= area->start && addr < area->end;
	}
	fclose(maps);
	return found;
}

/* Those that a test has left which did not come to its end are gone then. */
static inline bool have_uprobes(void)
{
	int fd;

	mount_tracefs();
	write_to(TRACEFS "/events/" UPROBE_GROUP "/enable", "0");
	fd = open(UPROBE_EVENTS, O_WRONLY | O_TRUNC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static inline bool enable_probe(const char *name, bool on)
{
	char file[128];

	snprintf(file, sizeof(file), UPROBE_ENABLE, name);
	return !write_to(file, on ? "1" : "0");
}

/* As in uprobe_events: p is a probe, r one of a function's return. */
static inline bool place_probe(char type, const char *name, const void *at)
{
	char path[PATH_MAX] = "", line[PATH_MAX + 128];
	struct area area;

	if (!find_area((unsigned long)at, NULL, &area) ||
	    readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		return false;
	snprintf(line, sizeof(line), "%c:" UPROBE_GROUP "/%s %s:0x%lx\n", type,
		 name, path, (unsigned long)at - area.start + area.offset);
	return !write_to(UPROBE_EVENTS, line) && enable_probe(name, true);
}

static inline void remove_probe(const char *name)
{
	char line[128];

	enable_probe(name, false);
	snprintf(line, sizeof(line), "-:" UPROBE_GROUP "/%s\n", name);
	write_to(UPROBE_EVENTS, line);
}

/* The context function notes the frame's address in the first word. */
struct noted {
	struct upcall_frame *frame;
	struct upcall_frame copy;
	struct area steps;		/* where they are taken out of line */
	int hits, pushed_in_step, seen;
};

static struct upcall upc = UPCALL_INIT;
static struct noted noted;
static int id, seq;

static void note_cfunc(void *data)
{
	struct noted *n = data;
	unsigned long ip = n->frame->fr_ip;

	n->copy = *n->frame;
	if (ip >= n->steps.start && ip < n->steps.end)
		n->pushed_in_step++;
	WRITE_ONCE(n->seen, READ_ONCE(seq));
	count_cfunc(&n->hits);
}

static inline int dispatch_next(void)
{
	WRITE_ONCE(seq, seq + 1);
	return upc_dispatch(id, 1);
}

#endif /* UPCALL_UPROBE_H */
