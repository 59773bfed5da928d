/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reference for upcalls, to hold the kernel against: what upcall.rst says of
 * one task that alone dispatches to itself, in the order it says it. It is
 * written to be compared with that text, not to be fast, and knows nothing of
 * how the kernel does it.
 *
 * The program calls the reference before it does a step, and gets what has to
 * come of that: an upcall to be entered, in ->enters, or none, and what the
 * call returns. Its context functions do so too, when they leave.
 *
 * Of several struct upcall that the program has, ->upc is the one in use. An
 * upcall is left, and a critical section too, by the one it was entered by.
 */
#ifndef UPCALL_REFERENCE_H
#define UPCALL_REFERENCE_H

#include "upcall_test.h"

#define REF_MAX		24	/* upcalls at a time */
#define REF_UPCS	4	/* struct upcall */
#define REF_NO_ID	(-1)	/* registered, but the call is not over yet */

/* A struct upcall. */
struct ref_upc {
	int crit_count;
	int pending;
};

struct ref_upcall {
	int id;			/* 0: this place is free */
	int priority;		/* pending at, or 0 */
	unsigned int since;	/* pending at that priority since */
	bool way_b;
};

struct ref {
	struct ref_upc upcs[REF_UPCS];
	struct ref_upc *upc;	/* as last registered, or NULL */
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

/* Section 4, rules 1 and 2; only for upcalls of min_prio or more. */
static inline void ref_rules(struct ref *ref, int min_prio)
{
	struct ref_upcall *u = ref_highest(ref);
	struct ref_upc *upc = ref->upc;

	ref->enters = NULL;
	if (!u)
		return;
	if (upc->pending || upc->crit_count >= u->priority ||
	    u->priority < min_prio) {
		if (upc->pending < u->priority)
			upc->pending = u->priority;
		return;
	}
	u->priority = 0;
	upc->crit_count += UPC_CRITADD;
	upc->pending = ref_highest_priority(ref);
	ref->enters = u;
}

static inline bool ref_is_full(struct ref *ref)
{
	int i;

	for (i = 0; i < REF_MAX; i++)
		if (!ref->up[i].id)
			return false;
	return true;
}

/*
 * Section 3. The caller sets the identifier when it knows it. If the structure
 * is another than before, what is pending is judged by it: ref_rules().
 */
static inline struct ref_upcall *ref_register(struct ref *ref,
					      struct ref_upc *upc, bool way_b)
{
	struct ref_upcall *u = ref->up;

	while (u->id)
		u++;
	*u = (struct ref_upcall) { .id = REF_NO_ID, .way_b = way_b };
	ref->upc = upc;
	return u;
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
static inline int ref_redispatch(struct ref *ref, int min_prio)
{
	ref->upc->pending = 0;
	ref_rules(ref, ref_at_least_1(min_prio));
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
	ref->upc->crit_count -= UPC_CRITADD;
	ref->upc->pending = 0;
	return ref_wait(ref, priority);
}

/*
 * cfunc has returned, in an upcall that was entered by upc. Either way (A), or
 * (B), section 5; NEXT uses the structure that is in use by then.
 */
static inline void ref_leave(struct ref *ref, struct ref_upc *upc, bool way_b)
{
	ref->enters = NULL;
	if (!way_b)
		upc->pending = 1;
	upc->crit_count -= UPC_CRITADD;
	if (upc->pending)
		ref_redispatch(ref, 1);
}

#endif /* UPCALL_REFERENCE_H */
