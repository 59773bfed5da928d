/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of every kind side by side, for hostile pointers: what can be read and
 * written there is known, or, where somebody else changes it all the time, that
 * it is not known.
 */
#ifndef UPCALL_ZONE_H
#define UPCALL_ZONE_H

#include "upcall_fault.h"

#include <sys/ioctl.h>
#include <sys/uio.h>
#include <linux/userfaultfd.h>

enum page_kind {
	RW_FIRST, INACCESSIBLE, RW_2, READABLE, RW_4, ABSENT, RW_6,
	COMES_AND_GOES, CHANGES, FAULTED_IN, RW_LAST, NR_PAGES
};

enum access { NO, YES, MAYBE };

/* What somebody has done to a page that is otherwise as its kind is. */
enum taken { NOT_TAKEN, TAKEN, TAKEN_TO_WRITE, PERHAPS_TAKEN };

struct zone {
	char *page[NR_PAGES];
	enum taken taken[NR_PAGES];
};

/* Nobody changes anything: then all is known. */
static bool zones_are_quiet;
static unsigned long end_of_user;	/* as user_end() says */
static int uffd = -1;

/* A struct upcall in every place that has its alignment. */
static inline void fill_page(char *page)
{
	int *word;

	for (word = (int *)page; word < (int *)(page + PAGE); word++)
		*word = UPCALL_MAGIC;
}

static inline int make_zone(struct zone *z)
{
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *all = mmap(NULL, (NR_PAGES + 2) * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	/* What is pushed at its lower end must not get into another's. */
	if (all == MAP_FAILED || mprotect(all, PAGE, PROT_NONE) ||
	    mprotect(all + (NR_PAGES + 1) * PAGE, PAGE, PROT_NONE))
		return -1;
	all += PAGE;
	for (i = 0; i < NR_PAGES; i++) {
		z->page[i] = all + i * PAGE;
		fill_page(z->page[i]);
	}
	r.range.start = (unsigned long)z->page[FAULTED_IN];
	r.range.len = PAGE;
	if (uffd >= 0 && ioctl(uffd, UFFDIO_REGISTER, &r))
		return -1;
	return mprotect(z->page[INACCESSIBLE], PAGE, PROT_NONE) ||
	       mprotect(z->page[READABLE], PAGE, PROT_READ) ||
	       munmap(z->page[ABSENT], PAGE);
}

#define WAYS_TO_DISTURB	11

/*
 * By somebody else: what is not known changes. What is left there is, of each
 * word, no address of anything and no system call's number, see fuzz_arguments.c.
 */
static inline void disturb_zone(struct zone *z, unsigned int how)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
	};
	static int junk[2][16] = {
		{ 0x10000, INT_MAX, -1, INT_MIN, 0x10020, UPCALL_MAGIC, -32, },
		{ -1, INT_MIN, UPCALL_MAGIC, 0x20000, INT_MAX, -1000, },
	};
	struct iovec from = { junk[how & 1], sizeof(junk[0]) };
	struct iovec to = { z->page[CHANGES + (how & 1)] + 128, sizeof(junk[0]) };
	char *page = z->page[COMES_AND_GOES];

	switch (how) {
	case 0:
		munmap(page, PAGE);
		break;
	case 1:
		if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			 MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page)
			fill_page(page);
		break;
	case 2 ... 4:
		mprotect(z->page[CHANGES], PAGE, prots[how - 2]);
		break;
	case 5:
	case 6:
		madvise(z->page[FAULTED_IN], PAGE, MADV_DONTNEED);
		break;
	case 7:
		madvise(z->page[COMES_AND_GOES], PAGE, MADV_DONTNEED);
		break;
	case 8:
		madvise(z->page[CHANGES], PAGE, MADV_DONTNEED);
		break;
	default:
		/* Unlike a store, this only fails. */
		process_vm_writev(getpid(), &from, 1, &to, 1, 0);
	}
}

/* Gives what user code, or the kernel for it, misses; ends with the process. */
static inline void *bring_pages(void *arg)
{
	static int page[PAGE / sizeof(int)];
	struct uffdio_copy copy = { .src = (unsigned long)page, .len = PAGE };
	struct uffd_msg msg;

	fill_page((char *)page);
	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		copy.dst = msg.arg.pagefault.address & ~(PAGE - 1UL);
		copy.copy = 0;
		if (ioctl(uffd, UFFDIO_COPY, &copy))
			ioctl(uffd, UFFDIO_WAKE, &(struct uffdio_range) {
				.start = copy.dst, .len = PAGE });
	}
	return NULL;
}

/* Where this cannot be had the page just comes and goes. */
static inline void start_bringing_pages(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t thread;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		return;
	if (ioctl(uffd, UFFDIO_API, &api) ||
	    pthread_create(&thread, NULL, bring_pages, NULL)) {
		close(uffd);
		uffd = -1;
	}
}

static inline enum access page_access(struct zone *z, unsigned long at,
				      bool write)
{
	unsigned long kind = (at - (unsigned long)z->page[0]) / PAGE;

	if (at >= KERNEL_ADDR || (end_of_user && at >= end_of_user) ||
	    at < PAGE || at - (unsigned long)z->page[0] >= -(unsigned long)PAGE)
		return NO;
	if (kind < NR_PAGES && z->taken[kind] == PERHAPS_TAKEN)
		return MAYBE;
	if (kind < NR_PAGES && (z->taken[kind] == TAKEN ||
				(write && z->taken[kind] == TAKEN_TO_WRITE)))
		return NO;
	switch (kind) {
	case NR_PAGES:
	case INACCESSIBLE:
	case ABSENT:
		return NO;
	case READABLE:
		return write ? NO : YES;
	case COMES_AND_GOES:
	case CHANGES:
	case FAULTED_IN:
		return zones_are_quiet ? YES : MAYBE;
	case RW_FIRST:
	case RW_2:
	case RW_4:
	case RW_6:
	case RW_LAST:
		return YES;
	}
	return MAYBE;
}

/* Can size bytes be read there, or also written? Less than a page. */
static inline enum access zone_access(struct zone *z, const void *at,
				      unsigned int size, bool write)
{
	unsigned long first = (unsigned long)at, last = first + size - 1;
	enum access a = page_access(z, first, write);
	enum access b = page_access(z, last, write);

	if (a == NO || b == NO || last < first)
		return NO;
	return a == YES && b == YES ? YES : MAYBE;
}

/* Is it of the zone, or of the page before or behind it? */
static inline bool in_zone(struct zone *z, unsigned long at)
{
	return at - (unsigned long)z->page[0] + PAGE < (NR_PAGES + 2) * PAGE;
}

/* Is it written to, at times? */
static inline bool page_grows(int kind)
{
	return kind >= RW_FIRST && kind <= RW_LAST && kind != INACCESSIBLE &&
	       kind != READABLE && kind != ABSENT;
}

/* How far a stack that is at top may grow before it gets to where it cannot. */
static inline char *zone_reach(struct zone *z, char *top)
{
	int kind = (top - 1 - z->page[0]) / PAGE;

	if (top <= z->page[0] || !page_grows(kind))
		return top;
	while (page_grows(kind - 1))
		kind--;
	return z->page[kind];
}

/* Is any of that, if it was not refused, changed by others? */
static inline bool zone_changes(struct zone *z, char *top)
{
	return !zones_are_quiet && top > z->page[COMES_AND_GOES] &&
	       top <= z->page[RW_LAST] + PAGE;
}

#endif /* UPCALL_ZONE_H */
