// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 4: an exiting thread left its upcalls in the table, and a
 * dispatch then used freed memory. Here threads come and go, each with upcalls
 * in its own thread-local memory, under a storm of dispatches to all of them.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH and ERRORS (ENOENT); upcall.rst,
 * section 1.
 */
#include "upcall_proc.h"

#define SLOTS		16
#define DISPATCHERS	2

static __thread struct upcall upc;
static int live[SLOTS], stop, wrong, entered;

static void entry(void *data)
{
	__atomic_fetch_add(&entered, 1, __ATOMIC_RELAXED);
}

static void *dispatcher(void *arg)
{
	unsigned int seed = (unsigned long)arg;
	long answered = 0;
	int id, ret;

	while (!READ_ONCE(stop)) {
		id = READ_ONCE(live[next_random(&seed) % SLOTS]);
		if (!id)
			continue;
		ret = upc_dispatch(id, 1 + next_random(&seed) % 64);
		if (ret == 0)
			answered++;
		else if (ret != -ENOENT)
			WRITE_ONCE(wrong, ret);
	}
	return (void *)answered;
}

static void *owner(void *arg)
{
	unsigned int seed = (unsigned long)arg + 1, spin;
	int i, id, mine[4];

	upc.magic = UPCALL_MAGIC;
	for (i = 0; i < 4; i++) {
		id = upc_register_ctx(&upc, i & 1 ? ctx_next : ctx_pop, entry,
				      NULL);
		if (id <= 0) {
			WRITE_ONCE(wrong, id);
			break;
		}
		mine[i] = id;
		WRITE_ONCE(live[((unsigned long)arg + i) % SLOTS], id);
	}
	for (spin = next_random(&seed) % 4096; spin; spin--)
		cpu_relax();
	/* On one CPU others do not get to run while this lives, but so. */
	if (next_random(&seed) & 1)
		sched_yield();
	/* Some go inside a critical section, with whatever is pending then. */
	if (next_random(&seed) & 1)
		crit_enter(&upc);
	return i == 4 ? (void *)(long)mine[3] : NULL;
}

FIXTURE(storm) {
	pthread_t dispatchers[DISPATCHERS];
};

FIXTURE_SETUP(storm)
{
	long i;

	for (i = 0; i < DISPATCHERS; i++)
		ASSERT_EQ(0, pthread_create(&self->dispatchers[i], NULL,
					    dispatcher, (void *)(i + 1)));
}

FIXTURE_TEARDOWN(storm)
{
}

TEST_F_TIMEOUT(storm, threads_come_and_go, 240)
{
	pthread_t threads[4];
	long answered = 0, round;
	int i, last, n = iterations(200);
	void *ret;

	for (round = 0; round < n; round++) {
		for (i = 0; i < 4; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, owner,
						    (void *)(round * 16 +
							     i * 4)));
		for (i = 0; i < 4; i++) {
			ASSERT_EQ(0, pthread_join(threads[i], &ret));
			last = (long)ret;
			ASSERT_GT(last, 0);
			ASSERT_EQ(-ENOENT, upc_dispatch(last, 1));
			ASSERT_EQ(-ENOENT, upc_poll(last, 0));
		}
		ASSERT_EQ(0, READ_ONCE(wrong));
	}
	WRITE_ONCE(stop, 1);
	for (i = 0; i < DISPATCHERS; i++) {
		ASSERT_EQ(0, pthread_join(self->dispatchers[i], &ret));
		answered += (long)ret;
	}
	ASSERT_EQ(0, READ_ONCE(wrong));
	TH_LOG("%ld dispatches went to living owners, %d entries", answered,
	       entered);
	ASSERT_GT(answered, 0);
	ASSERT_GE(answered, entered);
}

TEST_HARNESS_MAIN
