// SPDX-License-Identifier: GPL-2.0
/*
 * Dispatching: the entry becomes pending, and its owner evaluates its queue.
 * dispatch.h shows that no dispatch is lost.
 */

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>

#include <trace/events/upcall.h>

#include "dispatch.h"
#include "queue.h"

/*
 * Does @owner sleep in a section that holds back @priority? Not if its struct
 * upcall can't be read.
 */
static bool upcall_held_asleep(struct upcall_owner *owner, int priority)
{
	struct upcall_state state;

	if (task_is_running(owner->task))
		return false;
	smp_rmb();	/* pairs with set_current_state() */
	return !upcall_peek_state(owner, &state) &&
	       (state.pending || state.crit_count >= priority);
}

/*
 * The owner's part of an INTERRUPT. io_uring_enter() serves task work where it
 * sleeps, and then sleeps on unless it finds this flag. In get_signal() that is
 * cleared again.
 */
static void upcall_end_sleep(struct callback_head *work)
{
	struct upcall_owner *owner = container_of(work, struct upcall_owner,
						  end_sleep);

	/* It may be queued again. Pairs with upcall_interrupt(). */
	smp_store_release(&owner->end_queued, false);
	set_thread_flag(TIF_SIGPENDING);
}

/* A new owner can be interrupted. */
void upcall_init_interrupt(struct upcall_owner *owner)
{
	init_task_work(&owner->end_sleep, upcall_end_sleep);
}

static bool upcall_is_work(struct callback_head *work, void *data)
{
	return work == data;
}

/* An owner that nobody finds any more, current's, is about to go. */
void upcall_drop_interrupt(struct upcall_owner *owner)
{
	task_work_cancel_match(owner->task, upcall_is_work, &owner->end_sleep);
}

/*
 * Ends an interruptible sleep of the owner of @e, whose queue has it: as nobody
 * finds a signal, the call is restarted after the upcall if that can be done.
 */
static bool upcall_interrupt(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;

	if (READ_ONCE(owner->interrupt) ||
	    upcall_held_asleep(owner, e->priority))
		return false;
	WRITE_ONCE(owner->interrupt, true);
	/* Pairs with upcall_end_sleep(). */
	if (smp_load_acquire(&owner->end_queued)) {
		set_notify_signal(owner->task);
	} else {
		WRITE_ONCE(owner->end_queued, true);
		task_work_add(owner->task, &owner->end_sleep, TWA_SIGNAL);
	}
	return true;
}

/**
 * upcall_notify - make another task evaluate its queue
 * @e:		an upcall of that task's, which has been queued
 * @interrupt:	INTERRUPT: a call that it sleeps in ends
 *
 * Under the lock. A task in WAIT or SUSPEND does so before that call returns, see
 * wait.c.
 */
void upcall_notify(struct upcall_entry *e, bool interrupt)
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
		interrupt = false;
	} else {
		upcall_arm(owner);
	}
	if (interrupt && sent != UPCALL_SENT_WOKEN && upcall_interrupt(e))
		sent = UPCALL_SENT_INTERRUPTED;
	trace_upcall_dispatch(e, sent);
}

/**
 * upcall_dispatch - UPC_CONTROL_DISPATCH of an identifier, and INTERRUPT
 * @id:		an upcall of any task in current's mm
 * @priority:	at which it becomes pending, or 0 or less for 1
 * @interrupt:	INTERRUPT: a call that its owner, another task, sleeps in ends
 *
 * Of a dispatch to another task nothing that is current's own is read. The
 * rules are applied at once to a dispatch to oneself, under the same lock,
 * unless that would fault, or somebody watches the end of the call.
 *
 * Return: 0, or -ENOENT.
 */
long upcall_dispatch(int id, int priority, bool interrupt)
{
	struct upcall_table *table = upcall_own_table();
	struct upcall_owner *self = current->upcall;
	enum upcall_outcome outcome = UPCALL_SETTLED;
	struct upcall_entry *e;

	if (!table)
		return -ENOENT;
	spin_lock(&table->lock);
	e = upcall_find(table, id);
	if (e) {
		upcall_raise(e, max(priority, 1));
		if (e->owner == self) {
			trace_upcall_dispatch(e, UPCALL_SENT_SELF);
			outcome = upcall_apply_in_call(self, 0, 0);
		} else {
			upcall_notify(e, interrupt);
		}
	}
	spin_unlock(&table->lock);

	return e ? upcall_end_call(self, outcome, 0, 0) : -ENOENT;
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
		upcall_show_expired(e->owner);
		ret = e->priority >= max(priority, 1);
		if (ret && clear) {
			trace_upcall_clear(e);
			upcall_consume(e);
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
	upcall_show_expired(owner);
	e = upcall_first(owner, priority);
	if (e) {
		ret = e->id;
		if (clear) {
			trace_upcall_clear(e);
			upcall_consume(e);
		}
	} else if (clear && priority < 1 && !list_empty(&owner->owned)) {
		e = list_first_entry(&owner->owned, struct upcall_entry, owned);
		ret = e->id;
	}
	spin_unlock(&owner->table->lock);
	return ret;
}
