/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RELAXED_KERNEL_H
#define RELAXED_KERNEL_H

/*
 * The kernel's primitives in the orders of C++11, as Relacy has them.
 *
 *   kernel                    here                  why
 *
 *   READ_ONCE(), WRITE_ONCE() relaxed load, store   coherent, and no order
 *   get_user(), put_user()    the same              no order either
 *   a plain access            rl::var               a data race is an error
 *   a plain access under the  PLAIN(), SET_PLAIN(): relaxed; what others do
 *     lock, to what others    no step of another    at that point does not
 *     read without it         task comes before     change it
 *   smp_load_acquire()        acquire load
 *   smp_mb()                  seq_cst fence         two of them restore
 *                                                   sequential consistency
 *   clear_bit(), set_bit()    relaxed exchange      no order
 *   smp_mb__after_atomic()    seq_cst fence
 *   test_and_set_bit()        fence, relaxed        it returns a value, so it
 *                             exchange, fence       is a full barrier before
 *                                                   and after; an exchange that
 *                                                   is seq_cst would be less
 *   xchg(), llist_add(),      the same
 *     llist_del_all()
 *   cmpxchg()                 the same; acquire     no order if it fails, but
 *                             fence if it fails     what is done with the
 *                                                   result depends on it; that
 *                                                   is acquire to Relacy
 *   spin_lock()               acquire exchange      a waiter has no steps
 *   spin_unlock()             release store
 *   smp_mb__after_spinlock()  seq_cst fence         a lock is no full barrier
 *   set_current_state()       store, seq_cst fence  it is smp_store_mb()
 *   wake_up_state()           fence, then the state the first thing that
 *                             is read               try_to_wake_up() does
 *
 * Relacy runs the tasks step by step, in every order. A load takes the latest
 * value or, if no order forbids it, one of the two before that. So Relacy finds
 * what a store does that is late, to the loads after it and to those of others.
 * It has no store that others see before an earlier load of the same task was
 * made, and no two tasks that store to the same two variables with contrary
 * results. The core does not depend on those: the variables that both sides
 * store to, owner->armed and the flag, are ordered by the lock that both take.
 */

#include "search.h"

#define READ_ONCE(x)		((x)($).load(rl::mo_relaxed))
#define WRITE_ONCE(x, v)	((x)($).store(v, rl::mo_relaxed))
#define get_user(x)		READ_ONCE(x)
#define put_user(v, x)		WRITE_ONCE(x, v)
#define PLAIN(x)		plain_load(x, $)
#define SET_PLAIN(x, v)		plain_store(x, v, $)
#define smp_load_acquire(x)	((x)($).load(rl::mo_acquire))

#define smp_mb()		rl::atomic_thread_fence(rl::mo_seq_cst, $)
#define smp_mb__after_atomic()	smp_mb()
#define smp_mb__after_spinlock() smp_mb()

template <class T>
static T plain_load(rl::atomic<T> &x, rl::debug_info_param where)
{
	rl::preemption_disabler off(rl::ctx());

	return x.load(rl::mo_relaxed, where);
}

template <class T, class V>
static void plain_store(rl::atomic<T> &x, V v, rl::debug_info_param where)
{
	rl::preemption_disabler off(rl::ctx());

	x.store(v, rl::mo_relaxed, where);
}

/* Each bit is an atomic by itself. */
#define set_bit(bit)		((void)(bit)($).exchange(1, rl::mo_relaxed))
#define clear_bit(bit)		((void)(bit)($).exchange(0, rl::mo_relaxed))
#define test_and_set_bit(bit)	full_exchange(bit, 1, $)

static int full_exchange(rl::atomic<int> &x, int v, rl::debug_info_param where)
{
	int old;

	if (WEAKEN(test_and_set_bit))
		return x.exchange(v, rl::mo_relaxed, where);
	rl::atomic_thread_fence(rl::mo_seq_cst, where);
	old = x.exchange(v, rl::mo_relaxed, where);
	rl::atomic_thread_fence(rl::mo_seq_cst, where);
	return old;
}

#define xchg(x, v)		do_xchg(x, v, $)

static int do_xchg(rl::atomic<int> &x, int v, rl::debug_info_param where)
{
	int old;

	rl::atomic_thread_fence(rl::mo_seq_cst, where);
	old = x.exchange(v, rl::mo_relaxed, where);
	rl::atomic_thread_fence(rl::mo_seq_cst, where);
	return old;
}

#define cmpxchg(x, old, v)	full_cmpxchg(x, old, v, $)

template <class T>
static T *full_cmpxchg(rl::atomic<T *> &x, T *old, T *v,
		       rl::debug_info_param where)
{
	if (!WEAKEN(cmpxchg))
		rl::atomic_thread_fence(rl::mo_seq_cst, where);
	if (!x.compare_exchange_strong(old, v, rl::mo_relaxed, where)) {
		if (!WEAKEN(cmpxchg_dependency))
			rl::atomic_thread_fence(rl::mo_acquire, where);
		return old;
	}
	if (!WEAKEN(cmpxchg))
		rl::atomic_thread_fence(rl::mo_seq_cst, where);
	return nullptr;
}

/* A test has three tasks at most. */
#define NR_TASKS 3

/* rl::mutex would do, but its orders cannot be weakened. */
struct spinlock {
	rl::atomic<int>		word;
	bool			locked = false;
	rl::waitset<NR_TASKS>	waiters;

	spinlock() : word(0) { }
};

#define spin_lock(lock)		do_spin_lock(lock, $)
#define spin_unlock(lock)	do_spin_unlock(lock, $)

static void do_spin_lock(spinlock *lock, rl::debug_info_param where)
{
	rl::context &c = rl::ctx();

	c.sched();
	while (lock->locked)
		lock->waiters.park_current(c, false, false, false, where);
	lock->locked = true;

	rl::preemption_disabler off(c);
	lock->word.exchange(1, WEAKEN(spin_lock) ? rl::mo_relaxed :
			    rl::mo_acquire, where);
}

static void do_spin_unlock(spinlock *lock, rl::debug_info_param where)
{
	rl::context &c = rl::ctx();

	c.sched();
	{
		rl::preemption_disabler off(c);

		lock->word.store(0, WEAKEN(spin_unlock) ? rl::mo_relaxed :
				 rl::mo_release, where);
	}
	lock->locked = false;
	lock->waiters.unpark_one(c, where);
}

/* Tasks. */

#define TASK_RUNNING		0
#define TASK_INTERRUPTIBLE	1

struct upcall_owner;

struct task_struct {
	rl::atomic<int>		notify_resume;	/* TIF_NOTIFY_RESUME */
	rl::atomic<int>		sigpending;	/* TIF_SIGPENDING */
	rl::atomic<int>		state;
	rl::atomic<int>		ptrace;
	rl::atomic<upcall_owner *> upcall;
	spinlock		rq_lock;
	bool			on_rq = true;
	rl::waitset<NR_TASKS>	sleeping;

	/* The task alone uses these while others run, except that they kick. */
	bool			singlestep = false; /* TIF_SINGLESTEP */
	bool			uprobe = false;	/* utask->active_uprobe */
	bool			user_mode = false;
	bool			kicked = false;

	task_struct() : notify_resume(0), sigpending(0), state(TASK_RUNNING),
		ptrace(0), upcall(nullptr) { }
};

/* The task that each thread of Relacy's is. */
static task_struct *tasks[NR_TASKS];
#define current (tasks[rl::thread_index()])

/* test::after() has the interrupt. */
static void kick_process(task_struct *task)
{
	if (task != current)
		task->kicked = true;
}

/* include/linux/resume_user_mode.h */
static void set_notify_resume(task_struct *task)
{
	if (!test_and_set_bit(task->notify_resume))
		kick_process(task);
}

static bool signal_pending(task_struct *task)
{
	return READ_ONCE(task->sigpending);
}

#define __set_current_state(s)	WRITE_ONCE(current->state, s)

static void set_current_state(int state)
{
	WRITE_ONCE(current->state, state);
	if (!WEAKEN(set_current_state))
		smp_mb();
}

/*
 * What __schedule() does with a task that may be about to sleep. It has the
 * runqueue's lock, and so do those who wake the task: all of it is one step.
 */
static void schedule()
{
	task_struct *prev = current;

	spin_lock(&prev->rq_lock);
	{
		rl::preemption_disabler off(rl::ctx());

		if (!WEAKEN(schedule))
			smp_mb__after_spinlock();
		if (READ_ONCE(prev->state)) {
			if (signal_pending(prev))
				WRITE_ONCE(prev->state, TASK_RUNNING);
			else
				prev->on_rq = false;
		}
		spin_unlock(&prev->rq_lock);
	}
	while (!prev->on_rq)
		prev->sleeping.park_current(rl::ctx(), false, false, false, $);
}

/*
 * try_to_wake_up() of a task that nobody else wakes at the same time (that is
 * what its pi_lock is for).
 */
static void wake_up_state(task_struct *task, int state)
{
	if (!WEAKEN(wake_up_state))
		smp_mb__after_spinlock();
	if (!(READ_ONCE(task->state) & state))
		return;
	spin_lock(&task->rq_lock);
	{
		rl::preemption_disabler off(rl::ctx());

		WRITE_ONCE(task->state, TASK_RUNNING);
		if (!task->on_rq) {
			task->on_rq = true;
			task->sleeping.unpark_one(rl::ctx(), $);
		}
		spin_unlock(&task->rq_lock);
	}
}

static void signal_wake_up(task_struct *task)
{
	set_bit(task->sigpending);
	wake_up_state(task, TASK_INTERRUPTIBLE);
}

#endif /* RELAXED_KERNEL_H */
