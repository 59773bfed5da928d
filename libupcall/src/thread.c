// SPDX-License-Identifier: MIT
/*
 * A struct upcall for each thread.
 *
 * In the static TLS block, so that it is one addition away from the thread
 * pointer: no call, no allocation and no lock, wherever an upcall comes. And
 * its distance from there is the same in all threads: upc_vcpu_wrapper needs
 * that.
 *
 * A child of fork() has a copy of it, and no upcalls. Its crit_count belongs to
 * the code that the child goes on with: the child leaves the sections that its
 * parent had entered. Its pending stands for upcalls of the parent, and would
 * hold back those that the child registers: upc_thread_init() clears it.
 *
 * Whether the memory is a copy is what the kernel says by a page that it clears
 * in a child (MADV_WIPEONFORK). A thread identifier does not say so: a child of
 * vfork() has another one, but its parent's memory, where nothing may change;
 * and identifiers are used again. Handlers of pthread_atfork() do not run when
 * a program makes the system call by itself.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/upcall.h>

#include "lib.h"

/* How many address spaces have numbered themselves, from the first to this. */
static unsigned int spaces;

/* This one's number, 0 if it has none yet, in that page. */
static unsigned int *space;

__thread struct upcall libupcall_self
	__attribute__((tls_model("initial-exec")));

/* The number of the space where upc_thread_init() was called. */
static __thread unsigned int begun_in
	__attribute__((tls_model("initial-exec")));

LIB_EXPORT struct upcall *upc_self(void)
{
	struct upcall *self = &libupcall_self;

	return self->magic == UPCALL_MAGIC ? self : NULL;
}

/* The page. NULL with errno set if there is none to be had. */
static unsigned int *space_page(void)
{
	unsigned int *page = __atomic_load_n(&space, __ATOMIC_ACQUIRE);
	unsigned int *first = NULL;

	if (page)
		return page;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, sizeof(*page), MADV_WIPEONFORK)) {
		munmap(page, sizeof(*page));
		return NULL;
	}
	/* Another thread may be here too, or what this one interrupted. */
	if (__atomic_compare_exchange_n(&space, &first, page, 0,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return page;
	munmap(page, sizeof(*page));
	return first;
}

/*
 * The number of this address space, which no space that it is a copy of had. 0
 * with errno set if it can't have one.
 */
static unsigned int space_number(void)
{
	unsigned int *page = space_page(), number, mine;

	if (!page)
		return 0;
	number = __atomic_load_n(page, __ATOMIC_RELAXED);
	if (number)
		return number;
	mine = __atomic_add_fetch(&spaces, 1, __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n(page, &number, mine, 0,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED) ?
		mine : number;
}

/*
 * A second call finds everything done. crit_count is left alone here and below:
 * the thread may be in a section, or in an upcall, which it will leave.
 */
LIB_EXPORT struct upcall *upc_thread_init(void)
{
	struct upcall *self = &libupcall_self;
	int begun = self->magic == UPCALL_MAGIC;
	unsigned int number;

	if (begun && begun_in == space_number())
		return self;
	if (libupcall_available() != 1)
		return NULL;
	number = space_number();
	if (!number)
		return NULL;
	self->magic = UPCALL_MAGIC;
	begun_in = number;
	if (begun) {
		self->pending = 0;
		/* In case that the child has registered upcalls before. */
		libupcall_control(UPC_CONTROL_DISPATCH, -1, NULL);
	}
	return self;
}

/*
 * The kernel still knows the address then, but looks there for upcalls only.
 * What it has left in pending stood for upcalls that are no more.
 */
LIB_EXPORT int upc_thread_fini(void)
{
	struct upcall *self = &libupcall_self;

	if (self->magic != UPCALL_MAGIC)
		return 0;
	if (libupcall_control(UPC_CONTROL_DELETE, -1, NULL))
		return -1;
	self->magic = 0;
	self->pending = 0;
	return 0;
}
