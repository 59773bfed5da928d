// SPDX-License-Identifier: GPL-2.0
/*
 * A task operates on upcalls of other tasks while its own struct upcall is on
 * an absent, protected or unmapped page. The call must get through without
 * touching that page. It must not wait for the receiver's struct upcall either.
 *
 * upcall.rst, sections 4 (rule 3), 6 and 8 (Sender).
 */
#include "upcall_uffd.h"

#define ABSENT	NR_DAMAGES

enum state { RUNS, SLEEPS, WAITS, NR_STATES };

static struct pages pages;	/* the sender's struct upcall */

static struct receiver {
	struct upcall *upc;
	pthread_t thread;
	int id, hits, ready, over, fds[2];
	pid_t tid;
} receivers[NR_STATES];

static struct {
	pthread_t thread;
	int id, hits, ready, go, done;
	int cmd, upcid, data, ret;
} sender;

static void *receive(void *arg)
{
	struct receiver *r = arg;
	char c;

	r->tid = sys_gettid();
	r->id = upc_register_ctx(r->upc, ctx_next, count_cfunc, &r->hits);
	CHECK(r->id > 0);
	__atomic_store_n(&r->ready, 1, __ATOMIC_RELEASE);
	if (r == &receivers[SLEEPS])
		CHECK(read(r->fds[0], &c, 1) == 1);
	else if (r == &receivers[WAITS])
		CHECK(upc_wait(1) == r->id);
	while (!READ_ONCE(r->over))
		cpu_relax();
	return NULL;
}

/* An upcall of the sender's own is pending during its call. */
static void *send(void *arg)
{
	struct upcall *upc = (struct upcall *)pages.middle;

	upc->magic = UPCALL_MAGIC;
	sender.id = upc_register_ctx(upc, ctx_next, count_cfunc, &sender.hits);
	CHECK(sender.id > 0);
	crit_enter(upc);
	CHECK(!upc_dispatch(sender.id, 1));
	__atomic_store_n(&sender.ready, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&sender.go, __ATOMIC_ACQUIRE))
		cpu_relax();
	sender.ret = upc_control(sender.cmd, sender.upcid, sender.data);
	__atomic_store_n(&sender.done, 1, __ATOMIC_RELEASE);
	return NULL;
}

FIXTURE(sender) {
};

FIXTURE_VARIANT(sender) {
	int damage;
};

FIXTURE_VARIANT_ADD(sender, absent) { .damage = ABSENT };
FIXTURE_VARIANT_ADD(sender, no_access) { .damage = NO_ACCESS };
FIXTURE_VARIANT_ADD(sender, unmapped) { .damage = UNMAPPED };

FIXTURE_SETUP(sender)
{
	char *page;
	int i;

	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_EQ(0, make_pages(&pages));
	for (i = 0; i < NR_STATES; i++) {
		ASSERT_TRUE(map_pages(&page, 1));
		receivers[i].upc = (struct upcall *)page;
		receivers[i].upc->magic = UPCALL_MAGIC;
	}
	ASSERT_EQ(0, pthread_create(&sender.thread, NULL, send, NULL));
	WAIT_UNTIL(__atomic_load_n(&sender.ready, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, variant->damage == ABSENT ? take_away(pages.middle) :
		     break_page(&pages, variant->damage));
}

FIXTURE_TEARDOWN(sender)
{
}

/* Starts a receiver and waits until it is in that state. */
static struct receiver *start(enum state state)
{
	struct receiver *r = &receivers[state];

	CHECK(!pipe(r->fds) && !pthread_create(&r->thread, NULL, receive, r));
	WAIT_UNTIL(__atomic_load_n(&r->ready, __ATOMIC_ACQUIRE));
	CHECK(state == RUNS || wait_until_asleep(r->tid));
	return r;
}

/* Lets the sender make that call, and expects no page to be asked for. */
static void call(struct __test_metadata *_metadata, int cmd, int id, int result)
{
	int asked = 0;

	sender.cmd = cmd;
	sender.upcid = id;
	sender.data = 1;
	__atomic_store_n(&sender.go, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&sender.done, __ATOMIC_ACQUIRE)) {
		if (!is_anything_asked_for(1))
			continue;
		asked++;
		if (is_asked_for(pages.middle))
			give(pages.middle);
	}
	asked += is_anything_asked_for(0);
	EXPECT_EQ(0, asked);
	EXPECT_EQ(result, sender.ret);
	EXPECT_EQ(0, sender.hits);
	ASSERT_EQ(0, pthread_join(sender.thread, NULL));
}

static void expect_entry(struct __test_metadata *_metadata, struct receiver *r)
{
	WAIT_UNTIL(READ_ONCE(r->hits));
	WRITE_ONCE(r->over, 1);
	ASSERT_EQ(0, pthread_join(r->thread, NULL));
	EXPECT_EQ(1, r->hits);
}

TEST_F(sender, of_one_that_runs)
{
	struct receiver *r = start(RUNS);

	call(_metadata, UPC_CONTROL_DISPATCH, r->id, 0);
	expect_entry(_metadata, r);
}

TEST_F(sender, of_one_that_waits)
{
	struct receiver *r = start(WAITS);

	call(_metadata, UPC_CONTROL_DISPATCH, r->id, 0);
	expect_entry(_metadata, r);
}

/* The receiver's page is absent too, and the receiver waits for it later. */
TEST_F(sender, of_one_that_sleeps)
{
	static struct upcall content[PAGE / sizeof(struct upcall)];
	struct receiver *r = start(SLEEPS);
	char *page = (char *)r->upc;

	content[0] = *r->upc;
	ASSERT_EQ(0, take_away(page));
	call(_metadata, UPC_CONTROL_DISPATCH, r->id, 0);
	ASSERT_EQ(1, write(r->fds[1], "", 1));
	ASSERT_TRUE(is_asked_for(page));
	ASSERT_EQ(0, give_copy(page, content));
	expect_entry(_metadata, r);
}

TEST_F(sender, of_none_there_is)
{
	call(_metadata, UPC_CONTROL_DISPATCH, INT_MAX, -ENOENT);
}

TEST_F(sender, deletes)
{
	struct receiver *r = start(SLEEPS);

	ASSERT_EQ(0, upc_dispatch(r->id, 1));
	call(_metadata, UPC_CONTROL_DELETE, r->id, 0);
	EXPECT_EQ(-ENOENT, upc_poll(r->id, 1));
}

TEST_HARNESS_MAIN
