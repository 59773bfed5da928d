// SPDX-License-Identifier: GPL-2.0
/*
 * The queue of pending upcalls. The first is kept apart, the rest are in a
 * tree: one that is alone costs nothing, and the places at the ends are found
 * without a walk.
 */

#include "queue.h"

static struct upcall_entry *upcall_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct upcall_entry, node);
}

/* Does @e precede those that are pending at @priority? */
static bool upcall_precedes(struct upcall_entry *e, int priority, bool at_head)
{
	return e->priority > priority || (at_head && e->priority == priority);
}

/* Both ends are at hand; only a place between others is searched for. */
static void upcall_tree_add(struct upcall_owner *owner, struct upcall_entry *e,
			    bool at_head)
{
	struct rb_node **link = &owner->rest.rb_root.rb_node;
	struct rb_node *parent = NULL, *head = rb_first_cached(&owner->rest);
	bool first = false;

	if (!owner->last || !upcall_precedes(e, owner->last->priority, at_head)) {
		if (head) {
			parent = &owner->last->node;
			link = &parent->rb_right;
		}
		first = !head;
		owner->last = e;
	} else if (upcall_precedes(e, upcall_of(head)->priority, at_head)) {
		parent = head;
		link = &parent->rb_left;
		first = true;
	}
	while (*link) {
		parent = *link;
		if (upcall_precedes(e, upcall_of(parent)->priority, at_head))
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&e->node, parent, link);
	rb_insert_color_cached(&e->node, &owner->rest, first);
	owner->nr_rest++;
}

static void upcall_tree_del(struct upcall_owner *owner, struct upcall_entry *e)
{
	if (owner->last == e)
		owner->last = upcall_of(rb_prev(&e->node));
	rb_erase_cached(&e->node, &owner->rest);
	owner->nr_rest--;
}

/* upcall_enqueue(), where there is a first one. */
void __upcall_enqueue(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;
	struct upcall_entry *first = owner->first;
	bool new_first = e->priority > first->priority;

	/* The one before it goes in front of its equals, where it was. */
	if (new_first)
		WRITE_ONCE(owner->first, e);
	upcall_tree_add(owner, new_first ? first : e, new_first);
}

/* upcall_dequeue(), where there are others. */
void __upcall_dequeue(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;

	if (owner->first == e) {
		e = upcall_of(rb_first_cached(&owner->rest));
		WRITE_ONCE(owner->first, e);
	}
	upcall_tree_del(owner, e);
}
