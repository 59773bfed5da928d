// SPDX-License-Identifier: MIT
/*
 * upc_register() and upc_control() as C functions: what they return, -1 and
 * errno if they fail, each command's form, and NEXT's errors with the
 * registers of its caller intact.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include "tap.h"
#include "arch.h"

static struct upcall upc = UPCALL_INITIALIZER;
static int entered;
static void *seen;

static void cfunc(void *data)
{
	entered++;
	seen = data;
}

static int control(int command, int id, int priority)
{
	errno = 0;
	return upc_control(command, id, UPC_PRIO(priority));
}

/* -errno, or what was returned; a failure that is not -1 shows. */
static int outcome(int ret)
{
	if (ret == -1)
		return errno ? -errno : -9999;
	return ret < 0 ? -9998 : ret;
}

#define CONTROL(c, id, prio)	outcome(control(UPC_CONTROL_##c, id, prio))

static int reg(struct upcall *u, upcall_func_t ctx, upcall_func_t func)
{
	errno = 0;
	return outcome(upc_register(u, ctx, func, NULL));
}

/* A task to wait in: dispatched to until it has gone through. */
static struct upcall other = UPCALL_INITIALIZER;
static volatile int waiter_id, waiter_over, waiter_in_section;
static volatile int waited, suspended, suspended_count, waiter_entered;

static void waiter_cfunc(void *data)
{
	(void)data;
	waiter_entered++;
}

static void *waiter(void *arg)
{
	waiter_id = upc_register(&other, upc_callused_wrapper, waiter_cfunc,
				 NULL);
	waited = upc_control(UPC_CONTROL_WAIT, -1, NULL);
	upc_crit_enter(&other);
	waiter_in_section = 1;
	suspended = upc_control(UPC_CONTROL_SUSPEND, -1, NULL);
	suspended_count = other.crit_count;
	waiter_over = 1;
	return arg;
}

int main(void)
{
	struct upcall bad = { UPCALL_MAGIC + 1, 0, 0 };
	struct upcall *odd = (struct upcall *)((char *)&upc + 1);
	upcall_func_t ctx = upc_callused_wrapper;
	pthread_t thread;
	int id, ret, dead;
	char tag;

	need_upcalls();
	tap_plan(42);

	is(reg(&bad, ctx, cfunc), -EINVAL, "register: wrong magic");
	is(reg(odd, ctx, cfunc), -EINVAL, "register: unaligned structure");
	is(reg((struct upcall *)16, ctx, cfunc), -EFAULT,
	   "register: unreadable structure");
	is(reg(&upc, (upcall_func_t)-4096L, cfunc), -EFAULT,
	   "register: ctxfunc in the kernel");
	is(reg(&upc, ctx, (upcall_func_t)-4096L), -EFAULT,
	   "register: cfunc in the kernel");

	errno = 77;
	id = upc_register(&upc, ctx, cfunc, &tag);
	ok(id > 0, "register: a positive id");
	is(errno, 77, "success leaves errno alone");

	is(CONTROL(DISPATCH, id, 0), 0, "dispatch");
	is(entered, 1, "entered");
	ok(seen == &tag, "with its data");

	is(CONTROL(POLL, id, 0), 0, "poll: not pending");
	is(CONTROL(POLL, -1, 0), 0, "poll -1: none pending");
	upc_crit_enter(&upc);
	is(CONTROL(DISPATCH, id, 5), 0, "dispatch in a section");
	is(CONTROL(POLL, id, 0), 1, "poll: pending");
	is(CONTROL(POLL, id, 5), 1, "poll: with its priority");
	is(CONTROL(POLL, id, 6), 0, "poll: not with a higher one");
	is(CONTROL(POLL, -1, 0), id, "poll -1: its id");
	is(CONTROL(POLLANDCLEAR, id, 6), 0, "pollandclear: too high");
	is(CONTROL(POLLANDCLEAR, id, 1), 1, "pollandclear: cleared");
	is(CONTROL(POLLANDCLEAR, id, 1), 0, "pollandclear: no longer");
	upc_crit_exit(&upc);
	is(entered, 1, "and not entered");

	is(CONTROL(DISPATCH, -1, 0), 0, "dispatch -1 with none pending");
	upc_crit_enter(&upc);
	CONTROL(DISPATCH, id, 5);
	upc.crit_count -= UPC_CRITADD;
	is(CONTROL(DISPATCH, -1, 0), 0, "dispatch -1 with one");
	is(entered, 2, "entered");

	is(outcome(control(0, -1, 0)), -EINVAL, "command 0");
	is(outcome(control(8, -1, 0)), -EINVAL, "command 8");
	is(outcome(control(INT_MIN, id, 0)), -EINVAL, "command INT_MIN");

	dead = upc_register(&upc, ctx, cfunc, NULL);
	is(CONTROL(DELETE, dead, 0), 0, "delete");
	is(CONTROL(DELETE, dead, 0), -ENOENT, "delete: a dead id");
	is(CONTROL(DISPATCH, dead, 1), -ENOENT, "dispatch: a dead id");
	is(CONTROL(POLL, dead, 1), -ENOENT, "poll: a dead id");

	errno = 0;
	ok(arch_next_keeps(id, &tag, &ret), "NEXT with an id: registers kept");
	is(outcome(ret), -EINVAL, "NEXT with an id");
	errno = 0;
	ok(arch_next_keeps(-1, (void *)16, &ret), "NEXT at 16: registers kept");
	is(outcome(ret), -EFAULT, "NEXT at 16");

	if (pthread_create(&thread, NULL, waiter, NULL))
		tap_bail("pthread_create");
	while (!waiter_id)
		sched_yield();
	/* Before it waits the dispatch may be entered first: dispatch again. */
	while (!waiter_in_section) {
		CONTROL(DISPATCH, waiter_id, 3);
		sched_yield();
	}
	while (!waiter_over) {
		CONTROL(DISPATCH, waiter_id, 3);
		sched_yield();
	}
	pthread_join(thread, NULL);
	is(waited, waiter_id, "wait returns the id");
	is(suspended, waiter_id, "suspend returns the id");
	is(suspended_count, 0, "and has left the section");
	ok(waiter_entered >= 2, "both were entered");
	is(CONTROL(DISPATCH, waiter_id, 1), -ENOENT, "the owner has exited");

	is(CONTROL(DELETE, -1, 0), 0, "delete -1");
	is(CONTROL(DISPATCH, id, 1), -ENOENT, "all gone");
	return tap_done();
}
