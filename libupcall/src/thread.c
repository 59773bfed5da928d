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

/* A second call finds everything done. */
LIB_EXPORT struct upcall *upc_thread_init(void)
{
	struct upcall *self = &libupcall_self;

	if (self->magic == UPCALL_MAGIC)
		return self;
	if (libupcall_available() != 1)
		return NULL;
	self->crit_count = 0;
	self->pending = 0;
	self->magic = UPCALL_MAGIC;
	return self;
}

/*
 * After the deletion nothing is entered, so the rest needs no section. The
 * kernel still knows the address, but looks there for upcalls only.
 */
LIB_EXPORT int upc_thread_fini(void)
{
	struct upcall *self = &libupcall_self;

	if (self->magic != UPCALL_MAGIC)
		return 0;
	if (libupcall_control(UPC_CONTROL_DELETE, -1, NULL))
		return -1;
	self->magic = 0;
	self->crit_count = 0;
	self->pending = 0;
	return 0;
}
