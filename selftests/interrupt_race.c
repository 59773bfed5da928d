// SPDX-License-Identifier: GPL-2.0
/*
 * INTERRUPT at any instruction of a task that goes through a critical section and
 * then sleeps in a call: the upcall is entered, though nothing else ends the call,
 * and never in the section.
 * upcall.rst, section 6, INTERRUPT.
 */
#include "upcall_util.h"

static struct upcall upc = UPCALL_INIT;
static int id, entered, in_section, seen_in_section, wrong, stop;
static int epoll_fd;
static long event[3];

static void cfunc(void *data)
{
	if (in_section)
		seen_in_section++;
	WRITE_ONCE(entered, entered + 1);
}

/* Whether the section has a call in it, and sleeps in which call behind it. */
static bool call_in_section, sleeps_in_wait;

static void *owner(void *data)
{
	int i, ret, spins;

	pin_to_cpu(0);
	id = upc_register_ctx(&upc, ctx_pop, cfunc, NULL);
	__atomic_store_n((int *)data, 1, __ATOMIC_RELEASE);
	for (spins = 0; !READ_ONCE(stop); spins++) {
		crit_enter(&upc);
		in_section = 1;
		barrier();
		for (i = spins % 100; i; i--)
			cpu_relax();
		if (call_in_section)
			getppid();
		barrier();
		in_section = 0;
		crit_exit(&upc);
		if (sleeps_in_wait)
			ret = upc_wait(UPC_CRITADD);
		else
			ret = upc_syscall(SYS_epoll_wait, epoll_fd,
					  (long)event, 1, -1);
		wrong += ret != -EINTR && ret != 1;
	}
	return NULL;
}

FIXTURE(race) {
};

FIXTURE_VARIANT(race) {
	bool call_in_section, sleeps_in_wait;
};

FIXTURE_VARIANT_ADD(race, no_call) { };
FIXTURE_VARIANT_ADD(race, call) { .call_in_section = true };
FIXTURE_VARIANT_ADD(race, wait) { .sleeps_in_wait = true };

FIXTURE_SETUP(race)
{
	call_in_section = variant->call_in_section;
	sleeps_in_wait = variant->sleeps_in_wait;
	epoll_fd = syscall(SYS_epoll_create1, 0);
	ASSERT_GE(epoll_fd, 0);
}

FIXTURE_TEARDOWN(race)
{
}

TEST_F_TIMEOUT(race, none_is_left_asleep, 120)
{
	int i, n, started = 0, rounds = iterations(100000);
	long long start = now_ns();
	unsigned int seed = 1;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, owner, &started));
	WAIT_UNTIL(__atomic_load_n(&started, __ATOMIC_ACQUIRE));
	pin_to_cpu(1);
	for (i = 1; i <= rounds && !time_is_up(start, 10); i++) {
		for (n = next_random(&seed) % 600; n; n--)
			cpu_relax();
		ASSERT_EQ(0, upc_control(UPC_CONTROL_INTERRUPT, id, 1));
		WAIT_UNTIL(READ_ONCE(entered) >= i);
		ASSERT_EQ(i, READ_ONCE(entered));
	}
	EXPECT_EQ(0, seen_in_section);
	TH_LOG("%d rounds", i - 1);
	/* Its last upcall ends its last call, unless that came too soon. */
	WRITE_ONCE(stop, 1);
	while (pthread_tryjoin_np(thread, NULL))
		upc_control(UPC_CONTROL_INTERRUPT, id, 1);
	EXPECT_EQ(0, wrong);
}

TEST_HARNESS_MAIN
