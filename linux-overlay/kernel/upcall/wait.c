// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for an upcall: WAIT and SUSPEND.
 *
 *   upcall_notify()                     upcall_sleep()
 *
 *   lock                                set_current_state(TASK_INTERRUPTIBLE)
 *   queue the entry                     lock
 *   if (owner->wait)                    owner->wait = lowest priority
 *     wake the owner                    high enough one queued? 0, its id
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
 *
 * What a program can't know of does not end the wait: task work, the freezer, a
 * stop, a tracer, a signal without a handler, a live patch of the kernel. Some of
 * that is served only on the way to user mode, and so the call is restarted after
 * it, as if it slept on. That gives EINTR if a handler is entered there, or an
 * upcall: one of lower priority than was waited for, or one that came after the
 * wait was given up, and may be what it was for. An INTERRUPT with a priority lower
 * than is waited for is meant to end the wait in this way.
 */

#include <linux/errno.h>
#include <linux/freezer.h>
#include <linux/livepatch.h>
#include <linux/minmax.h>
#include <linux/restart_block.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/thread_info.h>

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
	WRITE_ONCE(owner->wait, priority);
	if (priority) {
		upcall_take_expired_waiting(owner);
		e = upcall_first(owner, priority);
	}
	if (e)
		WRITE_ONCE(owner->wait, 0);
	/* Once unlocked, others may delete it. */
	id = e ? e->id : 0;
	spin_unlock(&owner->table->lock);
	return id;
}

/*
 * Is there a signal, or a stop? Task work and the system's freezer look like one
 * from afar, and are served here. So does a signal of the process that another
 * thread has taken. A live patch that waits for the task to leave the kernel sets
 * the flag of task work too: that has to stay, for the way out to be taken. The
 * same goes for an INTERRUPT by an upcall of lower priority than is waited for.
 * @owner may be NULL.
 */
static bool upcall_interrupted(struct upcall_owner *owner)
{
	unsigned long flags;

	if (!signal_pending(current))
		return false;
	__set_current_state(TASK_RUNNING);
	clear_notify_signal();
	if (klp_patch_pending(current) ||
	    (owner && READ_ONCE(owner->interrupt))) {
		set_notify_signal(current);
		return true;
	}
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
			if (!upcall_interrupted(owner))
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
static void upcall_sleep_forever(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!signal_pending(current))
			schedule();
		else if (upcall_interrupted(NULL))
			break;
	}
}

static long upcall_wait_again(struct restart_block *restart);

/* @owner may be NULL. */
static long upcall_do_wait(struct upcall_owner *owner, int priority)
{
	int id = -EINTR;

	if (owner)
		id = upcall_sleep(owner, priority);
	else
		upcall_sleep_forever();
	if (id > 0)
		return upcall_deliver_at_exit(owner, 0, id);

	id = set_restart_fn(&current->restart_block, upcall_wait_again);
	if (!owner)
		return id;
	owner->rest_prio = priority;
	return upcall_deliver_later(owner, 0, id);
}

/* restart_syscall(). A section that SUSPEND left has been left. */
static long upcall_wait_again(struct restart_block *restart)
{
	struct upcall_owner *owner = current->upcall;

	/* 0: what is restarted began before the task had an owner. */
	return upcall_do_wait(owner, owner ? max(owner->rest_prio, 1) : 0);
}

/**
 * upcall_wait - UPC_CONTROL_WAIT
 * @priority:	the lowest priority waited for, or 0 or less for 1
 *
 * Return: the identifier of the upcall, or what becomes -EINTR or a restart.
 */
long upcall_wait(int priority)
{
	return upcall_do_wait(current->upcall, max(priority, 1));
}

/**
 * upcall_suspend - UPC_CONTROL_SUSPEND
 * @priority:	the lowest priority waited for, or 0 or less for 1
 *
 * Return: as upcall_wait(); -EFAULT with nothing changed.
 */
long upcall_suspend(int priority)
{
	struct upcall_owner *owner = current->upcall;
	struct upcall_state was, now;

	if (!owner || upcall_read_state(owner, &was))
		return -EFAULT;
	now.crit_count = (u32)was.crit_count - UPC_CRITADD;
	now.pending = 0;
	if (upcall_write_state(owner, &was, &now))
		return -EFAULT;
	return upcall_do_wait(owner, max(priority, 1));
}
