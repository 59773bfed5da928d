// SPDX-License-Identifier: MIT
/*
 * A struct upcall for each thread.
 *
 * In the static TLS block, so that it is one addition away from the thread
 * pointer: no call, no allocation and no lock, wherever an upcall comes. And
 * its distance from there is the same in all threads: upc_vcpu_wrapper needs
 * that.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/upcall.h>

#include "lib.h"

__thread struct upcall libupcall_self
	__attribute__((tls_model("initial-exec")));

LIB_EXPORT struct upcall *upc_self(void)
{
	struct upcall *self = &libupcall_self;

	return self->magic == UPCALL_MAGIC ? self : NULL;
}

/*
 * A second call finds everything done. crit_count is left alone here and below:
 * the thread may be in a section, or in an upcall, which it will leave.
 */
LIB_EXPORT struct upcall *upc_thread_init(void)
{
	struct upcall *self = &libupcall_self;

	if (self->magic == UPCALL_MAGIC)
		return self;
	if (libupcall_available() != 1)
		return NULL;
	self->magic = UPCALL_MAGIC;
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
