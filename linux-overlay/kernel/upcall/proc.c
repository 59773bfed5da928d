// SPDX-License-Identifier: GPL-2.0
/*
 * The upcalls of a task, in /proc/PID/status.
 */

#include <linux/sched/task.h>
#include <linux/seq_file.h>

#include "dispatch.h"

/* What is shown: all 0 if the task has left its mm meanwhile. */
struct upcall_shown {
	unsigned int	registered;
	unsigned int	pending;
	int		priority;
	int		wait;
};

static void upcall_show(struct upcall_owner *owner, struct upcall_shown *s)
{
	spin_lock(&owner->table->lock);
	upcall_show_expired(owner);
	s->registered = owner->registered;
	s->pending = !!owner->first + owner->nr_rest;
	s->priority = owner->first ? owner->first->priority : 0;
	s->wait = owner->wait;
	spin_unlock(&owner->table->lock);
}

/*
 * @task may be another, and about to exit or exec. Pairs with
 * upcall_set_owner(): it can't free what it owns while we hold its lock, and
 * has an mm, with the table, as long as it hasn't.
 */
void __upcall_proc_status(struct seq_file *m, struct task_struct *task)
{
	struct upcall_shown s = { };

	task_lock(task);
	if (task->upcall)
		upcall_show(task->upcall, &s);
	task_unlock(task);
	seq_printf(m, "Upcalls:\t%u\t%u\t%d\t%d\n", s.registered, s.pending,
		   s.priority, s.wait);
}
