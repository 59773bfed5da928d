// SPDX-License-Identifier: GPL-2.0
/*
 * Another task dispatches an upcall as soon as its id exists, while the owner's
 * first registration has not returned yet. The upcall must not be lost. The
 * page at address 0 is mapped and filled with non-zero bytes: a kernel that
 * took it for the owner's struct upcall would read there that the owner had
 * been notified.
 *
 * upcall.rst, sections 3 and 4, rule 4.
 */
#include "upcall_fault.h"
#include "upcall_util.h"

static struct {
	struct upcall upc;
	int id, hits, hits_then, ready, sent;
} owner;

static unsigned int seed = 1;

/* Runs in a new thread each round, since only the first registration counts. */
static void *owner_main(void *arg)
{
	int n = next_random(&seed) % 500;

	WRITE_ONCE(owner.ready, 1);
	while (n--)
		cpu_relax();
	WRITE_ONCE(owner.id, upc_register_ctx(&owner.upc, ctx_next, count_cfunc,
					      &owner.hits));
	while (!__atomic_load_n(&owner.sent, __ATOMIC_ACQUIRE))
		cpu_relax();
	/* An upcall that is on its way has been entered when this returns. */
	getppid();
	owner.hits_then = READ_ONCE(owner.hits);
	return NULL;
}

/* If the page cannot be mapped, the kernel cannot read it by mistake. */
static void map_address_0(void)
{
	int *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		      MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p != MAP_FAILED)
		memset(p, 0x7f, PAGE);
}

FIXTURE(first) {
};

FIXTURE_VARIANT(first) {
	int crit, pending;
};

FIXTURE_VARIANT_ADD(first, free) {
};

FIXTURE_VARIANT_ADD(first, in_a_section) {
	.crit = UPC_CRITADD,
};

FIXTURE_VARIANT_ADD(first, with_pending_set) {
	.pending = 1,
};

FIXTURE_SETUP(first)
{
	map_address_0();
}

FIXTURE_TEARDOWN(first)
{
}

TEST_F_TIMEOUT(first, dispatched_at_once, 200)
{
	int i, guess, ret, n = iterations(3000), at_once = 0;
	bool held = variant->crit || variant->pending;
	long long start = now_ns();
	pthread_t thread;

	for (i = 1, guess = 1; i <= n && !time_is_up(start, 10); i++) {
		memset(&owner, 0, sizeof(owner));
		owner.upc.magic = UPCALL_MAGIC;
		owner.upc.crit_count = variant->crit;
		owner.upc.pending = variant->pending;
		ASSERT_EQ(0, pthread_create(&thread, NULL, owner_main, NULL));
		WAIT_UNTIL(READ_ONCE(owner.ready));
		do {
			ret = upc_dispatch(guess, 2);
		} while (ret == -ENOENT && !READ_ONCE(owner.id));
		at_once += !ret && !READ_ONCE(owner.id);
		WAIT_UNTIL(READ_ONCE(owner.id));
		ASSERT_GT(owner.id, 0);
		if (ret)
			ASSERT_EQ(0, upc_dispatch(owner.id, 2));
		__atomic_store_n(&owner.sent, 1, __ATOMIC_RELEASE);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(!held, owner.hits_then)
			TH_LOG("in round %d", i);
		ASSERT_EQ(held ? 2 : 0, owner.upc.pending);
		ASSERT_EQ(variant->crit, owner.upc.crit_count);
		guess = owner.id + 1;
	}
	TH_LOG("%d rounds, %d before the call returned", i - 1, at_once);
}

TEST_HARNESS_MAIN
