// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls: inter-processor interrupts for user mode
 *
 * The system calls are DragonFly BSD's of 2003, upc_register() and
 * upc_control(); the rules are in Documentation/userspace-api/upcall.rst.
 */

#include <linux/minmax.h>
#include <linux/resume_user_mode.h>
#include <linux/rseq.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/uprobes.h>

#include <asm/syscall.h>
#include <asm/upcall.h>

#include "upcall.h"

/*
 * Objects
 *
 *   struct upcall_table    one per mm, made by the first registration in it
 *   struct upcall_owner    one per task that has registered an upcall
 *   struct upcall_entry    one per upcall, its slot for a dispatch included
 *
 * States of an upcall, all changes under the table's lock:
 *
 *                 dispatch                    upcall_decide()
 *   [registered] ----------> [pending] ------------------------> [entered]
 *        ^                    |     ^                             |  |
 *        |    POLLANDCLEAR    |     |  the frame cannot be written|  |
 *        +--------------------+     +-----------------------------+  |
 *        +-----------------------------------------------------------+
 *
 * and from each of them, deleted. A dispatch of a pending upcall can only
 * raise its priority: there is one slot per upcall, so a dispatch allocates
 * nothing and a receiver can't be stormed.
 *
 * Who may touch what
 *
 *   table, entries, queues, owner->wait:    any task of the mm, under the lock
 *   owner->armed:                           set under the lock, cleared by the
 *                                           owning task without
 *   owner->spared:                          both set and cleared under the lock
 *   owner->upc, owner->redispatch:          written by the owning task alone,
 *                                           no lock
 *   task->upcall:                           that task alone
 *   owner->task:  constant. The task can't go away while an entry of its is
 *                 in the table: it deletes them first, in upcall_release().
 *   user memory:  the owning task alone, on its way to user mode or in a
 *                 system call of its own, never under the lock, and may
 *                 fault. A dispatcher peeks at pending, if that is possible
 *                 without a fault.
 *
 * An upcall on its way
 *
 *   1. DISPATCH queues the entry by priority and, if the owner is another
 *      task, has it pass through upcall_resume() before it runs user code
 *      again (set_notify_resume() kicks it out of user mode). If the owner
 *      is the caller, step 2 follows in the same system call.
 *   2. The owner reads crit_count and pending from its struct upcall.
 *   3. upcall_decide() compares them with the highest priority in the queue
 *      and takes the entry off the queue if it may be entered.
 *   4a. Held: pending is raised in struct upcall, for the user code that
 *       leaves the critical section to see.
 *   4b. Entered: the frame is written to the user's stack, then crit_count
 *       and pending to struct upcall, then the registers are changed. Each
 *       of these steps changes nothing if it fails: the entry then goes back
 *       in front of its equals, and the task gets a SIGSEGV.
 *
 * No dispatch is lost between steps 1 and 3:
 *
 *   dispatcher                         owner
 *
 *   lock                               clear TIF_NOTIFY_RESUME
 *   queue the entry                    smp_mb()
 *   owner->armed = true                if (!owner->armed) return
 *   set TIF_NOTIFY_RESUME              owner->armed = false
 *   unlock                             lock
 *                                      look at the queue
 *                                      unlock
 *
 * Either the owner sees the entry, or both flags are set after it cleared
 * them, and it comes back before it enters user mode.
 *
 * A dispatcher that finds, in the owner's struct upcall, pending at the
 * priority already leaves the owner alone: it would find that it has nothing
 * to do. So it runs user code again although it is dispatched to without end.
 * The owner, when it lowers pending, may cross with that:
 *
 *   dispatcher                         owner
 *
 *   lock                               lock
 *   queue the entry                    owner->spared = false
 *   owner->spared = true               look at the queue
 *   smp_mb()                           unlock
 *   read pending                       write pending
 *   unlock                             smp_mb()
 *                                      if (owner->spared) look again
 *
 * WAIT and SUSPEND: the waiter sets its state, then looks at the queue and
 * notes owner->wait under the lock; the dispatcher queues under the lock,
 * then wakes if owner->wait says so. Either the waiter sees the entry or the
 * dispatcher sees the waiter. As long as owner->wait is set a dispatch leaves
 * TIF_NOTIFY_RESUME alone: the call applies the rules before it returns.
 */

/**
 * struct upcall_verdict - what the rules say about a task now
 * @was:	struct upcall as read
 * @now:	struct upcall as it must become
 * @enter:	an upcall was taken off the queue, to be entered
 * @id:		that upcall
 * @priority:	the priority it was pending at
 * @target:	where it leads
 */
struct upcall_verdict {
	struct upcall_state	was;
	struct upcall_state	now;
	bool			enter;
	int			id;
	int			priority;
	struct upcall_target	target;
};

/* struct upcall in user memory. */

int upcall_read_state(struct upcall __user *upc, struct upcall_state *s)
{
	if (!user_read_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(s->crit_count, &upc->crit_count, efault);
	unsafe_get_user(s->pending, &upc->pending, efault);
	user_read_access_end();
	return 0;

efault:
	user_read_access_end();
	return -EFAULT;
}

/* Writes both fields or, as far as anybody can see, none. */
int upcall_write_state(struct upcall __user *upc,
		       const struct upcall_state *was,
		       const struct upcall_state *now)
{
	if (!user_write_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_put_user(now->pending, &upc->pending, efault);
	unsafe_put_user(now->crit_count, &upc->crit_count, efault_undo);
	user_write_access_end();
	return 0;

efault_undo:
	unsafe_put_user(was->pending, &upc->pending, efault);
efault:
	user_write_access_end();
	return -EFAULT;
}

/* The rules. */

#ifdef CONFIG_UPROBES
static bool upcall_in_uprobe(void)
{
	return current->utask && current->utask->active_uprobe;
}
#else
static bool upcall_in_uprobe(void)
{
	return false;
}
#endif

/*
 * Section 4 of the rules: what becomes of current's highest pending upcall,
 * with struct upcall as in @v->was. @least is 0, or the least priority of a
 * call that acknowledges pending (DISPATCH of -1, NEXT): pending then counts
 * as clear.
 */
static void upcall_decide(struct upcall_owner *owner, struct pt_regs *regs,
			  int least, struct upcall_verdict *v)
{
	bool allowed = arch_upcall_allowed(regs) && !upcall_in_uprobe();
	struct upcall_entry *e;

	v->enter = false;
	v->now = v->was;
	if (least)
		v->now.pending = 0;

	spin_lock(&owner->table->lock);
	WRITE_ONCE(owner->spared, false);
	e = owner->first;
	if (!e) {
		/* Nothing pending, nothing to say. */
	} else if (v->now.pending || v->was.crit_count >= e->priority ||
		   e->priority < least || !allowed) {
		v->now.pending = max(v->now.pending, e->priority);
	} else {
		v->enter = true;
		v->id = e->id;
		v->priority = e->priority;
		v->target = e->target;
		upcall_dequeue(e);
		v->now.crit_count = (u32)v->was.crit_count + UPC_CRITADD;
		v->now.pending = owner->first ? owner->first->priority : 0;
	}
	spin_unlock(&owner->table->lock);
}

/*
 * The upcall that upcall_decide() took off the queue could not be entered. It
 * may have been deleted or dispatched anew since.
 */
static void upcall_put_back(struct upcall_owner *owner,
			    const struct upcall_verdict *v)
{
	struct upcall_entry *e;

	spin_lock(&owner->table->lock);
	e = upcall_find(owner->table, v->id);
	if (e && e->priority <= v->priority) {
		if (e->priority)
			upcall_dequeue(e);
		upcall_queue(e, v->priority, true);
	}
	spin_unlock(&owner->table->lock);
}

/* Has @owner pass through upcall_resume() before it runs user code again. */
void upcall_arm(struct upcall_owner *owner)
{
	WRITE_ONCE(owner->armed, true);
	set_notify_resume(owner->task);
}

/*
 * User code is told of less than before. Pairs with upcall_told(): either the
 * dispatcher sees that, or we see that it left us alone.
 */
static void upcall_look_again(struct upcall_owner *owner,
			      const struct upcall_verdict *v)
{
	if (v->now.pending >= v->was.pending)
		return;
	smp_mb();	/* see above */
	if (READ_ONCE(owner->spared))
		upcall_arm(owner);
}

/*
 * Enters the upcall of @v: the one place where that happens. @frame is the
 * frame to reuse, or NULL to push one.
 */
static int upcall_enter(struct upcall_owner *owner, struct pt_regs *regs,
			void __user *frame, const struct upcall_verdict *v)
{
	bool next = frame;

	if (!next)
		frame = arch_upcall_push(regs);
	if (!frame || upcall_write_state(owner->upc, &v->was, &v->now)) {
		upcall_put_back(owner, v);
		return -EFAULT;
	}
	upcall_look_again(owner, v);
	if (next)
		arch_upcall_end_next(regs);
	arch_upcall_enter(regs, frame, &v->target, owner->upc);
	return 1;
}

/*
 * Holds current's highest pending upcall back, or takes it off the queue into
 * @v. Returns 1 if it is to be entered, 0 if none is, -EFAULT if struct upcall
 * is not as it should be and nothing has changed.
 */
static int upcall_judge(struct upcall_owner *owner, struct pt_regs *regs,
			int least, struct upcall_verdict *v)
{
	/* Before the look at the queue: a dispatch after it arms again. */
	WRITE_ONCE(owner->armed, false);
	if (upcall_read_state(owner->upc, &v->was))
		return -EFAULT;
	upcall_decide(owner, regs, least, v);
	if (v->enter)
		return 1;
	if (!least && v->now.pending == v->was.pending)
		return 0;
	if (put_user(v->now.pending, &owner->upc->pending))
		return -EFAULT;
	upcall_look_again(owner, v);
	return 0;
}

/*
 * Applies the rules to current in a system call of its own. Returns 1 if an
 * upcall was entered, 0 if not, -EFAULT if user memory is not as it should be
 * and nothing has changed.
 */
int upcall_apply(struct upcall_owner *owner, struct pt_regs *regs,
		 void __user *frame, int least)
{
	struct upcall_verdict v;
	int ret = upcall_judge(owner, regs, least, &v);

	return ret > 0 ? upcall_enter(owner, regs, frame, &v) : ret;
}

/*
 * The same on the way to user mode, where something else may have been
 * interrupted too. Returns what upcall_apply() does; @rseq_done tells whether
 * rseq has had its pass.
 */
static int upcall_interrupt(struct upcall_owner *owner, struct pt_regs *regs,
			    int least, bool *rseq_done)
{
	struct upcall_verdict v;
	int ret = upcall_judge(owner, regs, least, &v);

	*rseq_done = false;
	if (ret <= 0)
		return ret;

	arch_upcall_cancel_restart(regs);
	if (syscall_get_nr(current, regs) == -1) {
		/* To rseq it is a signal. In its sections are no calls. */
		rseq_signal_deliver(NULL, regs);
		*rseq_done = true;
	}
	return upcall_enter(owner, regs, NULL, &v);
}

/* On the way to user mode. */
bool __upcall_resume(struct pt_regs *regs)
{
	struct upcall_owner *owner = current->upcall;
	bool rseq_done;
	int least;

	/*
	 * TIF_NOTIFY_RESUME has other users, and an upcall that could not be
	 * entered waits for the next dispatch. Pairs with upcall_arm(): the
	 * flag was cleared, with a barrier.
	 */
	if (!READ_ONCE(owner->armed))
		return false;

	if (!regs) {
		/*
		 * On the way into a guest. Make KVM_RUN return, as it would
		 * for a signal, so that there is a user mode to interrupt.
		 */
		set_thread_flag(TIF_NOTIFY_SIGNAL);
		set_thread_flag(TIF_NOTIFY_RESUME);
		return false;
	}

	least = owner->redispatch;
	owner->redispatch = 0;
	switch (upcall_interrupt(owner, regs, least, &rseq_done)) {
	case 0:
		break;
	case 1:
		arch_upcall_report_step();
		break;
	default:
		force_sigsegv(0);
	}
	return rseq_done;
}

/*
 * Ends a system call that returns @ret with the rules applied: at once where
 * nobody looks, else on the way out, where a fault becomes a signal.
 */
long upcall_return(struct upcall_owner *owner, int least, long ret)
{
	struct pt_regs *regs = current_pt_regs();

	if (arch_upcall_in_call()) {
		int done;

		syscall_set_return_value(current, regs, 0, ret);
		done = upcall_apply(owner, regs, NULL, least);
		if (done > 0)
			return syscall_get_return_value(current, regs);
		if (!done)
			return ret;
	}
	owner->redispatch = least;
	upcall_arm(owner);
	return ret;
}
