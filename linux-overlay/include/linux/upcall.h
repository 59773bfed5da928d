/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_UPCALL_H
#define _LINUX_UPCALL_H

#include <linux/mm_types.h>
#include <linux/sched.h>
#include <asm/barrier.h>
#include <uapi/linux/upcall.h>

struct pt_regs;
struct seq_file;

/**
 * struct upcall_target - where an upcall leads, as upc_register() was told
 * @ctxfunc:	user address entered
 * @cfunc:	user address handed to @ctxfunc in a register
 * @data:	the value handed to @ctxfunc for @cfunc
 */
struct upcall_target {
	unsigned long	ctxfunc;
	unsigned long	cfunc;
	unsigned long	data;
};

#ifdef CONFIG_UPCALL

bool __upcall_resume(struct pt_regs *regs);
void __upcall_step_over(struct task_struct *task);
void __upcall_release(struct task_struct *task);
void __upcall_exit_mm(struct mm_struct *mm);
void __upcall_proc_status(struct seq_file *m, struct task_struct *task);

/**
 * upcall_resume - enter or hold back what is pending for current
 * @regs:	user mode registers, or NULL on the way into a guest
 *
 * Called with TIF_NOTIFY_RESUME just cleared, and before rseq's own pass.
 *
 * Return: true if rseq has had its pass, for a caller that would make it next.
 * Where that is made later on the way, nobody asks.
 */
static inline bool upcall_resume(struct pt_regs *regs)
{
	return unlikely(current->upcall) && __upcall_resume(regs);
}

/**
 * upcall_step_over - a task may no longer execute single instructions
 * @task:	current, or one that current traces or stops tracing
 *
 * It may have upcalls that were deferred meanwhile. If it is still stepped, they
 * are deferred again.
 */
static inline void upcall_step_over(struct task_struct *task)
{
	/*
	 * The end of stepping, then this. The task clears TIF_NOTIFY_RESUME, with
	 * a barrier, then asks whether it is stepped.
	 */
	smp_mb();
	if (unlikely(READ_ONCE(task->upcall)))
		__upcall_step_over(task);
}

/**
 * upcall_fork - a new task owns no upcalls
 * @task:	the child, which nobody can see yet
 */
static inline void upcall_fork(struct task_struct *task)
{
	task->upcall = NULL;
}

/**
 * upcall_release - a task leaves its mm, by exit or exec
 * @task:	current
 *
 * Deletes the task's upcalls, from then on a dispatch gives ENOENT.
 */
static inline void upcall_release(struct task_struct *task)
{
	if (unlikely(task->upcall))
		__upcall_release(task);
}

/**
 * upcall_init_mm - a new mm has no upcalls, whatever it was copied from
 * @mm:		the new mm
 */
static inline void upcall_init_mm(struct mm_struct *mm)
{
	mm->upcalls = NULL;
}

/**
 * upcall_exit_mm - the last user of an mm is gone
 * @mm:		the dying mm
 */
static inline void upcall_exit_mm(struct mm_struct *mm)
{
	if (unlikely(mm->upcalls))
		__upcall_exit_mm(mm);
}

/**
 * upcall_proc_status - a line for /proc/PID/status
 * @m:		that file
 * @task:	the task, any
 *
 * A task that has registered none since it was made or last called exec
 * has no line.
 */
static inline void upcall_proc_status(struct seq_file *m,
				      struct task_struct *task)
{
	if (unlikely(READ_ONCE(task->upcall)))
		__upcall_proc_status(m, task);
}

#else /* CONFIG_UPCALL */

static inline bool upcall_resume(struct pt_regs *regs)
{
	return false;
}

static inline void upcall_step_over(struct task_struct *task) { }
static inline void upcall_fork(struct task_struct *task) { }
static inline void upcall_release(struct task_struct *task) { }
static inline void upcall_init_mm(struct mm_struct *mm) { }
static inline void upcall_exit_mm(struct mm_struct *mm) { }
static inline void upcall_proc_status(struct seq_file *m,
				      struct task_struct *task) { }

#endif /* CONFIG_UPCALL */

#ifdef CONFIG_UPCALL_BLOCK

void __upcall_sleeping(struct task_struct *task);

/**
 * upcall_sleeping - a task is about to sleep
 * @task:	current, which holds no spinlock
 *
 * Dispatches the upcall of another task's that it has named for this.
 */
static inline void upcall_sleeping(struct task_struct *task)
{
	if (unlikely(task->upcall))
		__upcall_sleeping(task);
}

#else /* CONFIG_UPCALL_BLOCK */

static inline void upcall_sleeping(struct task_struct *task) { }

#endif /* CONFIG_UPCALL_BLOCK */

#endif /* _LINUX_UPCALL_H */
