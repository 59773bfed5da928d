/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_USER_H
#define _KERNEL_UPCALL_USER_H

/*
 * struct upcall in user memory, which is current's unless a function says
 * otherwise. All return 0 or -EFAULT. Under the table's lock page faults are
 * disabled, and so -EFAULT may also mean that a page is absent.
 *
 * The structure need not be there for a task that owns no upcalls. Who gets
 * -EFAULT without the lock asks upcall_owns_some() afterwards whether that
 * matters.
 */

#include <linux/uaccess.h>

#include "upcall.h"

static __always_inline int upcall_read_state(struct upcall_owner *owner,
					     struct upcall_state *state)
{
	struct upcall __user *upc = owner->upc;

	if (!user_read_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(state->crit_count, &upc->crit_count, efault);
	unsafe_get_user(state->pending, &upc->pending, efault);
	user_read_access_end();
	return 0;

efault:
	user_read_access_end();
	return -EFAULT;
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

/* Both fields, in the same way; or of current, which needs no lock. */
static inline int upcall_peek_state(struct upcall_owner *owner,
				    struct upcall_state *state)
{
	int ret;

	pagefault_disable();
	ret = __get_user(state->crit_count, &owner->upc->crit_count) ||
	      __get_user(state->pending, &owner->upc->pending);
	pagefault_enable();
	return ret ? -EFAULT : 0;
}

/* Writes both fields or, as far as current's user code can see, none. */
static __always_inline int upcall_write_state(struct upcall_owner *owner,
					      const struct upcall_state *was,
					      const struct upcall_state *now)
{
	struct upcall __user *upc = owner->upc;

	if (!user_write_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_put_user(now->pending, &upc->pending, efault);
	unsafe_put_user(now->crit_count, &upc->crit_count, efault_undo);
	user_write_access_end();
	return 0;

efault_undo:
	unsafe_put_user(was->pending, &upc->pending, efault);
efault:
	user_write_access_end();
	return -EFAULT;
}

/* Stores 0 in pending; both fields must be accessible all the same. */
static inline int upcall_write_clear(struct upcall_owner *owner)
{
	struct upcall __user *upc = owner->upc;
	int unused __maybe_unused;

	if (!user_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(unused, &upc->crit_count, efault);
	unsafe_put_user(0, &upc->pending, efault);
	user_access_end();
	return 0;

efault:
	user_access_end();
	return -EFAULT;
}

#endif /* _KERNEL_UPCALL_USER_H */
