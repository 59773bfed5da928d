// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls: inter-processor interrupts for user mode
 *
 * The system calls are DragonFly BSD's of 2003, upc_register() and
 * upc_control(); the rules are in Documentation/userspace-api/upcall.rst.
 */

#include <linux/minmax.h>
#include <linux/pagemap.h>
#include <linux/restart_block.h>
#include <linux/rseq.h>
#include <linux/sched/signal.h>
#include <linux/uprobes.h>
#include <linux/futex.h>

#include <asm/syscall.h>
#include <asm/upcall.h>

#include "block.h"
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
 *                 dispatch                    upcall_enter()
 *   [registered] ----------> [pending] ------------------------> [entered]
 *        ^                       |                                   |
 *        |    POLLANDCLEAR       |                                   |
 *        +-----------------------+                                   |
 *        +-----------------------------------------------------------+
 *
 * and from each of them, deleted. A dispatch of a pending upcall can only
 * raise its priority: there is one slot per upcall, so a dispatch allocates
 * nothing and a receiver can't be stormed.
 *
 * Who may touch what
 *
 *   table, entries, queues, owner->wait:    any task of the mm, under the lock;
 *                                           interrupts read owner->wait
 *   owner->armed:                           set under the lock, or by the
 *                                           owning task; cleared by that
 *   owner->interrupt, owner->end_queued:    set under the lock; cleared by the
 *                                           owning task
 *   owner->kick_skipped:                    set and cleared under the lock;
 *                                           the owning task reads it without
 *   owner->first, owner->registered:        under the lock, but that the owning
 *                                           task may ask whether there is one
 *   owner->upc:                             written by the owning task, under
 *                                           the lock; read by it without, and
 *                                           by others under the lock
 *   owner->expired:                         added to by interrupts; emptied
 *                                           under the lock
 *   owner->redispatch, owner->rest_prio,
 *   owner->abi, owner->slept,
 *   owner->on_block, owner->on_wake:        the owning task alone, no lock
 *   task->upcall:                           changed by that task, under
 *                                           task_lock(); read by it, and by
 *                                           others under that lock
 *   owner->task:  constant. The task can't go away while an entry of its is
 *                 in the table: it deletes them first, in upcall_release().
 *   user memory:  the owning task alone, on its way to user mode or in a
 *                 system call of its own, under the lock if an upcall is the
 *                 reason. There nothing may fault. A dispatcher reads pending,
 *                 under the lock too. Without the lock the owner writes struct
 *                 upcall in calls that say so: SUSPEND, NEXT with nothing
 *                 pending, NEXT and DISPATCH of -1 that are stepped. Before it
 *                 sleeps it reads crit_count, without the lock or a fault.
 *
 * An upcall on its way
 *
 *   1. DISPATCH queues the entry by priority and, if the owner is another
 *      task, makes it pass through upcall_resume() before it runs user code
 *      again: dispatch.h. If the owner is the caller, steps 2 and 3 follow
 *      under the same lock.
 *   2. upcall_apply(), of the owner, under the lock and without page faults:
 *      it reads crit_count and pending from its struct upcall, and compares
 *      them with the highest priority in the queue.
 *   3a. Held: pending is raised in struct upcall, for the user code that
 *       leaves the critical section to see.
 *   3b. Entered: the frame is written to the user's stack, then pending and
 *       crit_count to struct upcall, then the registers are changed, and the
 *       entry leaves the queue. Each of these changes nothing if it fails.
 *   4. What could not be accessed is faulted in without the lock, and nothing
 *      written there; then steps 2 and 3 begin anew. If that is impossible and
 *      still needed, the upcall stays pending and the task gets a SIGSEGV.
 *
 * So to others steps 2 and 3 are one. Once a DELETE has returned, that upcall is
 * not entered, nor struct upcall written on its behalf, and a task whose upcalls
 * are all gone meanwhile has nothing to be told of, and goes on.
 *
 * A task that is stepped, by a uprobe or a tracer, does none of this, and stays
 * armed until upcall_step_over(). wait.c has WAIT and SUSPEND, timer.h says how
 * time dispatches, block.h how a sleep does, and table.c has the life of these
 * objects.
 */

/*
 * How often what was just faulted in may be gone again. Then somebody takes it
 * away all the time, or it is memory that user mode can't write after all.
 */
#define UPCALL_TRIES	100

/**
 * struct upcall_way - how and when the rules are applied
 * @frame:	NEXT's, which is to be used again; NULL to push one
 * @min_prio:	0, or the lowest priority of a call that acknowledges pending
 *		(DISPATCH of -1, NEXT): pending then counts as clear
 * @prepared:	those that care for interrupted code have been told
 * @cancel:	the interrupted code is about to issue restart_syscall()
 * @rseq_done:	rseq has had its pass
 * @was:	struct upcall as read
 */
struct upcall_way {
	void __user		*frame;
	int			min_prio;
	bool			prepared;
	bool			cancel;
	bool			rseq_done;
	struct upcall_state	was;
};

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
	    struct pt_regs *regs, const struct upcall_way *way)
{
	if (way->was.pending && !way->min_prio)
		return UPCALL_HELD_PENDING;
	if (way->was.crit_count >= e->priority)
		return UPCALL_HELD_CRIT;
	if (e->priority < way->min_prio)
		return UPCALL_HELD_MIN_PRIO;
	if (!arch_upcall_allowed(owner->abi, regs))
		return UPCALL_HELD_MODE;
	return UPCALL_HELD_NOT;
}

/*
 * Stores what is held back where the end of the critical section finds it, and
 * acknowledges pending. @e is NULL if nothing is pending.
 */
static enum upcall_outcome upcall_hold(struct upcall_owner *owner,
				       struct upcall_entry *e,
				       enum upcall_held held,
				       const struct upcall_way *way)
{
	int pending = way->min_prio ? 0 : way->was.pending;

	if (e)
		pending = max(pending, e->priority);
	if ((way->min_prio || pending != way->was.pending) &&
	    put_user(pending, &owner->upc->pending))
		return UPCALL_FAULT_WRITE;
	if (e)
		trace_upcall_hold(owner, e, &way->was, held);
	return UPCALL_SETTLED;
}

/* Enters @e: the one place where that happens. */
static __always_inline enum upcall_outcome
upcall_enter(struct upcall_owner *owner, struct upcall_entry *e,
	     struct pt_regs *regs, const struct upcall_way *way)
{
	struct upcall_state now = {
		.crit_count = (u32)way->was.crit_count + UPC_CRITADD,
		.pending = upcall_priority_after(owner),
	};
	void __user *frame = way->frame;

	if (!frame) {
		frame = arch_upcall_frame(owner->abi, regs);
		if (arch_upcall_push(owner->abi, regs, frame, way->cancel))
			return UPCALL_FAULT_FRAME;
	}
	if (upcall_write_state(owner, &way->was, &now))
		return UPCALL_FAULT_WRITE;
	trace_upcall_enter(e, &now, frame);
	if (way->frame)
		arch_upcall_end_next(owner->abi, regs);
	if (way->cancel)
		current->restart_block.fn = do_no_restart_syscall;
	arch_upcall_enter(owner->abi, regs, frame, &e->target, owner->upc);
	upcall_consume(e);
	return UPCALL_ENTERED;
}

static __always_inline enum upcall_outcome
__upcall_apply(struct upcall_owner *owner, struct pt_regs *regs,
	       struct upcall_way *way)
{
	struct upcall_entry *e = owner->first;
	enum upcall_held held;

	if (!e && !way->min_prio)
		return UPCALL_SETTLED;
	if (upcall_read_state(owner, &way->was))
		return UPCALL_FAULT_READ;
	held = e ? upcall_held(owner, e, regs, way) : UPCALL_HELD_NOT;
	if (!e || held)
		return upcall_hold(owner, e, held, way);
	if (!way->prepared)
		return UPCALL_TO_PREPARE;
	return upcall_enter(owner, e, regs, way);
}

/*
 * Section 4 of the rules: what becomes of current's highest pending upcall. If
 * it is not settled by that, nothing has changed. No page fault is served.
 */
static __always_inline enum upcall_outcome
upcall_apply(struct upcall_owner *owner, struct pt_regs *regs,
	     struct upcall_way *way)
	__must_hold(&owner->table->lock)
{
	enum upcall_outcome outcome;

	upcall_take_expired(owner);
	pagefault_disable();
	outcome = __upcall_apply(owner, regs, way);
	pagefault_enable();
	if (outcome <= UPCALL_ENTERED) {
		/* A dispatch from now on arms again. */
		WRITE_ONCE(owner->armed, false);
		WRITE_ONCE(owner->kick_skipped, false);
		WRITE_ONCE(owner->interrupt, false);
	}
	return outcome;
}

/* Where page faults are served. */

static int upcall_fault_in_range(void __user *p, size_t size, bool write)
{
	/* A stack grows by an access only. */
	if (fault_in_readable(p, size))
		return -EFAULT;
	return write && fault_in_safe_writeable(p, size) ? -EFAULT : 0;
}

/* Makes accessible what upcall_apply() found not to be. Writes nothing there. */
static int upcall_fault_in(struct upcall_owner *owner, struct pt_regs *regs,
			   enum upcall_outcome fault)
{
	enum arch_upcall_abi abi = owner->abi;

	if (fault == UPCALL_FAULT_FRAME)
		return upcall_fault_in_range(arch_upcall_frame(abi, regs),
					     arch_upcall_frame_size(abi), true);
	return upcall_fault_in_range(owner->upc, sizeof(*owner->upc),
				     fault == UPCALL_FAULT_WRITE);
}

/*
 * Code that the kernel fixes up before a signal handler runs is fixed up before
 * an upcall too. There are no system calls in it. rseq asks which signal it is.
 */
static void upcall_fix_up_sections(struct pt_regs *regs)
{
	static struct ksignal none;

#ifdef CONFIG_FUTEX_ROBUST_UNLOCK
	futex_fixup_robust_unlock(regs);
#endif
	rseq_signal_deliver(&none, regs);
}

/* Something other than its own call interrupts current. Does it care? */
static void upcall_prepare(struct pt_regs *regs, struct upcall_way *way)
{
	way->prepared = true;
	way->cancel = arch_upcall_restarts(regs);
	if (syscall_get_nr(current, regs) == -1) {
		upcall_fix_up_sections(regs);
		way->rseq_done = true;
	}
}

/* The highest pending upcall can't be entered, nor can that be noted. */
static int upcall_fault(struct upcall_owner *owner, struct upcall_way *way)
{
	spin_lock(&owner->table->lock);
	if (owner->first)
		trace_upcall_hold(owner, owner->first, &way->was,
				  UPCALL_HELD_FAULT);
	spin_unlock(&owner->table->lock);
	return -EFAULT;
}

/*
 * upcall_apply() with all that it takes. 1 if an upcall was entered, 0 if not;
 * -EFAULT if user memory is not as it should be: then nothing has changed.
 */
static int upcall_apply_faulting(struct upcall_owner *owner,
				 struct pt_regs *regs, struct upcall_way *way)
{
	enum upcall_outcome outcome, denied = UPCALL_SETTLED;
	int tries;

	for (tries = 0; tries < UPCALL_TRIES; tries++) {
		spin_lock(&owner->table->lock);
		outcome = upcall_apply(owner, regs, way);
		spin_unlock(&owner->table->lock);
		if (outcome <= UPCALL_ENTERED)
			return outcome == UPCALL_ENTERED;
		/* It still takes what could not be had. */
		if (outcome == denied)
			break;
		if (outcome == UPCALL_TO_PREPARE)
			upcall_prepare(regs, way);
		else if (upcall_fault_in(owner, regs, outcome))
			denied = outcome;
	}
	return upcall_fault(owner, way);
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

/* What __upcall_resume() does for a task that has been armed. */
static noinline bool upcall_resume_armed(struct upcall_owner *owner,
					 struct pt_regs *regs)
{
	struct upcall_way way = { .min_prio = owner->redispatch };
	bool slept;
	int ret;

	if (!regs) {
		/*
		 * On the way into a guest. Make KVM_RUN return, as it would
		 * for a signal, so that there is a user mode to interrupt.
		 */
		set_notify_signal(current);
		set_thread_flag(TIF_NOTIFY_RESUME);
		return false;
	}
	owner->redispatch = 0;
	slept = upcall_woken(owner);
	if (upcall_must_defer(owner)) {
		/* The call has acknowledged pending, and is over. */
		ret = way.min_prio ? upcall_clear(owner) : 0;
	} else {
		/* One that cannot be entered waits for the next dispatch. */
		WRITE_ONCE(owner->armed, false);
		WRITE_ONCE(owner->interrupt, false);
		ret = upcall_apply_faulting(owner, regs, &way);
	}
	if (ret < 0 && upcall_owns_some(owner))
		force_sigsegv(0);
	if (slept)
		upcall_sleep_over(owner);
	return way.rseq_done;
}

/* upcall_resume() of a task with an owner. Pairs with upcall_notify(), upcall_expire(). */
bool __upcall_resume(struct pt_regs *regs)
{
	struct upcall_owner *owner = current->upcall;

	return (READ_ONCE(owner->armed) || upcall_expired(owner) ||
		upcall_has_slept(owner)) && upcall_resume_armed(owner, regs);
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
 * @min_prio:	as for upcall_apply_in_call()
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
 * upcall_apply_in_call - apply the rules at the end of a system call
 * @owner:	current's; its table's lock is held
 * @min_prio:	0, or the lowest priority that a call enters which acknowledges
 *		pending
 * @ret:	what the system call returns to the code that an upcall interrupts
 *
 * Return: an outcome for upcall_end_call().
 */
enum upcall_outcome upcall_apply_in_call(struct upcall_owner *owner,
					 int min_prio, long ret)
	__must_hold(&owner->table->lock)
{
	struct upcall_way way = { .min_prio = min_prio, .prepared = true };
	struct pt_regs *regs = current_pt_regs();

	if (!arch_upcall_in_call())
		return UPCALL_TO_PREPARE;
	/* The frame has it for the interrupted code. */
	syscall_set_return_value(current, regs, 0, ret);
	return upcall_apply(owner, regs, &way);
}

/**
 * upcall_end_call - end a system call as upcall_apply_in_call() says
 * @owner:	current's; its table's lock is not held
 * @outcome:	of that
 * @min_prio:	as there
 * @ret:	as there
 *
 * Return: what the system call function is to return.
 */
long upcall_end_call(struct upcall_owner *owner, enum upcall_outcome outcome,
		     int min_prio, long ret)
{
	if (outcome == UPCALL_SETTLED)
		return ret;
	if (outcome == UPCALL_ENTERED)
		return syscall_get_return_value(current, current_pt_regs());
	return upcall_deliver_later(owner, min_prio, ret);
}

/**
 * upcall_deliver_at_exit - end a system call with the rules applied
 * @owner:	current's
 * @min_prio:	as for upcall_apply_in_call()
 * @ret:	what the system call returns
 *
 * Return: what the system call function is to return.
 */
long upcall_deliver_at_exit(struct upcall_owner *owner, int min_prio, long ret)
{
	enum upcall_outcome outcome;

	spin_lock(&owner->table->lock);
	outcome = upcall_apply_in_call(owner, min_prio, ret);
	spin_unlock(&owner->table->lock);
	return upcall_end_call(owner, outcome, min_prio, ret);
}

/* NEXT for which something has to be faulted in. */
static noinline int upcall_chain_faulting(struct upcall_owner *owner,
					  struct pt_regs *regs,
					  void __user *frame)
{
	struct upcall_way way = {
		.frame = frame, .min_prio = 1, .prepared = true,
	};

	return upcall_apply_faulting(owner, regs, &way);
}

/* NEXT where something may have to be entered. As upcall_apply_faulting(). */
static inline int upcall_chain(struct upcall_owner *owner,
			       struct pt_regs *regs, void __user *frame)
{
	struct upcall_way way = {
		.frame = frame, .min_prio = 1, .prepared = true,
	};
	enum upcall_outcome outcome;

	if (upcall_must_defer(owner)) {
		upcall_arm(owner);
		return upcall_clear(owner);
	}
	spin_lock(&owner->table->lock);
	outcome = upcall_apply(owner, regs, &way);
	spin_unlock(&owner->table->lock);
	if (outcome <= UPCALL_ENTERED)
		return outcome == UPCALL_ENTERED;
	return upcall_chain_faulting(owner, regs, frame);
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
