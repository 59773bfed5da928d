/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_TIMER_H
#define _KERNEL_UPCALL_TIMER_H

/*
 * Upcalls that the kernel dispatches when a time has come: UPC_CONTROL_TIMER.
 *
 * Expiry takes no lock of ours, so that the table's is never taken in an
 * interrupt. It puts the timer on a list of its owner's, and makes that look:
 *
 *   upcall_expire()                     __upcall_resume()
 *
 *   add the timer to owner->expired     clear TIF_NOTIFY_RESUME
 *   set TIF_NOTIFY_RESUME, kick         smp_mb__after_atomic()
 *                                       is owner->expired empty?
 *
 * Both of its steps are full barriers. As owner->expired is asked for, expiry
 * need not arm the owner, and so cannot collide with whoever clears owner->armed.
 * In WAIT and SUSPEND:
 *
 *   upcall_expire()                     upcall_wait_check()
 *
 *                                       set_current_state(TASK_INTERRUPTIBLE)
 *   add the timer to owner->expired     owner->wait = lowest priority
 *   owner->wait not above its own?      smp_mb()
 *     wake the owner                    queue what is in owner->expired
 *
 * Either the owner finds the timer, or expiry finds owner->wait. The wake-up may
 * come when that call is over and the owner sleeps in another, which has to be
 * prepared for wake-ups of no reason anyway.
 *
 * Whoever looks at a queue under the lock first moves there what has expired.
 * One who is not about to apply the rules then arms the owner, as the list that
 * would have told it is empty.
 *
 * As many are moved at a time as have expired: the interrupts took longer.
 *
 * An interval timer rests from then on until its upcall is no longer pending. If
 * the interval is shorter than it takes to enter an upcall, and the priority such
 * that the section it begins in does not hold back the next one, they are entered
 * one above the other until the stack ends, as are handlers of a timer's signal
 * with SA_NODEFER. Nobody but the owner is kept busy by that.
 *
 * A timer is stopped under the lock, by its owner or by whoever deletes its
 * upcall. hrtimer_cancel() waits for an expiry on another CPU, which waits for
 * nobody.
 */

#include <linux/llist.h>

#include "upcall.h"

#ifdef CONFIG_UPCALL_TIMER

#include <linux/hrtimer.h>

/**
 * struct upcall_alarm - the timer of an upcall, under the table's lock
 * @hrtimer:	it does not run from its expiry on
 * @expired:	in its owner's list, from its expiry until that is looked at
 * @entry:	the upcall
 * @priority:	at which it is dispatched; constant while @hrtimer runs
 * @interval:	in ns, or 0
 * @resting:	its upcall is pending, and it starts again after that
 */
struct upcall_alarm {
	struct hrtimer		hrtimer;
	struct llist_node	expired;
	struct upcall_entry	*entry;
	int			priority;
	bool			resting;
	s64			interval;
};

long upcall_timer(int id, const struct upcall_timer __user *from);
void __upcall_take_expired(struct upcall_owner *owner);
void __upcall_timer_go_on(struct upcall_alarm *alarm);
void __upcall_timer_delete(struct upcall_entry *e);

/* Is there something for upcall_take_expired()? Without the lock. */
static inline bool upcall_expired(struct upcall_owner *owner)
{
	return !llist_empty(&owner->expired);
}

/* Queues what has expired; true if something has. Under the lock. */
static inline bool upcall_take_expired(struct upcall_owner *owner)
{
	if (likely(!upcall_expired(owner)))
		return false;
	__upcall_take_expired(owner);
	return true;
}

/* The same for current, which has set owner->wait. */
static inline void upcall_take_expired_waiting(struct upcall_owner *owner)
{
	smp_mb();	/* pairs with upcall_expire() */
	upcall_take_expired(owner);
}

/* @e is not pending any more. Under the lock. */
static inline void upcall_timer_go_on(struct upcall_entry *e)
{
	if (unlikely(e->alarm && e->alarm->resting))
		__upcall_timer_go_on(e->alarm);
}

/* @e is about to be deleted. Under the lock. */
static inline void upcall_timer_delete(struct upcall_entry *e)
{
	if (unlikely(e->alarm))
		__upcall_timer_delete(e);
}

#else /* CONFIG_UPCALL_TIMER */

static inline long upcall_timer(int id, const struct upcall_timer __user *from)
{
	return -EINVAL;
}

static inline bool upcall_expired(struct upcall_owner *owner)
{
	return false;
}

static inline bool upcall_take_expired(struct upcall_owner *owner)
{
	return false;
}

static inline void upcall_take_expired_waiting(struct upcall_owner *owner) { }
static inline void upcall_timer_go_on(struct upcall_entry *e) { }
static inline void upcall_timer_delete(struct upcall_entry *e) { }

#endif /* CONFIG_UPCALL_TIMER */

#endif /* _KERNEL_UPCALL_TIMER_H */
