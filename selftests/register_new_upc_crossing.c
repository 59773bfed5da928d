// SPDX-License-Identifier: GPL-2.0
/*
 * Another task dispatches while the owner registers with a new struct upcall.
 * The dispatch must be judged by the old or by the new one, and must not be
 * lost, even if the owner makes no further system call.
 *
 * upcall.rst, sections 3 and 4, rule 4.
 */
#include "upcall_util.h"

static struct upcall upcs[2];
static int id, seen, told, sent, round, wrong, over;

/* Notes what the dispatcher wrote before its dispatch. */
static void look(void *data)
{
	WRITE_ONCE(seen, READ_ONCE(told));
}

static void spin(unsigned int *seed, int most)
{
	int n;

	for (n = next_random(seed) % most; n; n--)
		cpu_relax();
}

/* Dispatches once a round, at about the time the owner registers. */
static void *send_once_a_round(void *arg)
{
	unsigned int seed = 7;
	int i, n;

	pin_to_cpu(1);
	for (i = 1;; i++) {
		while (READ_ONCE(round) != i) {
			if (READ_ONCE(over))
				return NULL;
			cpu_relax();
		}
		spin(&seed, 3000);
		WRITE_ONCE(told, i);
		if (upc_dispatch(id, 1 + (i & 7)))
			WRITE_ONCE(wrong, 1);
		/* This gives the kick time to reach a running owner. */
		for (n = 0; n < 50 && READ_ONCE(seen) != i; n++)
			sched_yield();
		__atomic_store_n(&sent, i, __ATOMIC_RELEASE);
	}
}

FIXTURE(crossing) {
	pthread_t thread;
};

FIXTURE_VARIANT(crossing) {
	struct upcall from, to;	/* the old one and the new one */
	void *ctx;
};

FIXTURE_VARIANT_ADD(crossing, out_of_a_section_next) {
	.from = { .crit_count = 64 }, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(crossing, out_of_a_section_pop) {
	.from = { .crit_count = 64 }, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(crossing, out_of_pending) {
	.from = { .pending = 64 }, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(crossing, into_a_section) {
	.to = { .crit_count = 64 }, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(crossing, into_pending) {
	.to = { .pending = 1 }, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(crossing, from_section_to_section) {
	.from = { .crit_count = 64 }, .to = { .crit_count = 64 },
	.ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(crossing, held_by_neither) {
	.ctx = ctx_next,
};

FIXTURE_SETUP(crossing)
{
	ASSERT_TRUE(pin_to_cpu(0));
	upcs[0].magic = UPCALL_MAGIC;
	upcs[1].magic = UPCALL_MAGIC;
	id = upc_register_ctx(&upcs[0], variant->ctx, look, NULL);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(crossing)
{
	WRITE_ONCE(over, 1);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(0, wrong);
}

static int replace_by(struct upcall *upc)
{
	return upc_register_ctx(upc, ctx_next, look, NULL);
}

/*
 * The owner makes no call until the dispatcher is done. An upcall that has not
 * been entered by then must be entered, or noted, at the end of one more call.
 */
TEST_F_TIMEOUT(crossing, each_is_seen_to, 200)
{
	int i, extra, n = iterations(1000), without_a_call = 0;
	struct upcall *old, *new, left;
	long long start = now_ns();
	bool held = variant->to.crit_count || variant->to.pending;
	unsigned int seed = 1;

	ASSERT_EQ(0, pthread_create(&self->thread, NULL, send_once_a_round,
				    NULL));
	for (i = 1; i <= n && !time_is_up(start, 20); i++) {
		old = &upcs[~i & 1];
		new = &upcs[i & 1];
		new->crit_count = variant->to.crit_count;
		new->pending = variant->to.pending;
		barrier();
		old->pending = variant->from.pending;
		old->crit_count = variant->from.crit_count;
		WRITE_ONCE(round, i);
		spin(&seed, 3000);
		extra = replace_by(new);
		left = *old;
		while (__atomic_load_n(&sent, __ATOMIC_ACQUIRE) != i)
			cpu_relax();
		without_a_call += READ_ONCE(seen) == i;
		if (READ_ONCE(seen) != i)
			getppid();
		if (READ_ONCE(seen) != i && held) {
			/* It has been noted in pending, and this enters it. */
			ASSERT_LE(1 + (i & 7), READ_ONCE(new->pending));
			new->crit_count = 0;
			ASSERT_EQ(0, upc_dispatch(-1, 0));
		}
		ASSERT_EQ(i, READ_ONCE(seen))
			TH_LOG("lost in round %d: %d is pending: %d", i, id,
			       upc_poll(id, 1));
		ASSERT_EQ(0, memcmp(&left, old, sizeof(left)));
		new->crit_count = 0;
		new->pending = 0;
		ASSERT_GT(extra, 0);
		ASSERT_EQ(0, upc_delete(extra));
	}
	TH_LOG("%d rounds, %d entered without a call", i - 1, without_a_call);
}

TEST_HARNESS_MAIN
