// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls of upcalls, a function a command, and the task's end.
 */

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#include <asm/syscall.h>
#include <asm/upcall.h>

#include <trace/events/upcall.h>

#include "upcall.h"

static int upcall_register(struct upcall __user *upc,
			   const struct upcall_target *target)
{
	struct upcall_owner *owner = current->upcall ?: upcall_new_owner();
	struct upcall_entry *e;
	int ret = -ENOMEM;

	if (!owner)
		return -ENOMEM;
	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (e) {
		e->owner = owner;
		e->target = *target;
		ret = upcall_insert(owner->table, e);
	}
	if (ret < 0) {
		kfree(e);
		if (!current->upcall)
			kfree(owner);
		return ret;
	}
	WRITE_ONCE(owner->upc, upc);
	if (!current->upcall)
		upcall_set_owner(owner);
	trace_upcall_register(owner, ret, target);
	return ret;
}

/* Can @upc be read, and is it one? */
static int upcall_check(struct upcall __user *upc)
{
	struct upcall u;

	if (!IS_ALIGNED((unsigned long)upc, sizeof(s32)))
		return -EINVAL;
	if (!user_read_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(u.magic, &upc->magic, efault);
	unsafe_get_user(u.crit_count, &upc->crit_count, efault);
	unsafe_get_user(u.pending, &upc->pending, efault);
	user_read_access_end();
	return u.magic == UPCALL_MAGIC ? 0 : -EINVAL;

efault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * sys_upc_register - register an upcall of the calling task
 * @upc:	the task's struct upcall, from now on for all of its upcalls
 * @ctxfunc:	what the kernel enters
 * @cfunc:	what ctxfunc finds in a register, a function to call
 * @data:	and its argument
 *
 * Return: the upcall's identifier, positive and known to all tasks of the mm.
 * -EFAULT if @upc can't be read or one of the functions is not at a user
 * address; -EINVAL if @upc is not aligned or has the wrong magic; -EFBIG if
 * the mm has kernel.upcall_max upcalls; -ENOMEM. A failed call changes nothing.
 */
SYSCALL_DEFINE4(upc_register, struct upcall __user *, upc,
		void __user *, ctxfunc, void __user *, cfunc,
		void __user *, data)
{
	struct upcall_target target = {
		.ctxfunc = (unsigned long)ctxfunc,
		.cfunc = (unsigned long)cfunc,
		.data = (unsigned long)data,
	};
	int ret = upcall_check(upc);

	if (max(target.ctxfunc, target.cfunc) >= TASK_SIZE)
		return -EFAULT;
	return ret ?: upcall_register(upc, &target);
}

/* upc_control(), a function a command */

/*
 * Has @owner's user code been told of upcalls of @priority, and not looked yet?
 * Then nothing is to be done for another. Pairs with upcall_look_again().
 */
static bool upcall_told(struct upcall_owner *owner, int priority)
{
	struct upcall __user *upc = READ_ONCE(owner->upc);
	s32 pending;
	int ret;

	WRITE_ONCE(owner->spared, true);
	smp_mb();	/* see above */
	pagefault_disable();
	ret = __get_user(pending, &upc->pending);
	pagefault_enable();
	return !ret && pending >= priority;
}

/* Has the owner of @e, which is another task, look at it. */
static void upcall_notify(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;
	enum upcall_sent sent = UPCALL_SENT_ARMED;

	/*
	 * The entry is queued before the flag is set, or the task woken: pairs
	 * with __upcall_resume() and with upcall_wait_check().
	 */
	if (owner->wait > e->priority) {
		sent = UPCALL_SENT_ASLEEP;
	} else if (owner->wait) {
		sent = UPCALL_SENT_WOKEN;
		wake_up_state(owner->task, TASK_INTERRUPTIBLE);
	} else if (upcall_told(owner, e->priority)) {
		sent = UPCALL_SENT_TOLD;
	} else {
		upcall_arm(owner);
	}
	trace_upcall_dispatch(e, sent);
}

/* Makes @e pending at @priority or more. */
static void upcall_raise(struct upcall_entry *e, int priority)
{
	if (priority <= e->priority)
		return;
	if (e->priority)
		upcall_dequeue(e);
	upcall_queue(e, priority, false);
}

/* The table of current's mm, or NULL. */
static struct upcall_table *upcall_own_table(void)
{
	/* Pairs with the cmpxchg() in upcall_get_table(). */
	return smp_load_acquire(&current->mm->upcalls);
}

static long upcall_redispatch(int priority)
{
	struct upcall_owner *owner = current->upcall;

	if (!owner)
		return 0;
	return upcall_return(owner, max(priority, 1), 0);
}

/*
 * The rules are applied at once to a dispatch to oneself, under the same lock.
 * What they need of struct upcall is read before, as it may fault.
 */
static long upcall_dispatch(int id, int priority)
{
	struct upcall_table *table = upcall_own_table();
	struct upcall_owner *self = current->upcall;
	bool own = false, ready, more = true;
	struct upcall_entry *e;

	if (!table)
		return -ENOENT;
	ready = self && arch_upcall_in_call() && !upcall_read_state(self);

	spin_lock(&table->lock);
	e = upcall_find(table, id);
	if (e) {
		own = e->owner == self;
		upcall_raise(e, max(priority, 1));
		if (own) {
			trace_upcall_dispatch(e, UPCALL_SENT_SELF);
			if (ready)
				more = upcall_decide_own(self);
		} else {
			upcall_notify(e);
		}
	}
	spin_unlock(&table->lock);

	if (!e)
		return -ENOENT;
	if (!own || !more)
		return 0;
	return ready ? upcall_finish(self, 0, 0) : upcall_defer(self, 0, 0);
}

static long upcall_next(void __user *from)
{
	struct upcall_owner *owner = current->upcall;
	struct pt_regs *regs = current_pt_regs();
	struct arch_upcall_frame frame;
	int ret = 0;

	if (!from || arch_upcall_read_frame(&frame, from))
		return -EFAULT;
	if (owner && upcall_idle(owner))
		ret = upcall_clear(owner);
	else if (owner)
		ret = upcall_apply(owner, regs, from);
	if (ret < 0)
		return ret;
	if (!ret) {
		arch_upcall_end_next(regs);
		arch_upcall_leave(regs, from, &frame);
	}
	trace_upcall_next(regs, ret);
	return syscall_get_return_value(current, regs);
}

static long upcall_delete(int id)
{
	struct upcall_table *table = upcall_own_table();
	struct upcall_entry *e;

	if (!table)
		return -ENOENT;
	spin_lock(&table->lock);
	e = upcall_find(table, id);
	if (e)
		upcall_remove(table, e);
	spin_unlock(&table->lock);

	if (!e)
		return -ENOENT;
	kfree(e);
	return 0;
}

static long upcall_delete_own(void)
{
	if (current->upcall)
		upcall_delete_owned(current->upcall);
	return 0;
}

static long upcall_poll(int id, int priority, bool clear)
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

static long upcall_poll_own(int priority, bool clear)
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
		/* As the manual page warns: any that is registered. */
		e = list_first_entry(&owner->owned, struct upcall_entry, owned);
		ret = e->id;
	}
	spin_unlock(&owner->table->lock);
	return ret;
}

/*
 * What current waits for, or 0: then upcall_post() will wake it, having seen
 * owner->wait. With @priority 0, ends the waiting.
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

/* Sleeps until an upcall of @priority is pending; its id, or -EINTR. */
static int upcall_sleep(struct upcall_owner *owner, int priority)
{
	int id;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		id = upcall_wait_check(owner, priority);
		if (!id && signal_pending(current)) {
			upcall_wait_check(owner, 0);
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

/* A task without upcalls: only a signal can end this. */
static long upcall_wait_forever(void)
{
	while (!signal_pending(current)) {
		__set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		schedule();
	}
	return -EINTR;
}

/*
 * Not restarted if a signal ends it: an upcall that comes on the way out would
 * be entered first, and the restarted call wait for it in vain.
 */
static long upcall_wait(int priority)
{
	struct upcall_owner *owner = current->upcall;

	if (!owner)
		return upcall_wait_forever();
	return upcall_return(owner, 0,
			     upcall_sleep(owner, max(priority, 1)));
}

/* Nor is this, for the critical section has been left. */
static long upcall_suspend(int priority)
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
	return upcall_return(owner, 0,
			     upcall_sleep(owner, max(priority, 1)));
}

/**
 * sys_upc_control - dispatch, leave, delete, poll and wait for upcalls
 * @cmd:	one of UPC_CONTROL_*
 * @upcid:	an upcall of any task in this mm, or -1 for the caller's own
 * @data:	a priority; for UPC_CONTROL_NEXT, the frame
 *
 * For UPC_CONTROL_NEXT @upcid is what the machine's calling convention needs
 * to restore the registers that carry the arguments.
 *
 * Return: as upc_control(2) says for each command. -EINVAL if there is no such
 * command or it does not go with @upcid; -ENOENT if there is no such upcall.
 */
SYSCALL_DEFINE3(upc_control, int, cmd, int, upcid, void __user *, data)
{
	int priority = (unsigned long)data;
	bool own = upcid == -1;

	switch (cmd) {
	case UPC_CONTROL_DISPATCH:
		return own ? upcall_redispatch(priority) :
			     upcall_dispatch(upcid, priority);
	case UPC_CONTROL_NEXT:
		return upcall_next(data);
	case UPC_CONTROL_DELETE:
		return own ? upcall_delete_own() : upcall_delete(upcid);
	case UPC_CONTROL_POLL:
		return own ? upcall_poll_own(max(priority, 1), false) :
			     upcall_poll(upcid, priority, false);
	case UPC_CONTROL_POLLANDCLEAR:
		return own ? upcall_poll_own(priority, true) :
			     upcall_poll(upcid, priority, true);
	case UPC_CONTROL_WAIT:
		return own ? upcall_wait(priority) : -EINVAL;
	case UPC_CONTROL_SUSPEND:
		return own ? upcall_suspend(priority) : -EINVAL;
	}
	return -EINVAL;
}

void __upcall_release(struct task_struct *task)
{
	struct upcall_owner *owner = task->upcall;

	upcall_set_owner(NULL);
	upcall_delete_owned(owner);
	kfree(owner);
}
