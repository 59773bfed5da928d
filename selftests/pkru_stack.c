// SPDX-License-Identifier: GPL-2.0
/*
 * Protection keys: upcalls leave PKRU to the interrupted code. A stack that it
 * may not write to, by PKRU, cannot be pushed to: SIGSEGV, and the upcall stays
 * pending; the same is true of struct upcall. An upcall that does come has the
 * interrupted code's rights.
 *
 * upcall.rst, section 4, rule 5, and section 9.
 */
#include "upcall_fault.h"

static struct pages pages;
static struct upcall static_upc = UPCALL_INIT, *upc = &static_upc;
static int id, hits, faults, polled;
static unsigned int pkru_in_cfunc;

static unsigned int read_pkru(void)
{
	unsigned int pkru;

	asm volatile(".byte 0x0f, 0x01, 0xee"	/* RDPKRU */
		     : "=a" (pkru) : "c" (0) : "rdx");
	return pkru;
}

static void write_pkru(unsigned int pkru)
{
	asm volatile(".byte 0x0f, 0x01, 0xef"	/* WRPKRU */
		     : : "a" (pkru), "c" (0), "d" (0) : "memory");
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
	polled = upc_poll(id, 3);
	faults++;
}

static void cfunc(void *data)
{
	pkru_in_cfunc = read_pkru();
	hits++;
}

FIXTURE(pkru) {
	unsigned int open, closed, readable;
	int key;
};

FIXTURE_SETUP(pkru)
{
	self->key = syscall(SYS_pkey_alloc, 0, 0);
	if (self->key < 0)
		SKIP(return setup_skipped(), "no protection keys");
	ASSERT_EQ(0, make_pages(&pages));
	ASSERT_EQ(0, syscall(SYS_pkey_mprotect, pages.middle, PAGE,
			     PROT_READ | PROT_WRITE, self->key));
	self->open = read_pkru() & ~(3U << 2 * self->key);
	self->closed = self->open | 3U << 2 * self->key;
	self->readable = self->open | 2U << 2 * self->key;
	write_pkru(self->open);
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
}

FIXTURE_TEARDOWN(pkru)
{
	EXPECT_EQ(0, upc->crit_count);
	EXPECT_EQ(0, upc->pending);
}

TEST_F(pkru, stack_without_access)
{
	unsigned long sp = (unsigned long)pages.middle + PAGE / 2;
	unsigned int pkru[] = { self->closed, self->readable };
	unsigned int i;

	id = upc_register_ctx(upc, ctx_pop, cfunc, NULL);
	ASSERT_GT(id, 0);
	for (i = 0; i < ARRAY_SIZE(pkru); i++) {
		write_pkru(pkru[i]);
		faults = 0;
		hits = 0;
		EXPECT_EQ(0, dispatch_on(sp, id, 3));
		EXPECT_EQ(pkru[i], read_pkru());
		write_pkru(self->open);
		EXPECT_EQ(1, faults);
		EXPECT_EQ(1, polled);
		EXPECT_EQ(0, hits);
		EXPECT_EQ(0, upc->crit_count);
		EXPECT_EQ(0, upc_dispatch(-1, 0));
		EXPECT_EQ(1, hits);
	}
}

TEST_F(pkru, is_the_interrupted_code_s)
{
	id = upc_register_ctx(upc, ctx_pop, cfunc, NULL);
	ASSERT_GT(id, 0);
	write_pkru(self->closed);
	EXPECT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(self->closed, read_pkru());
	write_pkru(self->open);
	EXPECT_EQ(1, hits);
	EXPECT_EQ(self->closed, pkru_in_cfunc);
	EXPECT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(self->open, pkru_in_cfunc);
}

TEST_F(pkru, struct_upcall_without_access)
{
	upc = (struct upcall *)pages.middle;
	upc->magic = UPCALL_MAGIC;
	id = upc_register_ctx(upc, ctx_pop, cfunc, NULL);
	ASSERT_GT(id, 0);
	write_pkru(self->closed);
	EXPECT_EQ(0, upc_dispatch(id, 3));
	write_pkru(self->open);
	EXPECT_EQ(1, faults);
	EXPECT_EQ(1, polled);
	EXPECT_EQ(0, hits);
	EXPECT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, hits);
}

TEST_HARNESS_MAIN
