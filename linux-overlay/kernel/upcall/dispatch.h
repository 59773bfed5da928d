/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_DISPATCH_H
#define _KERNEL_UPCALL_DISPATCH_H

/*
 * How a dispatch makes its owner evaluate the queue, and when it need not.
 *
 * Arming
 *
 *   upcall_notify()                     __upcall_resume(), and after it
 *
 *   lock                                clear TIF_NOTIFY_RESUME
 *   queue the entry                     smp_mb__after_atomic()
 *   if (!owner->armed) {                if (!owner->armed) return
 *     owner->armed = true               owner->armed = false
 *     set TIF_NOTIFY_RESUME, kick       lock
 *   }                                   look at the queue
 *   unlock                              unlock
 *
 * Setting the flag is an atomic that returns a value, a full barrier. Either
 * the owner sees the entry, or both flags are set after it cleared them, and it
 * comes back before it enters user mode. A dispatcher that finds the owner armed
 * leaves it at that: the owner takes the lock after it clears armed, so it finds
 * the entry when it does. Without the flag an owner stays armed only while it
 * is stepped; upcall_step_over() then sets the flag. So a storm of dispatches
 * does not keep such an owner in the loop that ends at user mode.
 *
 * The skipped kick
 *
 * If pending in the owner's struct upcall has the priority already, an
 * evaluation would change nothing, and the dispatcher skips the kick. So the
 * owner runs user code although it is dispatched to without end. The owner may
 * be about to lower pending:
 *
 *   upcall_user_notified()              upcall_decide(), then upcall_recheck()
 *
 *   lock                                lock
 *   queue the entry                     owner->kick_skipped = false
 *   owner->kick_skipped = true          look at the queue
 *   smp_mb()                            unlock
 *   read pending                        write pending
 *     not high enough: arm              smp_mb()
 *   unlock                              if (owner->kick_skipped) arm
 *
 * If the owner held the lock first, the dispatcher has set kick_skipped after it
 * was cleared; then either the dispatcher reads the new pending, or the owner
 * reads kick_skipped. If the dispatcher held it first, the owner saw the entry.
 * User code that lowers pending by itself does so after the dispatch.
 *
 * NEXT takes no lock if nothing is queued, but writes 0 to pending and rechecks
 * as above. A dispatch that it does not see sets kick_skipped after it queued the
 * entry, and nobody but the owner clears that. So the dispatcher reads 0 in
 * pending and arms, or the owner reads kick_skipped and arms itself.
 */

#include <linux/resume_user_mode.h>

#include "user.h"

/**
 * upcall_arm - make a task evaluate its queue before it runs user code again
 * @owner:	the task's. Under the lock, or current's
 */
static inline void upcall_arm(struct upcall_owner *owner)
{
	WRITE_ONCE(owner->armed, true);
	set_notify_resume(owner->task);
}

/*
 * Does pending tell @owner, another task, of upcalls of @priority, and has its
 * user code not acted on it yet? Under the lock.
 */
static inline bool upcall_user_notified(struct upcall_owner *owner,
					int priority)
{
	s32 pending;

	WRITE_ONCE(owner->kick_skipped, true);
	smp_mb();	/* pairs with upcall_recheck() */
	return !upcall_peek_pending(owner, &pending) && pending >= priority;
}

/* Call after lowering pending of current's. */
static inline void upcall_recheck(struct upcall_owner *owner)
{
	smp_mb();	/* pairs with upcall_user_notified() */
	if (READ_ONCE(owner->kick_skipped))
		upcall_arm(owner);
}

/* Is nothing pending for current? Without the lock. */
static inline bool upcall_idle(struct upcall_owner *owner)
{
	return !READ_ONCE(owner->first);
}

#endif /* _KERNEL_UPCALL_DISPATCH_H */
