/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM upcall

#if !defined(_TRACE_UPCALL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_UPCALL_H

/*
 * What happens to an upcall, see Documentation/userspace-api/upcall.rst. All
 * have the thread that owns it, so that one filter shows all of its upcalls,
 * whoever does something to them. No user memory is looked at: crit_count and
 * pending are as the rules had them.
 */

#include <linux/tracepoint.h>
#include <linux/upcall.h>

struct pt_regs;
struct upcall_entry;
struct upcall_owner;
struct upcall_state;

/* What a dispatch did to make the owner evaluate its queue. */
TRACE_DEFINE_ENUM(UPCALL_SENT_SELF);
TRACE_DEFINE_ENUM(UPCALL_SENT_ARMED);
TRACE_DEFINE_ENUM(UPCALL_SENT_PENDING);
TRACE_DEFINE_ENUM(UPCALL_SENT_COALESCED);
TRACE_DEFINE_ENUM(UPCALL_SENT_WOKEN);
TRACE_DEFINE_ENUM(UPCALL_SENT_ASLEEP);
TRACE_DEFINE_ENUM(UPCALL_SENT_INTERRUPTED);
TRACE_DEFINE_ENUM(UPCALL_SENT_EXPIRED);
TRACE_DEFINE_ENUM(UPCALL_SENT_SLEPT);

#define show_upcall_sent(sent) __print_symbolic(sent,	\
	{ UPCALL_SENT_SELF,	"self" },		\
	{ UPCALL_SENT_ARMED,	"armed" },		\
	{ UPCALL_SENT_PENDING,	"armed already" },	\
	{ UPCALL_SENT_COALESCED, "coalesced" },		\
	{ UPCALL_SENT_WOKEN,	"woken" },		\
	{ UPCALL_SENT_ASLEEP,	"left asleep" },	\
	{ UPCALL_SENT_INTERRUPTED, "interrupted" },	\
	{ UPCALL_SENT_EXPIRED,	"told by a timer" },	\
	{ UPCALL_SENT_SLEPT,	"awake" })

/* Why an upcall is held back. */
TRACE_DEFINE_ENUM(UPCALL_HELD_PENDING);
TRACE_DEFINE_ENUM(UPCALL_HELD_CRIT);
TRACE_DEFINE_ENUM(UPCALL_HELD_MIN_PRIO);
TRACE_DEFINE_ENUM(UPCALL_HELD_MODE);
TRACE_DEFINE_ENUM(UPCALL_HELD_FAULT);

#define show_upcall_held(held) __print_symbolic(held,	\
	{ UPCALL_HELD_PENDING,	"pending" },		\
	{ UPCALL_HELD_CRIT,	"crit_count" },		\
	{ UPCALL_HELD_MIN_PRIO,	"min_prio" },		\
	{ UPCALL_HELD_MODE,	"mode" },		\
	{ UPCALL_HELD_FAULT,	"fault" })

/* An upcall is registered. */
TRACE_EVENT(upcall_register,
	    TP_PROTO(const struct upcall_owner *owner, int id,
		     const struct upcall_target *target),

	    TP_ARGS(owner, id, target),

	    TP_STRUCT__entry(__field(pid_t, owner)
			     __field(int, id)
			     __field(unsigned long, upc)
			     __field(unsigned long, ctxfunc)
			     __field(unsigned long, cfunc)
			     __field(unsigned long, data)),

	    TP_fast_assign(__entry->owner = owner->task->pid;
			   __entry->id = id;
			   __entry->upc = (unsigned long)owner->upc;
			   __entry->ctxfunc = target->ctxfunc;
			   __entry->cfunc = target->cfunc;
			   __entry->data = target->data;),

	    TP_printk("owner=%d id=%d upc=%#lx ctxfunc=%#lx cfunc=%#lx data=%#lx",
		      __entry->owner, __entry->id, __entry->upc,
		      __entry->ctxfunc, __entry->cfunc, __entry->data));

/* An upcall was dispatched, and is pending at priority by that, or was. */
TRACE_EVENT(upcall_dispatch,
	    TP_PROTO(const struct upcall_entry *e, int sent),

	    TP_ARGS(e, sent),

	    TP_STRUCT__entry(__field(pid_t, owner)
			     __field(int, id)
			     __field(int, priority)
			     __field(int, sent)),

	    TP_fast_assign(__entry->owner = e->owner->task->pid;
			   __entry->id = e->id;
			   __entry->priority = e->priority;
			   __entry->sent = sent;),

	    TP_printk("owner=%d id=%d priority=%d owner_is=\"%s\"",
		      __entry->owner, __entry->id, __entry->priority,
		      show_upcall_sent(__entry->sent)));

/* An upcall is entered, with crit_count and pending as they are then. */
TRACE_EVENT(upcall_enter,
	    TP_PROTO(const struct upcall_entry *e,
		     const struct upcall_state *now, const void __user *frame),

	    TP_ARGS(e, now, frame),

	    TP_STRUCT__entry(__field(pid_t, owner)
			     __field(int, id)
			     __field(int, priority)
			     __field(int, crit_count)
			     __field(int, pending)
			     __field(unsigned long, ctxfunc)
			     __field(unsigned long, cfunc)
			     __field(unsigned long, frame)),

	    TP_fast_assign(__entry->owner = e->owner->task->pid;
			   __entry->id = e->id;
			   __entry->priority = e->priority;
			   __entry->crit_count = now->crit_count;
			   __entry->pending = now->pending;
			   __entry->ctxfunc = e->target.ctxfunc;
			   __entry->cfunc = e->target.cfunc;
			   __entry->frame = (unsigned long)frame;),

	    TP_printk("owner=%d id=%d priority=%d crit_count=%d pending=%d ctxfunc=%#lx cfunc=%#lx frame=%#lx",
		      __entry->owner, __entry->id, __entry->priority,
		      __entry->crit_count, __entry->pending, __entry->ctxfunc,
		      __entry->cfunc, __entry->frame));

/* The owner's highest stays pending: crit_count and pending before, and why. */
TRACE_EVENT(upcall_hold,
	    TP_PROTO(const struct upcall_owner *owner, const struct upcall_entry *e,
		     const struct upcall_state *was, int held),

	    TP_ARGS(owner, e, was, held),

	    TP_STRUCT__entry(__field(pid_t, owner)
			     __field(int, id)
			     __field(int, priority)
			     __field(int, crit_count)
			     __field(int, pending)
			     __field(int, held)),

	    TP_fast_assign(__entry->owner = owner->task->pid;
			   __entry->id = e->id;
			   __entry->priority = e->priority;
			   __entry->crit_count = was->crit_count;
			   __entry->pending = was->pending;
			   __entry->held = held;),

	    TP_printk("owner=%d id=%d priority=%d crit_count=%d pending=%d held_by=\"%s\"",
		      __entry->owner, __entry->id, __entry->priority,
		      __entry->crit_count, __entry->pending,
		      show_upcall_held(__entry->held)));

/* The owner is stepped, and evaluates its queue when that is over. */
TRACE_EVENT(upcall_defer,
	    TP_PROTO(const struct upcall_owner *owner, bool uprobe),

	    TP_ARGS(owner, uprobe),

	    TP_STRUCT__entry(__field(pid_t, owner)
			     __field(bool, uprobe)),

	    TP_fast_assign(__entry->owner = owner->task->pid;
			   __entry->uprobe = uprobe;),

	    TP_printk("owner=%d stepped_by=%s", __entry->owner,
		      __entry->uprobe ? "uprobe" : "tracer"));

/* NEXT is done: it goes on with another upcall, or with what was interrupted. */
TRACE_EVENT(upcall_next,
	    TP_PROTO(struct pt_regs *regs, bool another),

	    TP_ARGS(regs, another),

	    TP_STRUCT__entry(__field(pid_t, owner)
			     __field(bool, another)
			     __field(unsigned long, ip)
			     __field(unsigned long, sp)),

	    TP_fast_assign(__entry->owner = current->pid;
			   __entry->another = another;
			   __entry->ip = instruction_pointer(regs);
			   __entry->sp = user_stack_pointer(regs);),

	    TP_printk("owner=%d to=%s ip=%#lx sp=%#lx", __entry->owner,
		      __entry->another ? "another" : "interrupted",
		      __entry->ip, __entry->sp));

/* WAIT or SUSPEND: goes to sleep if id is 0, else is over with that result. */
TRACE_EVENT(upcall_wait,
	    TP_PROTO(const struct upcall_owner *owner, int priority, int id),

	    TP_ARGS(owner, priority, id),

	    TP_STRUCT__entry(__field(pid_t, owner)
			     __field(int, priority)
			     __field(int, id)),

	    TP_fast_assign(__entry->owner = owner->task->pid;
			   __entry->priority = priority;
			   __entry->id = id;),

	    TP_printk("owner=%d priority=%d id=%d", __entry->owner,
		      __entry->priority, __entry->id));

/* These end what was pending at priority, which is 0 if nothing was. */
DECLARE_EVENT_CLASS(upcall_end,
		    TP_PROTO(const struct upcall_entry *e),

		    TP_ARGS(e),

		    TP_STRUCT__entry(__field(pid_t, owner)
				     __field(int, id)
				     __field(int, priority)),

		    TP_fast_assign(__entry->owner = e->owner->task->pid;
				   __entry->id = e->id;
				   __entry->priority = e->priority;),

		    TP_printk("owner=%d id=%d priority=%d", __entry->owner,
			      __entry->id, __entry->priority));

/* POLLANDCLEAR. */
DEFINE_EVENT(upcall_end, upcall_clear,
	     TP_PROTO(const struct upcall_entry *e),

	     TP_ARGS(e));

/* DELETE, or the owner leaves the mm. */
DEFINE_EVENT(upcall_end, upcall_delete,
	     TP_PROTO(const struct upcall_entry *e),

	     TP_ARGS(e));

#endif /* _TRACE_UPCALL_H */

/* Must be outside of the protection. */
#include <trace/define_trace.h>
