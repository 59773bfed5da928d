// SPDX-License-Identifier: GPL-2.0
/*
 * The upcalls of an mm, by identifier: their registration and deletion, and the
 * life of what belongs to them.
 *
 * The table is an array of slots, at least twice as many as there are entries.
 * The entry with identifier id is in slot id % size, alone: an identifier whose
 * slot is taken is not given out. So a lookup is one access.
 *
 * Nothing that takes a time by the number of upcalls is done under the lock in
 * one go. Deleting all of a task's goes by batches, as does moving slots when the
 * table grows: upcall_slot() knows how far that has come. Registrations wait
 * meanwhile. So does the search for an identifier.
 */

#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <trace/events/upcall.h>

#include "dispatch.h"
#include "queue.h"

/* Slots of a new table: with the lowest limit, all that it ever needs. */
#define UPCALL_MIN_SLOTS	64

/* How many entries or slots are worked on without a pause under the lock. */
#define UPCALL_BATCH		64

/* How many upcalls may be registered in one mm, see sysctl.c. */
unsigned int upcall_max __read_mostly = 4096;

/* Zeroed, and charged to current's memory cgroup. */
static void *upcall_alloc(size_t size)
{
	return kzalloc(size, GFP_KERNEL_ACCOUNT);
}

/* The table. */

static struct upcall_table *upcall_get_table(struct mm_struct *mm)
{
	struct upcall_table *table, *old;

	/* Pairs with the cmpxchg() below. */
	table = smp_load_acquire(&mm->upcalls);
	if (table)
		return table;

	table = upcall_alloc(sizeof(*table));
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
	mutex_init(&table->grow);

	/* Another task of this mm may be here too: the first one wins. */
	old = cmpxchg(&mm->upcalls, NULL, table);
	if (old) {
		kvfree(table->slots);
		kfree(table);
	}
	return old ?: table;
}

/* Ends what was done under the lock for now, and lets others have it. */
static void upcall_pause(struct upcall_table *table)
	__must_hold(&table->lock)
{
	spin_unlock(&table->lock);
	cond_resched();
	spin_lock(&table->lock);
}

/* Moves all entries to @slots, of which there are twice as many. */
static void upcall_move(struct upcall_table *table, struct upcall_entry **slots)
	__must_hold(&table->lock)
{
	unsigned int i, size = table->size;
	struct upcall_entry *e;

	/* Nobody fills a slot from now on, see upcall_make_room(). */
	table->grown = slots;
	for (i = 0; i < size; i++) {
		if (i && !(i % UPCALL_BATCH))
			upcall_pause(table);
		/* Two that shared no slot share none in twice as many. */
		e = table->slots[i];
		if (e)
			slots[e->id & (2 * size - 1)] = e;
		table->moved = i + 1;
	}
	table->slots = slots;
	table->size = 2 * size;
	table->moved = 0;
	table->grown = NULL;
}

/* Makes a table of @size slots grow, or waits until somebody else has. */
static int upcall_grow(struct upcall_table *table, unsigned int size)
{
	struct upcall_entry **slots, **old = NULL;
	int ret = 0;

	mutex_lock(&table->grow);
	if (READ_ONCE(table->size) != size)
		goto out;
	slots = kvcalloc(2 * size, sizeof(*slots),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!slots) {
		ret = -ENOMEM;
		goto out;
	}
	spin_lock(&table->lock);
	old = table->slots;
	upcall_move(table, slots);
	spin_unlock(&table->lock);
out:
	mutex_unlock(&table->grow);
	kvfree(old);
	return ret;
}

/*
 * Is there room for one more entry? 0 if there is; -EAGAIN if the lock had to
 * be dropped to make some.
 */
static int upcall_make_room(struct upcall_table *table)
	__must_hold(&table->lock)
{
	unsigned int size = table->size;
	int ret;

	if (table->count >= READ_ONCE(upcall_max))
		return -EFBIG;
	if (!table->grown && 2 * (table->count + 1) <= size)
		return 0;
	spin_unlock(&table->lock);
	ret = upcall_grow(table, size);
	spin_lock(&table->lock);
	return ret ?: -EAGAIN;
}

/*
 * The next identifier whose slot is free. They go round, so that a stale one
 * does not soon name another. -EAGAIN if the lock had to be dropped, as many
 * slots in a row are taken.
 */
static int upcall_next_id(struct upcall_table *table)
	__must_hold(&table->lock)
{
	int n;

	for (n = 0; n < UPCALL_BATCH; n++) {
		table->last_id = table->last_id == INT_MAX ? 1 :
							     table->last_id + 1;
		if (!*upcall_slot(table, table->last_id))
			return table->last_id;
	}
	upcall_pause(table);
	return -EAGAIN;
}

/* Registration. */

static struct upcall_owner *upcall_new_owner(void)
{
	struct upcall_table *table = upcall_get_table(current->mm);
	struct upcall_owner *owner;

	if (!table)
		return NULL;
	owner = upcall_alloc(sizeof(*owner));
	if (!owner)
		return NULL;
	owner->task = current;
	owner->table = table;
	owner->rest = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&owner->owned);
	upcall_init_interrupt(owner);
	return owner;
}

/*
 * Current alone changes this, and reads it without a lock. Others read it with
 * the lock, see __upcall_proc_status(): after this nobody uses the one before.
 */
static void upcall_set_owner(struct upcall_owner *owner)
{
	task_lock(current);
	WRITE_ONCE(current->upcall, owner);
	task_unlock(current);
}

/*
 * The entry and its owner's struct upcall become visible in one step: each
 * dispatch is evaluated by the structure before or by this one. Those that are
 * pending were by the one before, so the owner does it again by this one.
 */
static void upcall_publish(struct upcall_entry *e, struct upcall __user *upc)
	__must_hold(&e->owner->table->lock)
{
	struct upcall_owner *owner = e->owner;
	struct upcall_table *table = owner->table;

	*upcall_slot(table, e->id) = e;
	table->count++;
	list_add(&e->owned, &owner->owned);
	WRITE_ONCE(owner->registered, owner->registered + 1);
	if (owner->upc != upc) {
		owner->upc = upc;
		if (owner->first)
			upcall_arm(owner);
	}
}

/* Enters @e into the table, and gives it an identifier, which is returned. */
static int upcall_insert(struct upcall_entry *e, struct upcall __user *upc)
{
	struct upcall_table *table = e->owner->table;
	int ret;

	spin_lock(&table->lock);
	do {
		ret = upcall_make_room(table);
		if (!ret)
			ret = upcall_next_id(table);
	} while (ret == -EAGAIN);
	if (ret > 0) {
		e->id = ret;
		upcall_publish(e, upc);
	}
	spin_unlock(&table->lock);
	return ret;
}

/**
 * upcall_register - register an upcall of current's
 * @upc:	its struct upcall, which has been checked
 * @target:	where the upcall leads, checked too
 *
 * If current had another struct upcall before, what is pending is evaluated by
 * the new one before the call returns.
 *
 * Return: the identifier. With nothing changed, -ENOMEM, -EFBIG, or -EINVAL if
 * current owns upcalls of another ABI than this call's.
 */
int upcall_register(struct upcall __user *upc,
		    const struct upcall_target *target)
{
	struct upcall_owner *owner = current->upcall ?: upcall_new_owner();
	enum arch_upcall_abi abi = arch_upcall_call_abi();
	struct upcall_entry *e;
	int ret = -ENOMEM;

	if (!owner)
		return -ENOMEM;
	if (upcall_other_abi(owner, abi))
		return -EINVAL;
	e = upcall_alloc(sizeof(*e));
	if (e) {
		e->owner = owner;
		e->target = *target;
		ret = upcall_insert(e, upc);
	}
	if (ret < 0) {
		kfree(e);
		if (!current->upcall)
			kfree(owner);
		return ret;
	}
	owner->abi = abi;
	if (!current->upcall)
		upcall_set_owner(owner);
	trace_upcall_register(owner, ret, target);
	return ret;
}

/* Deletion. */

/* Takes @e out of the table and off the queue; the caller frees it. */
static void upcall_remove(struct upcall_table *table, struct upcall_entry *e)
	__must_hold(&table->lock)
{
	struct upcall_owner *owner = e->owner;

	upcall_timer_delete(e);
	trace_upcall_delete(e);
	if (e->priority)
		upcall_dequeue(e);
	list_del(&e->owned);
	WRITE_ONCE(owner->registered, owner->registered - 1);
	*upcall_slot(table, e->id) = NULL;
	table->count--;
}

/**
 * upcall_delete - UPC_CONTROL_DELETE of an identifier
 * @id:		an upcall of any task in current's mm
 *
 * Return: 0, or -ENOENT.
 */
long upcall_delete(int id)
{
	struct upcall_table *table = upcall_own_table();
	struct upcall_entry *e;

	if (!table)
		return -ENOENT;
	spin_lock(&table->lock);
	e = upcall_find(table, id);
	if (e)
		upcall_remove(table, e);
	spin_unlock(&table->lock);

	if (!e)
		return -ENOENT;
	kfree(e);
	return 0;
}

/* Deletes some upcalls of current's. True if there are more. */
static bool upcall_delete_batch(struct upcall_owner *owner)
{
	struct upcall_table *table = owner->table;
	struct upcall_entry *e, *next;
	LIST_HEAD(dead);
	int n = 0;

	spin_lock(&table->lock);
	list_for_each_entry_safe(e, next, &owner->owned, owned) {
		if (n++ == UPCALL_BATCH)
			break;
		upcall_remove(table, e);
		list_add(&e->owned, &dead);
	}
	spin_unlock(&table->lock);

	list_for_each_entry_safe(e, next, &dead, owned)
		kfree(e);
	return n > UPCALL_BATCH;
}

static void upcall_delete_owned(struct upcall_owner *owner)
{
	while (upcall_delete_batch(owner))
		cond_resched();
}

/**
 * upcall_delete_own - UPC_CONTROL_DELETE of -1
 *
 * Return: 0.
 */
long upcall_delete_own(void)
{
	if (current->upcall)
		upcall_delete_owned(current->upcall);
	return 0;
}

/* upcall_release() of a task with an owner. */
void __upcall_release(struct task_struct *task)
{
	struct upcall_owner *owner = task->upcall;

	upcall_set_owner(NULL);
	upcall_delete_owned(owner);
	upcall_drop_interrupt(owner);
	kfree(owner);
}

/* upcall_exit_mm() with a table. The tasks are gone, with their upcalls. */
void __upcall_exit_mm(struct mm_struct *mm)
{
	kvfree(mm->upcalls->slots);
	kfree(mm->upcalls);
	mm->upcalls = NULL;
}
