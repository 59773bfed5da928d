/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_QUEUE_H
#define _KERNEL_UPCALL_QUEUE_H

/*
 * The queue of an owner's pending upcalls: the highest priority first, among
 * equals the one that has been pending at that priority longest. All is done
 * under the table's lock.
 */

#include "timer.h"
#include "upcall.h"

void __upcall_enqueue(struct upcall_entry *e);
void __upcall_dequeue(struct upcall_entry *e);

/* @owner's highest pending upcall of at least @priority, or NULL. */
static inline struct upcall_entry *upcall_first(struct upcall_owner *owner,
						int priority)
{
	struct upcall_entry *e = owner->first;

	return e && e->priority >= priority ? e : NULL;
}

/* The priority of the one after the first, of which there is one; 0 if none. */
static inline int upcall_priority_after(struct upcall_owner *owner)
{
	struct rb_node *node = rb_first_cached(&owner->rest);

	return node ? rb_entry(node, struct upcall_entry, node)->priority : 0;
}

/**
 * upcall_enqueue - make an upcall pending
 * @e:		an upcall that is not pending
 * @priority:	at which it becomes pending, 1 or more
 */
static inline void upcall_enqueue(struct upcall_entry *e, int priority)
{
	e->priority = priority;
	if (!e->owner->first)
		WRITE_ONCE(e->owner->first, e);
	else
		__upcall_enqueue(e);
}

/* The only way off the queue. @e is pending. */
static inline void upcall_dequeue(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;

	e->priority = 0;
	if (owner->first == e && !owner->last)
		WRITE_ONCE(owner->first, NULL);
	else
		__upcall_dequeue(e);
}

/* @e is pending no more: it is entered, or somebody has cleared it. */
static inline void upcall_consume(struct upcall_entry *e)
{
	upcall_dequeue(e);
	upcall_timer_go_on(e);
}

/* Makes @e pending at @priority or more. A raised one goes behind its equals. */
static inline void upcall_raise(struct upcall_entry *e, int priority)
{
	if (priority <= e->priority)
		return;
	if (e->priority)
		upcall_dequeue(e);
	upcall_enqueue(e, priority);
}

#endif /* _KERNEL_UPCALL_QUEUE_H */
