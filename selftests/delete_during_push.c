// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel is entering an upcall and waits for a page of the owner's stack
 * when another task deletes that upcall. Then the stack page is denied,
 * unmapped or supplied, and struct upcall is removed, or its memory used for
 * something else. That is not written, and nothing is entered. The owner must
 * get no SIGSEGV unless another upcall of its is pending.
 *
 * upcall.rst, sections 3 and 4, rule 5. A userfaultfd makes the kernel wait.
 */
#include "upcall_next.h"
#include "upcall_uffd.h"

/* Where the owner is when the upcall is pushed. */
enum place { RUNNING, IN_DISPATCH, IN_REDISPATCH };

static char *stack;
static struct pages pages;
static struct upcall *upc;

static struct {
	pthread_t thread;
	enum place place;
	int id, other, ready, go, there, over;
	int faults, hits, other_hits, ret;
} owner;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	mprotect(stack, PAGE, PROT_READ | PROT_WRITE);
	owner.faults++;
}

static void *owner_main(void *arg)
{
	unsigned long esp = (unsigned long)stack + PAGE;

	CHECK(!handle_on_altstack(SIGSEGV, 0, on_segv));
	owner.id = upc_register_ctx(upc, ctx_next, count_cfunc, &owner.hits);
	owner.other = upc_register_ctx(upc, ctx_next, count_cfunc,
				       &owner.other_hits);
	CHECK(owner.id > 0 && owner.other > 0);
	upc->crit_count = UPC_CRITADD;
	if (owner.place == IN_REDISPATCH)
		CHECK(!upc_dispatch(owner.id, 5));
	upc->crit_count = 0;
	__atomic_store_n(&owner.ready, 1, __ATOMIC_RELEASE);
	WAIT_UNTIL(READ_ONCE(owner.go));
	if (owner.place == RUNNING)
		spin_on_noting(esp, &owner.over, &owner.there);
	else if (owner.place == IN_DISPATCH)
		owner.ret = dispatch_on(esp, owner.id, 5);
	else
		owner.ret = dispatch_on(esp, -1, 0);
	if (owner.faults)
		CHECK(!upc_dispatch(-1, 0));
	return NULL;
}

FIXTURE(during_push) {
};

FIXTURE_VARIANT(during_push) {
	enum place place;
};

FIXTURE_VARIANT_ADD(during_push, while_running) { .place = RUNNING };
FIXTURE_VARIANT_ADD(during_push, in_dispatch) { .place = IN_DISPATCH };
FIXTURE_VARIANT_ADD(during_push, in_redispatch) { .place = IN_REDISPATCH };

/* At the end of this the kernel waits for the stack page. */
FIXTURE_SETUP(during_push)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_EQ(0, make_pages(&pages));
	upc = (struct upcall *)pages.middle;
	upc->magic = UPCALL_MAGIC;
	ASSERT_TRUE(map_pages(&stack, 1));
	ASSERT_EQ(0, watch(stack, PAGE));
	owner.place = variant->place;
	ASSERT_EQ(0, pthread_create(&owner.thread, NULL, owner_main, NULL));
	WAIT_UNTIL(__atomic_load_n(&owner.ready, __ATOMIC_ACQUIRE));
	WRITE_ONCE(owner.go, 1);
	if (owner.place == RUNNING) {
		WAIT_UNTIL(READ_ONCE(owner.there));
		ASSERT_EQ(0, upc_dispatch(owner.id, 5));
	}
	ASSERT_TRUE(is_asked_for(stack));
}

FIXTURE_TEARDOWN(during_push)
{
}

static bool lose_all(enum damage damage)
{
	return !upc_delete(owner.other) && !upc_delete(owner.id) &&
	       !break_page(&pages, damage);
}

static void expect_end(struct __test_metadata *_metadata, int faults)
{
	WRITE_ONCE(owner.over, 1);
	ASSERT_EQ(0, pthread_join(owner.thread, NULL));
	EXPECT_EQ(faults, owner.faults);
	EXPECT_EQ(0, owner.hits);
	EXPECT_EQ(0, owner.ret);
}

TEST_F(during_push, denied)
{
	ASSERT_TRUE(lose_all(UNMAPPED));
	ASSERT_EQ(0, deny(stack));
	expect_end(_metadata, 0);
}

TEST_F(during_push, removed)
{
	ASSERT_TRUE(lose_all(NO_ACCESS));
	ASSERT_EQ(0, unmap_asked_for(stack));
	expect_end(_metadata, 0);
}

TEST_F(during_push, given)
{
	ASSERT_TRUE(lose_all(UNMAPPED));
	ASSERT_EQ(0, give(stack));
	expect_end(_metadata, 0);
}

TEST_F(during_push, given_with_upc_read_only)
{
	struct upcall before = *upc;

	ASSERT_TRUE(lose_all(READ_ONLY));
	ASSERT_EQ(0, give(stack));
	expect_end(_metadata, 0);
	EXPECT_EQ(0, memcmp(&before, upc, sizeof(*upc)));
}

TEST_F(during_push, given_with_upc_reused)
{
	static const char zeroes[PAGE];

	ASSERT_EQ(0, upc_delete(owner.other));
	ASSERT_EQ(0, upc_delete(owner.id));
	memset(upc, 0, sizeof(*upc));
	ASSERT_EQ(0, give(stack));
	expect_end(_metadata, 0);
	EXPECT_EQ(0, memcmp(zeroes, upc, sizeof(*upc)));
	EXPECT_EQ(0, memcmp(zeroes, stack, PAGE));
}

/* Nor is anything held back, in memory that is something else by now. */
TEST_F(during_push, given_with_upc_in_a_section)
{
	struct upcall content = {
		.magic = 1, .crit_count = UPC_CRITADD, .pending = 0,
	};

	ASSERT_EQ(0, upc_delete(owner.other));
	ASSERT_EQ(0, upc_delete(owner.id));
	*upc = content;
	ASSERT_EQ(0, give(stack));
	expect_end(_metadata, 0);
	EXPECT_EQ(0, memcmp(&content, upc, sizeof(*upc)));
}

/* The other upcall is not pending, so no stack is needed. */
TEST_F(during_push, another_is_registered)
{
	ASSERT_EQ(0, upc_delete(owner.id));
	ASSERT_EQ(0, deny(stack));
	expect_end(_metadata, 0);
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
	EXPECT_EQ(0, owner.other_hits);
}

/* The other upcall is pending, and rule 5 applies to it. */
TEST_F(during_push, another_is_pending)
{
	ASSERT_EQ(0, upc_dispatch(owner.other, 3));
	ASSERT_EQ(0, upc_delete(owner.id));
	ASSERT_EQ(0, deny(stack));
	expect_end(_metadata, 1);
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
	EXPECT_EQ(1, owner.other_hits);
}

TEST_HARNESS_MAIN
