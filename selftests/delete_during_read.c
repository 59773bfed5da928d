// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel waits for the page of struct upcall at the end of a call of the
 * owner when another task deletes all the owner's upcalls. Then the page is
 * denied, unmapped or supplied. The call must end as for a task without
 * upcalls, without a SIGSEGV, and the kernel must not write to the page.
 *
 * upcall.rst, sections 3 and 6. A userfaultfd makes the kernel wait.
 */
#include "upcall_next.h"
#include "upcall_uffd.h"

#define PRIORITY	5

/* The call that the owner is in. */
enum call { READ, WAIT, DISPATCH, REDISPATCH, NEXT, SUSPEND };

static struct upcall_frame frame = FRAME_THAT_LEADS_HERE;
static char *page;
static struct upcall *upc;

static struct {
	pthread_t thread;
	enum call call;
	int id, tid, fds[2], go;
	int faults, hits, ret;
} owner;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	owner.faults += sig == SIGSEGV;
}

static int make_call(void)
{
	char c;

	switch (owner.call) {
	case READ:
		return read(owner.fds[0], &c, 1);
	case WAIT:
		return upc_wait(1);
	case DISPATCH:
		return upc_dispatch(owner.id, PRIORITY);
	case REDISPATCH:
		return upc_dispatch(-1, 0);
	case SUSPEND:
		return upc_suspend(PRIORITY);
	default:
		do_next(&frame);
		return seen.ax;
	}
}

static void *owner_main(void *arg)
{
	CHECK(!handle_on_altstack(SIGSEGV, 0, on_signal));
	CHECK(!handle_on_altstack(SIGUSR1, 0, on_signal));
	owner.id = upc_register_ctx(upc, ctx_next, count_cfunc, &owner.hits);
	CHECK(owner.id > 0);
	__atomic_store_n(&owner.tid, sys_gettid(), __ATOMIC_RELEASE);
	WAIT_UNTIL(READ_ONCE(owner.go));
	owner.ret = make_call();
	return NULL;
}

FIXTURE(during_read) {
};

FIXTURE_VARIANT(during_read) {
	enum call call;
	int ret;		/* unused for WAIT, which returns the id */
};

FIXTURE_VARIANT_ADD(during_read, read) { .call = READ, .ret = 1 };
FIXTURE_VARIANT_ADD(during_read, wait) { .call = WAIT };
FIXTURE_VARIANT_ADD(during_read, dispatch) { .call = DISPATCH };
FIXTURE_VARIANT_ADD(during_read, redispatch) { .call = REDISPATCH };
FIXTURE_VARIANT_ADD(during_read, next) { .call = NEXT, .ret = 0x0a0a0a0a };
FIXTURE_VARIANT_ADD(during_read, suspend) { .call = SUSPEND, .ret = -EFAULT };

FIXTURE_SETUP(during_read)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_EQ(0, pipe(owner.fds));
	ASSERT_TRUE(map_pages(&page, 1));
	upc = (struct upcall *)page;
	upc->magic = UPCALL_MAGIC;
	owner.call = variant->call;
	ASSERT_EQ(0, pthread_create(&owner.thread, NULL, owner_main, NULL));
	WAIT_UNTIL(__atomic_load_n(&owner.tid, __ATOMIC_ACQUIRE));

	/* These calls read struct upcall because an upcall is pending. */
	if (owner.call >= REDISPATCH) {
		upc->pending = 1;
		ASSERT_EQ(0, upc_dispatch(owner.id, 1));
	}
	ASSERT_EQ(0, take_away(page));
	WRITE_ONCE(owner.go, 1);
	if (owner.call <= WAIT) {
		ASSERT_TRUE(wait_until_asleep(owner.tid));
		ASSERT_EQ(0, upc_dispatch(owner.id, PRIORITY));
		ASSERT_EQ(1, write(owner.fds[1], "", 1));
	}
	ASSERT_TRUE(is_asked_for(page));
	ASSERT_EQ(0, upc_delete(owner.id));
}

FIXTURE_TEARDOWN(during_read)
{
}

/* DISPATCH may find its id before or after the deletion. */
static void expect_end(struct __test_metadata *_metadata, int ret)
{
	ASSERT_EQ(0, pthread_join(owner.thread, NULL));
	EXPECT_EQ(0, owner.faults);
	EXPECT_EQ(0, owner.hits);
	if (owner.call == WAIT)
		ret = owner.id;
	if (owner.call != DISPATCH || owner.ret != -ENOENT)
		EXPECT_EQ(ret, owner.ret);
}

TEST_F(during_read, denied)
{
	ASSERT_EQ(0, deny(page));
	expect_end(_metadata, variant->ret);
}

TEST_F(during_read, removed)
{
	ASSERT_EQ(0, unmap_asked_for(page));
	expect_end(_metadata, variant->ret);
}

/* SUSPEND then goes on to wait, and a signal ends it. */
TEST_F(during_read, given)
{
	static const char zeroes[PAGE];

	ASSERT_EQ(0, give(page));
	if (owner.call == SUSPEND) {
		ASSERT_TRUE(wait_until_asleep(owner.tid));
		ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), owner.tid, SIGUSR1));
		expect_end(_metadata, -EINTR);
		return;
	}
	expect_end(_metadata, variant->ret);
	EXPECT_EQ(0, memcmp(page, zeroes, PAGE));
}

TEST_HARNESS_MAIN
