/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_H
#define _KERNEL_UPCALL_H

/* Shared by the files here; who may touch what is told in core.c. */

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/upcall.h>

struct upcall_owner;

/* What a dispatch did to have the owner look. */
enum upcall_sent {
	UPCALL_SENT_SELF,	/* nothing: it is the caller */
	UPCALL_SENT_ARMED,	/* it comes by on its way to user mode */
	UPCALL_SENT_TOLD,	/* nothing: pending says so already */
	UPCALL_SENT_WOKEN,	/* it was in WAIT or SUSPEND */
	UPCALL_SENT_ASLEEP,	/* nothing: it waits for a higher priority */
};

/* Why the highest pending upcall is held back. */
enum upcall_held {
	UPCALL_HELD_NOT,
	UPCALL_HELD_PENDING,	/* pending is set */
	UPCALL_HELD_CRIT,	/* crit_count is not below its priority */
	UPCALL_HELD_LEAST,	/* DISPATCH of -1 wants a higher one */
	UPCALL_HELD_MODE,	/* vm86, segments that are not flat */
	UPCALL_HELD_UPROBE,	/* an instruction is executed out of line */
	UPCALL_HELD_FAULT,	/* the frame or struct upcall can't be written */
};

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

/* The part of struct upcall that the rules are about. */
struct upcall_state {
	s32	crit_count;
	s32	pending;
};

/**
 * struct upcall_verdict - what the rules have said about a task
 * @was:	struct upcall as read
 * @now:	struct upcall as it must become
 * @armed:	a dispatch wanted the task to look at the queue
 * @enter:	an upcall was taken off the queue, to be entered
 * @id:		that upcall
 * @priority:	the priority it was pending at
 * @target:	where it leads
 */
struct upcall_verdict {
	struct upcall_state	was;
	struct upcall_state	now;
	bool			armed;
	bool			enter;
	int			id;
	int			priority;
	struct upcall_target	target;
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
 * @others:	how many they are
 * @owned:	all its upcalls
 * @registered:	how many they are
 * @armed:	a dispatch wants it to look at the queue
 * @spared:	a dispatch since its last look may not have armed it
 * @wait:	the least priority it sleeps for in WAIT or SUSPEND, or 0
 * @redispatch:	the least priority of a DISPATCH of -1 that was left to
 *		upcall_resume(), or 0
 * @verdict:	of upcall_decide(), until that is done
 */
struct upcall_owner {
	struct upcall __user	*upc;
	struct task_struct	*task;
	struct upcall_table	*table;
	struct upcall_entry	*first;
	struct rb_root_cached	rest;
	struct upcall_entry	*last;
	unsigned int		others;
	struct list_head	owned;
	unsigned int		registered;
	bool			armed;
	bool			spared;
	int			wait;
	int			redispatch;
	struct upcall_verdict	verdict;
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

/* The upcall @id, or NULL. */
static inline struct upcall_entry *upcall_find(struct upcall_table *table,
					       int id)
{
	struct upcall_entry *e = table->slots[id & (table->size - 1)];

	return e && e->id == id ? e : NULL;
}

/* @owner's highest pending upcall of at least @priority, or NULL. */
static inline struct upcall_entry *upcall_first(struct upcall_owner *owner,
						int priority)
{
	struct upcall_entry *e = owner->first;

	return e && e->priority >= priority ? e : NULL;
}

/*
 * Is nothing pending for current, and has no dispatch left it alone? Without
 * the lock. A dispatch that is not seen here finds pending as it was, and
 * leaves us alone, which upcall_clear() sees after its store; or it finds 0
 * there, and arms us.
 */
static inline bool upcall_idle(struct upcall_owner *owner)
{
	return !READ_ONCE(owner->spared) && !READ_ONCE(owner->first);
}

/* table.c */
extern unsigned int upcall_max;
struct upcall_table *upcall_get_table(struct mm_struct *mm);
struct upcall_owner *upcall_new_owner(void);
void upcall_set_owner(struct upcall_owner *owner);
int upcall_insert(struct upcall_table *table, struct upcall_entry *e);
void upcall_remove(struct upcall_table *table, struct upcall_entry *e);
void upcall_delete_owned(struct upcall_owner *owner);
void upcall_add_rest(struct upcall_entry *e, bool again);
void upcall_del_rest(struct upcall_entry *e);

/*
 * Queues @e, behind those of its own priority unless @again says that it was
 * in front of them before.
 */
static inline void upcall_queue(struct upcall_entry *e, int priority,
				bool again)
{
	e->priority = priority;
	if (!e->owner->first)
		WRITE_ONCE(e->owner->first, e);
	else
		upcall_add_rest(e, again);
}

/* The only way off the queue. */
static inline void upcall_dequeue(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;

	e->priority = 0;
	if (owner->first == e && !owner->last)
		WRITE_ONCE(owner->first, NULL);
	else
		upcall_del_rest(e);
}

/* core.c */
/* struct upcall in user memory, which is current's. */

static __always_inline int upcall_read_state(struct upcall_owner *owner)
{
	struct upcall __user *upc = owner->upc;
	struct upcall_state *was = &owner->verdict.was;

	if (!user_read_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(was->crit_count, &upc->crit_count, efault);
	unsafe_get_user(was->pending, &upc->pending, efault);
	user_read_access_end();
	return 0;

efault:
	user_read_access_end();
	return -EFAULT;
}

/* Writes both fields or, as far as anybody can see, none. */
static inline int upcall_write_state(struct upcall_owner *owner)
{
	struct upcall __user *upc = owner->upc;
	struct upcall_verdict *v = &owner->verdict;

	if (!user_write_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_put_user(v->now.pending, &upc->pending, efault);
	unsafe_put_user(v->now.crit_count, &upc->crit_count, efault_undo);
	user_write_access_end();
	return 0;

efault_undo:
	unsafe_put_user(v->was.pending, &upc->pending, efault);
efault:
	user_write_access_end();
	return -EFAULT;
}

void upcall_arm(struct upcall_owner *owner);

/*
 * User code is told of less than before. Pairs with upcall_told(): either the
 * dispatcher sees that, or we see that it left us alone.
 */
static inline void upcall_look_again(struct upcall_owner *owner)
{
	smp_mb();	/* see core.c */
	if (READ_ONCE(owner->spared))
		upcall_arm(owner);
}

/*
 * What upcall_apply() comes to for NEXT if nothing is pending, see
 * upcall_idle(): 0 is stored in pending.
 */
static inline int upcall_clear(struct upcall_owner *owner)
{
	struct upcall __user *upc = owner->upc;
	struct upcall_state *was = &owner->verdict.was;

	if (!user_access_begin(upc, sizeof(*upc)))
		return -EFAULT;
	unsafe_get_user(was->crit_count, &upc->crit_count, efault);
	unsafe_put_user(0, &upc->pending, efault);
	user_access_end();
	upcall_look_again(owner);
	return 0;

efault:
	user_access_end();
	return -EFAULT;
}

bool upcall_decide_own(struct upcall_owner *owner);
int upcall_apply(struct upcall_owner *owner, struct pt_regs *regs,
		 void __user *frame);
long upcall_finish(struct upcall_owner *owner, int least, long ret);
long upcall_defer(struct upcall_owner *owner, int least, long ret);
long upcall_return(struct upcall_owner *owner, int least, long ret);

#endif /* _KERNEL_UPCALL_H */
