// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT with a frame or a struct upcall that cannot be accessed: EFAULT, and
 * nothing has changed: neither crit_count and pending, nor the queue, nor a
 * register.
 *
 * upc_register(2), UPC_CONTROL_NEXT; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall *upc;
static int id, hits;
static size_t page;

/* Raw NEXT; the value that ebx would have again is none that it has. */
static int next(void *frame)
{
#ifdef __x86_64__
	long di = UPC_CONTROL_NEXT, si = -1, dx = (long)frame, ret;

	asm volatile("syscall"
		     : "=a" (ret), "+D" (di), "+S" (si), "+d" (dx)
		     : "0" ((long)__NR_upc_control)
		     : "rcx", "r11", "memory", "cc");
	if (di != UPC_CONTROL_NEXT || si != -1 || dx != (long)frame)
		return -1;
#else
	long ebx = UPC_CONTROL_NEXT, ecx = 0x12345678, edx = (long)frame;
	int ret;

	asm volatile("int $0x80"
		     : "=a" (ret), "+b" (ebx), "+c" (ecx), "+d" (edx)
		     : "0" (__NR_upc_control)
		     : "memory", "cc");
	if (ebx != UPC_CONTROL_NEXT || ecx != 0x12345678 ||
	    edx != (long)frame)
		return -1;
#endif
	return ret;
}

static char *map_page(void *at, int prot)
{
	return mmap(at, page, prot,
		    MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
}

FIXTURE(bad) {
};

FIXTURE_VARIANT(bad) {
	bool dispatch;
	int crit;
};

/* With one that NEXT would run, with one that it would not, with none. */
FIXTURE_VARIANT_ADD(bad, passing) { .dispatch = true, .crit = 0 };
FIXTURE_VARIANT_ADD(bad, held) { .dispatch = true, .crit = 32 };
FIXTURE_VARIANT_ADD(bad, none) { .dispatch = false, .crit = 0 };

FIXTURE_SETUP(bad)
{
	page = getpagesize();
	upc = (void *)map_page(NULL, PROT_READ | PROT_WRITE);
	ASSERT_TRUE((void *)upc != MAP_FAILED);
	upc->magic = UPCALL_MAGIC;
	id = upc_register_ctx(upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);

	upc->crit_count = variant->crit;
	upc->pending = 1;
	barrier();
	if (variant->dispatch)
		ASSERT_EQ(0, upc_dispatch(id, 5));
	EXPECT_EQ(variant->dispatch ? 5 : 1, upc->pending);
}

FIXTURE_TEARDOWN(bad)
{
	EXPECT_EQ(0, hits);
	EXPECT_EQ(variant->crit, upc->crit_count);
	EXPECT_EQ(variant->dispatch ? 5 : 1, upc->pending);
	EXPECT_EQ(variant->dispatch, upc_poll(id, 5));
	EXPECT_EQ(0, upc_poll(id, 6));

	upc->crit_count = 0;
	EXPECT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(variant->dispatch, hits);
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
}

TEST_F(bad, frame_null)
{
	EXPECT_EQ(-EFAULT, next(NULL));
}

TEST_F(bad, frame_of_the_kernel)
{
	EXPECT_EQ(-EFAULT, next((void *)KERNEL_ADDR));
	EXPECT_EQ(-EFAULT, next((void *)~0UL));
	/* Ends past the last address there is. */
	EXPECT_EQ(-EFAULT, next((void *)(0UL - 8)));
}

TEST_F(bad, frame_half_mapped)
{
	char *pages;
	size_t i;

	pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(pages != MAP_FAILED);
	ASSERT_EQ(0, mprotect(pages, page, PROT_NONE));
	ASSERT_EQ(0, mprotect(pages + 2 * page, page, PROT_NONE));
	for (i = 1; i < sizeof(struct upcall_frame); i++) {
		EXPECT_EQ(-EFAULT, next(pages + page - i));
		EXPECT_EQ(-EFAULT, next(pages + 2 * page - i));
	}
	EXPECT_EQ(-EFAULT, next(pages));
	EXPECT_EQ(-EFAULT, next(pages + 2 * page));
}

/* A frame that could be popped does not make up for it. */
static struct upcall_frame frame;

TEST_F(bad, upc_read_only)
{
	int pending = upc->pending;

	/* As a context function leaves it: there must be something to write. */
	upc->pending = 1;
	ASSERT_EQ(0, mprotect(upc, page, PROT_READ));
	EXPECT_EQ(-EFAULT, next(&frame));
	ASSERT_EQ(0, mprotect(upc, page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(1, upc->pending);
	upc->pending = pending;
}

TEST_F(bad, upc_unmapped)
{
	struct upcall saved = *upc;

	/* With one pending any return to user mode may fault on upc. */
	if (variant->dispatch)
		return;
	ASSERT_EQ(0, munmap(upc, page));
	EXPECT_EQ(-EFAULT, next(&frame));
	ASSERT_TRUE(map_page(upc, PROT_READ | PROT_WRITE) == (void *)upc);
	*upc = saved;
}

TEST_HARNESS_MAIN
