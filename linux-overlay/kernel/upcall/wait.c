// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for an upcall: WAIT and SUSPEND.
 *
 *   upcall_notify()                     upcall_sleep()
 *
 *   lock                                set_current_state(TASK_INTERRUPTIBLE)
 *   queue the entry                     lock
 *   if (owner->wait)                    high enough one queued? its id
 *     wake the owner                    owner->wait = lowest priority
 *   else                                unlock
 *     arm it, see dispatch.h            schedule()
 *   unlock
 *
 * Whoever takes the lock first is seen by the other: the waiter sees the entry,
 * or the dispatcher sees owner->wait. A wake-up before schedule() makes that
 * return at once, as the state was set before the lock was taken. After each
 * wake-up the waiter starts over, whoever woke it.
 *
 * While owner->wait is set a dispatch does not arm. The call applies the rules
 * before it returns, so an upcall below the priority waited for is seen then.
 */

#include <linux/errno.h>
#include <linux/freezer.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>

#include <trace/events/upcall.h>

#include "dispatch.h"
#include "queue.h"

/*
 * The upcall that ends the wait, or 0: then upcall_notify() will wake current,
 * having seen owner->wait. With @priority 0, ends the waiting.
 */
static int upcall_wait_check(struct upcall_owner *owner, int priority)
{
	struct upcall_entry *e = NULL;
	int id;

	spin_lock(&owner->table->lock);
	if (priority)
		e = upcall_first(owner, priority);
	owner->wait = e ? 0 : priority;
	/* Once unlocked, others may delete it. */
	id = e ? e->id : 0;
	spin_unlock(&owner->table->lock);
	return id;
}

/*
 * Is there a signal, or a stop? Task work and the system's freezer look like one
 * from afar, and are served here. So does a signal of the process that another
 * thread has taken.
 */
static bool upcall_interrupted(void)
{
	unsigned long flags;

	if (!signal_pending(current))
		return false;
	__set_current_state(TASK_RUNNING);
	clear_notify_signal();
	try_to_freeze();
	if (task_work_pending(current))
		task_work_run();
	if (lock_task_sighand(current, &flags)) {
		recalc_sigpending();
		unlock_task_sighand(current, &flags);
	}
	return task_sigpending(current);
}

/* Sleeps until an upcall of @priority is pending; its id, or -EINTR. */
static int upcall_sleep(struct upcall_owner *owner, int priority)
{
	int id;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		id = upcall_wait_check(owner, priority);
		if (!id && signal_pending(current)) {
			upcall_wait_check(owner, 0);
			if (!upcall_interrupted())
				continue;
			id = -EINTR;
		}
		trace_upcall_wait(owner, priority, id);
		if (id)
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return id;
}

/* A task that never registered an upcall: only a signal can end this. */
static long upcall_sleep_forever(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!signal_pending(current))
			schedule();
		else if (upcall_interrupted())
			break;
	}
	return -EINTR;
}

/**
 * upcall_wait - UPC_CONTROL_WAIT
 * @priority:	the lowest priority waited for, or 0 or less for 1
 *
 * Not restarted after a signal: an upcall that comes on the way out would be
 * entered first, and the restarted call wait for it in vain.
 *
 * Return: the identifier of the upcall, or -EINTR.
 */
long upcall_wait(int priority)
{
	struct upcall_owner *owner = current->upcall;

	if (!owner)
		return upcall_sleep_forever();
	return upcall_deliver_at_exit(owner, 0,
				      upcall_sleep(owner, max(priority, 1)));
}

/**
 * upcall_suspend - UPC_CONTROL_SUSPEND
 * @priority:	the lowest priority waited for, or 0 or less for 1
 *
 * Not restarted after a signal either, for the critical section was left.
 *
 * Return: the identifier of the upcall, or -EINTR; -EFAULT with nothing
 * changed.
 */
long upcall_suspend(int priority)
{
	struct upcall_owner *owner = current->upcall;
	struct upcall_verdict *v;

	if (!owner || upcall_read_state(owner))
		return -EFAULT;
	v = &owner->verdict;
	v->now.crit_count = (u32)v->was.crit_count - UPC_CRITADD;
	v->now.pending = 0;
	if (upcall_write_state(owner))
		return -EFAULT;
	return upcall_deliver_at_exit(owner, 0,
				      upcall_sleep(owner, max(priority, 1)));
}
