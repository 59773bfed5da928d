/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_BLOCK_H
#define _KERNEL_UPCALL_BLOCK_H

/*
 * A task whose sleep in the kernel is told to another, and that is told when it is
 * over: UPC_CONTROL_ONBLOCK and UPC_CONTROL_ONWAKE.
 *
 *   the task sleeps, in __upcall_sleeping()
 *     dispatches ONBLOCK's upcall
 *     owner->slept = true, and does not do it again while that is so
 *     sets TIF_NOTIFY_RESUME
 *   it is awake, and on its way to user mode, in upcall_resume_armed()
 *     ONWAKE's upcall becomes pending
 *     the rules are applied
 *     owner->slept = false
 *
 * All of that is done by the task itself, which alone touches these fields. If it
 * sleeps while the rules are applied, having not slept before, owner->slept stays
 * set, and it comes by once more. A sleep after that on the same way, as for the
 * frame of a signal, is another one.
 */

#include "upcall.h"

#ifdef CONFIG_UPCALL_BLOCK

long upcall_tell(int id, int priority, bool own);
bool __upcall_woken(struct upcall_owner *owner);

/* Has a sleep of current's been told that ONWAKE has something for? */
static inline bool upcall_has_slept(struct upcall_owner *owner)
{
	if (likely(!owner->slept))
		return false;
	if (!owner->on_wake.id)
		owner->slept = false;
	return owner->slept;
}

/* What ONWAKE has is pending if current has slept. True if it has. */
static inline bool upcall_woken(struct upcall_owner *owner)
{
	return upcall_has_slept(owner) && __upcall_woken(owner);
}

/* The stay in the kernel that upcall_woken() was about is over. */
static inline void upcall_sleep_over(struct upcall_owner *owner)
{
	owner->slept = false;
}

#else /* CONFIG_UPCALL_BLOCK */

static inline long upcall_tell(int id, int priority, bool own)
{
	return -EINVAL;
}

static inline bool upcall_has_slept(struct upcall_owner *owner)
{
	return false;
}

static inline bool upcall_woken(struct upcall_owner *owner)
{
	return false;
}

static inline void upcall_sleep_over(struct upcall_owner *owner) { }

#endif /* CONFIG_UPCALL_BLOCK */

#endif /* _KERNEL_UPCALL_BLOCK_H */
