// SPDX-License-Identifier: GPL-2.0
/*
 * The vDSO unlocks a robust futex, and then clears the pointer to it by which the
 * kernel would unlock it if the task died. An upcall that comes between the two
 * finds the pointer cleared, as a signal handler does: the lock may be another's
 * by then.
 *
 * upcall.rst, section 8, signals. A userfaultfd makes the second step wait.
 */
#include "upcall_util.h"
#include "upcall_uffd.h"

#include <linux/elf.h>

#ifdef __x86_64__
#define UNLOCK		"__vdso_futex_robust_list64_try_unlock"
#define elf_hdr		struct elf64_hdr
#define elf_phdr	struct elf64_phdr
#define elf_sym		struct elf64_sym
#else
#define UNLOCK		"__vdso_futex_robust_list32_try_unlock"
#define elf_hdr		struct elf32_hdr
#define elf_phdr	struct elf32_phdr
#define elf_sym		struct elf32_sym
#endif

typedef __u32 (*unlock_t)(__u32 *lock, __u32 tid, unsigned long *pending);

static struct upcall upc = UPCALL_INIT;
static __u32 lock;
static char *page;		/* begins with the pointer */
static unsigned long content[PAGE / sizeof(long)];
static int id;

/* The context function notes the frame's address in the first word. */
static struct {
	struct upcall_frame *frame;
	unsigned long ip, pointer;
	__u32 lock;
	int hits;
} noted;

static void cfunc(void *data)
{
	noted.ip = noted.frame->fr_ip;
	noted.pointer = *(unsigned long *)page;
	noted.lock = lock;
	count_cfunc(&noted.hits);
}

/* Where the vDSO's dynamic section, pairs of words, says that a table is. */
static void *vdso_table(unsigned long vdso, unsigned long tag)
{
	elf_hdr *hdr = (void *)vdso;
	elf_phdr *phdr = (void *)(vdso + hdr->e_phoff);
	unsigned long *dynamic = NULL;
	int i;

	for (i = 0; i < hdr->e_phnum; i++) {
		if (phdr[i].p_type == PT_DYNAMIC)
			dynamic = (void *)(vdso + phdr[i].p_offset);
	}
	for (; dynamic && dynamic[0] != DT_NULL; dynamic += 2) {
		if (dynamic[0] == tag)
			return (void *)(vdso + dynamic[1]);
	}
	return NULL;
}

/* The vDSO is linked to address 0. Its symbols end where their names begin. */
static unlock_t find_unlock(void)
{
	unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
	elf_sym *sym;
	char *names;

	if (!vdso)
		return NULL;
	sym = vdso_table(vdso, DT_SYMTAB);
	names = vdso_table(vdso, DT_STRTAB);
	for (; sym && names && (char *)sym < names; sym++) {
		if (!strcmp(names + sym->st_name, UNLOCK))
			return (unlock_t)(vdso + sym->st_value);
	}
	return NULL;
}

static void *dispatch_before_page(void *data)
{
	bool asked = is_asked_for(page);
	int ret = upc_dispatch(id, 1);

	return (void *)(long)(!asked || ret || give_copy(page, content));
}

FIXTURE(robust_unlock) {
	unlock_t unlock;
};

FIXTURE_VARIANT(robust_unlock) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(robust_unlock, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(robust_unlock, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(robust_unlock)
{
	self->unlock = find_unlock();
	if (!self->unlock)
		SKIP(return setup_skipped(), "the vDSO has no " UNLOCK);
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	id = upc_register_ctx(&upc, variant->ctx, cfunc, &noted);
	ASSERT_GT(id, 0);
	ASSERT_TRUE(map_pages(&page, 1));
}

FIXTURE_TEARDOWN(robust_unlock)
{
}

TEST_F(robust_unlock, the_pointer_is_cleared_before_cfunc_runs)
{
	__u32 tid = getpid();
	pthread_t thread;
	void *ret;

	lock = tid;
	content[0] = (unsigned long)&lock;
	ASSERT_EQ(0, take_away(page));
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_before_page, NULL));
	EXPECT_EQ(tid, self->unlock(&lock, tid, (unsigned long *)page));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(0, (long)ret);
	EXPECT_EQ(1, noted.hits);
	EXPECT_EQ(0, noted.lock);
	EXPECT_EQ(0, noted.pointer);
	EXPECT_LE((unsigned long)self->unlock, noted.ip);
	EXPECT_GT((unsigned long)self->unlock + PAGE, noted.ip);
	EXPECT_EQ(0, *(unsigned long *)page);
	EXPECT_EQ(0, upc.crit_count);
}

TEST_HARNESS_MAIN
