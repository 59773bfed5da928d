/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_H
#define _KERNEL_UPCALL_H

/* Types and functions that the files here share. core.c has the overview. */

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/upcall.h>

#include <asm/upcall.h>

struct upcall_alarm;
struct upcall_owner;

/* What a dispatch did to make the owner evaluate its queue. */
enum upcall_sent {
	UPCALL_SENT_SELF,	/* nothing: the owner is the caller */
	UPCALL_SENT_ARMED,	/* it armed the owner, and kicked it */
	UPCALL_SENT_PENDING,	/* nothing: the owner was armed already */
	UPCALL_SENT_COALESCED,	/* nothing: struct upcall has it pending */
	UPCALL_SENT_WOKEN,	/* it woke the owner from WAIT or SUSPEND */
	UPCALL_SENT_ASLEEP,	/* nothing: that waits for a higher priority */
	UPCALL_SENT_INTERRUPTED, /* it ended the call the owner may sleep in */
	UPCALL_SENT_EXPIRED,	/* a timer's expiry saw to that before */
	UPCALL_SENT_SLEPT,	/* nothing: the owner is awake, and about to do so */
};

/* Why the highest pending upcall is held back. */
enum upcall_held {
	UPCALL_HELD_NOT,
	UPCALL_HELD_PENDING,	/* pending is set */
	UPCALL_HELD_CRIT,	/* crit_count is not below its priority */
	UPCALL_HELD_MIN_PRIO,	/* DISPATCH of -1 asks for a higher one */
	UPCALL_HELD_MODE,	/* ctxfunc could not run where the task is */
	UPCALL_HELD_FAULT,	/* the frame or struct upcall can't be written */
};

/* What came of applying the rules. But for the first two, nothing. */
enum upcall_outcome {
	UPCALL_SETTLED,		/* nothing is to be entered */
	UPCALL_ENTERED,		/* current enters an upcall */
	UPCALL_TO_PREPARE,	/* an upcall may be entered, but not here */
	UPCALL_FAULT_READ,	/* struct upcall has to be readable for that */
	UPCALL_FAULT_WRITE,	/* struct upcall has to be writable */
	UPCALL_FAULT_FRAME,	/* the stack has to be */
};

/**
 * struct upcall_entry - a registered upcall
 * @node:	in its owner's queue, while pending but not the first
 * @owned:	in its owner's list of all upcalls
 * @owner:	the task's, whose it is
 * @target:	where it leads
 * @id:		its identifier, positive
 * @priority:	at which it is pending, 0 if it isn't
 * @alarm:	its timer, or NULL
 */
struct upcall_entry {
	struct rb_node		node;
	struct list_head	owned;
	struct upcall_owner	*owner;
	struct upcall_target	target;
	int			id;
	int			priority;
#ifdef CONFIG_UPCALL_TIMER
	struct upcall_alarm	*alarm;
#endif
};

/* The part of struct upcall that the rules are about. */
struct upcall_state {
	s32	crit_count;
	s32	pending;
};

/**
 * struct upcall_told - what ONBLOCK and ONWAKE were given
 * @id:		an upcall that there may be no more, or 0
 * @priority:	at which it becomes pending, 1 or more
 */
struct upcall_told {
	int	id;
	int	priority;
};

/**
 * struct upcall_owner - a task that has registered upcalls
 * @upc:	its struct upcall, as last registered
 * @abi:	of the system calls that registered its upcalls
 * @task:	the task
 * @table:	the table of the mm it registered in
 * @first:	its first pending upcall: that of the highest priority, among
 *		equals the one longest pending at that priority
 * @rest:	its other pending upcalls, in that order
 * @last:	the last of them
 * @nr_rest:	how many they are
 * @owned:	all its upcalls
 * @registered:	how many they are
 * @armed:	it evaluates its queue before it runs user code again, unless
 *		it is stepped: then, when that is over
 * @kick_skipped: a dispatch since its last evaluation may not have armed it
 * @interrupt:	an INTERRUPT since then ends the call that it is in
 * @end_queued:	@end_sleep is queued
 * @end_sleep:	task work of an INTERRUPT
 * @wait:	the lowest priority it sleeps for in WAIT or SUSPEND, or 0
 * @redispatch:	the lowest priority of a DISPATCH of -1 that was left to
 *		the way to user mode, or 0
 * @rest_prio:	the lowest priority that a restarted WAIT or SUSPEND sleeps for
 * @slept:	a sleep was told, and it has not been on its way to user mode since
 * @on_block:	what its sleeps dispatch, another task's
 * @on_wake:	what is pending after a sleep that was told, its own
 * @expired:	its timers that have expired, and whose upcalls are not queued
 */
struct upcall_owner {
	struct upcall __user	*upc;
	enum arch_upcall_abi	abi;
	struct task_struct	*task;
	struct upcall_table	*table;
	struct upcall_entry	*first;
	struct rb_root_cached	rest;
	struct upcall_entry	*last;
	unsigned int		nr_rest;
	struct list_head	owned;
	unsigned int		registered;
	bool			armed;
	bool			kick_skipped;
	bool			interrupt;
	bool			end_queued;
	struct callback_head	end_sleep;
	int			wait;
	int			redispatch;
	int			rest_prio;
#ifdef CONFIG_UPCALL_BLOCK
	bool			slept;
	struct upcall_told	on_block;
	struct upcall_told	on_wake;
#endif
#ifdef CONFIG_UPCALL_TIMER
	struct llist_head	expired;
#endif
};

/**
 * struct upcall_table - the upcalls of an mm
 * @lock:	guards all below, the entries, and the owners' queues
 * @count:	entries in the table
 * @size:	number of slots, a power of two and at least twice @count
 * @moved:	while the table grows: the slots below this are in @grown
 * @slots:	entry with identifier id is in slot id % @size, alone
 * @grown:	while the table grows: twice as many slots
 * @last_id:	the identifier given out last
 * @grow:	held while the table grows
 */
struct upcall_table {
	spinlock_t		lock;	/* innermost but for waking a task */
	unsigned int		count;
	unsigned int		size;
	unsigned int		moved;
	struct upcall_entry	**slots;
	struct upcall_entry	**grown;
	int			last_id;
	struct mutex		grow;	/* outside @lock */
};

/* The slot for identifier @id. Under the lock. */
static inline struct upcall_entry **upcall_slot(struct upcall_table *table,
						int id)
{
	unsigned int slot = id & (table->size - 1);

	if (unlikely(slot < table->moved))
		return &table->grown[id & (2 * table->size - 1)];
	return &table->slots[slot];
}

/* The upcall @id, or NULL. Under the lock. */
static inline struct upcall_entry *upcall_find(struct upcall_table *table,
					       int id)
{
	unsigned int slot = id & (table->size - 1);
	struct upcall_entry *e;

	if (unlikely(slot < table->moved))
		e = *upcall_slot(table, id);
	else
		e = table->slots[slot];
	return e && e->id == id ? e : NULL;
}

/*
 * Does @owner, current's, own an upcall? Others may delete what it owns at any
 * time, but only current registers more.
 */
static inline bool upcall_owns_some(struct upcall_owner *owner)
{
	return READ_ONCE(owner->registered);
}

/* Does it own upcalls of another ABI than @abi? A kernel may have only one. */
static inline bool upcall_other_abi(struct upcall_owner *owner,
				    enum arch_upcall_abi abi)
{
	return IS_ENABLED(CONFIG_COMPAT) && owner->abi != abi &&
	       upcall_owns_some(owner);
}

/* The table of current's mm, or NULL. */
static inline struct upcall_table *upcall_own_table(void)
{
	/* Pairs with the cmpxchg() in upcall_get_table(). */
	return smp_load_acquire(&current->mm->upcalls);
}

/* table.c */
extern unsigned int upcall_max;
int upcall_register(struct upcall __user *upc,
		    const struct upcall_target *target);
long upcall_delete(int id);
long upcall_delete_own(void);

/* dispatch.c */
long upcall_dispatch(int id, int priority, bool interrupt);
long upcall_redispatch(int min_prio);
void upcall_notify(struct upcall_entry *e, bool interrupt);
void upcall_init_interrupt(struct upcall_owner *owner);
void upcall_drop_interrupt(struct upcall_owner *owner);
long upcall_poll(int id, int priority, bool clear);
long upcall_poll_own(int priority, bool clear);

/* wait.c */
long upcall_wait(int priority);
long upcall_suspend(int priority);

/* core.c */
enum upcall_outcome upcall_apply_in_call(struct upcall_owner *owner,
					 int min_prio, long ret);
long upcall_end_call(struct upcall_owner *owner, enum upcall_outcome outcome,
		     int min_prio, long ret);
long upcall_deliver_later(struct upcall_owner *owner, int min_prio, long ret);
long upcall_deliver_at_exit(struct upcall_owner *owner, int min_prio, long ret);
long upcall_next(void __user *from);

#endif /* _KERNEL_UPCALL_H */
