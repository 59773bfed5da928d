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
 * owner runs user code although it is dispatched to without end. User code that
 * lowers pending by itself does so after the dispatch. upcall_apply() writes it
 * under the lock: the dispatcher reads what it wrote, or it saw the entry. NEXT
 * with nothing queued, and a call that ends where the owner is stepped, write 0
 * without the lock:
 *
 *   upcall_user_notified()              upcall_clear()
 *
 *   lock                                nothing is queued
 *   queue the entry                     pending = 0
 *   owner->kick_skipped = true          smp_mb()
 *   smp_mb()                            if (owner->kick_skipped) arm
 *   read pending
 *     not high enough: arm
 *   unlock
 *
 * Either the dispatcher reads 0, or the owner reads kick_skipped, which nobody
 * but the owner clears, under the lock and with the queue evaluated.
 *
 * Interrupting
 *
 * INTERRUPT also sets TIF_NOTIFY_SIGNAL, which ends an interruptible sleep and is
 * gone before the queue is evaluated. It does so by task work: who serves that
 * asleep, and would sleep on, finds TIF_SIGPENDING then. It does not do so to an
 * owner that sleeps and holds the upcall back:
 *
 *   upcall_held_asleep()                the owner
 *
 *   the entry is queued, it is armed    writes crit_count
 *   does it sleep?                      enters a call
 *   smp_rmb()                           set_current_state(), a full barrier
 *   read crit_count, pending            schedule()
 *
 * Whoever is seen asleep is in the kernel, and stays there: it is armed, or in
 * WAIT, and takes the lock before it runs user code. So what is read then is what
 * it sleeps with. An owner that is not asleep may read as holding the upcall back,
 * and yet leave its section and go to sleep in a call before the kick gets to it.
 * It is interrupted whatever is read. If it stays in the section, the one pass is
 * for nothing; a call that it makes there is then restarted or ended, once: after
 * that pending has the priority, and no dispatch goes beyond upcall_user_notified().
 *
 * An owner that is stepped keeps owner->interrupt, and is not interrupted again:
 * a storm does not keep it in the loop that ends at user mode. Stepping ends with
 * the owner stopped, so in no call, and it then clears owner->interrupt.
 *
 * A dispatcher that may not read pending, as its protection keys say, arms each
 * time: a task can keep another of its own mm busy by this, as by much else.
 */

#include <linux/resume_user_mode.h>

#include "timer.h"
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
	return !READ_ONCE(owner->first) && !upcall_expired(owner);
}

/*
 * Queues what has expired for somebody who looks at the queue, and will not apply
 * the rules after that. Under the lock.
 */
static inline void upcall_show_expired(struct upcall_owner *owner)
{
	if (upcall_take_expired(owner))
		upcall_arm(owner);
}

#endif /* _KERNEL_UPCALL_DISPATCH_H */
