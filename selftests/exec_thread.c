// SPDX-License-Identifier: GPL-2.0
/*
 * exec by one thread of several, each with upcalls, some pending, while they
 * dispatch to one another: the new image has none of them.
 *
 * upc_register(2), DESCRIPTION; upcall.rst, section 1 (execve).
 */
#include "upcall_proc.h"

#define THREADS	3

static __thread struct upcall upc;
static int ids[THREADS], ready, hits;

static int image(const int *old, int n)
{
	static struct upcall mine = UPCALL_INIT;
	int i, id;

	CHECK(n == THREADS);
	for (i = 0; i < n; i++) {
		CHECK(upc_poll(old[i], 0) == -ENOENT);
		CHECK(upc_dispatch(old[i], 1) == -ENOENT);
	}
	CHECK(upc_poll(-1, 0) == 0);
	CHECK(upc_delete(-1) == 0);
	id = upc_register_ctx(&mine, ctx_pop, count_cfunc, &hits);
	CHECK(id > 0 && !upc_dispatch(id, 1) && hits == 1);
	return KSFT_PASS;
}

static void register_mine(int n)
{
	upc.magic = UPCALL_MAGIC;
	ids[n] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	CHECK(ids[n] > 0);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	WAIT_UNTIL(READ_ONCE(ready) == THREADS);
}

/* Dispatches to everybody, for ever: exec ends it. */
static void *storm(void *arg)
{
	unsigned int seed = 1;
	int ret;

	register_mine((long)arg);
	for (;;) {
		ret = upc_dispatch(ids[next_random(&seed) % THREADS], 1);
		CHECK(ret == 0 || ret == -ENOENT);
	}
	return NULL;
}

static void *executes(void *arg)
{
	struct timespec ts = { .tv_nsec = 2000000 };

	register_mine((long)arg);
	/* The id stays this thread's, and so pending, until it leaves. */
	crit_enter(&upc);
	CHECK(upc_dispatch(ids[(long)arg], 1) == 0);
	nanosleep(&ts, NULL);
	exec_image(ids, THREADS);
	return NULL;
}

FIXTURE(exec) {
};

FIXTURE_VARIANT(exec) {
	bool by_leader;
};

FIXTURE_VARIANT_ADD(exec, by_the_leader) {
	.by_leader = true,
};

FIXTURE_VARIANT_ADD(exec, by_another_thread) {
	.by_leader = false,
};

FIXTURE_SETUP(exec)
{
}

FIXTURE_TEARDOWN(exec)
{
}

TEST_F_TIMEOUT(exec, carries_nothing, 120)
{
	int round, n = iterations(20);
	pthread_t thread;
	pid_t pid;

	for (round = 0; round < n; round++) {
		pid = fork();
		if (!pid) {
			CHECK(!pthread_create(&thread, NULL, storm, (void *)0));
			CHECK(!pthread_create(&thread, NULL, variant->by_leader
					      ? storm : executes, (void *)1));
			if (variant->by_leader)
				executes((void *)2);
			storm((void *)2);
		}
		ASSERT_GT(pid, 0);
		ASSERT_EQ(0, child_status(pid));
	}
}

int main(int argc, char **argv)
{
	int old[IMAGE_IDS], n = image_ids(argc, argv, old);

	return n < 0 ? test_harness_run(argc, argv) : image(old, n);
}
