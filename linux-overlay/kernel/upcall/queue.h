/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_UPCALL_QUEUE_H
#define _KERNEL_UPCALL_QUEUE_H

/*
 * The queue of an owner's pending upcalls: the highest priority first, among
 * equals the one that has been pending at that priority longest. All is done
 * under the table's lock.
 */

#include "upcall.h"

void __upcall_enqueue(struct upcall_entry *e, bool at_head);
void __upcall_dequeue(struct upcall_entry *e);

/* @owner's highest pending upcall of at least @priority, or NULL. */
static inline struct upcall_entry *upcall_first(struct upcall_owner *owner,
						int priority)
{
	struct upcall_entry *e = owner->first;

	return e && e->priority >= priority ? e : NULL;
}

/**
 * upcall_enqueue - make an upcall pending
 * @e:		an upcall that is not pending
 * @priority:	at which it becomes pending, 1 or more
 * @at_head:	put it in front of its equals, where it was before
 */
static inline void upcall_enqueue(struct upcall_entry *e, int priority,
				  bool at_head)
{
	e->priority = priority;
	if (!e->owner->first)
		WRITE_ONCE(e->owner->first, e);
	else
		__upcall_enqueue(e, at_head);
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

#endif /* _KERNEL_UPCALL_QUEUE_H */
