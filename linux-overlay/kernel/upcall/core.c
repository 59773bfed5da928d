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

#define CREATE_TRACE_POINTS
#include <trace/events/upcall.h>

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
 *   owner->armed:                           set under the lock, or by the
 *                                           owning task; cleared by that
 *   owner->spared:                          both set and cleared under the lock
 *   owner->first:                           under the lock, but that the owning
 *                                           task may ask whether there is one
 *   owner->upc, owner->redispatch,
 *   owner->verdict:                         the owning task alone, no lock
 *   task->upcall:                           changed by that task, under
 *                                           task_lock(); looked at by it, and
 *                                           by others under that lock
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
 *      is the caller, it has done step 2 before, and step 3 follows under the
 *      same lock.
 *   2. The owner reads crit_count and pending from its struct upcall.
 *   3. upcall_decide() compares them with the highest priority in the queue
 *      and takes the entry off the queue if it may be entered. What it says
 *      is kept in owner->verdict.
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
 * NEXT looks without the lock, and if nothing is pending and owner->spared is
 * not set goes on with writing pending, where the same holds.
 *
 * WAIT and SUSPEND: the waiter sets its state, then looks at the queue and
 * notes owner->wait under the lock; the dispatcher queues under the lock,
 * then wakes if owner->wait says so. Either the waiter sees the entry or the
 * dispatcher sees the waiter. As long as owner->wait is set a dispatch leaves
 * TIF_NOTIFY_RESUME alone: the call applies the rules before it returns.
 */

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

/* Rules 1 and 6: what holds back @e, current's highest pending upcall? */
static __always_inline enum upcall_held
upcall_held(struct upcall_owner *owner, struct upcall_entry *e,
	    struct pt_regs *regs, int least)
{
	struct upcall_verdict *v = &owner->verdict;

	if (v->now.pending)
		return UPCALL_HELD_PENDING;
	if (v->was.crit_count >= e->priority)
		return UPCALL_HELD_CRIT;
	if (e->priority < least)
		return UPCALL_HELD_LEAST;
	if (!arch_upcall_allowed(regs))
		return UPCALL_HELD_MODE;
	if (upcall_in_uprobe())
		return UPCALL_HELD_UPROBE;
	return UPCALL_HELD_NOT;
}

/*
 * Section 4 of the rules: what becomes of current's highest pending upcall,
 * with struct upcall as read into the verdict. @least is 0, or the least
 * priority of a call that acknowledges pending (DISPATCH of -1, NEXT): pending
 * then counts as clear.
 */
static __always_inline void upcall_decide(struct upcall_owner *owner,
					  struct pt_regs *regs, int least)
	__must_hold(&owner->table->lock)
{
	struct upcall_verdict *v = &owner->verdict;
	struct upcall_entry *e = owner->first;
	enum upcall_held held;

	/* A dispatch from now on arms again. */
	v->armed = owner->armed;
	WRITE_ONCE(owner->armed, false);
	WRITE_ONCE(owner->spared, false);
	v->enter = false;
	v->now.pending = least ? 0 : v->was.pending;
	if (!e)
		return;
	held = upcall_held(owner, e, regs, least);
	if (held) {
		trace_upcall_hold(owner, e, held);
		v->now.pending = max(v->now.pending, e->priority);
		return;
	}
	v->enter = true;
	v->id = e->id;
	v->priority = e->priority;
	v->target = e->target;
	upcall_dequeue(e);
	v->now.crit_count = (u32)v->was.crit_count + UPC_CRITADD;
	v->now.pending = owner->first ? owner->first->priority : 0;
}

/*
 * The same for a dispatch of current to itself. False if there is nothing to
 * carry out: rule 1 has been applied to all that is pending.
 */
bool upcall_decide_own(struct upcall_owner *owner)
	__must_hold(&owner->table->lock)
{
	if (owner->verdict.was.pending >= owner->first->priority)
		return false;
	upcall_decide(owner, current_pt_regs(), 0);
	return true;
}

/*
 * The upcall that upcall_decide() took off the queue could not be entered. It
 * may have been deleted or dispatched anew since.
 */
static noinline void upcall_put_back(struct upcall_owner *owner)
{
	struct upcall_verdict *v = &owner->verdict;
	struct upcall_entry *e;

	spin_lock(&owner->table->lock);
	e = upcall_find(owner->table, v->id);
	if (e && e->priority <= v->priority) {
		if (e->priority)
			upcall_dequeue(e);
		upcall_queue(e, v->priority, true);
	}
	if (e)
		trace_upcall_hold(owner, e, UPCALL_HELD_FAULT);
	spin_unlock(&owner->table->lock);
}

/* Has @owner pass through upcall_resume() before it runs user code again. */
void upcall_arm(struct upcall_owner *owner)
{
	WRITE_ONCE(owner->armed, true);
	set_notify_resume(owner->task);
}

/*
 * Enters the upcall of the verdict: the one place where that happens. @next
 * reuses @frame, else one is pushed.
 */
static __always_inline int upcall_enter(struct upcall_owner *owner,
					struct pt_regs *regs,
					void __user *frame, bool next)
{
	struct upcall_verdict *v = &owner->verdict;

	if (!next)
		frame = arch_upcall_push(regs);
	if ((!next && !frame) || upcall_write_state(owner)) {
		upcall_put_back(owner);
		return -EFAULT;
	}
	if (v->now.pending < v->was.pending)
		upcall_look_again(owner);
	trace_upcall_enter(owner, frame);
	if (next)
		arch_upcall_end_next(regs);
	arch_upcall_enter(regs, frame, &v->target, owner->upc);
	return 1;
}

/* Stores what is held back, where the end of the critical section finds it. */
static int upcall_hold(struct upcall_owner *owner, int least)
{
	struct upcall_verdict *v = &owner->verdict;

	if (!least && v->now.pending == v->was.pending)
		return 0;
	if (put_user(v->now.pending, &owner->upc->pending))
		return -EFAULT;
	if (v->now.pending < v->was.pending)
		upcall_look_again(owner);
	return 0;
}

/* Reads struct upcall and has the rules say what becomes of the first. */
static inline int upcall_judge(struct upcall_owner *owner,
			       struct pt_regs *regs, int least)
{
	if (upcall_read_state(owner))
		return -EFAULT;
	spin_lock(&owner->table->lock);
	upcall_decide(owner, regs, least);
	spin_unlock(&owner->table->lock);
	return 0;
}

/*
 * Applies the rules to current in its own NEXT from @frame, which acknowledges
 * pending whatever the priority. Returns 1 if an upcall was entered, 0 if not,
 * -EFAULT if user memory is not as it should be and nothing has changed.
 */
int upcall_apply(struct upcall_owner *owner, struct pt_regs *regs,
		 void __user *frame)
{
	struct upcall_verdict *v = &owner->verdict;
	int ret;

	if (upcall_judge(owner, regs, 1))
		return -EFAULT;
	ret = v->enter ? upcall_enter(owner, regs, frame, true) :
			 upcall_hold(owner, 1);
	/* Nothing has changed, so a dispatch is still to be seen to. */
	if (ret < 0 && v->armed)
		upcall_arm(owner);
	return ret;
}

/*
 * The same on the way to user mode, where something else may have been
 * interrupted too. Returns what upcall_apply() does; @rseq_done tells whether
 * rseq has had its pass.
 */
static int upcall_interrupt(struct upcall_owner *owner, struct pt_regs *regs,
			    int least, bool *rseq_done)
{
	*rseq_done = false;
	if (upcall_judge(owner, regs, least))
		return -EFAULT;
	if (!owner->verdict.enter)
		return upcall_hold(owner, least);

	arch_upcall_cancel_restart(regs);
	if (syscall_get_nr(current, regs) == -1) {
		/* To rseq it is a signal. In its sections are no calls. */
		rseq_signal_deliver(NULL, regs);
		*rseq_done = true;
	}
	return upcall_enter(owner, regs, NULL, false);
}

/* What __upcall_resume() does for a task that has been armed. */
static noinline bool upcall_resume_armed(struct upcall_owner *owner,
					 struct pt_regs *regs)
{
	bool rseq_done;
	int least;

	if (!regs) {
		/*
		 * On the way into a guest. Make KVM_RUN return, as it would
		 * for a signal, so that there is a user mode to interrupt.
		 */
		set_thread_flag(TIF_NOTIFY_SIGNAL);
		set_thread_flag(TIF_NOTIFY_RESUME);
		return false;
	}

	/* One that cannot be entered waits for the next dispatch. */
	WRITE_ONCE(owner->armed, false);
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
 * On the way to user mode. TIF_NOTIFY_RESUME has other users. Pairs with
 * upcall_arm(): the flag was cleared, with a barrier.
 */
bool __upcall_resume(struct pt_regs *regs)
{
	struct upcall_owner *owner = current->upcall;

	return READ_ONCE(owner->armed) && upcall_resume_armed(owner, regs);
}

/*
 * Ends a system call that returns @ret with the rules applied on the way out,
 * where a fault becomes a signal.
 */
long upcall_defer(struct upcall_owner *owner, int least, long ret)
{
	owner->redispatch = least;
	upcall_arm(owner);
	return ret;
}

/* Ends a system call that returns @ret with what upcall_decide() has said. */
long upcall_finish(struct upcall_owner *owner, int least, long ret)
{
	struct pt_regs *regs = current_pt_regs();

	if (!owner->verdict.enter) {
		if (!upcall_hold(owner, least))
			return ret;
	} else {
		/* The frame has it for the interrupted code. */
		syscall_set_return_value(current, regs, 0, ret);
		if (upcall_enter(owner, regs, NULL, false) > 0)
			return syscall_get_return_value(current, regs);
	}
	return upcall_defer(owner, least, ret);
}

/*
 * Ends a system call that returns @ret with the rules applied: at once where
 * nobody looks, else on the way out.
 */
long upcall_return(struct upcall_owner *owner, int least, long ret)
{
	if (!arch_upcall_in_call() ||
	    upcall_judge(owner, current_pt_regs(), least))
		return upcall_defer(owner, least, ret);
	return upcall_finish(owner, least, ret);
}
