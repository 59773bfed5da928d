// SPDX-License-Identifier: GPL-2.0
/*
 * Two dispatchers storm one receiver, each through an upcall of its own. There
 * are never more entries than dispatches, and the last dispatch of each is not
 * lost: the receiver, spinning in user mode, sees what was written before it.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; upcall.rst, section 4, rules 3 and 4.
 */
#include "upcall_proc.h"

#define DISPATCHERS	2

struct line {
	int id;
	int times;		/* how often to dispatch */
	int seq;		/* written before each dispatch */
	int seen;		/* what cfunc saw last */
	int entries;
	int backwards;		/* cfunc saw an older value after a newer */
	int failed;
};

static struct upcall upc = UPCALL_INIT;
static struct line lines[DISPATCHERS];
static int done;

static void see(void *data)
{
	struct line *line = data;
	int seq = READ_ONCE(line->seq);

	line->entries++;
	if (seq < line->seen)
		line->backwards++;
	WRITE_ONCE(line->seen, seq);
}

static void *dispatcher(void *arg)
{
	struct line *line = arg;
	int i;

	for (i = 1; i <= line->times; i++) {
		WRITE_ONCE(line->seq, i);
		if (upc_dispatch(line->id, 1 + i % UPC_CRITADD))
			line->failed++;
	}
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

FIXTURE(storm) {
};

FIXTURE_VARIANT(storm) {
	void *ctx;
	bool sections;		/* the receiver has critical sections */
};

FIXTURE_VARIANT_ADD(storm, next) {
	.ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(storm, pop) {
	.ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(storm, next_and_sections) {
	.ctx = ctx_next, .sections = true,
};

FIXTURE_VARIANT_ADD(storm, pop_and_sections) {
	.ctx = ctx_pop, .sections = true,
};

FIXTURE_SETUP(storm)
{
	int i;

	for (i = 0; i < DISPATCHERS; i++) {
		lines[i].times = iterations(50000);
		lines[i].id = upc_register_ctx(&upc, variant->ctx, see,
					       &lines[i]);
		ASSERT_GT(lines[i].id, 0);
	}
}

FIXTURE_TEARDOWN(storm)
{
}

TEST_F_TIMEOUT(storm, nothing_is_lost, 280)
{
	pthread_t threads[DISPATCHERS];
	struct line *line;
	int i;

	for (i = 0; i < DISPATCHERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, dispatcher,
					    &lines[i]));
	while (READ_ONCE(done) < DISPATCHERS) {
		if (variant->sections) {
			crit_enter(&upc);
			cpu_relax();
			crit_exit(&upc);
		}
	}
	/* No system call yet, nor a section: what was dispatched comes. */
	for (line = lines; line < lines + DISPATCHERS; line++) {
		while (READ_ONCE(line->seen) != line->times)
			cpu_relax();
	}
	for (i = 0; i < DISPATCHERS; i++) {
		line = &lines[i];
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		TH_LOG("%d dispatches, %d entries", line->times, line->entries);
		EXPECT_EQ(0, line->failed);
		EXPECT_EQ(0, line->backwards);
		EXPECT_GT(line->entries, 0);
		EXPECT_LE(line->entries, line->times);
		EXPECT_EQ(0, upc_poll(line->id, 1));
	}
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
