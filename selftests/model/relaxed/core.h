/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RELAXED_CORE_H
#define RELAXED_CORE_H

/*
 * kernel/upcall/, as far as tasks share memory there: the same functions by the
 * same names, file by file, with the same steps in the same order. What only
 * one task uses is a variable of C++. User memory does not fault.
 */

#include "kernel.h"

#define UPC_CRITADD 32

struct upcall_table;

/* User memory. The owner alone writes it; others read pending. */
struct upcall {
	int			crit_count = 0;
	rl::atomic<int>		pending;

	upcall() : pending(0) { }
};

/* upcall.h */

struct upcall_entry {
	upcall_owner		*owner = nullptr;
	rl::var<int>		priority;

	/* What a dispatcher writes before it dispatches, and cfunc has read. */
	rl::atomic<int>		data;
	int			dispatched = 0;
	int			seen = 0;
	int			entered = 0;

	upcall_entry() : priority(0), data(0) { }
};

struct upcall_state {
	int			crit_count;
	int			pending;
};

struct upcall_owner {
	rl::var<upcall *>	upc;
	task_struct		*task = nullptr;
	upcall_table		*table = nullptr;
	rl::atomic<upcall_entry *> first;
	rl::var<upcall_entry *>	rest;		/* one at most */
	rl::atomic<int>		registered;
	rl::atomic<int>		armed;
	rl::atomic<int>		kick_skipped;
	rl::atomic<int>		wait;
	rl::atomic<int>		expired;	/* a list; one timer here */
	upcall_entry		*timed = nullptr; /* its upcall, and ... */
	int			timed_priority = 1;
	int			redispatch = 0;

	upcall_owner() : upc(nullptr), first(nullptr), rest(nullptr),
		registered(0), armed(0), kick_skipped(0), wait(0), expired(0) { }
};

#define NR_SLOTS 2

struct upcall_table {
	spinlock		lock;
	rl::var<upcall_entry *>	slots[NR_SLOTS];
};

struct mm_struct {
	rl::atomic<upcall_table *> upcalls;

	mm_struct() : upcalls(nullptr) { }
};

/* queue.h, queue.c */

static upcall_entry *upcall_first(upcall_owner *owner, int priority)
{
	upcall_entry *e = PLAIN(owner->first);

	return e && e->priority($) >= priority ? e : nullptr;
}

static void upcall_enqueue(upcall_entry *e, int priority)
{
	upcall_owner *owner = e->owner;
	upcall_entry *first = PLAIN(owner->first);

	e->priority($) = priority;
	if (!first) {
		WRITE_ONCE(owner->first, e);
	} else if (first->priority($) < priority) {
		owner->rest($) = first;
		WRITE_ONCE(owner->first, e);
	} else {
		owner->rest($) = e;
	}
}

static void upcall_dequeue(upcall_entry *e)
{
	upcall_owner *owner = e->owner;

	e->priority($) = 0;
	if (PLAIN(owner->first) == e)
		WRITE_ONCE(owner->first, owner->rest($).load());
	owner->rest($) = (upcall_entry *)nullptr;
}

static void upcall_raise(upcall_entry *e, int priority)
{
	if (priority <= e->priority($))
		return;
	if (e->priority($))
		upcall_dequeue(e);
	upcall_enqueue(e, priority);
}

/* timer.h, timer.c */

static bool upcall_expired(upcall_owner *owner)
{
	return READ_ONCE(owner->expired);
}

static void upcall_take_expired(upcall_owner *owner)
{
	if (!upcall_expired(owner))
		return;
	xchg(owner->expired, 0);	/* llist_del_all() */
	upcall_raise(owner->timed, owner->timed_priority);
}

static void upcall_take_expired_waiting(upcall_owner *owner)
{
	if (!WEAKEN(upcall_take_expired_waiting))
		smp_mb();	/* pairs with upcall_expire() */
	upcall_take_expired(owner);
}

/* In an interrupt, without the lock. */
static void upcall_expire(upcall_owner *owner)
{
	int wait;

	if (WEAKEN(llist_add))
		WRITE_ONCE(owner->expired, 1);
	else
		xchg(owner->expired, 1);
	wait = READ_ONCE(owner->wait);
	if (wait && wait <= owner->timed_priority)
		wake_up_state(owner->task, TASK_INTERRUPTIBLE);
	set_notify_resume(owner->task);
}

/* user.h */

static bool upcall_owns_some(upcall_owner *owner)
{
	return READ_ONCE(owner->registered);
}

static upcall_state upcall_read_state(upcall_owner *owner)
{
	upcall *upc = owner->upc($);

	return { upc->crit_count, PLAIN(upc->pending) };
}

static int upcall_peek_pending(upcall_owner *owner)
{
	return get_user(owner->upc($)->pending);
}

static void upcall_write_state(upcall_owner *owner, const upcall_state &now)
{
	upcall *upc = owner->upc($);

	put_user(now.pending, upc->pending);
	upc->crit_count = now.crit_count;
}

static void upcall_write_clear(upcall_owner *owner)
{
	put_user(0, owner->upc($)->pending);
}

/* dispatch.h */

static void upcall_arm(upcall_owner *owner)
{
	WRITE_ONCE(owner->armed, true);
	set_notify_resume(owner->task);
}

static bool upcall_user_notified(upcall_owner *owner, int priority)
{
	WRITE_ONCE(owner->kick_skipped, true);
	if (!WEAKEN(upcall_user_notified))
		smp_mb();	/* pairs with upcall_recheck() */
	return upcall_peek_pending(owner) >= priority;
}

static void upcall_recheck(upcall_owner *owner)
{
	if (!WEAKEN(upcall_recheck))
		smp_mb();	/* pairs with upcall_user_notified() */
	if (READ_ONCE(owner->kick_skipped))
		upcall_arm(owner);
}

static bool upcall_idle(upcall_owner *owner)
{
	return (WEAKEN(idle_first) || !READ_ONCE(owner->first)) &&
	       (WEAKEN(idle_expired) || !upcall_expired(owner));
}

/* dispatch.c */

static void upcall_notify(upcall_entry *e)
{
	upcall_owner *owner = e->owner;
	int priority = e->priority($);

	if (PLAIN(owner->wait) > priority)
		;
	else if (PLAIN(owner->wait))
		wake_up_state(owner->task, TASK_INTERRUPTIBLE);
	else if (READ_ONCE(owner->armed))
		;
	else if (upcall_user_notified(owner, priority))
		;
	else
		upcall_arm(owner);
}

/* Dispatches another task's upcall. True if one is in the slot. */
static bool upcall_dispatch(upcall_table *table, int slot, int priority)
{
	upcall_entry *e;

	spin_lock(&table->lock);
	e = table->slots[slot]($);
	if (e) {
		upcall_raise(e, priority);
		upcall_notify(e);
	}
	spin_unlock(&table->lock);
	return e;
}

/* core.c */

static bool upcall_must_defer(upcall_owner *owner)
{
	return current->uprobe ||
	       (current->singlestep && READ_ONCE(current->ptrace));
}

static bool upcall_held(upcall_entry *e, const upcall_state &was, int min_prio)
{
	int priority = e->priority($);

	return (was.pending && !min_prio) || was.crit_count >= priority ||
	       priority < min_prio;
}

static void upcall_hold(upcall_owner *owner, upcall_entry *e,
			const upcall_state &was, int min_prio)
{
	int pending = min_prio ? 0 : was.pending;

	if (e)
		pending = std::max(pending, e->priority($).load());
	if (min_prio || pending != was.pending)
		put_user(pending, owner->upc($)->pending);
}

static void upcall_enter(upcall_owner *owner, upcall_entry *e,
			 const upcall_state &was)
{
	upcall_entry *rest = owner->rest($);
	upcall_state now = { was.crit_count + UPC_CRITADD,
			     rest ? rest->priority($).load() : 0 };

	upcall_write_state(owner, now);
	upcall_dequeue(e);

	/* cfunc */
	e->entered++;
	e->seen = PLAIN(e->data);
}

static void upcall_apply(upcall_owner *owner, int min_prio)
{
	upcall_entry *e;
	upcall_state was;

	upcall_take_expired(owner);
	e = PLAIN(owner->first);
	if (e || min_prio) {
		was = upcall_read_state(owner);
		if (e && !upcall_held(e, was, min_prio))
			upcall_enter(owner, e, was);
		else
			upcall_hold(owner, e, was, min_prio);
	}
	WRITE_ONCE(owner->armed, false);
	WRITE_ONCE(owner->kick_skipped, false);
}

static void upcall_apply_locked(upcall_owner *owner, int min_prio)
{
	spin_lock(&owner->table->lock);
	upcall_apply(owner, min_prio);
	spin_unlock(&owner->table->lock);
}

static void upcall_clear(upcall_owner *owner)
{
	upcall_write_clear(owner);
	upcall_recheck(owner);
}

static void upcall_resume_armed(upcall_owner *owner)
{
	int min_prio = owner->redispatch;

	owner->redispatch = 0;
	if (upcall_must_defer(owner)) {
		if (min_prio)
			upcall_clear(owner);
		return;
	}
	WRITE_ONCE(owner->armed, false);
	upcall_apply_locked(owner, min_prio);
}

static void upcall_resume()
{
	upcall_owner *owner = PLAIN(current->upcall);

	if (owner && (READ_ONCE(owner->armed) ||
		      (!WEAKEN(resume_expired) && upcall_expired(owner))))
		upcall_resume_armed(owner);
}

static void upcall_step_over(task_struct *task)
{
	if (!WEAKEN(upcall_step_over))
		smp_mb();	/* after ptrace; pairs with the exit path */
	if (READ_ONCE(task->upcall))
		set_notify_resume(task);
}

static void upcall_deliver_later(upcall_owner *owner, int min_prio)
{
	owner->redispatch = min_prio;
	upcall_arm(owner);
}

static void upcall_deliver_at_exit(upcall_owner *owner, int min_prio)
{
	upcall_apply_locked(owner, min_prio);
}

static void upcall_redispatch(int min_prio)
{
	upcall_deliver_at_exit(PLAIN(current->upcall), min_prio);
}

static void upcall_chain(upcall_owner *owner)
{
	if (upcall_must_defer(owner)) {
		upcall_arm(owner);
		upcall_clear(owner);
		return;
	}
	upcall_apply_locked(owner, 1);
}

static void upcall_next()
{
	upcall_owner *owner = PLAIN(current->upcall);

	if (upcall_idle(owner))
		upcall_clear(owner);
	else
		upcall_chain(owner);
}

/* wait.c */

static upcall_entry *upcall_wait_check(upcall_owner *owner, int priority)
{
	upcall_entry *e = nullptr;

	spin_lock(&owner->table->lock);
	WRITE_ONCE(owner->wait, priority);
	if (priority) {
		upcall_take_expired_waiting(owner);
		e = upcall_first(owner, priority);
	}
	if (e)
		WRITE_ONCE(owner->wait, 0);
	spin_unlock(&owner->table->lock);
	return e;
}

/* True if an upcall ends the wait, false if a signal does. */
static bool upcall_sleep(upcall_owner *owner, int priority)
{
	upcall_entry *e;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		e = upcall_wait_check(owner, priority);
		if (!e && signal_pending(current)) {
			upcall_wait_check(owner, 0);
			break;
		}
		if (e)
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return e;
}

static bool upcall_wait(int priority)
{
	upcall_owner *owner = PLAIN(current->upcall);
	bool e = upcall_sleep(owner, priority);

	upcall_deliver_at_exit(owner, 0);
	return e;
}

/* table.c */

static upcall_table *upcall_get_table(mm_struct *mm, upcall_table *table)
{
	upcall_table *old;

	old = WEAKEN(upcall_get_table) ? READ_ONCE(mm->upcalls) :
					 smp_load_acquire(mm->upcalls);
	if (old)
		return old;

	/* table is a new one. */
	for (auto &slot : table->slots)
		slot($) = (upcall_entry *)nullptr;

	old = cmpxchg(mm->upcalls, (upcall_table *)nullptr, table);
	return old ? old : table;
}

static upcall_table *upcall_own_table(mm_struct *mm)
{
	return WEAKEN(upcall_own_table) ? READ_ONCE(mm->upcalls) :
					  smp_load_acquire(mm->upcalls);
}

static void upcall_publish(upcall_entry *e, int slot, upcall *upc)
{
	upcall_owner *owner = e->owner;

	owner->table->slots[slot]($) = e;
	WRITE_ONCE(owner->registered, PLAIN(owner->registered) + 1);
	if (!WEAKEN(upc_unlocked) && owner->upc($) != upc) {
		owner->upc($) = upc;
		if (!WEAKEN(upcall_publish) && PLAIN(owner->first))
			upcall_arm(owner);
	}
}

static void upcall_insert(upcall_entry *e, int slot, upcall *upc)
{
	upcall_table *table = e->owner->table;

	spin_lock(&table->lock);
	upcall_publish(e, slot, upc);
	spin_unlock(&table->lock);
	if (WEAKEN(upc_unlocked))
		e->owner->upc($) = upc;
}

static void upcall_remove(upcall_table *table, int slot)
{
	upcall_entry *e = table->slots[slot]($);
	upcall_owner *owner = e->owner;

	if (e->priority($))
		upcall_dequeue(e);
	WRITE_ONCE(owner->registered, PLAIN(owner->registered) - 1);
	table->slots[slot]($) = (upcall_entry *)nullptr;
}

static void upcall_delete(upcall_table *table, int slot)
{
	spin_lock(&table->lock);
	upcall_remove(table, slot);
	spin_unlock(&table->lock);
}

static void upcall_set_owner(upcall_owner *owner)
{
	WRITE_ONCE(current->upcall, owner);
}

/* kernel/entry/common.c, include/linux/resume_user_mode.h */

static void resume_user_mode_work()
{
	clear_bit(current->notify_resume);
	if (!WEAKEN(resume_user_mode_work))
		smp_mb__after_atomic();
	upcall_resume();
}

static void exit_to_user_mode_loop()
{
	while (READ_ONCE(current->notify_resume))
		resume_user_mode_work();
	current->user_mode = true;
}

#endif /* RELAXED_CORE_H */
