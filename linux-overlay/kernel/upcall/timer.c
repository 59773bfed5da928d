// SPDX-License-Identifier: GPL-2.0
/*
 * Timers: an upcall is dispatched when a time has come. timer.h shows how, and
 * that no expiry is lost.
 *
 * The clock is CLOCK_MONOTONIC. Setting the time does not change it, and it
 * stands while the system is suspended. There is no timer of CPU time: the
 * kernel's own go by the tick, and perf's, which do not, are limited in their
 * number and rate by what an administrator allows perf.
 */

#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <linux/uaccess.h>

#include <trace/events/upcall.h>

#include "dispatch.h"
#include "queue.h"
#include "timer.h"

static_assert(sizeof(struct upcall_timer) == 24);

/*
 * In an interrupt, on the CPU that the timer was started on: while the owner has
 * not left that, no other interrupt has to be sent.
 * With PREEMPT_RT in the thread that runs all timers of user programs there.
 * The timer, its entry and the owner are there as long as it can run.
 */
static enum hrtimer_restart upcall_expire(struct hrtimer *hrtimer)
{
	struct upcall_alarm *alarm = container_of(hrtimer, struct upcall_alarm,
						  hrtimer);
	struct upcall_owner *owner = alarm->entry->owner;
	int wait, priority = alarm->priority;

	llist_add(&alarm->expired, &owner->expired);
	/* A full barrier, even if it found the list empty. */
	wait = READ_ONCE(owner->wait);
	if (wait && wait <= priority)
		wake_up_state(owner->task, TASK_INTERRUPTIBLE);
	set_notify_resume(owner->task);
	return HRTIMER_NORESTART;
}

/* upcall_take_expired(), where there is something. In the order of expiry. */
void __upcall_take_expired(struct upcall_owner *owner)
{
	struct llist_node *list = llist_del_all(&owner->expired);
	struct upcall_alarm *alarm, *next;

	list = llist_reverse_order(list);
	llist_for_each_entry_safe(alarm, next, list, expired) {
		alarm->resting = alarm->interval;
		upcall_raise(alarm->entry, alarm->priority);
		trace_upcall_dispatch(alarm->entry, UPCALL_SENT_EXPIRED);
	}
}

/* upcall_timer_go_on() of one that rests. Times gone by are left out. */
void __upcall_timer_go_on(struct upcall_alarm *alarm)
{
	alarm->resting = false;
	hrtimer_forward_now(&alarm->hrtimer, ns_to_ktime(alarm->interval));
	hrtimer_start_expires(&alarm->hrtimer, HRTIMER_MODE_ABS_PINNED);
}

/* If it has expired its upcall is pending, and stays so. */
static void upcall_timer_stop(struct upcall_alarm *alarm)
{
	hrtimer_cancel(&alarm->hrtimer);
	upcall_show_expired(alarm->entry->owner);
	alarm->resting = false;
}

/* upcall_timer_delete() of one that has a timer. */
void __upcall_timer_delete(struct upcall_entry *e)
{
	upcall_timer_stop(e->alarm);
	kfree(e->alarm);
	e->alarm = NULL;
}

/* The function that does both is in newer kernels, as is the macro. */
static void upcall_alarm_init(struct upcall_alarm *alarm)
{
#ifdef timer_container_of
	hrtimer_setup(&alarm->hrtimer, upcall_expire, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_PINNED);
#else
	hrtimer_init(&alarm->hrtimer, CLOCK_MONOTONIC,
		     HRTIMER_MODE_ABS_PINNED);
	alarm->hrtimer.function = upcall_expire;
#endif
}

static void upcall_timer_start(struct upcall_alarm *alarm,
			       const struct upcall_timer *spec)
{
	enum hrtimer_mode mode = HRTIMER_MODE_REL_PINNED;
	ktime_t value = ns_to_ktime(spec->value);

	if (spec->clock & UPCALL_TIMER_ABSTIME) {
		mode = HRTIMER_MODE_ABS_PINNED;
		value = timens_ktime_to_host(CLOCK_MONOTONIC, value);
	}
	alarm->priority = max(spec->priority, 1);
	alarm->interval = spec->interval;
	hrtimer_start(&alarm->hrtimer, value, mode);
}

/*
 * Sets the timer of upcall @id, of current's. A new one is taken from @spare:
 * -EAGAIN if there has to be one. Under the lock.
 */
static int upcall_timer_set(struct upcall_owner *owner, int id,
			    const struct upcall_timer *spec,
			    struct upcall_alarm **spare)
{
	struct upcall_entry *e = upcall_find(owner->table, id);

	if (!e || e->owner != owner)
		return -ENOENT;
	if (e->alarm)
		upcall_timer_stop(e->alarm);
	if (!spec->value)
		return 0;
	if (!e->alarm) {
		if (!*spare)
			return -EAGAIN;
		e->alarm = *spare;
		e->alarm->entry = e;
		*spare = NULL;
	}
	upcall_timer_start(e->alarm, spec);
	return 0;
}

static int upcall_timer_read(struct upcall_timer *spec,
			     const struct upcall_timer __user *from)
{
	if (copy_from_user(spec, from, sizeof(*spec)))
		return -EFAULT;
	if (spec->value < 0 || spec->interval < 0)
		return -EINVAL;
	switch (spec->clock & ~UPCALL_TIMER_ABSTIME) {
	case CLOCK_MONOTONIC:
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/**
 * upcall_timer - UPC_CONTROL_TIMER
 * @id:		an upcall of current's own
 * @from:	when it is to be dispatched
 *
 * Return: 0, -EFAULT, -EINVAL, -EOPNOTSUPP, -ENOENT, or -ENOMEM. A call that
 * fails changes nothing.
 */
long upcall_timer(int id, const struct upcall_timer __user *from)
{
	struct upcall_owner *owner = current->upcall;
	struct upcall_alarm *spare = NULL;
	struct upcall_timer spec;
	int ret = upcall_timer_read(&spec, from);

	if (ret)
		return ret;
	if (!owner)
		return -ENOENT;
	spin_lock(&owner->table->lock);
	ret = upcall_timer_set(owner, id, &spec, &spare);
	spin_unlock(&owner->table->lock);
	if (ret != -EAGAIN)
		return ret;

	spare = kcalloc(1, sizeof(*spare), GFP_KERNEL_ACCOUNT);
	if (!spare)
		return -ENOMEM;
	upcall_alarm_init(spare);
	spin_lock(&owner->table->lock);
	ret = upcall_timer_set(owner, id, &spec, &spare);
	spin_unlock(&owner->table->lock);
	kfree(spare);
	return ret;
}
