// SPDX-License-Identifier: GPL-2.0
/*
 * A task about to sleep in the kernel has an upcall of another one's dispatched, so
 * that this can take over what it did: a virtual processor, in a threading library.
 * When it is awake again one of its own is pending, to ask who has that now.
 *
 * Nothing of user memory is written at the sleep, and nothing pinned: a dispatch
 * writes none.
 */

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include <trace/events/upcall.h>

#include "block.h"
#include "dispatch.h"
#include "queue.h"

/*
 * Is it the stop of a frozen control group? That has a state like any other sleep.
 * A task in vfork() counts as frozen too, but sleeps uninterruptibly.
 */
static bool upcall_freezes(struct task_struct *task, unsigned int state)
{
#ifdef CONFIG_CGROUPS
	return task->frozen && state & TASK_INTERRUPTIBLE;
#else
	return false;
#endif
}

/*
 * A sleep that upcalls are about: in WAIT and SUSPEND the task has nothing to do,
 * and a stop, by a signal, a tracer or a freezer, is nothing of its own.
 */
static bool upcall_blocks(struct upcall_owner *owner)
{
	unsigned int state = READ_ONCE(owner->task->__state);

	return !owner->wait && state & TASK_NORMAL &&
	       !upcall_freezes(owner->task, state);
}

/* Is current in a section that holds back @priority, or may it be? */
static bool upcall_in_section(struct upcall_owner *owner, int priority)
{
	struct upcall_state state;

	/* If it owns no upcalls, its struct upcall need not be there. */
	return !upcall_owns_some(owner) || upcall_peek_state(owner, &state) ||
	       state.crit_count >= priority;
}

/*
 * upcall_sleeping() of a task with an owner. It is current, and may hold any lock
 * but a spinlock: nothing here may sleep, or fault. The table's lock is never held
 * by one who sleeps. An rtmutex, as all of the kernel's mutexes are with PREEMPT_RT,
 * has its state set later: that is not told. Nor is the wait for a futex with
 * priority inheritance, in newer kernels, which do not come by here.
 */
void __upcall_sleeping(struct task_struct *task)
{
	struct upcall_owner *owner = task->upcall;
	struct upcall_told told = owner->on_block;
	struct upcall_entry *e;

	if (!told.id || owner->slept || !upcall_blocks(owner) ||
	    upcall_in_section(owner, told.priority))
		return;
	spin_lock(&owner->table->lock);
	e = upcall_find(owner->table, told.id);
	if (e) {
		upcall_raise(e, told.priority);
		upcall_notify(e, false);
		owner->slept = true;
	}
	spin_unlock(&owner->table->lock);
	if (owner->slept)
		set_notify_resume(task);
}

/* upcall_woken() of a task that has slept. If it is stepped, it stays armed. */
bool __upcall_woken(struct upcall_owner *owner)
{
	struct upcall_entry *e;

	spin_lock(&owner->table->lock);
	e = upcall_find(owner->table, owner->on_wake.id);
	if (e && e->owner == owner) {
		upcall_raise(e, owner->on_wake.priority);
		trace_upcall_dispatch(e, UPCALL_SENT_SLEPT);
		WRITE_ONCE(owner->armed, true);
	}
	spin_unlock(&owner->table->lock);
	return true;
}

/* Is @id an upcall of @owner's, or else of another task's? */
static bool upcall_may_tell(struct upcall_owner *owner, int id, bool own)
{
	struct upcall_entry *e;
	bool found;

	spin_lock(&owner->table->lock);
	e = upcall_find(owner->table, id);
	found = e && (e->owner == owner) == own;
	spin_unlock(&owner->table->lock);
	return found;
}

/**
 * upcall_tell - UPC_CONTROL_ONBLOCK and UPC_CONTROL_ONWAKE
 * @id:		an upcall of another task in current's mm, or 0 for none
 * @priority:	at which it becomes pending, or 0 or less for 1
 * @own:	ONWAKE: @id is current's own
 *
 * Return: 0; -ENOENT with nothing changed.
 */
long upcall_tell(int id, int priority, bool own)
{
	struct upcall_owner *owner = current->upcall;
	struct upcall_told told = { id, max(priority, 1) };

	if (id && (!owner || !upcall_may_tell(owner, id, own)))
		return -ENOENT;
	if (owner && own)
		owner->on_wake = told;
	else if (owner)
		owner->on_block = told;
	return 0;
}
