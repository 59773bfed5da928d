// SPDX-License-Identifier: MIT
/*
 * The value of errno goes along with a user thread, wherever it goes on.
 */
#include "mn_test.h"

#define CREW	6

/* It must not move between the address and what is there: as mn(7) has it. */
static __attribute__((noinline)) int errno_now(void)
{
	int e;

	mn_crit_enter();
	e = errno;
	mn_crit_exit();
	return e;
}

static __attribute__((noinline)) void set_errno(int e)
{
	mn_crit_enter();
	errno = e;
	mn_crit_exit();
}

static struct mn_sem sem;
static struct mn_mutex mutex;

static void wait_somehow(unsigned int how)
{
	switch (how % 5) {
	case 0:
		mn_yield();
		break;
	case 1:
		CHECK(!mn_sleep(1000));
		break;
	case 2:
		CHECK(!mn_sem_post(&sem));
		CHECK(!mn_sem_wait(&sem));
		break;
	case 3:
		CHECK(!mn_mutex_lock(&mutex));
		CHECK(!mn_mutex_unlock(&mutex));
		break;
	default:
		/* Or it does not, and is preempted. */
		spin(20000);
	}
}

static void *has_its_own(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(1000);

	for (i = 0; i < n; i++) {
		int mine = 1000 * (int)(long)arg + i % 1000 + 1;

		set_errno(mine);
		wait_somehow(random_next(&seed));
		CHECK(errno_now() == mine);
	}
	return NULL;
}

static void *own(void *arg)
{
	mn_sem_init(&sem, 0);
	mn_mutex_init(&mutex);
	crew(CREW, has_its_own);
	return arg;
}

/* What fails leaves it as it was. */
static void *none_is_set(void *arg)
{
	char c;

	mn_sem_init(&sem, 0);
	set_errno(4711);
	CHECK(mn_sem_trywait(&sem) == EAGAIN);
	CHECK(mn_read(-1, &c, 1) == -EBADF);
	CHECK(mn_poll(-1, 0, 0) == -EBADF);
	CHECK(mn_close(-1) == -EBADF);
	CHECK(mn_spawn(NULL, NULL, NULL, NULL) == EINVAL);
	CHECK(mn_timedread(0, &c, 0, 0) <= 0);
	CHECK(errno_now() == 4711);
	return arg;
}

static const struct mn_case cases[] = {
	{ "each has its own", own, 0 },
	{ "no function sets it", none_is_set, ONCE },
};

MN_MAIN(cases)
