// SPDX-License-Identifier: GPL-2.0
/*
 * The owner deletes its upcall and registers another, again and again, while
 * others dispatch to whatever id they last saw. They get 0 or ENOENT and
 * nothing else, and no upcall is entered after its DELETE has returned.
 *
 * upc_register(2), UPC_CONTROL_DELETE and ERRORS; upcall.rst, section 4, rule
 * 4, and section 6.
 */
#include "upcall_proc.h"

#define TIMES		4	/* by one dispatcher, of one upcall */
#define DISPATCHERS	2

struct life {
	int id;
	int deleted;
	int entries;
};

static struct upcall upc = UPCALL_INIT;
static int current_id, stop, wrong, late;
static int accepted[DISPATCHERS], unknown[DISPATCHERS];

static void entry(void *data)
{
	struct life *life = data;

	if (READ_ONCE(life->deleted))
		late++;
	life->entries++;
}

static void *dispatcher(void *arg)
{
	int ret, id, last = 0, times = 0;
	long me = (long)arg;
	unsigned int seed = me;

	while (!READ_ONCE(stop)) {
		/* Without end, they would keep the owner in its upcalls. */
		id = READ_ONCE(current_id);
		times = id == last ? times + 1 : 0;
		last = id;
		if (times >= TIMES && READ_ONCE(upc.pending) + upc.crit_count)
			continue;
		ret = upc_dispatch(id, 1 + next_random(&seed) % 64);
		if (!ret)
			accepted[me]++;
		else if (ret == -ENOENT)
			unknown[me]++;
		else
			WRITE_ONCE(wrong, ret);
	}
	return NULL;
}

FIXTURE(storm) {
	struct life *lives;
	int n;
};

FIXTURE_VARIANT(storm) {
	void *ctx;
	bool all;		/* DELETE -1, else by id */
	bool section;		/* deleted inside a critical section */
};

FIXTURE_VARIANT_ADD(storm, by_id) {
	.ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(storm, by_id_held) {
	.ctx = ctx_pop, .section = true,
};

FIXTURE_VARIANT_ADD(storm, all) {
	.ctx = ctx_pop, .all = true,
};

FIXTURE_VARIANT_ADD(storm, all_held) {
	.ctx = ctx_next, .all = true, .section = true,
};

FIXTURE_SETUP(storm)
{
	self->n = iterations(5000);
	self->lives = calloc(self->n, sizeof(*self->lives));
	ASSERT_FALSE(!self->lives);
}

FIXTURE_TEARDOWN(storm)
{
}

TEST_F_TIMEOUT(storm, deleted_is_not_entered, 280)
{
	pthread_t threads[DISPATCHERS];
	int total = 0, entries = 0;
	unsigned int seed = 1, spin;
	struct life *life;
	long i;

	for (i = 0; i < DISPATCHERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, dispatcher,
					    (void *)i));
	for (i = 0; i < self->n; i++) {
		life = &self->lives[i];
		life->id = upc_register_ctx(&upc, variant->ctx, entry, life);
		ASSERT_GT(life->id, 0);
		WRITE_ONCE(current_id, life->id);
		/* Some last until they have been entered, most do not. */
		while (i % 64 == 0 && !READ_ONCE(life->entries))
			cpu_relax();
		for (spin = next_random(&seed) % 2048; spin; spin--)
			cpu_relax();
		if (variant->section)
			crit_enter(&upc);
		ASSERT_EQ(0, upc_delete(variant->all ? -1 : life->id));
		WRITE_ONCE(life->deleted, 1);
		ASSERT_EQ(-ENOENT, upc_poll(life->id, 0));
		if (variant->section)
			crit_exit(&upc);
	}
	WRITE_ONCE(stop, 1);
	for (i = 0; i < DISPATCHERS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		total += accepted[i];
		TH_LOG("%d dispatches accepted, %d unknown", accepted[i],
		       unknown[i]);
	}
	for (i = 0; i < self->n; i++)
		entries += self->lives[i].entries;
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, late);
	EXPECT_GT(entries, 0);
	EXPECT_LE(entries, total);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc_poll(-1, 0));
}

TEST_HARNESS_MAIN
