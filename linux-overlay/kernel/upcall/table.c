// SPDX-License-Identifier: GPL-2.0
/*
 * The upcalls of an mm: their identifiers, and the queues of pending ones.
 */

#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <trace/events/upcall.h>

#include "upcall.h"

/* Slots of a new table. Twice the least limit, so that it's never regrown. */
#define UPCALL_MIN_SLOTS	64

/* How many upcalls may be registered in one mm, see sysctl.c. */
unsigned int upcall_max __read_mostly = 4096;

/*
 * The queue: the first is kept apart, the rest are in a tree. One that is alone
 * costs nothing, and the places at the ends are found without a walk.
 */

static struct upcall_entry *upcall_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct upcall_entry, node);
}

/* Does @e precede those that are pending at @priority? */
static bool upcall_precedes(struct upcall_entry *e, int priority, bool again)
{
	return e->priority > priority || (again && e->priority == priority);
}

/* Both ends are at hand; only a place between others is searched for. */
static void upcall_tree_add(struct upcall_owner *owner, struct upcall_entry *e,
			    bool again)
{
	struct rb_node **link = &owner->rest.rb_root.rb_node;
	struct rb_node *parent = NULL, *least = rb_first_cached(&owner->rest);
	bool first = false;

	if (!owner->last || !upcall_precedes(e, owner->last->priority, again)) {
		if (least) {
			parent = &owner->last->node;
			link = &parent->rb_right;
		}
		first = !least;
		owner->last = e;
	} else if (upcall_precedes(e, upcall_of(least)->priority, again)) {
		parent = least;
		link = &parent->rb_left;
		first = true;
	}
	while (*link) {
		parent = *link;
		if (upcall_precedes(e, upcall_of(parent)->priority, again))
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&e->node, parent, link);
	rb_insert_color_cached(&e->node, &owner->rest, first);
	owner->others++;
}

static void upcall_tree_del(struct upcall_owner *owner, struct upcall_entry *e)
{
	if (owner->last == e)
		owner->last = upcall_of(rb_prev(&e->node));
	rb_erase_cached(&e->node, &owner->rest);
	owner->others--;
}

/* upcall_queue(), where there is a first one. */
void upcall_add_rest(struct upcall_entry *e, bool again)
{
	struct upcall_owner *owner = e->owner;
	struct upcall_entry *first = owner->first;

	if (upcall_precedes(e, first->priority, again)) {
		WRITE_ONCE(owner->first, e);
		e = first;
		again = true;
	}
	upcall_tree_add(owner, e, again);
}

/* upcall_dequeue(), where there are others. */
void upcall_del_rest(struct upcall_entry *e)
{
	struct upcall_owner *owner = e->owner;

	if (owner->first == e) {
		e = upcall_of(rb_first_cached(&owner->rest));
		WRITE_ONCE(owner->first, e);
	}
	upcall_tree_del(owner, e);
}

/* The table. */

/* Makes room for one more entry; drops the lock to allocate. */
static int upcall_grow(struct upcall_table *table)
	__must_hold(&table->lock)
{
	struct upcall_entry **slots, **old = table->slots;
	unsigned int i, size = table->size;

	spin_unlock(&table->lock);
	slots = kvcalloc(2 * size, sizeof(*slots),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	spin_lock(&table->lock);
	if (!slots)
		return -ENOMEM;

	if (table->size != size) {
		/* Somebody else did it meanwhile. */
		old = slots;
	} else {
		/* Two that shared no slot share none in twice as many. */
		for (i = 0; i < size; i++)
			if (old[i])
				slots[old[i]->id & (2 * size - 1)] = old[i];
		table->slots = slots;
		table->size = 2 * size;
	}

	spin_unlock(&table->lock);
	kvfree(old);
	spin_lock(&table->lock);
	return 0;
}

/* Identifiers go round, so that a stale one does not soon name another. */
static int upcall_next_id(struct upcall_table *table)
{
	int id = table->last_id;

	do {
		id = id == INT_MAX ? 1 : id + 1;
	} while (table->slots[id & (table->size - 1)]);
	return id;
}

int upcall_insert(struct upcall_table *table, struct upcall_entry *e)
{
	int ret = 0;

	spin_lock(&table->lock);
	while (!ret && table->count < READ_ONCE(upcall_max) &&
	       2 * (table->count + 1) > table->size)
		ret = upcall_grow(table);

	if (!ret && table->count >= READ_ONCE(upcall_max))
		ret = -EFBIG;
	if (!ret) {
		ret = upcall_next_id(table);
		e->id = ret;
		table->last_id = ret;
		table->slots[ret & (table->size - 1)] = e;
		table->count++;
		list_add(&e->owned, &e->owner->owned);
		e->owner->registered++;
	}
	spin_unlock(&table->lock);
	return ret;
}

/* Takes @e out of the table and off the queue; the caller frees it. */
void upcall_remove(struct upcall_table *table, struct upcall_entry *e)
{
	trace_upcall_delete(e);
	if (e->priority)
		upcall_dequeue(e);
	list_del(&e->owned);
	e->owner->registered--;
	table->slots[e->id & (table->size - 1)] = NULL;
	table->count--;
}

/* Deletes all upcalls of current. */
void upcall_delete_owned(struct upcall_owner *owner)
{
	struct upcall_table *table = owner->table;
	struct upcall_entry *e, *next;
	LIST_HEAD(dead);

	spin_lock(&table->lock);
	list_for_each_entry_safe(e, next, &owner->owned, owned) {
		upcall_remove(table, e);
		list_add(&e->owned, &dead);
	}
	spin_unlock(&table->lock);

	list_for_each_entry_safe(e, next, &dead, owned)
		kfree(e);
}

struct upcall_table *upcall_get_table(struct mm_struct *mm)
{
	struct upcall_table *table, *old;

	/* Pairs with the cmpxchg() below. */
	table = smp_load_acquire(&mm->upcalls);
	if (table)
		return table;

	table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	table->size = UPCALL_MIN_SLOTS;
	table->slots = kvcalloc(UPCALL_MIN_SLOTS, sizeof(*table->slots),
				GFP_KERNEL_ACCOUNT);
	if (!table->slots) {
		kfree(table);
		return NULL;
	}
	spin_lock_init(&table->lock);

	/* Another task of this mm may be here too: the first one wins. */
	old = cmpxchg(&mm->upcalls, NULL, table);
	if (old) {
		kvfree(table->slots);
		kfree(table);
	}
	return old ?: table;
}

struct upcall_owner *upcall_new_owner(void)
{
	struct upcall_table *table = upcall_get_table(current->mm);
	struct upcall_owner *owner;

	if (!table)
		return NULL;
	owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner)
		return NULL;
	owner->task = current;
	owner->table = table;
	owner->rest = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&owner->owned);
	return owner;
}

/*
 * Current alone changes this, and reads it without a lock. Others look with the
 * lock, see __upcall_proc_status(): after this nobody looks at the one before.
 */
void upcall_set_owner(struct upcall_owner *owner)
{
	task_lock(current);
	WRITE_ONCE(current->upcall, owner);
	task_unlock(current);
}

/* The tasks are gone, and took their upcalls with them. */
void __upcall_exit_mm(struct mm_struct *mm)
{
	kvfree(mm->upcalls->slots);
	kfree(mm->upcalls);
	mm->upcalls = NULL;
}
