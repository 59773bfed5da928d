// SPDX-License-Identifier: GPL-2.0
/*
 * A task with 200,000 upcalls deletes them all at once, exits or calls
 * execve(), while other tasks dispatch, poll, delete and register. The other
 * tasks' upcalls must survive. An id that was deleted must stay unknown. In the
 * end all the task's upcalls are gone, none of them was entered, and their
 * slots are free. The other tasks' calls must get through before the last one
 * is deleted.
 *
 * upc_register(2), UPC_CONTROL_DELETE and ERRORS; upcall.rst, sections 1 and 6.
 */
#include "upcall_util.h"

#define MOST	200000
#define LIMIT	1048576
#define MINE	12		/* of the main thread, half of them pending */

enum way { DELETE, EXIT, PROCESS_EXIT, EXEC };

static struct upcall upc = UPCALL_INIT, own = UPCALL_INIT;
static enum way way;
static int ids[MOST], n, mine[MINE], hits, own_hits;
static int ready, go, over, wrong, midst;
static bool gone[MOST];

/* The task with many upcalls. It may be a process, which cannot use errno. */
static int many(void *arg)
{
	int i;

	upc.crit_count = UPC_CRITADD;
	upc.pending = 0;
	for (i = 0; i < n; i++) {
		ids[i] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		CHECK(ids[i] > 0);
		if (i % 7 == 0)
			CHECK(!upc_dispatch(ids[i], 1 + i % 31));
	}
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&go, __ATOMIC_ACQUIRE));
	if (way == EXEC)
		exec_image(ids, 0);
	if (way == DELETE) {
		CHECK(!upc_delete(-1) && !upc_poll(-1, 0));
		upc.crit_count = 0;
		CHECK(!upc_dispatch(-1, 0));
	}
	return 0;
}

static void *many_thread(void *arg)
{
	many(arg);
	return NULL;
}

/* Deletes some of the many by id; registers and deletes one of its own. */
static void *help(void *arg)
{
	static struct upcall its = UPCALL_INIT;
	unsigned int seed = 2;
	int id, ret;

	WAIT_UNTIL(__atomic_load_n(&go, __ATOMIC_ACQUIRE));
	while (!READ_ONCE(over)) {
		ret = upc_delete(ids[next_random(&seed) * 7 % n]);
		wrong += ret && ret != -ENOENT;
		id = upc_register_ctx(&its, ctx_next, count_cfunc, &hits);
		wrong += id <= 0 || upc_poll(id, 1) || upc_delete(id);
	}
	return NULL;
}

/* Notes that an id is unknown, and counts an error if it is found again. */
static bool is_gone(int i, int ret)
{
	if (ret == -ENOENT)
		gone[i] = true;
	else if (ret < 0 || gone[i])
		wrong++;
	return gone[i];
}

/*
 * Polls and dispatches until all are deleted. midst counts how often one of the
 * many was deleted and another not yet.
 */
static void watch_it(void)
{
	unsigned int seed = 1;
	int i, first, last;

	do {
		first = is_gone(0, upc_poll(ids[0], 0));
		last = is_gone(n - 1, upc_poll(ids[n - 1], 0));
		midst += first && !last;
		midst += last && !is_gone(0, upc_poll(ids[0], 0));
		i = next_random(&seed) * 5 % n;
		is_gone(i, upc_dispatch(ids[i], 5));
		i %= MINE;
		wrong += upc_poll(mine[i], 1) != i % 2;
		wrong += i % 2 && upc_dispatch(mine[i], 9);
	} while (!first || !last);
}

FIXTURE(many) {
	int limit;
};

FIXTURE_VARIANT(many) {
	enum way way;
	int n;
};

FIXTURE_VARIANT_ADD(many, delete) { .way = DELETE, .n = MOST };
FIXTURE_VARIANT_ADD(many, exit) { .way = EXIT, .n = MOST };
FIXTURE_VARIANT_ADD(many, process_exit) { .way = PROCESS_EXIT, .n = MOST / 4 };
FIXTURE_VARIANT_ADD(many, exec) { .way = EXEC, .n = MOST / 4 };

FIXTURE_SETUP(many)
{
	int i;

	self->limit = upcall_limit();
	if (!set_upcall_limit(LIMIT))
		SKIP(return setup_skipped(), "may not set kernel.upcall_max");
	way = variant->way;
	/* Of few of them nobody sees how they go. */
	n = iterations(variant->n);
	if (n > variant->n)
		n = variant->n;
	if (n < variant->n / 4)
		n = variant->n / 4;
	crit_enter(&own);
	for (i = 0; i < MINE; i++) {
		mine[i] = upc_register_ctx(&own, ctx_next, count_cfunc,
					   &own_hits);
		ASSERT_GT(mine[i], 0);
		if (i % 2)
			ASSERT_EQ(0, upc_dispatch(mine[i], 1 + i));
	}
}

FIXTURE_TEARDOWN(many)
{
	set_upcall_limit(self->limit);
}

static void lose_many(struct __test_metadata *_metadata)
{
	pthread_t thread, helper;
	pid_t pid = 0;
	int i;

	ready = 0;
	go = 0;
	over = 0;
	memset(gone, 0, sizeof(gone));
	ASSERT_EQ(0, pthread_create(&helper, NULL, help, NULL));
	if (way <= EXIT) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, many_thread, NULL));
	} else {
		pid = clone_worker(many, NULL);
		ASSERT_GT(pid, 0);
	}
	WAIT_UNTIL(__atomic_load_n(&ready, __ATOMIC_ACQUIRE));
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	watch_it();
	ASSERT_EQ(0, way <= EXIT ? pthread_join(thread, NULL) :
		     child_status(pid));
	WRITE_ONCE(over, 1);
	ASSERT_EQ(0, pthread_join(helper, NULL));
	for (i = 0; i < n; i++)
		wrong += upc_poll(ids[i], 0) != -ENOENT;
	ASSERT_EQ(0, wrong);
	ASSERT_EQ(0, hits);
}

/* Once more, if that ended before the main thread looked. */
TEST_F_TIMEOUT(many, lost_at_once, 200)
{
	long long start = now_ns();
	int i;

	do {
		lose_many(_metadata);
	} while (!midst && !time_is_up(start, 20));
	EXPECT_LT(0, midst);
	EXPECT_EQ(0, own_hits);
	crit_exit(&own);
	EXPECT_EQ(MINE / 2, own_hits);
	ASSERT_TRUE(set_upcall_limit(32));
	for (i = 0; upc_register_ctx(&own, ctx_next, count_cfunc, &hits) > 0;)
		i++;
	EXPECT_EQ(32 - MINE, i);
}

int main(int argc, char **argv)
{
	int none[IMAGE_IDS];

	if (image_ids(argc, argv, none) < 0)
		return test_harness_run(argc, argv);
	return upc_poll(-1, 0) ? KSFT_FAIL : KSFT_PASS;
}
