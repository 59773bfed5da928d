/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reference for upcalls, to hold the kernel against: what upcall.rst says of
 * one task that alone dispatches to itself, in the order it says it. It is
 * written to be compared with that text, not to be fast, and knows nothing of
 * how the kernel does it.
 *
 * The reference is told what the program is about to do, and says what has to
 * come of that: an upcall to be entered, in ->enters, or none, and what the
 * call returns. An upcall that is entered, and left, is told to it too.
 */
#ifndef UPCALL_REFERENCE_H
#define UPCALL_REFERENCE_H

#include "upcall_test.h"

#define REF_MAX		24	/* upcalls at a time */

struct ref_upcall {
	int id;			/* 0: this place is free */
	int priority;		/* pending at, or 0 */
	unsigned int since;	/* pending at that priority since */
	bool way_b;
};

struct ref {
	int crit_count;
	int pending;
	struct ref_upcall *enters;
	unsigned int clock;
	struct ref_upcall up[REF_MAX];
};

static inline int ref_at_least_1(int priority)
{
	return priority < 1 ? 1 : priority;
}

static inline struct ref_upcall *ref_find(struct ref *ref, int id)
{
	int i;

	for (i = 0; i < REF_MAX; i++)
		if (id > 0 && ref->up[i].id == id)
			return &ref->up[i];
	return NULL;
}

/* The highest that is pending, among equals the one that was so first. */
static inline struct ref_upcall *ref_highest(struct ref *ref)
{
	struct ref_upcall *best = NULL, *u;

	for (u = ref->up; u < ref->up + REF_MAX; u++) {
		if (!u->id || !u->priority)
			continue;
		if (!best || u->priority > best->priority ||
		    (u->priority == best->priority && u->since < best->since))
			best = u;
	}
	return best;
}

static inline int ref_highest_priority(struct ref *ref)
{
	struct ref_upcall *u = ref_highest(ref);

	return u ? u->priority : 0;
}

/* Section 4, rules 1 and 2; only for upcalls of at least @least. */
static inline void ref_rules(struct ref *ref, int least)
{
	struct ref_upcall *u = ref_highest(ref);

	ref->enters = NULL;
	if (!u)
		return;
	if (ref->pending || ref->crit_count >= u->priority ||
	    u->priority < least) {
		if (ref->pending < u->priority)
			ref->pending = u->priority;
		return;
	}
	u->priority = 0;
	ref->crit_count += UPC_CRITADD;
	ref->pending = ref_highest_priority(ref);
	ref->enters = u;
}

static inline void ref_register(struct ref *ref, int id, bool way_b)
{
	struct ref_upcall *u = ref->up;

	while (u->id)
		u++;
	*u = (struct ref_upcall) { .id = id, .way_b = way_b };
}

/* Marks it pending; what becomes of that is up to ref_rules(). */
static inline int ref_mark(struct ref *ref, int id, int priority)
{
	struct ref_upcall *u = ref_find(ref, id);

	if (!u)
		return -ENOENT;
	priority = ref_at_least_1(priority);
	if (priority > u->priority) {
		u->priority = priority;
		u->since = ref->clock++;
	}
	return 0;
}

static inline int ref_dispatch(struct ref *ref, int id, int priority)
{
	int ret = ref_mark(ref, id, priority);

	if (!ret)
		ref_rules(ref, 0);
	return ret;
}

/* DISPATCH of -1, and NEXT: pending is acknowledged. */
static inline int ref_redispatch(struct ref *ref, int least)
{
	ref->pending = 0;
	ref_rules(ref, ref_at_least_1(least));
	return 0;
}

static inline int ref_delete(struct ref *ref, int id)
{
	struct ref_upcall *u = ref_find(ref, id);

	if (!u)
		return -ENOENT;
	u->id = 0;
	return 0;
}

static inline int ref_delete_own(struct ref *ref)
{
	int i;

	for (i = 0; i < REF_MAX; i++)
		ref->up[i].id = 0;
	return 0;
}

static inline int ref_poll(struct ref *ref, int id, int priority, bool clear)
{
	struct ref_upcall *u = ref_find(ref, id);
	int ret;

	if (!u)
		return -ENOENT;
	ret = u->priority >= ref_at_least_1(priority);
	if (ret && clear)
		u->priority = 0;
	return ret;
}

/* 0 where the manual page lets any registered upcall's id be returned, too. */
static inline int ref_poll_own(struct ref *ref, int priority, bool clear)
{
	struct ref_upcall *u = ref_highest(ref);

	if (!u || u->priority < ref_at_least_1(priority))
		return 0;
	if (clear)
		u->priority = 0;
	return u->id;
}

/* For WAIT, whether there is something to return for at once: its id. */
static inline int ref_wait(struct ref *ref, int priority)
{
	int id = ref_poll_own(ref, priority, false);

	ref_rules(ref, 0);
	return id ? id : -EINTR;
}

static inline int ref_suspend(struct ref *ref, int priority)
{
	ref->crit_count -= UPC_CRITADD;
	ref->pending = 0;
	return ref_wait(ref, priority);
}

/* cfunc has returned. Either way (A), or (B), section 5. */
static inline void ref_leave(struct ref *ref, bool way_b)
{
	ref->enters = NULL;
	if (!way_b)
		ref->pending = 1;
	ref->crit_count -= UPC_CRITADD;
	if (ref->pending)
		ref_redispatch(ref, 1);
}

#endif /* UPCALL_REFERENCE_H */
