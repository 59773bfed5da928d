/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_H
#define _KERNEL_UPCALL_H

/* Shared by the files here; who may touch what is told in core.c. */

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/upcall.h>

struct upcall_owner;

/**
 * struct upcall_entry - a registered upcall
 * @node:	in its owner's queue, while pending but not the first
 * @owned:	in its owner's list of all upcalls
 * @owner:	whose it is
 * @target:	where it leads
 * @id:		its identifier, positive
 * @priority:	at which it is pending, 0 if it isn't
 */
struct upcall_entry {
	struct rb_node		node;
	struct list_head	owned;
	struct upcall_owner	*owner;
	struct upcall_target	target;
	int			id;
	int			priority;
};

/**
 * struct upcall_owner - a task that has registered upcalls
 * @upc:	its struct upcall, as last registered
 * @task:	the task
 * @table:	the table of the mm it registered in
 * @first:	its first pending upcall: that of the highest priority, among
 *		equals the one longest pending at that priority
 * @rest:	its other pending upcalls, in that order
 * @last:	the last of them
 * @owned:	all its upcalls
 * @armed:	a dispatch wants it to look at the queue
 * @spared:	a dispatch since its last look may not have armed it
 * @wait:	the least priority it sleeps for in WAIT or SUSPEND, or 0
 * @redispatch:	the least priority of a DISPATCH of -1 that was left to
 *		upcall_resume(), or 0
 */
struct upcall_owner {
	struct upcall __user	*upc;
	struct task_struct	*task;
	struct upcall_table	*table;
	struct upcall_entry	*first;
	struct rb_root_cached	rest;
	struct upcall_entry	*last;
	struct list_head	owned;
	bool			armed;
	bool			spared;
	int			wait;
	int			redispatch;
};

/**
 * struct upcall_table - the upcalls of an mm
 * @lock:	guards all below, the entries, and the owners' queues
 * @count:	entries in the table
 * @last_id:	the identifier given out last
 * @size:	number of slots, a power of two and at least twice @count
 * @slots:	entry with identifier id is in slot id % @size, alone
 */
struct upcall_table {
	spinlock_t		lock;	/* innermost but for waking a task */
	unsigned int		count;
	int			last_id;
	unsigned int		size;
	struct upcall_entry	**slots;
};

/* @owner's highest pending upcall of at least @priority, or NULL. */
static inline struct upcall_entry *upcall_first(struct upcall_owner *owner,
						int priority)
{
	struct upcall_entry *e = owner->first;

	return e && e->priority >= priority ? e : NULL;
}

/* table.c */
struct upcall_table *upcall_get_table(struct mm_struct *mm);
struct upcall_owner *upcall_new_owner(void);
struct upcall_entry *upcall_find(struct upcall_table *table, int id);
int upcall_insert(struct upcall_table *table, struct upcall_entry *e);
void upcall_remove(struct upcall_table *table, struct upcall_entry *e);
void upcall_delete_owned(struct upcall_owner *owner);
void upcall_queue(struct upcall_entry *e, int priority, bool again);
void upcall_dequeue(struct upcall_entry *e);

/* core.c */
/* The part of struct upcall that the rules are about. */
struct upcall_state {
	s32	crit_count;
	s32	pending;
};

int upcall_read_state(struct upcall __user *upc, struct upcall_state *s);
int upcall_write_state(struct upcall __user *upc,
		       const struct upcall_state *was,
		       const struct upcall_state *now);
void upcall_arm(struct upcall_owner *owner);
int upcall_apply(struct upcall_owner *owner, struct pt_regs *regs,
		 void __user *frame, int least);
long upcall_return(struct upcall_owner *owner, int least, long ret);

#endif /* _KERNEL_UPCALL_H */
