// SPDX-License-Identifier: GPL-2.0
/*
 * A timer goes with its upcall, and that with its owner: nothing is dispatched
 * after DELETE, exit or exec, nor in a child. All that an address space may have.
 * upcall.rst, section 1 and section 6, TIMER.
 */
#include "upcall_timer.h"

static struct upcall upc = UPCALL_INIT, others = UPCALL_INIT;
static int id, hits, stop, deleted, dead, late;

TEST(delete_of_ones_own)
{
	int then;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_timer(id, 20 * MSEC, MSEC, 1));
	ASSERT_EQ(0, upc_delete(id));
	then = READ_ONCE(hits);
	spin_for(40 * MSEC);
	EXPECT_EQ(then, hits);
	EXPECT_EQ(-ENOENT, upc_timer(id, 1, 0, 1));

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_EQ(0, upc_timer(id, 20 * MSEC, MSEC, 1));
	ASSERT_EQ(0, upc_delete(-1));
	then = READ_ONCE(hits);
	spin_for(40 * MSEC);
	EXPECT_EQ(then, hits);
}

static void check_cfunc(void *data)
{
	count_cfunc(data);
	if (READ_ONCE(dead))
		late++;
}

/* Registers one after the other; each has a timer that fires again and again. */
static void *owner(void *data)
{
	while (!READ_ONCE(stop)) {
		int ret = upc_register_ctx(&others, ctx_next, check_cfunc, &hits);

		CHECK(ret > 0);
		CHECK(!upc_timer(ret, 1, 300000, 1));
		__atomic_store_n(&id, ret, __ATOMIC_RELEASE);
		while (READ_ONCE(id) && !READ_ONCE(stop)) {
			/* Here none is on its way that was entered before. */
			if (__atomic_load_n(&deleted, __ATOMIC_ACQUIRE))
				WRITE_ONCE(dead, 1);
			cpu_relax();
		}
		WRITE_ONCE(dead, 0);
	}
	return NULL;
}

TEST(delete_by_another_as_it_expires)
{
	int i, n, rounds = iterations(20000);
	long long start = now_ns();
	unsigned int seed = 1;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, owner, NULL));
	for (i = 0; i < rounds && !time_is_up(start, 10); i++) {
		WAIT_UNTIL(__atomic_load_n(&id, __ATOMIC_ACQUIRE));
		for (n = next_random(&seed) % 2000; n; n--)
			cpu_relax();
		ASSERT_EQ(0, upc_delete(id));
		if (i % 32 == 0) {
			__atomic_store_n(&deleted, 1, __ATOMIC_RELEASE);
			WAIT_UNTIL(READ_ONCE(dead));
			usleep(2000);
			WRITE_ONCE(deleted, 0);
		}
		ASSERT_EQ(-ENOENT, upc_poll(id, 1));
		__atomic_store_n(&id, 0, __ATOMIC_RELEASE);
	}
	WRITE_ONCE(stop, 1);
	WRITE_ONCE(id, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, late);
	EXPECT_LT(0, hits);
	TH_LOG("%d deleted, %d entries", i, hits);
}

static void *exits(void *data)
{
	int i, ret;

	for (i = 0; i < 8; i++) {
		ret = upc_register_ctx(&others, ctx_next, count_cfunc, &hits);
		CHECK(ret > 0 && !upc_timer(ret, 1 + i * 50000, 2 * MSEC, 1));
	}
	spin_for((long)data % 10 * 40000);
	return (void *)(long)ret;
}

TEST(owner_exits)
{
	struct upcall was;
	pthread_t thread;
	void *ret;
	long i;

	for (i = 0; i < iterations(200); i++) {
		memset(&others, 0, sizeof(others));
		others.magic = UPCALL_MAGIC;
		ASSERT_EQ(0, pthread_create(&thread, NULL, exits, (void *)i));
		ASSERT_EQ(0, pthread_join(thread, &ret));
		was = others;
		usleep(1000);
		ASSERT_EQ(-ENOENT, upc_poll((long)ret, 1));
		ASSERT_EQ(0, memcmp(&was, &others, sizeof(was)));
	}
}

TEST(owner_is_killed)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < iterations(100); i++) {
		pid = fork();
		if (!pid) {
			exits(NULL);
			for (;;)
				cpu_relax();
		}
		usleep(i % 10 * 300);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		status = child_status(pid);
		ASSERT_EQ(SIGKILL, status);
	}
}

/* The new image has no upcalls, and is let alone. */
TEST(owner_execs)
{
	int i, ids[1], status;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		pid = fork();
		if (!pid) {
			ids[0] = (long)exits(NULL);
			exec_image(ids, 1);
		}
		status = child_status(pid);
		ASSERT_EQ(0, status);
	}
}

static int image(int old)
{
	spin_for(10 * MSEC);
	return upc_poll(old, 1) == -ENOENT && !hits ? 0 : KSFT_FAIL;
}

TEST(fork_child_has_none)
{
	int status, then;
	pid_t pid;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_EQ(0, upc_timer(id, 20 * MSEC, MSEC, 1));
	pid = fork();
	if (!pid) {
		then = READ_ONCE(hits);
		spin_for(60 * MSEC);
		CHECK(hits == then);
		CHECK(upc_timer(id, 1, 0, 1) == -ENOENT);
		_exit(0);
	}
	status = child_status(pid);
	EXPECT_EQ(0, status);
	EXPECT_LT(0, hits);
	ASSERT_EQ(0, upc_timer(id, 0, 0, 1));
}

static int sharer(void *data)
{
	CHECK(upc_timer(id, 1, 0, 1) == -ENOENT);
	spin_for(20 * MSEC);
	return 0;
}

TEST(clone_vm_child_sets_its_own)
{
	int status;
	pid_t pid;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	pid = clone_worker(sharer, NULL);
	ASSERT_GT(pid, 0);
	status = child_status(pid);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, hits);
}

/* All expire at the same time; then each once more by the next interval. */
TEST(as_many_as_there_may_be)
{
	int i, n = upcall_limit(), *many;
	long long when;

	if (n < 0)
		SKIP(return, "no " UPCALL_MAX_FILE);
	if (n > 4096)
		n = 4096;
	many = calloc(n, sizeof(int));
	ASSERT_TRUE(!!many);
	when = now_ns() + 500 * MSEC;
	for (i = 0; i < n; i++) {
		id = upc_register_ctx(&upc, ctx_next, count_cfunc, &many[i]);
		ASSERT_GT(id, 0);
		ASSERT_EQ(0, upc_timer_by(ABSTIME, id, when, 500 * MSEC, 1));
	}
	for (i = 0; i < n; i++) {
		while (!READ_ONCE(many[i]))
			cpu_relax();
	}
	EXPECT_LE(when, now_ns());
	for (i = 0; i < n; i++) {
		while (READ_ONCE(many[i]) < 2)
			cpu_relax();
	}
	ASSERT_EQ(0, upc_delete(-1));
	EXPECT_EQ(0, upc.crit_count);
}

int main(int argc, char **argv)
{
	int old[IMAGE_IDS];

	if (image_ids(argc, argv, old) > 0)
		return image(old[0]);
	return test_harness_run(argc, argv);
}
