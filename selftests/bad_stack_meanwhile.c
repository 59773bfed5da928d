// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall is on its way, and the kernel waits for a page of the stack or of
 * struct upcall, when others delete it or dispatch anew. Then it gets the page,
 * or does not: in the end the upcall is deleted, or was entered once, in its
 * place: behind those of a higher priority, before its equals that came later.
 *
 * upcall.rst, section 4, rules 1, 4 and 5. A userfaultfd makes the kernel wait.
 */
#include "upcall_next.h"
#include "upcall_uffd.h"

#define UPCALLS		6
#define MAX_HITS	(UPCALLS + 1)
#define PRIORITIES	16

/* What the owner is doing. */
enum place { RUNNING, IN_DISPATCH, IN_REDISPATCH, IN_NEXT };

static char *stack, *two;	/* a page, and two with struct upcall at the border */
static struct upcall *upc;

static struct {
	pthread_t thread;
	int id[UPCALLS], tid;
	int dispatched;
	int faults;
	int crit_count, pending, polled[PRIORITIES];	/* by the handler */
	int hit[MAX_HITS], hits;	/* in which order */
	int pending_inside;		/* in the first cfunc */
	int go, there, over;
} owner;

static void cfunc(void *data)
{
	if (!owner.hits)
		owner.pending_inside = upc->pending;
	if (owner.hits < MAX_HITS)
		owner.hit[owner.hits] = (long)data;
	WRITE_ONCE(owner.hits, owner.hits + 1);
}

static bool repair(void)
{
	return !mprotect(stack, PAGE, PROT_READ | PROT_WRITE) &&
	       !mprotect(two, 2 * PAGE, PROT_READ | PROT_WRITE);
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
	int p;

	CHECK(repair());
	owner.crit_count = upc->crit_count;
	owner.pending = upc->pending;
	for (p = 1; p < PRIORITIES; p++)
		owner.polled[p] = upc_poll(owner.id[0], p);
	owner.faults++;
	WRITE_ONCE(owner.over, 1);
}

/* Its stack pointer is at the stack that is not there when it is hit. */
static void *owner_main(void *arg)
{
	enum place place = (long)arg;
	char *esp = stack + PAGE;
	int i;

	CHECK(!handle_on_altstack(SIGSEGV, 0, on_segv));
	for (i = 0; i < UPCALLS; i++) {
		owner.id[i] = upc_register_ctx(upc, ctx_next, cfunc,
					       (void *)(long)i);
		CHECK(owner.id[i] > 0);
	}
	WRITE_ONCE(owner.tid, sys_gettid());
	WAIT_UNTIL(READ_ONCE(owner.go));
	switch (place) {
	case RUNNING:
		spin_on_noting((long)esp, &owner.over, &owner.there);
		break;
	case IN_DISPATCH:
		owner.dispatched = dispatch_on((long)esp, owner.id[0], 5);
		break;
	case IN_REDISPATCH:
		upc->crit_count = UPC_CRITADD;
		CHECK(!upc_dispatch(owner.id[0], 5) && upc->pending == 5);
		upc->crit_count = 0;
		owner.dispatched = dispatch_on((long)esp, -1, 0);
		break;
	case IN_NEXT:
		/* As a context function leaves it. */
		upc->pending = 1;
		do_next(stack);
	}
	/* Whatever was left pending, on a stack that is there. */
	if (owner.faults)
		CHECK(!upc_dispatch(-1, 0));
	return NULL;
}

static bool make_memory(void)
{
	if (!map_pages(&stack, 1) || !map_pages(&two, 2))
		return false;
	/* crit_count on the first page, pending on the second. */
	upc = (struct upcall *)(two + PAGE - 8);
	upc->magic = UPCALL_MAGIC;
	return !watch(stack, PAGE);
}

static bool start_owner(enum place place)
{
	if (pthread_create(&owner.thread, NULL, owner_main,
			   (void *)(long)place))
		return false;
	WAIT_UNTIL(READ_ONCE(owner.tid));
	return true;
}

FIXTURE(meanwhile) {
};

FIXTURE_VARIANT(meanwhile) {
	bool running;		/* hit in user mode, not in its own call */
};

FIXTURE_VARIANT_ADD(meanwhile, in_the_call) {
};

FIXTURE_VARIANT_ADD(meanwhile, while_running) {
	.running = true,
};

FIXTURE_SETUP(meanwhile)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_TRUE(make_memory());
	ASSERT_TRUE(start_owner(variant->running ? RUNNING : IN_DISPATCH));
}

FIXTURE_TEARDOWN(meanwhile)
{
}

/* Has the first upcall on its way, as far as to the stack that is not there. */
static bool hit(bool running)
{
	WRITE_ONCE(owner.go, 1);
	if (running) {
		WAIT_UNTIL(READ_ONCE(owner.there));
		if (upc_dispatch(owner.id[0], 5))
			return false;
	}
	return is_asked_for(stack);
}

/* What ends it is a SIGSEGV, or that there is nothing to come any more. */
static bool owner_is_done(void)
{
	WRITE_ONCE(owner.over, 1);
	return !pthread_join(owner.thread, NULL);
}

TEST_F(meanwhile, deleted)
{
	ASSERT_TRUE(hit(variant->running));
	ASSERT_EQ(0, upc_delete(owner.id[0]));
	ASSERT_EQ(-ENOENT, upc_poll(owner.id[0], 0));
	ASSERT_EQ(0, deny(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(0, owner.dispatched);
	EXPECT_EQ(0, owner.hits);
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
}

/*
 * After the SIGSEGV the upcall is still pending. The dispatch that came meanwhile
 * reaches the owner where its handler begins, on a stack that is there: so all is
 * entered before the handler looks.
 */
TEST_F(meanwhile, dispatched_higher)
{
	ASSERT_TRUE(hit(variant->running));
	ASSERT_EQ(0, upc_dispatch(owner.id[0], 9));
	ASSERT_EQ(0, deny(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(0, owner.crit_count);
	EXPECT_EQ(0, owner.pending);
	EXPECT_EQ(0, owner.polled[1]);
	EXPECT_EQ(1, owner.hits);
}

TEST_F(meanwhile, dispatched_lower)
{
	ASSERT_TRUE(hit(variant->running));
	ASSERT_EQ(0, upc_dispatch(owner.id[0], 2));
	ASSERT_EQ(0, deny(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(0, owner.polled[1]);
	EXPECT_EQ(1, owner.hits);
}

/* Its equal that came later stays behind it. */
TEST_F(meanwhile, another_dispatched)
{
	ASSERT_TRUE(hit(variant->running));
	ASSERT_EQ(0, upc_dispatch(owner.id[1], 5));
	ASSERT_EQ(0, deny(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(0, owner.polled[1]);
	ASSERT_EQ(2, owner.hits);
	EXPECT_EQ(0, owner.hit[0]);
	EXPECT_EQ(1, owner.hit[1]);
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
}

/* Several dispatches before an entry make one entry. */
TEST_F(meanwhile, dispatched_and_entered)
{
	ASSERT_TRUE(hit(variant->running));
	ASSERT_EQ(0, upc_dispatch(owner.id[0], 2));
	ASSERT_EQ(0, give(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(0, owner.faults);
	EXPECT_EQ(1, owner.hits);
	EXPECT_EQ(0, owner.pending_inside);
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
}

/*
 * The frame can be written, and so can pending, but crit_count cannot: pending
 * is as it was. If it has become read-only since that cannot be helped.
 */
static bool deny_crit_count(bool readonly)
{
	return !take_away(two) && !give(stack) && is_asked_for(two) &&
	       (!readonly || !mprotect(two + PAGE, PAGE, PROT_READ)) &&
	       !deny(two);
}

TEST_F(meanwhile, crit_count_lost)
{
	ASSERT_TRUE(hit(variant->running));
	ASSERT_TRUE(deny_crit_count(false));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(0, owner.pending);
	EXPECT_EQ(1, owner.polled[5]);
	EXPECT_EQ(1, owner.hits);
}

TEST_F(meanwhile, crit_count_and_pending_lost)
{
	ASSERT_TRUE(hit(variant->running));
	ASSERT_TRUE(deny_crit_count(true));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(1, owner.polled[5]);
	EXPECT_EQ(1, owner.hits);
}

FIXTURE(call) {
};

FIXTURE_SETUP(call)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_TRUE(make_memory());
}

FIXTURE_TEARDOWN(call)
{
}

/* The dispatcher sees pending, which is about to be cleared. */
TEST_F(call, told_of_more)
{
	ASSERT_TRUE(start_owner(IN_REDISPATCH));
	ASSERT_TRUE(hit(false));
	ASSERT_EQ(0, upc_dispatch(owner.id[1], 4));
	ASSERT_EQ(0, give(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(0, owner.faults);
	EXPECT_EQ(4, owner.pending_inside);
	ASSERT_EQ(2, owner.hits);
	EXPECT_EQ(0, owner.hit[0]);
	EXPECT_EQ(1, owner.hit[1]);
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
}

/* What the call would have acknowledged it has not. */
TEST_F(call, crit_count_lost)
{
	ASSERT_TRUE(start_owner(IN_REDISPATCH));
	ASSERT_TRUE(hit(false));
	ASSERT_TRUE(deny_crit_count(false));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(5, owner.pending);
	EXPECT_EQ(1, owner.polled[5]);
	EXPECT_EQ(1, owner.hits);
}

static void stays_among(struct __test_metadata *_metadata,
			const int *priorities, int nr, const int *order)
{
	int i;

	ASSERT_TRUE(start_owner(IN_DISPATCH));
	ASSERT_TRUE(hit(false));
	for (i = 1; i < nr; i++)
		ASSERT_EQ(0, upc_dispatch(owner.id[i], priorities[i]));
	ASSERT_EQ(0, deny(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(0, owner.polled[1]);
	ASSERT_EQ(nr, owner.hits);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(order[i], owner.hit[i]);
}

/* The first of them was dispatched before, at 5. */
TEST_F(call, stays_behind_the_highest)
{
	static const int priorities[] = { 5, 9, 5 }, order[] = { 1, 0, 2 };

	stays_among(_metadata, priorities, 3, order);
}

TEST_F(call, stays_behind_all)
{
	static const int priorities[] = { 5, 9, 7 }, order[] = { 1, 2, 0 };

	stays_among(_metadata, priorities, 3, order);
}

TEST_F(call, stays_between_others)
{
	static const int priorities[] = { 5, 9, 1, 7, 5, 3 };
	static const int order[] = { 1, 3, 0, 4, 5, 2 };

	stays_among(_metadata, priorities, 6, order);
}

/* A dispatch that comes during a NEXT that fails is none the worse for it. */
TEST_F(call, next_fails)
{
	ASSERT_TRUE(start_owner(IN_NEXT));
	ASSERT_TRUE(hit(false));
	ASSERT_EQ(0, upc_dispatch(owner.id[0], 5));
	ASSERT_EQ(0, mprotect(two + PAGE, PAGE, PROT_READ));
	ASSERT_EQ(0, give(stack));
	ASSERT_TRUE(owner_is_done());
	EXPECT_EQ(-EFAULT, (int)seen.ax);
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(1, owner.polled[5]);
	EXPECT_EQ(0, owner.crit_count);
	EXPECT_EQ(1, owner.pending);
	EXPECT_EQ(1, owner.hits);
}

TEST_HARNESS_MAIN
