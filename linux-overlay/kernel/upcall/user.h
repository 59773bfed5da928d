/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_USER_H
#define _KERNEL_UPCALL_USER_H

/*
 * struct upcall in user memory, which is current's unless a function says
 * otherwise. All but the peeking ones may fault, and so are called without the
 * table's lock. All return 0 or -EFAULT.
 *
 * The structure need not be there for a task that owns no upcalls. Who gets
 * -EFAULT asks upcall_owns_some() afterwards whether that matters.
 */

#include <linux/uaccess.h>

#include "upcall.h"

/* Reads both fields into the verdict. */
static __always_inline int upcall_read_state(struct upcall_owner *owner)
{
	struct upcall __user *upc = owner->upc;
	struct upcall_state *was = &owner->verdict.was;

	if (!user_read_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(was->crit_count, &upc->crit_count, efault);
	unsafe_get_user(was->pending, &upc->pending, efault);
	user_read_access_end();
	return 0;

efault:
	user_read_access_end();
	return -EFAULT;
}

/* The same without a fault, for a caller that holds the lock. */
static __always_inline int upcall_peek_state(struct upcall_owner *owner)
{
	int ret;

	pagefault_disable();
	ret = upcall_read_state(owner);
	pagefault_enable();
	return ret;
}

/*
 * The pending field of @owner, which is another task of current's mm and owns
 * upcalls, without a fault. Under the lock.
 */
static inline int upcall_peek_pending(struct upcall_owner *owner, s32 *pending)
{
	int ret;

	pagefault_disable();
	ret = __get_user(*pending, &owner->upc->pending);
	pagefault_enable();
	return ret;
}

/*
 * Writes both fields or, as far as user code can see, none. A dispatcher may see
 * a pending that is undone: the caller lets it be rechecked.
 */
static inline int upcall_write_state(struct upcall_owner *owner)
{
	struct upcall __user *upc = owner->upc;
	struct upcall_verdict *v = &owner->verdict;

	if (!user_write_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_put_user(v->now.pending, &upc->pending, efault);
	unsafe_put_user(v->now.crit_count, &upc->crit_count, efault_undo);
	user_write_access_end();
	return 0;

efault_undo:
	unsafe_put_user(v->was.pending, &upc->pending, efault);
efault:
	user_write_access_end();
	return -EFAULT;
}

/* Stores 0 in pending; both fields must be accessible all the same. */
static inline int upcall_write_clear(struct upcall_owner *owner)
{
	struct upcall __user *upc = owner->upc;
	struct upcall_state *was = &owner->verdict.was;

	if (!user_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(was->crit_count, &upc->crit_count, efault);
	unsafe_put_user(0, &upc->pending, efault);
	user_access_end();
	return 0;

efault:
	user_access_end();
	return -EFAULT;
}

#endif /* _KERNEL_UPCALL_USER_H */
