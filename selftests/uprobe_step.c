// SPDX-License-Identifier: GPL-2.0
/*
 * An instruction with a uprobe on it is single-stepped out of line, where no
 * frame may be pushed: under a storm of dispatches the probed function still
 * returns what it should, and no dispatch is lost.
 *
 * upcall.rst, section 4, rules 4 and 6.
 */
#include "upcall_proc.h"

#define GROUP	"upcall_selftest"

/* The context function notes the frame's address in the first word. */
struct noted {
	struct upcall_frame_ia32 *frame;
	unsigned long step, step_end;	/* where steps are taken out of line */
	int entries, pushed_in_step, seen;
};

static struct upcall upc = UPCALL_INIT;
static struct noted noted;
static int id, seq, stop, wrong;

static void note(void *data)
{
	struct noted *n = data;
	unsigned long eip = (unsigned int)n->frame->origip;

	n->entries++;
	if (eip >= n->step && eip < n->step_end)
		n->pushed_in_step++;
	n->seen = READ_ONCE(seq);
}

/* The second instruction is one that is not emulated but stepped. */
static void __attribute__((naked)) probed(void)
{
	asm("movl 4(%esp), %eax\n"
	    ".globl probed_insn\n"
	    "probed_insn:\n\t"
	    "leal 7(%eax,%eax,2), %eax\n\t"
	    "ret");
}

static void *dispatcher(void *arg)
{
	while (!READ_ONCE(stop)) {
		WRITE_ONCE(seq, seq + 1);
		if (upc_dispatch(id, 1))
			WRITE_ONCE(wrong, 1);
	}
	return NULL;
}

struct area {
	unsigned long start, end, offset;
};

/* The area of memory that an address is in, or that has a name. */
static bool find_area(unsigned long addr, const char *name, struct area *area)
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

FIXTURE(uprobe) {
	bool placed;
};

FIXTURE_SETUP(uprobe)
{
	char path[PATH_MAX] = "", line[PATH_MAX + 64];
	struct area area;
	unsigned long at;

	asm("movl $probed_insn, %0" : "=r" (at));
	if (!find_area(at, NULL, &area))
		SKIP(return setup_skipped(),
		     "no /proc to find the instruction's place by");
	at += area.offset - area.start;
	ASSERT_GT(readlink("/proc/self/exe", path, sizeof(path) - 1), 0);
	mount_tracefs();
	snprintf(line, sizeof(line), "p:" GROUP "/step %s:0x%lx\n", path, at);
	if (write_to(TRACEFS "/uprobe_events", line))
		SKIP(return setup_skipped(), "no uprobe can be placed");
	self->placed = true;
	ASSERT_EQ(0, write_to(TRACEFS "/events/" GROUP "/step/enable", "1"));
}

FIXTURE_TEARDOWN(uprobe)
{
	if (!self->placed)
		return;
	write_to(TRACEFS "/events/" GROUP "/step/enable", "0");
	write_to(TRACEFS "/uprobe_events", "-:" GROUP "/step\n");
}

TEST_F_TIMEOUT(uprobe, steps_under_dispatches, 120)
{
	int (*fn)(int arg) = (int (*)(int arg))probed;
	int i, n = iterations(5000);
	struct area area;
	pthread_t thread;

	/* A breakpoint in place of the instruction: the probe is there. */
	ASSERT_EQ(0xcc, ((unsigned char *)probed)[4]);
	ASSERT_EQ(7, fn(0));
	ASSERT_TRUE(find_area(0, "[uprobes]", &area));
	noted.step = area.start;
	noted.step_end = area.end;

	id = upc_register_ctx(&upc, ctx_next_noting, note, &noted);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(3 * i + 7, fn(i));
		if (upc.pending)
			upc_dispatch(-1, 0);
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	if (upc.pending)
		upc_dispatch(-1, 0);
	ASSERT_EQ(0, wrong);
	ASSERT_EQ(0, noted.pushed_in_step);
	ASSERT_GT(noted.entries, 0);
	ASSERT_LE(noted.entries, seq);
	ASSERT_EQ(seq, noted.seen);
	ASSERT_EQ(0, upc.crit_count);
	TH_LOG("%d dispatches, %d entries, %d calls", seq, noted.entries, n);

	/* That it has taken such steps is all over now. */
	noted.entries = 0;
	ASSERT_EQ(0, upc_dispatch(id, 1));
	ASSERT_EQ(1, noted.entries);
}

TEST_HARNESS_MAIN
