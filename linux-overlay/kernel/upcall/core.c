// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls: inter-processor interrupts for user mode
 *
 * The system calls are DragonFly BSD's of 2003, upc_register() and
 * upc_control(); the rules are in Documentation/userspace-api/upcall.rst.
 */

#include <linux/minmax.h>
#include <linux/rseq.h>
#include <linux/sched/signal.h>
#include <linux/uprobes.h>

#include <asm/syscall.h>
#include <asm/upcall.h>

#include "dispatch.h"
#include "queue.h"

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
 *   owner->kick_skipped:                    set and cleared under the lock;
 *                                           the owning task reads it without
 *   owner->first, owner->registered:        under the lock, but that the owning
 *                                           task may ask whether there is one
 *   owner->upc:                             written by the owning task, under
 *                                           the lock; read by it without, and
 *                                           by others under the lock
 *   owner->redispatch, owner->verdict,
 *   owner->abi:                             the owning task alone, no lock
 *   task->upcall:                           changed by that task, under
 *                                           task_lock(); read by it, and by
 *                                           others under that lock
 *   owner->task:  constant. The task can't go away while an entry of its is
 *                 in the table: it deletes them first, in upcall_release().
 *   user memory:  the owning task alone, on its way to user mode or in a
 *                 system call of its own. It may fault there, except under the
 *                 lock. A dispatcher reads pending, if that does not fault.
 *                 struct upcall is touched while its owner owns upcalls, and in
 *                 calls that say that they write it: DISPATCH of -1, NEXT,
 *                 SUSPEND. What was decided while it owned one is carried out,
 *                 though: a DELETE by another task does not wait for that.
 *
 * An upcall on its way
 *
 *   1. DISPATCH queues the entry by priority and, if the owner is another
 *      task, makes it pass through upcall_resume() before it runs user code
 *      again: dispatch.h. If the owner is the caller, steps 2 and 3 follow
 *      under the same lock.
 *   2. The owner reads crit_count and pending from its struct upcall.
 *   3. upcall_decide() compares them with the highest priority in the queue
 *      and takes the entry off the queue if it may be entered. The result is
 *      kept in owner->verdict.
 *   4a. Held: pending is raised in struct upcall, for the user code that
 *       leaves the critical section to see.
 *   4b. Entered: the frame is written to the user's stack, then crit_count
 *       and pending to struct upcall, then the registers are changed. Each
 *       of these steps changes nothing if it fails: the entry then goes back
 *       in front of its equals, and the task gets a SIGSEGV.
 *
 * A task that is stepped, by a uprobe or a tracer, does none of this, and stays
 * armed until upcall_step_over(). A task whose upcalls are all gone by the time
 * a step fails has nothing to be told of, and goes on. wait.c has WAIT and
 * SUSPEND, and table.c the life of these objects.
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

/*
 * Rule 6, of a task that does not know it: does current execute one instruction
 * for somebody else? The queue is left as it is, and owner->armed set, until that
 * is over. Calls that a tracer steps end in the exit path, as
 * arch_upcall_in_call() is false then, and so lead here.
 */
static bool upcall_must_defer(struct upcall_owner *owner)
{
	bool uprobe = upcall_in_uprobe();

	if (!uprobe && !arch_upcall_stepped())
		return false;
	trace_upcall_defer(owner, uprobe);
	return true;
}

/* Rules 1 and 6: what holds back @e, current's highest pending upcall? */
static __always_inline enum upcall_held
upcall_held(struct upcall_owner *owner, struct upcall_entry *e,
	    struct pt_regs *regs, int min_prio)
{
	struct upcall_verdict *v = &owner->verdict;

	if (v->now.pending)
		return UPCALL_HELD_PENDING;
	if (v->was.crit_count >= e->priority)
		return UPCALL_HELD_CRIT;
	if (e->priority < min_prio)
		return UPCALL_HELD_MIN_PRIO;
	if (!arch_upcall_allowed(owner->abi, regs))
		return UPCALL_HELD_MODE;
	return UPCALL_HELD_NOT;
}

/*
 * Section 4 of the rules: what becomes of current's highest pending upcall,
 * with struct upcall as read into the verdict. @min_prio is 0, or the lowest
 * priority of a call that acknowledges pending (DISPATCH of -1, NEXT): pending
 * then counts as clear.
 */
static __always_inline void upcall_decide(struct upcall_owner *owner,
					  struct pt_regs *regs, int min_prio)
	__must_hold(&owner->table->lock)
{
	struct upcall_verdict *v = &owner->verdict;
	struct upcall_entry *e = owner->first;
	enum upcall_held held;

	/* A dispatch from now on arms again. */
	WRITE_ONCE(owner->armed, false);
	WRITE_ONCE(owner->kick_skipped, false);
	v->enter = false;
	v->now.pending = min_prio ? 0 : v->was.pending;
	if (!e)
		return;
	held = upcall_held(owner, e, regs, min_prio);
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

/**
 * upcall_evaluate_own - apply the rules to a dispatch of current to itself
 * @owner:	current's, with an upcall pending; its table's lock is held
 *
 * Return: UPCALL_DONE if rule 1 has been applied to all that is pending;
 * UPCALL_DELIVER if the verdict is to be carried out; UPCALL_DELIVER_LATER if
 * struct upcall can't be read here, or somebody watches the call's end.
 */
enum upcall_todo upcall_evaluate_own(struct upcall_owner *owner)
	__must_hold(&owner->table->lock)
{
	if (!arch_upcall_in_call() || upcall_peek_state(owner))
		return UPCALL_DELIVER_LATER;
	if (owner->verdict.was.pending >= owner->first->priority)
		return UPCALL_DONE;
	upcall_decide(owner, current_pt_regs(), 0);
	return UPCALL_DELIVER;
}

/* The same at other times: reads struct upcall, which may fault. */
static inline int upcall_evaluate(struct upcall_owner *owner,
				  struct pt_regs *regs, int min_prio)
{
	if (upcall_read_state(owner))
		return -EFAULT;
	spin_lock(&owner->table->lock);
	owner->verdict.armed = owner->armed;
	upcall_decide(owner, regs, min_prio);
	spin_unlock(&owner->table->lock);
	return 0;
}

/* Carrying out what they say. */

/*
 * The upcall that upcall_decide() took off the queue could not be entered.
 * -EFAULT if it is pending again; it may have been dispatched anew since.
 * -EAGAIN if it was deleted since: then the fault is nobody's.
 */
static noinline int upcall_put_back(struct upcall_owner *owner)
{
	struct upcall_verdict *v = &owner->verdict;
	struct upcall_entry *e;

	spin_lock(&owner->table->lock);
	e = upcall_find(owner->table, v->id);
	if (e && e->priority <= v->priority) {
		if (e->priority)
			upcall_dequeue(e);
		upcall_enqueue(e, v->priority, true);
	}
	if (e)
		trace_upcall_hold(owner, e, UPCALL_HELD_FAULT);
	spin_unlock(&owner->table->lock);
	return e ? -EFAULT : -EAGAIN;
}

/*
 * Enters the upcall of the verdict: the one place where that happens. @next
 * reuses @frame, else one is pushed. Returns 1, or what upcall_put_back() does.
 */
static __always_inline int upcall_enter(struct upcall_owner *owner,
					struct pt_regs *regs,
					void __user *frame, bool next)
{
	struct upcall_verdict *v = &owner->verdict;

	if (!next)
		frame = arch_upcall_push(owner->abi, regs);
	if ((!next && !frame) || upcall_write_state(owner))
		return upcall_put_back(owner);
	if (v->now.pending < v->was.pending)
		upcall_recheck(owner);
	trace_upcall_enter(owner, frame);
	if (next)
		arch_upcall_end_next(owner->abi, regs);
	arch_upcall_enter(owner->abi, regs, frame, &v->target, owner->upc);
	return 1;
}

/* Stores what is held back, where the end of the critical section finds it. */
static int upcall_hold(struct upcall_owner *owner, int min_prio)
{
	struct upcall_verdict *v = &owner->verdict;

	if (!min_prio && v->now.pending == v->was.pending)
		return 0;
	if (put_user(v->now.pending, &owner->upc->pending))
		return -EFAULT;
	if (v->now.pending < v->was.pending)
		upcall_recheck(owner);
	return 0;
}

/* Acknowledges pending where nothing is to be entered. */
static inline int upcall_clear(struct upcall_owner *owner)
{
	if (upcall_write_clear(owner))
		return -EFAULT;
	upcall_recheck(owner);
	return 0;
}

/* On the way to user mode. */

/*
 * Applies the rules where something else may have been interrupted too.
 * Returns 1 if an upcall was entered, 0 if not, -EFAULT if user memory is not as
 * it should be and nothing has changed, -EAGAIN if the rules are to be applied
 * again. @rseq_done tells whether rseq has had its pass.
 */
static int upcall_interrupt(struct upcall_owner *owner, struct pt_regs *regs,
			    int min_prio, bool *rseq_done)
{
	if (upcall_evaluate(owner, regs, min_prio))
		return -EFAULT;
	if (!owner->verdict.enter)
		return upcall_hold(owner, min_prio);

	arch_upcall_cancel_restart(regs);
	if (syscall_get_nr(current, regs) == -1) {
		/* To rseq it is a signal. In its sections are no calls. */
		rseq_signal_deliver(NULL, regs);
		*rseq_done = true;
	}
	return upcall_enter(owner, regs, NULL, false);
}

/* struct upcall or the stack is not accessible, which may be nobody's concern. */
static void upcall_fault(struct upcall_owner *owner)
{
	if (upcall_owns_some(owner))
		force_sigsegv(0);
}

/* What __upcall_resume() does for a task that has been armed. */
static noinline bool upcall_resume_armed(struct upcall_owner *owner,
					 struct pt_regs *regs)
{
	bool rseq_done = false;
	int min_prio, ret;

	if (!regs) {
		/*
		 * On the way into a guest. Make KVM_RUN return, as it would
		 * for a signal, so that there is a user mode to interrupt.
		 */
		set_notify_signal(current);
		set_thread_flag(TIF_NOTIFY_RESUME);
		return false;
	}
	min_prio = owner->redispatch;
	owner->redispatch = 0;
	if (upcall_must_defer(owner)) {
		/* The call has acknowledged pending, and is over. */
		if (min_prio && upcall_clear(owner))
			upcall_fault(owner);
		return false;
	}

	/* One that cannot be entered waits for the next dispatch. */
	WRITE_ONCE(owner->armed, false);
	if (!min_prio && !upcall_owns_some(owner))
		return false;
	do {
		ret = upcall_interrupt(owner, regs, min_prio, &rseq_done);
	} while (ret == -EAGAIN);
	if (ret < 0)
		upcall_fault(owner);
	return rseq_done;
}

/* upcall_resume() of a task with an owner. Pairs with upcall_notify(). */
bool __upcall_resume(struct pt_regs *regs)
{
	struct upcall_owner *owner = current->upcall;

	return READ_ONCE(owner->armed) && upcall_resume_armed(owner, regs);
}

/* upcall_step_over() of a task with an owner, which may be about to go. */
void __upcall_step_over(struct task_struct *task)
{
	set_notify_resume(task);
}

/* In a system call. */

/**
 * upcall_deliver_later - leave the rules to the way to user mode
 * @owner:	current's
 * @min_prio:	as for upcall_decide()
 * @ret:	what the system call returns
 *
 * A fault becomes a signal there.
 *
 * Return: @ret.
 */
long upcall_deliver_later(struct upcall_owner *owner, int min_prio, long ret)
{
	owner->redispatch = min_prio;
	upcall_arm(owner);
	return ret;
}

/**
 * upcall_deliver - end a system call with the verdict carried out
 * @owner:	current's, with a verdict
 * @min_prio:	as for upcall_decide()
 * @ret:	what the system call returns
 *
 * Return: what the system call function is to return.
 */
long upcall_deliver(struct upcall_owner *owner, int min_prio, long ret)
{
	struct pt_regs *regs = current_pt_regs();

	if (!owner->verdict.enter) {
		if (!upcall_hold(owner, min_prio))
			return ret;
	} else {
		/* The frame has it for the interrupted code. */
		syscall_set_return_value(current, regs, 0, ret);
		if (upcall_enter(owner, regs, NULL, false) > 0)
			return syscall_get_return_value(current, regs);
	}
	return upcall_deliver_later(owner, min_prio, ret);
}

/**
 * upcall_deliver_at_exit - end a system call with the rules applied
 * @owner:	current's
 * @min_prio:	as for upcall_decide()
 * @ret:	what the system call returns
 *
 * They are applied at once where nobody watches, else on the way out.
 *
 * Return: what the system call function is to return.
 */
long upcall_deliver_at_exit(struct upcall_owner *owner, int min_prio, long ret)
{
	if (!min_prio && !upcall_owns_some(owner))
		return ret;
	if (!arch_upcall_in_call() ||
	    upcall_evaluate(owner, current_pt_regs(), min_prio))
		return upcall_deliver_later(owner, min_prio, ret);
	return upcall_deliver(owner, min_prio, ret);
}

/* NEXT where something may have to be. Returns what upcall_interrupt() does. */
static int upcall_chain(struct upcall_owner *owner, struct pt_regs *regs,
			void __user *frame)
{
	struct upcall_verdict *v = &owner->verdict;
	int ret;

	if (upcall_must_defer(owner)) {
		upcall_arm(owner);
		return upcall_clear(owner);
	}
	do {
		if (upcall_evaluate(owner, regs, 1))
			return -EFAULT;
		ret = v->enter ? upcall_enter(owner, regs, frame, true) :
				 upcall_hold(owner, 1);
	} while (ret == -EAGAIN);
	if (ret < 0) {
		/* Nothing has changed, but dispatches may count on this. */
		if (v->armed)
			upcall_arm(owner);
		upcall_recheck(owner);
	}
	return ret;
}

/**
 * upcall_next - UPC_CONTROL_NEXT
 * @from:	the frame
 *
 * It acknowledges pending whatever the priority. A task without upcalls has its
 * frame popped, wherever its struct upcall may be by now.
 *
 * Return: what the system call function is to return; with nothing changed,
 * -EFAULT, or -EINVAL in a system call of another ABI than the task's upcalls.
 */
long upcall_next(void __user *from)
{
	struct upcall_owner *owner = current->upcall;
	enum arch_upcall_abi abi = arch_upcall_call_abi();
	struct pt_regs *regs = current_pt_regs();
	union arch_upcall_frame frame;
	int ret = 0;

	if (owner && upcall_other_abi(owner, abi))
		return -EINVAL;
	if (!from || arch_upcall_read_frame(abi, &frame, from))
		return -EFAULT;
	if (owner && upcall_idle(owner))
		ret = upcall_clear(owner);
	else if (owner)
		ret = upcall_chain(owner, regs, from);
	if (ret < 0 && upcall_owns_some(owner))
		return ret;
	if (ret <= 0) {
		arch_upcall_end_next(abi, regs);
		arch_upcall_leave(abi, regs, from, &frame);
	}
	trace_upcall_next(regs, ret > 0);
	return syscall_get_return_value(current, regs);
}
