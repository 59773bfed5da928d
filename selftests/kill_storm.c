// SPDX-License-Identifier: GPL-2.0
/*
 * Process after process ends at a random point of a storm in which its threads
 * register, delete and dispatch upcalls, in and out of critical sections.
 *
 * upcall.rst, sections 1 and 4: whatever is pending, held or being entered
 * goes with the mm. A kernel that frees too little, too much or too early says
 * so in its log, or stops.
 */
#include "upcall_proc.h"

#define THREADS	3
#define EACH	2

static __thread struct upcall upc;
static int ids[THREADS][EACH], hits, go;

static int *some_id(unsigned int *seed)
{
	unsigned int r = next_random(seed);

	return &ids[r % THREADS][r / THREADS % EACH];
}

static void *storm(void *arg)
{
	int me = (long)arg % THREADS, ret, mine;
	unsigned int seed = (long)arg, turn;

	upc.magic = UPCALL_MAGIC;
	WAIT_UNTIL(READ_ONCE(go));
	for (turn = 0; ; turn++) {
		mine = turn % EACH;
		if (turn % 64 < EACH) {
			if (ids[me][mine])
				CHECK(upc_delete(ids[me][mine]) == 0);
			ret = upc_register_ctx(&upc, turn & 1 ? ctx_next :
					       ctx_pop, count_cfunc, &hits);
			CHECK(ret > 0);
			WRITE_ONCE(ids[me][mine], ret);
		}
		if (turn % 3 == 0)
			crit_enter(&upc);
		ret = upc_dispatch(READ_ONCE(*some_id(&seed)),
				   next_random(&seed) % 40);
		CHECK(ret == 0 || ret == -ENOENT);
		if (turn % 3 == 0)
			crit_exit(&upc);
	}
	return NULL;
}

static void live(unsigned int seed, bool ends_itself)
{
	pthread_t thread;
	unsigned int i;

	for (i = 1; i < THREADS; i++)
		CHECK(!pthread_create(&thread, NULL, storm,
				      (void *)(long)(seed * THREADS + i)));
	WRITE_ONCE(go, 1);
	if (!ends_itself)
		storm((void *)(long)(seed * THREADS));
	for (i = next_random(&seed) % 20000; i; i--)
		cpu_relax();
	_exit(7);
}

FIXTURE(lives) {
};

FIXTURE_VARIANT(lives) {
	bool ends_itself;
	int status;
};

FIXTURE_VARIANT_ADD(lives, killed) {
	.status = SIGKILL,
};

FIXTURE_VARIANT_ADD(lives, exit_group) {
	.ends_itself = true, .status = 7 << 8,
};

FIXTURE_SETUP(lives)
{
}

FIXTURE_TEARDOWN(lives)
{
}

TEST_F_TIMEOUT(lives, end_in_a_storm, 280)
{
	unsigned int seed = 1;
	struct timespec ts = {};
	int i, n = iterations(500);
	pid_t pid;

	for (i = 0; i < n; i++) {
		pid = fork();
		if (!pid)
			live(i + 1, variant->ends_itself);
		ASSERT_GT(pid, 0);
		if (!variant->ends_itself) {
			ts.tv_nsec = next_random(&seed) % 8000 * 1000;
			nanosleep(&ts, NULL);
			ASSERT_EQ(0, kill(pid, SIGKILL));
		}
		ASSERT_EQ(variant->status, child_status(pid));
	}
}

TEST_HARNESS_MAIN
