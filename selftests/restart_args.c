// SPDX-License-Identifier: GPL-2.0
/*
 * The six arguments of a system call are there again for its restart after an
 * upcall, and all registers for the code after the call. upcall.rst, section 8,
 * system call restart, and section 5.
 */
#include "upcall_six.h"
#include "upcall_util.h"

#include <linux/futex.h>

/* mmap's last argument counts pages in the 32-bit ABI. */
#ifdef __x86_64__
#define MMAP_NR		SYS_mmap
#define MMAP_PAGE	4096
#else
#define MMAP_NR		SYS_mmap2
#define MMAP_PAGE	1
#endif

/* Uses all the registers that a function may. */
static void call_cfunc(void *data)
{
#ifdef __x86_64__
	asm volatile("" ::: "r8", "r9", "r10", "r11");
#else
	asm volatile("" ::: "ebx", "esi", "edi");
#endif
	upc_syscall(SYS_getpriority, 0, 0, 0x5a5a5a5a, 0x5a5a5a5a);
	count_cfunc(data);
}

static struct upcall upc = UPCALL_INIT;
static int id, hits, started, stop;
static void *ctx;

FIXTURE(restart_args) {
};

FIXTURE_VARIANT(restart_args) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(restart_args, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(restart_args, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(restart_args)
{
	ctx = variant->ctx;
}

FIXTURE_TEARDOWN(restart_args)
{
}

static int futex_waiter(void *data)
{
	id = upc_register_ctx(&upc, ctx, call_cfunc, &hits);
	__atomic_store_n(&started, 1, __ATOMIC_RELEASE);
	call_six();
	return 0;
}

/* If its bit set, the sixth argument, were lost, the wake-up would miss it. */
TEST_F(restart_args, of_a_restarted_futex)
{
	static int word;
	pid_t pid;
	int i;

	call_nr = SYS_futex;
	args[0] = (long)&word;
	args[1] = FUTEX_WAIT_BITSET;
	args[4] = 0x5d5d5d5d;
	args[5] = 0x10;
	pid = clone_worker(futex_waiter, NULL);
	ASSERT_GT(pid, 0);
	WAIT_UNTIL(__atomic_load_n(&started, __ATOMIC_ACQUIRE));
	for (i = 1; i <= 10; i++) {
		ASSERT_TRUE(wait_until_asleep(pid));
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_TRUE(stop_worker(pid));
		ASSERT_TRUE(continue_worker(pid));
		WAIT_UNTIL(READ_ONCE(hits) == i);
	}
	ASSERT_TRUE(wait_until_asleep(pid));
	EXPECT_EQ(0, syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL,
			     NULL, ~0x10));
	EXPECT_EQ(1, syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL,
			     NULL, 0x10));
	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(0, call_ret);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(args[i], args_after[i]);
}

static void *dispatch_without_end(void *data)
{
	int ret = 0;

	pin_to_cpu(1);
	while (!READ_ONCE(stop) && !ret)
		ret = dispatch_after_last(id, &upc, &stop);
	return (void *)(long)ret;
}

TEST_F_TIMEOUT(restart_args, of_mmap_in_a_storm, 900)
{
	int fd, i, arg, calls = iterations(20000);
	long long start = now_ns();
	pthread_t thread;
	long page[2];
	char *place;
	void *ret;

	/* Each page of the file holds its number. */
	fd = memfd_create("upcall", 0);
	ASSERT_GE(fd, 0);
	for (i = 0; i < 2; i++) {
		page[i] = 0x1000 + i;
		ASSERT_EQ((int)sizeof(long), pwrite(fd, &page[i], sizeof(page[i]),
						    i * 4096));
	}
	ASSERT_EQ(0, ftruncate(fd, 2 * 4096));
	place = mmap(NULL, 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	ASSERT_TRUE(place != MAP_FAILED);

	id = upc_register_ctx(&upc, variant->ctx, call_cfunc, &hits);
	ASSERT_GT(id, 0);
	pin_to_cpu(0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_without_end,
				    NULL));
	call_nr = MMAP_NR;
	for (i = 0; i < calls || !READ_ONCE(hits); i++) {
		if (time_is_up(start, 30) && READ_ONCE(hits))
			break;
		args[0] = (long)place;
		args[1] = 4096;
		args[2] = PROT_READ | PROT_WRITE;
		args[3] = MAP_PRIVATE | MAP_FIXED;
		args[4] = fd;
		args[5] = i % 2 * MMAP_PAGE;
		call_six();
		ASSERT_EQ((long)place, call_ret);
		ASSERT_EQ(page[i % 2], *(long *)place);
		for (arg = 0; arg < 6; arg++)
			ASSERT_EQ(args[arg], args_after[arg]);
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_LT(0, hits);
	EXPECT_EQ(0, upc.crit_count);
}

TEST_HARNESS_MAIN
