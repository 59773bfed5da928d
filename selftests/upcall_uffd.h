/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the tests that make the kernel wait for a page: a userfaultfd, and
 * the pages that are registered with it.
 */
#ifndef UPCALL_UFFD_H
#define UPCALL_UFFD_H

#include "upcall_fault.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <linux/userfaultfd.h>

static int uffd = -1;

/* False if the kernel has no userfaultfd, or does not let us use it. */
static inline bool open_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	return uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api);
}

static inline bool map_pages(char **p, int n)
{
	*p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return *p != MAP_FAILED;
}

/* From now on an access to an absent page of the range waits. */
static inline int watch(void *range, unsigned long len)
{
	struct uffdio_register r = {
		.range = { (unsigned long)range, len },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &r);
}

/* Makes the page absent; its content is lost. */
static inline int take_away(char *page)
{
	return watch(page, PAGE) || madvise(page, PAGE, MADV_DONTNEED);
}

/* Does an access wait within ms milliseconds? With -1, without a limit. */
static inline bool is_anything_asked_for(int ms)
{
	struct pollfd p = { .fd = uffd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* Waits until an access waits; true if it is for that page. */
static inline bool is_asked_for(char *page)
{
	struct uffd_msg msg;

	return is_anything_asked_for(-1) &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT &&
	       (msg.arg.pagefault.address & ~(PAGE - 1ULL)) ==
	       (unsigned long)page;
}

/* Supplies a page of zeroes. */
static inline int give(char *page)
{
	struct uffdio_zeropage zero = {
		.range = { (unsigned long)page, PAGE },
	};

	return ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
}

/* Supplies a copy of content, which is a page. */
static inline int give_copy(char *page, const void *content)
{
	struct uffdio_copy copy = {
		.dst = (unsigned long)page, .src = (unsigned long)content,
		.len = PAGE,
	};

	return ioctl(uffd, UFFDIO_COPY, &copy);
}

/* Makes the access that waits fail, and all later ones. */
static inline int deny(char *page)
{
	struct uffdio_range range = { (unsigned long)page, PAGE };

	return mprotect(page, PAGE, PROT_NONE) ||
	       ioctl(uffd, UFFDIO_UNREGISTER, &range);
}

/* The same by unmapping the page. */
static inline int unmap_asked_for(char *page)
{
	struct uffdio_range range = { (unsigned long)page, PAGE };

	return munmap(page, PAGE) || ioctl(uffd, UFFDIO_WAKE, &range);
}

#endif /* UPCALL_UFFD_H */
