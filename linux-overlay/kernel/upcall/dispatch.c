// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatching: the entry becomes pending, and its owner evaluates its queue.
 * dispatch.h shows that no dispatch is lost.
 */

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>

#include <trace/events/upcall.h>

#include "dispatch.h"
#include "queue.h"

/* Makes @e pending at @priority or more. A raised one goes behind its equals. */
static void upcall_raise(struct upcall_entry *e, int priority)
{
	if (priority <= e->priority)
		return;
	if (e->priority)
		upcall_dequeue(e);
	upcall_enqueue(e, priority, false);
}

/*
 * Makes the owner of @e, another task, evaluate its queue, in which @e is. An
 * owner in WAIT or SUSPEND does so before that call returns, see wait.c.
 */
static void upcall_notify(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;
	enum upcall_sent sent = UPCALL_SENT_ARMED;

	if (owner->wait > e->priority) {
		sent = UPCALL_SENT_ASLEEP;
	} else if (owner->wait) {
		sent = UPCALL_SENT_WOKEN;
		wake_up_state(owner->task, TASK_INTERRUPTIBLE);
	} else if (READ_ONCE(owner->armed)) {
		sent = UPCALL_SENT_PENDING;
	} else if (upcall_user_notified(owner, e->priority)) {
		sent = UPCALL_SENT_COALESCED;
	} else {
		upcall_arm(owner);
	}
	trace_upcall_dispatch(e, sent);
}

/**
 * upcall_dispatch - UPC_CONTROL_DISPATCH of an identifier
 * @id:		an upcall of any task in current's mm
 * @priority:	at which it becomes pending, or 0 or less for 1
 *
 * Of a dispatch to another task nothing that is current's own is read. The
 * rules are applied at once to a dispatch to oneself, under the same lock,
 * unless that would fault, or somebody watches the end of the call.
 *
 * Return: 0, or -ENOENT.
 */
long upcall_dispatch(int id, int priority)
{
	struct upcall_table *table = upcall_own_table();
	struct upcall_owner *self = current->upcall;
	enum upcall_todo todo = UPCALL_DONE;
	struct upcall_entry *e;

	if (!table)
		return -ENOENT;
	spin_lock(&table->lock);
	e = upcall_find(table, id);
	if (e) {
		upcall_raise(e, max(priority, 1));
		if (e->owner == self) {
			trace_upcall_dispatch(e, UPCALL_SENT_SELF);
			todo = upcall_evaluate_own(self);
		} else {
			upcall_notify(e);
		}
	}
	spin_unlock(&table->lock);

	if (!e)
		return -ENOENT;
	if (todo == UPCALL_DONE)
		return 0;
	return todo == UPCALL_DELIVER ? upcall_deliver(self, 0, 0) :
					upcall_deliver_later(self, 0, 0);
}

/**
 * upcall_redispatch - UPC_CONTROL_DISPATCH of -1
 * @min_prio:	the lowest priority that is entered, or 0 or less for 1
 *
 * Acknowledges pending.
 *
 * Return: 0.
 */
long upcall_redispatch(int min_prio)
{
	struct upcall_owner *owner = current->upcall;

	if (!owner)
		return 0;
	return upcall_deliver_at_exit(owner, max(min_prio, 1), 0);
}

/**
 * upcall_poll - UPC_CONTROL_POLL and POLLANDCLEAR of an identifier
 * @id:		an upcall of any task in current's mm
 * @priority:	the lowest it must be pending at, or 0 or less for 1
 * @clear:	POLLANDCLEAR
 *
 * Return: 1 if it is pending, 0 if not; -ENOENT.
 */
long upcall_poll(int id, int priority, bool clear)
{
	struct upcall_table *table = upcall_own_table();
	struct upcall_entry *e;
	long ret = -ENOENT;

	if (!table)
		return -ENOENT;
	spin_lock(&table->lock);
	e = upcall_find(table, id);
	if (e) {
		ret = e->priority >= max(priority, 1);
		if (ret && clear) {
			trace_upcall_clear(e);
			upcall_dequeue(e);
		}
	}
	spin_unlock(&table->lock);
	return ret;
}

/**
 * upcall_poll_own - UPC_CONTROL_POLL and POLLANDCLEAR of -1
 * @priority:	the lowest an upcall must be pending at
 * @clear:	POLLANDCLEAR
 *
 * Return: the identifier of current's highest pending upcall, or 0. With
 * @clear, @priority below 1 and nothing pending, that of any upcall of
 * current, as the manual page warns.
 */
long upcall_poll_own(int priority, bool clear)
{
	struct upcall_owner *owner = current->upcall;
	struct upcall_entry *e;
	long ret = 0;

	if (!owner)
		return 0;
	spin_lock(&owner->table->lock);
	e = upcall_first(owner, priority);
	if (e) {
		ret = e->id;
		if (clear) {
			trace_upcall_clear(e);
			upcall_dequeue(e);
		}
	} else if (clear && priority < 1 && !list_empty(&owner->owned)) {
		e = list_first_entry(&owner->owned, struct upcall_entry, owned);
		ret = e->id;
	}
	spin_unlock(&owner->table->lock);
	return ret;
}
