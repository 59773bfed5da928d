// SPDX-License-Identifier: GPL-2.0
/*
 * Threads in a ring dispatch to one another at random priorities, in and out
 * of critical sections that they enter and leave at random. However a dispatch
 * meets the end of a section, it is not lost: each thread ends up having seen
 * the last value its neighbour wrote.
 *
 * upc_register(2), DESCRIPTION (code that exits a critical section);
 * upcall.rst, section 4, rules 1 and 4.
 */
#include "upcall_proc.h"

#define THREADS	4

struct member {
	struct upcall upc;
	void *ctx;
	int id;
	int times;
	int seq;		/* written by the neighbour before */
	int seen;		/* what cfunc saw last */
	int entries;
	int broken;		/* an entry inside a section */
	int depth;		/* of sections, kept beside crit_count */
	int failed;
};

static struct member ring[THREADS];
static int ready, done;

static void see(void *data)
{
	struct member *m = data;

	m->entries++;
	if (m->depth)
		m->broken++;
	m->seen = READ_ONCE(m->seq);
	/* A section in an upcall, at times, as any function may have. */
	if (m->seen & 1) {
		crit_enter(&m->upc);
		crit_exit(&m->upc);
	}
}

static void *member(void *arg)
{
	struct member *m = arg, *next = m + 1 < ring + THREADS ? m + 1 : ring;
	unsigned int seed = m - ring, r;
	int i;

	m->upc.magic = UPCALL_MAGIC;
	m->id = upc_register_ctx(&m->upc, m->ctx, see, m);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	WAIT_UNTIL(READ_ONCE(ready) == THREADS);

	for (i = 1; i <= m->times; i++) {
		r = next_random(&seed);
		if (r % 4 == 0 && m->depth < 3) {
			crit_enter(&m->upc);
			WRITE_ONCE(m->depth, m->depth + 1);
		}
		WRITE_ONCE(next->seq, i);
		if (upc_dispatch(next->id, 1 + r / 4 % UPC_CRITADD))
			m->failed++;
		if (r / 128 % 4 == 0 && m->depth) {
			WRITE_ONCE(m->depth, m->depth - 1);
			crit_exit(&m->upc);
		}
	}
	while (m->depth) {
		WRITE_ONCE(m->depth, m->depth - 1);
		crit_exit(&m->upc);
	}
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	WAIT_UNTIL(READ_ONCE(done) == THREADS);

	/* Nothing more comes, and nobody helps: what is pending has to enter. */
	while (READ_ONCE(m->seen) != m->times)
		cpu_relax();
	return NULL;
}

FIXTURE(ring) {
};

FIXTURE_VARIANT(ring) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(ring, next) {
	.ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(ring, pop) {
	.ctx = ctx_pop,
};

FIXTURE_SETUP(ring)
{
}

FIXTURE_TEARDOWN(ring)
{
}

TEST_F_TIMEOUT(ring, no_dispatch_is_lost, 280)
{
	pthread_t threads[THREADS];
	struct member *m;
	int i;

	for (i = 0; i < THREADS; i++) {
		ring[i].ctx = variant->ctx;
		ring[i].times = iterations(25000);
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, member,
					    &ring[i]));
	}
	for (i = 0; i < THREADS; i++) {
		m = &ring[i];
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		ASSERT_GT(m->id, 0);
		EXPECT_EQ(0, m->failed);
		EXPECT_EQ(0, m->broken);
		EXPECT_EQ(m->times, m->seen);
		EXPECT_LE(m->entries, m->times);
		EXPECT_EQ(0, m->upc.crit_count);
		EXPECT_EQ(0, m->upc.pending);
		TH_LOG("%d dispatches, %d entries", m->times, m->entries);
	}
}

TEST_HARNESS_MAIN
