// SPDX-License-Identifier: GPL-2.0
/*
 * Code of the kernel's that a 64-bit program runs in user mode is interrupted like
 * its own: the clock read through the vDSO, and through the vsyscall page where
 * that is there, goes on with the right time. In the vDSO, upcalls do come.
 *
 * upcall.rst, section 4, rule 3, and section 9.
 */
#include "upcall_util.h"

#define VSYSCALL_TIME	0xffffffffff600400

static struct upcall upc = UPCALL_INIT;
static int id, stop;

/* The context function notes the frame's address in the first word. */
static struct {
	struct upcall_frame *frame;
	unsigned long start, end;	/* of the vDSO */
	int hits, inside;
} noted;

static void cfunc(void *data)
{
	noted.inside += noted.frame->rip >= noted.start &&
			noted.frame->rip < noted.end;
	count_cfunc(&noted.hits);
}

/* The area's bounds, by its name in /proc/self/maps. */
static bool find_area(const char *name, unsigned long *start,
		      unsigned long *end)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[256];
	bool found = false;

	if (!maps)
		return false;
	while (!found && fgets(line, sizeof(line), maps))
		found = strstr(line, name) &&
			sscanf(line, "%lx-%lx", start, end) == 2;
	fclose(maps);
	return found;
}

static void *dispatch_without_end(void *data)
{
	int ret = 0;

	pin_to_cpu(1);
	while (!READ_ONCE(stop) && !ret)
		ret = dispatch_after_last(id, &upc, &stop);
	return (void *)(long)ret;
}

FIXTURE(interrupted) {
};

FIXTURE_VARIANT(interrupted) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(interrupted, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(interrupted, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(interrupted)
{
	id = upc_register_ctx(&upc, variant->ctx, cfunc, &noted);
	ASSERT_GT(id, 0);
	pin_to_cpu(0);
}

FIXTURE_TEARDOWN(interrupted)
{
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

#define HITS_INSIDE	20

TEST_F_TIMEOUT(interrupted, in_the_vdso, 120)
{
	long long start = now_ns(), last = start, now;
	pthread_t thread;
	void *ret;

	if (!find_area("[vdso]", &noted.start, &noted.end))
		SKIP(return, "no vDSO");
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_without_end,
				    NULL));
	while (READ_ONCE(noted.inside) < HITS_INSIDE &&
	       !(READ_ONCE(noted.inside) && time_is_up(start, 20))) {
		now = now_ns();
		ASSERT_LE(last, now);
		last = now;
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_LT(0, noted.inside);
}

TEST_F_TIMEOUT(interrupted, around_the_vsyscall_page, 120)
{
	time_t (*vsyscall_time)(time_t *t) = (void *)VSYSCALL_TIME;
	int turns = iterations(20000), i;
	unsigned long start, end;
	long long begin = now_ns();
	pthread_t thread;
	time_t last = time(NULL), now, stored;
	void *ret;

	if (!find_area("[vsyscall]", &start, &end))
		SKIP(return, "no vsyscall page");
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_without_end,
				    NULL));
	for (i = 0; i < turns || !READ_ONCE(noted.hits); i++) {
		if (READ_ONCE(noted.hits) && time_is_up(begin, 20))
			break;
		now = vsyscall_time(&stored);
		ASSERT_EQ(now, stored);
		ASSERT_LE(last, now);
		last = now;
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_LT(0, noted.hits);
}

TEST_HARNESS_MAIN
