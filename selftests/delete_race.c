// SPDX-License-Identifier: GPL-2.0
/*
 * One task dispatches an upcall of another, deletes it and removes the memory
 * of the owner's struct upcall, while the owner runs or is in one of several
 * calls. The owner must never get a SIGSEGV.
 *
 * upcall.rst, sections 3 and 6.
 */
#include "upcall_next.h"
#include "upcall_util.h"

enum mode { RUN, CALL, REDISPATCH, SELF, NEXT, WAIT, SUSPEND };

static struct upcall_frame frame = FRAME_THAT_LEADS_HERE;
static struct pages pages;
static struct upcall *upc;

/* The owner's state; the last four are numbers of rounds. */
static enum mode mode;
static int tid, id, entries, faults, wrong;
static int begun, registered, lost, left;

/* Counts, and pops the frame without touching struct upcall. */
static void __attribute__((naked)) ctx_raw(void *data)
{
	asm volatile("incl (" DATA_REG ")\n\t"
		     "jmp ctx_pop_frame\n\t");
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (sig == SIGSEGV)
		WRITE_ONCE(faults, faults + 1);
}

/* Makes the call under test; false if it returned what it must not. */
static bool call(void)
{
	int ret;

	switch (mode) {
	case RUN:
		return true;
	case CALL:
		return getppid() > 0;
	case REDISPATCH:
		return !upc_dispatch(-1, 0);
	case SELF:
		ret = upc_dispatch(id, 1);
		return !ret || ret == -ENOENT;
	case NEXT:
		do_next(&frame);
		return seen.ax == (unsigned long)frame.fr_ax;
	case WAIT:
		ret = upc_wait(1);
		return ret == id || ret == -EINTR;
	default:
		ret = upc_suspend(1);
		return ret == id || ret == -EINTR || ret == -EFAULT;
	}
}

static void *owner(void *arg)
{
	int i;

	CHECK(!handle_on_altstack(SIGSEGV, 0, on_signal));
	CHECK(!handle_on_altstack(SIGUSR1, 0, on_signal));
	WRITE_ONCE(tid, sys_gettid());
	for (i = 1;; i++) {
		WAIT_UNTIL(READ_ONCE(begun));
		if (begun < 0)
			return NULL;
		id = upc_register_ctx(upc, ctx_raw, NULL, &entries);
		wrong += id <= 0;
		WRITE_ONCE(begun, 0);
		__atomic_store_n(&registered, i, __ATOMIC_RELEASE);
		do {
			wrong += !call();
		} while (READ_ONCE(lost) != i);
		__atomic_store_n(&left, i, __ATOMIC_RELEASE);
	}
}

FIXTURE(race) {
};

FIXTURE_VARIANT(race) {
	enum mode mode;
};

FIXTURE_VARIANT_ADD(race, run) { .mode = RUN };
FIXTURE_VARIANT_ADD(race, call) { .mode = CALL };
FIXTURE_VARIANT_ADD(race, redispatch) { .mode = REDISPATCH };
FIXTURE_VARIANT_ADD(race, self) { .mode = SELF };
FIXTURE_VARIANT_ADD(race, next) { .mode = NEXT };
FIXTURE_VARIANT_ADD(race, wait) { .mode = WAIT };
FIXTURE_VARIANT_ADD(race, suspend) { .mode = SUSPEND };

FIXTURE_SETUP(race)
{
	ASSERT_EQ(0, make_pages(&pages));
	upc = (struct upcall *)pages.middle;
	mode = variant->mode;
}

FIXTURE_TEARDOWN(race)
{
}

static void pause_for(unsigned int *seed)
{
	int n;

	for (n = next_random(seed) % 500; n; n--)
		cpu_relax();
}

TEST_F_TIMEOUT(race, nobody_minds, 120)
{
	int i, n = iterations(2000);
	long long start = now_ns();
	unsigned int seed = 1;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, owner, NULL));
	for (i = 1; i <= n && !time_is_up(start, 8); i++) {
		upc->magic = UPCALL_MAGIC;
		upc->crit_count = mode == SUSPEND ? UPC_CRITADD : 0;
		upc->pending = 0;
		WRITE_ONCE(begun, 1);
		while (__atomic_load_n(&registered, __ATOMIC_ACQUIRE) != i)
			sched_yield();
		pause_for(&seed);
		ASSERT_EQ(0, upc_dispatch(id, 1 + (i & 1) * UPC_CRITADD));
		if (i & 2)
			pause_for(&seed);
		ASSERT_EQ(0, upc_delete(id));
		ASSERT_EQ(0, break_page(&pages, (i >> 2) % 2));
		WRITE_ONCE(lost, i);
		while (__atomic_load_n(&left, __ATOMIC_ACQUIRE) != i) {
			sched_yield();
			if (mode < WAIT)
				continue;
			syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
			usleep(200);
		}
		ASSERT_EQ(0, READ_ONCE(faults))
			TH_LOG("in round %d", i);
		ASSERT_EQ(0, READ_ONCE(wrong))
			TH_LOG("in round %d", i);
		ASSERT_EQ(0, repair_page(&pages));
	}
	WRITE_ONCE(begun, -1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	TH_LOG("%d rounds, %d of them entered", i - 1, entries);
}

TEST_HARNESS_MAIN
