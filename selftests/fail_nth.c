// SPDX-License-Identifier: GPL-2.0
/*
 * In each call the first allocation fails, then in the next try the second, and
 * so on until none is left that could: registration gives ENOMEM, and changes
 * nothing; all others allocate nothing, but that a page of user memory may have
 * to be brought in, where it is EFAULT or SIGSEGV as for any that is missing.
 * After that each succeeds, and nothing is left of those that failed.
 *
 * upcall.rst, sections 3 (ENOMEM), 4 (rule 5) and 6.
 */
#include "upcall_slab.h"
#include "upcall_next.h"
#include "upcall_util.h"

#include <sys/rseq.h>

#define MIDDLE	256			/* of a page, or so */

static struct upcall good = UPCALL_INIT;
static int hits, faults, id;

/*
 * A page that is not there until it is touched, and then has struct upcall and
 * a frame that leads to do_next()'s end; what was written to it is gone when it
 * is made anew.
 */
static struct {
	struct upcall upc;
	char unused[MIDDLE - sizeof(struct upcall)];
	struct upcall_frame frame;
} content = { UPCALL_INIT, "", FRAME_THAT_LEADS_HERE };

static char *lazy;

/* In page tables of its own: these have to be allocated, too. */
static int make_lazy(void)
{
	unsigned long size = 4UL << 20;
	static int fd = -1;

	if (fd < 0) {
		lazy = mmap(NULL, 3 * size, PROT_NONE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (lazy == MAP_FAILED || munmap(lazy, 3 * size))
			return -1;
		lazy = (char *)(((unsigned long)lazy + size) & ~(size - 1));
		fd = syscall(SYS_memfd_create, "lazy", 0);
		if (fd < 0 || ftruncate(fd, PAGE) ||
		    pwrite(fd, &content, sizeof(content), 0) != sizeof(content))
			return -1;
	}
	munmap(lazy, PAGE);
	return mmap(lazy, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
		    fd, 0) == lazy ? 0 : -1;
}

#define lazy_upc	((struct upcall *)lazy)
#define lazy_frame	((struct upcall_frame *)(lazy + MIDDLE))

static void on_segv(int sig, siginfo_t *info, void *context)
{
	WRITE_ONCE(faults, faults + 1);
}

/* Where a thread is preempted rseq copies from user memory, and could fail. */
static void without_rseq(void)
{
	if (__rseq_size)
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() +
			__rseq_offset, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

FIXTURE(fail_nth) {
};

FIXTURE_SETUP(fail_nth)
{
	if (!inject_any() || !fail_nth(0))
		SKIP(return setup_skipped(), "no fault injection here");
	without_rseq();
	ASSERT_EQ(0, make_lazy());
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
}

FIXTURE_TEARDOWN(fail_nth)
{
}

static int add(struct upcall *upc)
{
	return upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
}

/* A child's: 0 if nothing has failed, 1 if something has, as it should. */
static int first_registration(int n)
{
	bool failed;
	int ret;

	CHECK(fail_nth(n));
	ret = add(&good);
	failed = has_failed();
	/* What a debugging kernel allocates for itself it can do without. */
	if (ret < 0) {
		/* Not even the task has changed: it has no struct upcall. */
		CHECK(failed && ret == -ENOMEM);
		CHECK(upc_poll(-1, 0) == 0 && upc_dispatch(1, 1) == -ENOENT);
		CHECK(upc_suspend(0) == -EFAULT);
		ret = add(&good);
	}
	CHECK(ret > 0 && upc_dispatch(ret, 1) == 0 && hits == 1);
	return failed;
}

/* How many places there were to fail, or -1. */
static int each_first_registration(void)
{
	int n = 0, status;
	pid_t pid;

	do {
		pid = fork();
		if (!pid) {
			/* The parent's is for the parent. */
			nth_fd = -1;
			_exit(first_registration(n + 1) ? 10 : 0);
		}
		status = child_status(pid);
		if (status && status != 10 << 8)
			return -1;
	} while (status && ++n);
	return n;
}

TEST_F(fail_nth, first_registration)
{
	int n = each_first_registration();

	TH_LOG("first registration: %d places to fail", n);
	/* The table, its slots, the task's part, the upcall. */
	EXPECT_LE(4, n);
}

/* A child's: the first fails, of each registration until the table has grown. */
static void fail_to_register(void)
{
	int i, ret;

	nth_fd = -1;
	for (i = 0; i < 100; i++) {
		CHECK(fail_nth(1));
		ret = add(&good);
		CHECK(has_failed() && (ret > 0 || ret == -ENOMEM));
		CHECK(fail_nth(2));
		ret = add(&good);
		has_failed();
		CHECK(ret > 0 || ret == -ENOMEM);
	}
	_exit(0);
}

/* A cache that a few objects are lost of has that many more in use. */
TEST_F_TIMEOUT(fail_nth, leaves_nothing, 280)
{
	struct slab_count before;
	pid_t pid;
	int i;

	if (!settled_slabs(&before))
		SKIP(return, "no exact count of kmalloc-cg-* here");
	for (i = 0; i < 20; i++) {
		ASSERT_LE(4, each_first_registration());
		pid = fork();
		if (!pid)
			fail_to_register();
		ASSERT_EQ(0, child_status(pid));
	}
	EXPECT_TRUE(slabs_are_as(&before));
}

/* The table grows on the way; that may find another way to get its memory. */
TEST_F_TIMEOUT(fail_nth, many_registrations, 280)
{
	static struct upcall other = UPCALL_INIT;
	int i, n, ret, all = 0, failures = 0, ids[400];
	bool failed;

	for (i = 0; i < 400; i++) {
		for (n = 1; ; n++) {
			ASSERT_TRUE(fail_nth(n));
			ret = add(i ? &other : &good);
			failed = has_failed();
			all += failed;
			if (ret > 0)
				break;
			failures++;
			ASSERT_TRUE(failed);
			ASSERT_EQ(-ENOMEM, ret);
			/* The old one is in use, and the old ones are there. */
			if (i != 1)
				continue;
			good.crit_count = UPC_CRITADD;
			ASSERT_EQ(0, upc_dispatch(ids[0], 1));
			ASSERT_EQ(1, good.pending);
			ASSERT_EQ(0, other.pending);
		}
		ids[i] = ret;
	}
	for (i = 1; i < 400; i++)
		ASSERT_EQ(0, upc_poll(ids[i], 0));
	TH_LOG("400 registrations: %d failures, %d of them to ENOMEM", all,
	       failures);
	EXPECT_LE(400, failures);
}

/* What is in memory is all that they need. */
TEST_F(fail_nth, the_others_allocate_nothing)
{
	struct upcall_frame frame = FRAME_THAT_LEADS_HERE;
	int ret[10], i = 0;

	id = add(&good);
	ASSERT_GT(id, 0);
	ASSERT_TRUE(fail_nth(1));
	ret[i++] = upc_dispatch(id, 1);
	good.crit_count = UPC_CRITADD;
	ret[i++] = upc_dispatch(id, 5) + 10 * upc_poll(id, 5);
	ret[i++] = upc_wait(1);
	ret[i++] = upc_suspend(1);
	do_next(&frame);
	ret[i++] = seen.ax;
	ret[i++] = upc_poll(-1, 0);
	ret[i++] = upc_pollclear(id, 0);
	ret[i++] = upc_dispatch(-1, 0);
	ret[i++] = upc_delete(id);
	ret[i++] = upc_delete(-1);
	ASSERT_FALSE(has_failed());
	EXPECT_EQ(2, hits);
	EXPECT_EQ(0, ret[0]);
	EXPECT_EQ(10, ret[1]);
	EXPECT_EQ(id, ret[2]);
	EXPECT_EQ(id, ret[3]);
	EXPECT_EQ((int)frame.fr_ax, ret[4]);
	for (i = 5; i < 10; i++)
		EXPECT_EQ(0, ret[i]);
}

TEST_F(fail_nth, register_reads_upc)
{
	bool failed;
	int n, ret;

	for (n = 1; ; n++) {
		ASSERT_EQ(0, make_lazy());
		ASSERT_TRUE(fail_nth(n));
		ret = add(lazy_upc);
		failed = has_failed();
		if (!failed)
			break;
		if (ret > 0) {
			/* The fault has been tried again. */
			ASSERT_EQ(0, upc_delete(ret));
			continue;
		}
		ASSERT_TRUE(ret == -EFAULT || ret == -ENOMEM);
	}
	ASSERT_GT(ret, 0);
	TH_LOG("registration, upc not present: %d places to fail", n - 1);
	EXPECT_LE(2, n);
}

/* A fault in the call is found again on the way out, and then can be mended. */
TEST_F(fail_nth, dispatch_to_oneself)
{
	bool failed;
	int n, before;

	id = add(lazy_upc);
	ASSERT_GT(id, 0);
	for (n = 1; ; n++) {
		ASSERT_EQ(0, make_lazy());
		before = hits;
		faults = 0;
		ASSERT_TRUE(fail_nth(n));
		ASSERT_EQ(0, dispatch_on((unsigned long)lazy + PAGE, id, 1));
		failed = has_failed();
		ASSERT_EQ(before + !faults, hits);
		if (faults) {
			ASSERT_EQ(1, faults);
			ASSERT_EQ(1, upc_poll(id, 1));
			ASSERT_EQ(0, upc_dispatch(-1, 0));
			ASSERT_EQ(before + 1, hits);
		}
		ASSERT_EQ(0, lazy_upc->crit_count);
		ASSERT_EQ(0, lazy_upc->pending);
		if (!failed)
			break;
	}
	ASSERT_EQ(0, faults);
	TH_LOG("dispatch, upc and stack not present: %d places to fail", n - 1);
	EXPECT_LE(2, n);
}

static int go, over;

/* Until the owner has noticed: the upcall's, or the handler's, last word. */
static void *dispatcher(void *arg)
{
	WAIT_UNTIL(READ_ONCE(go));
	if (upc_dispatch(id, 1))
		return (void *)1;
	WAIT_UNTIL(READ_ONCE(faults) || READ_ONCE(hits));
	WRITE_ONCE(over, 1);
	return NULL;
}

/* Runs on the lazy stack, with the nth to fail: true if it has. */
static bool hit_while_running(int n)
{
	pthread_t thread;
	bool failed;
	void *ret;

	go = 0;
	over = 0;
	hits = 0;
	faults = 0;
	if (pthread_create(&thread, NULL, dispatcher, NULL) || make_lazy() ||
	    !fail_nth(n))
		return false;
	WRITE_ONCE(go, 1);
	spin_on((unsigned long)lazy + PAGE, &over);
	failed = has_failed();
	return !pthread_join(thread, &ret) && !ret && failed;
}

/* Where nobody tries again it is a SIGSEGV, and the upcall is still pending. */
TEST_F(fail_nth, while_running)
{
	int n, segvs = 0;

	id = add(lazy_upc);
	ASSERT_GT(id, 0);
	for (n = 1; hit_while_running(n); n++) {
		ASSERT_EQ(0, lazy_upc->crit_count);
		/* With a SIGSEGV all the same, where it was rseq's memory. */
		if (hits)
			continue;
		segvs++;
		ASSERT_EQ(1, faults);
		ASSERT_EQ(1, upc_poll(id, 1));
		ASSERT_EQ(0, lazy_upc->pending);
		ASSERT_EQ(0, upc_dispatch(-1, 0));
		ASSERT_EQ(1, hits);
	}
	ASSERT_EQ(1, hits);
	ASSERT_EQ(0, faults);
	TH_LOG("hit while running: %d places to fail, %d SIGSEGV", n - 1, segvs);
	EXPECT_LE(1, segvs);
}

FIXTURE(next) {
};

FIXTURE_VARIANT(next) {
	bool owner, pending;
};

FIXTURE_VARIANT_ADD(next, of_a_task_without_upcalls) {
};

FIXTURE_VARIANT_ADD(next, with_nothing_pending) {
	.owner = true,
};

FIXTURE_VARIANT_ADD(next, with_one_pending) {
	.owner = true, .pending = true,
};

FIXTURE_SETUP(next)
{
	if (!inject_any() || !fail_nth(0))
		SKIP(return setup_skipped(), "no fault injection here");
	without_rseq();
	ASSERT_EQ(0, make_lazy());
	if (!variant->owner)
		return;
	/* Below the frame: cfunc's stack is there. */
	id = upc_register_ctx(lazy_upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(next)
{
}

TEST_F(next, fails_and_changes_nothing)
{
	int n, resumed = 0;
	bool failed;

	for (n = 1; ; n++) {
		ASSERT_EQ(0, make_lazy());
		hits = 0;
		if (variant->pending) {
			lazy_upc->crit_count = UPC_CRITADD;
			ASSERT_EQ(0, upc_dispatch(id, 1));
			ASSERT_EQ(0, make_lazy());
		}
		ASSERT_TRUE(fail_nth(n));
		do_next(lazy_frame);
		failed = has_failed();
		if ((int)seen.ax != -EFAULT) {
			/* It has been tried again, or nothing has failed. */
			ASSERT_EQ((unsigned long)content.frame.fr_ax, seen.ax);
			ASSERT_EQ(frame_sp(lazy_frame), seen.sp);
			ASSERT_EQ(variant->pending, hits);
			resumed += failed;
			if (failed)
				continue;
			break;
		}
		ASSERT_TRUE(failed);
		ASSERT_EQ((unsigned long)lazy_frame, seen.dx);
		ASSERT_EQ(0, hits);
		ASSERT_EQ(0, lazy_upc->crit_count);
		ASSERT_EQ(0, lazy_upc->pending);
		if (variant->owner)
			ASSERT_EQ(variant->pending, upc_poll(id, 1));
	}
	TH_LOG("NEXT: %d places to fail, %d of them to EFAULT", n - 1,
	       n - 1 - resumed);
	EXPECT_LE(2, n - resumed);
}

TEST_F(fail_nth, suspend)
{
	int n, ret, resumed = 0;
	bool failed;

	id = add(lazy_upc);
	ASSERT_GT(id, 0);
	for (n = 1; ; n++) {
		ASSERT_EQ(0, make_lazy());
		hits = 0;
		lazy_upc->crit_count = UPC_CRITADD;
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_EQ(0, make_lazy());
		ASSERT_TRUE(fail_nth(n));
		ret = upc_suspend(1);
		failed = has_failed();
		if (ret > 0) {
			/* The section that was not there has been left. */
			ASSERT_EQ(id, ret);
			ASSERT_EQ(1, hits);
			ASSERT_EQ(-UPC_CRITADD, lazy_upc->crit_count);
			resumed += failed;
			if (failed)
				continue;
			break;
		}
		ASSERT_EQ(-EFAULT, ret);
		ASSERT_TRUE(failed);
		ASSERT_EQ(0, hits);
		ASSERT_EQ(0, lazy_upc->crit_count);
		ASSERT_EQ(0, lazy_upc->pending);
		ASSERT_EQ(1, upc_poll(id, 1));
	}
	TH_LOG("SUSPEND: %d places to fail, %d of them to EFAULT", n - 1,
	       n - 1 - resumed);
	EXPECT_LE(2, n - resumed);
}

/* ENOMEM or EFAULT, and there is no timer. To set it again allocates nothing. */
TEST_F(fail_nth, timer)
{
	struct upcall_timer timer = {
		.value = 1000000, .clock = CLOCK_MONOTONIC, .priority = 1,
	};
	int n, ret, no_memory = 0;

	id = add(&good);
	ASSERT_GT(id, 0);
	if (upc_control(UPC_CONTROL_TIMER, id, 0) == -EINVAL)
		SKIP(return, "no upcalls with timers in this kernel");
	for (n = 1; ; n++) {
		ASSERT_TRUE(fail_nth(n));
		ret = upc_control(UPC_CONTROL_TIMER, id, (long)&timer);
		if (!has_failed())
			break;
		no_memory += ret == -ENOMEM;
		if (ret != -ENOMEM && ret)
			ASSERT_EQ(-EFAULT, ret);
		usleep(5000);
		ASSERT_EQ(!ret, hits);
		hits = 0;
	}
	ASSERT_EQ(0, ret);
	EXPECT_LE(1, no_memory);
	for (n = 1; ; n++) {
		ASSERT_TRUE(fail_nth(n));
		ret = upc_control(UPC_CONTROL_TIMER, id, (long)&timer);
		if (!has_failed())
			break;
		ASSERT_EQ(-EFAULT, ret);
	}
	ASSERT_EQ(0, ret);
	WAIT_UNTIL(READ_ONCE(hits));
}

/* A child that could not be made takes nothing with it. */
TEST_F_TIMEOUT(fail_nth, fork, 280)
{
	bool failed;
	int n, fails = 0;
	pid_t pid;

	id = add(&good);
	ASSERT_GT(id, 0);
	for (n = 1; ; n++) {
		ASSERT_TRUE(fail_nth(n));
		pid = syscall(SYS_fork);
		if (!pid)
			_exit(upc_poll(id, 0) != -ENOENT);
		failed = has_failed();
		if (pid > 0)
			ASSERT_EQ(0, child_status(pid));
		fails += pid < 0;
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_EQ(n, hits);
		if (!failed)
			break;
	}
	ASSERT_GT(pid, 0);
	TH_LOG("fork: %d places to fail, %d of them fatal", n - 1, fails);
	EXPECT_LE(1, fails);
}

TEST_HARNESS_MAIN
