// SPDX-License-Identifier: GPL-2.0
/*
 * A task dispatches an upcall of its own while the page of its struct upcall is
 * absent. The kernel waits for the page, and other tasks can still dispatch,
 * poll, register and delete. When the page is supplied the upcall is entered or
 * held; when it is denied the task gets SIGSEGV and the upcall stays pending.
 *
 * upcall.rst, sections 4 (rules 1, 2, 4 and 5) and 6. A userfaultfd makes the
 * kernel wait.
 */
#include "upcall_uffd.h"

static char *page;
static struct upcall *upc;
static struct upcall content[PAGE / sizeof(struct upcall)];

static struct {
	pthread_t thread;
	int id, other, doomed, ready, go, ret;
	int order[4], hits, pending_inside;
	int faults, polled;		/* set by the SIGSEGV handler */
	int crit, pending;		/* after the dispatch */
} owner;

static void cfunc(void *data)
{
	if (!owner.hits)
		owner.pending_inside = upc->pending;
	owner.order[owner.hits++] = *(int *)data;
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
	CHECK(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	owner.polled = upc_poll(owner.id, 5);
	upc->magic = UPCALL_MAGIC;
	owner.faults++;
}

static int add(int *id)
{
	*id = upc_register_ctx(upc, ctx_next, cfunc, id);
	return *id;
}

static void *owner_main(void *arg)
{
	bool by_vdso = arg;

	CHECK(!handle_on_altstack(SIGSEGV, 0, on_segv));
	CHECK(add(&owner.id) > 0 && add(&owner.other) > 0);
	CHECK(add(&owner.doomed) > 0);
	__atomic_store_n(&owner.ready, 1, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&owner.go, __ATOMIC_ACQUIRE));
	owner.ret = (by_vdso ? upc_vsyscall : upc_syscall)
		(__NR_upc_control, UPC_CONTROL_DISPATCH, owner.id, 5, 0);
	owner.crit = upc->crit_count;
	owner.pending = upc->pending;
	if (owner.faults)
		CHECK(!upc_dispatch(-1, 0));
	return NULL;
}

FIXTURE(absent) {
};

FIXTURE_VARIANT(absent) {
	bool by_vdso;
};

FIXTURE_VARIANT_ADD(absent, int80) {
};

FIXTURE_VARIANT_ADD(absent, vdso) {
	.by_vdso = true,
};

/* At the end of this the kernel waits for the page. */
FIXTURE_SETUP(absent)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_TRUE(map_pages(&page, 1));
	upc = (struct upcall *)page;
	upc->magic = UPCALL_MAGIC;
	content[0].magic = UPCALL_MAGIC;
	ASSERT_EQ(0, pthread_create(&owner.thread, NULL, owner_main,
				    (void *)variant->by_vdso));
	WAIT_UNTIL(__atomic_load_n(&owner.ready, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, take_away(page));
	__atomic_store_n(&owner.go, 1, __ATOMIC_RELEASE);
	ASSERT_TRUE(is_asked_for(page));
}

FIXTURE_TEARDOWN(absent)
{
}

static void end(struct __test_metadata *_metadata, int crit, int pending)
{
	ASSERT_EQ(0, give_copy(page, content));
	ASSERT_EQ(0, pthread_join(owner.thread, NULL));
	EXPECT_EQ(0, owner.ret);
	EXPECT_EQ(0, owner.faults);
	EXPECT_EQ(crit, owner.crit);
	EXPECT_EQ(pending, owner.pending);
}

TEST_F(absent, given)
{
	end(_metadata, 0, 0);
	EXPECT_EQ(1, owner.hits);
	EXPECT_EQ(0, owner.pending_inside);
}

TEST_F(absent, given_with_a_section)
{
	content[0].crit_count = UPC_CRITADD;
	end(_metadata, UPC_CRITADD, 5);
	EXPECT_EQ(0, owner.hits);
}

TEST_F(absent, given_with_pending)
{
	content[0].pending = 1;
	end(_metadata, 0, 5);
	EXPECT_EQ(0, owner.hits);
}

/* The kernel holds no lock while it waits. */
TEST_F(absent, others_go_on)
{
	static struct upcall mine = UPCALL_INIT;
	int id, hits = 0;

	EXPECT_EQ(0, upc_poll(owner.other, 1));
	ASSERT_EQ(0, upc_dispatch(owner.other, 7));
	ASSERT_EQ(0, upc_dispatch(owner.doomed, 9));
	EXPECT_EQ(1, upc_poll(owner.other, 7));
	ASSERT_EQ(0, upc_delete(owner.doomed));
	id = upc_register_ctx(&mine, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, hits);
	end(_metadata, 0, 0);
	ASSERT_EQ(2, owner.hits);
	EXPECT_EQ(owner.other, owner.order[0]);
	EXPECT_EQ(owner.id, owner.order[1]);
	EXPECT_EQ(5, owner.pending_inside);
}

TEST_F(absent, denied)
{
	ASSERT_EQ(0, deny(page));
	ASSERT_EQ(0, pthread_join(owner.thread, NULL));
	EXPECT_EQ(0, owner.ret);
	EXPECT_EQ(1, owner.faults);
	EXPECT_EQ(1, owner.polled);
	EXPECT_EQ(0, owner.crit);
	EXPECT_EQ(0, owner.pending);
	EXPECT_EQ(1, owner.hits);
}

TEST_HARNESS_MAIN
