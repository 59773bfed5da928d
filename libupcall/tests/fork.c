// SPDX-License-Identifier: MIT
/*
 * What a child inherits in its memory, and that upc_thread_init() begins anew
 * in it: crit_count is that of the code the child goes on with, pending stood
 * for upcalls of its parent. A child of vfork() has the memory, not a copy.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

/* In shared memory: what a child has found. */
static struct found {
	int	begun, count, pending, above, left, low, again, held, last;
} *found;

static struct upcall *self;
static int id, entered;

static void cfunc(void *data)
{
	(void)data;
	entered++;
}

/* How many entries that makes before it returns. */
static int dispatch(int priority)
{
	int before = entered;

	if (upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(priority)))
		tap_bail("dispatch");
	return entered - before;
}

static void reg(void)
{
	id = upc_register(self, upc_callused_wrapper, cfunc, NULL);
	if (id < 0)
		tap_bail("upc_register");
}

/* No handler of pthread_atfork() and nothing else of the C library runs. */
static pid_t raw_fork(void)
{
	return syscall(SYS_fork);
}

/* Runs fn in a child, which is forked in a section that holds an upcall. */
static void child_in_section(pid_t (*start)(void), void (*fn)(void))
{
	int status;
	pid_t pid;

	memset(found, -1, sizeof(*found));
	upc_self_crit_enter();
	if (dispatch(1))
		tap_bail("an upcall in a section");
	pid = start();
	if (!pid) {
		fn();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		tap_bail("child");
	upc_self_crit_exit();
}

static void begins(void)
{
	found->begun = upc_thread_init() == self;
	found->count = self->crit_count;
	found->pending = self->pending;
	reg();
	found->above = dispatch(33);
	upc_self_crit_exit();
	found->left = self->crit_count;
	found->low = dispatch(1);
}

static void check_begins(const char *who)
{
	is(found->begun, 1, who);
	is(found->count, 32, "is in the section that it was forked in");
	is(found->pending, 0, "has nothing pending");
	is(found->above, 1, "enters an upcall of its own above the section");
	is(found->left, 0, "leaves the section");
	is(found->low, 1, "and enters one of any priority");
}

static void grandchild(void)
{
	upc_thread_init();
	reg();
	upc_self_crit_exit();
	child_in_section(fork, begins);
}

/* Nothing can be made of pending at the end of the section: it owns nothing. */
static void leaves_first(void)
{
	upc_self_crit_exit();
	found->begun = upc_thread_init() == self;
	reg();
	found->low = dispatch(1);
}

static void begins_twice(void)
{
	int before = entered;

	upc_thread_init();
	reg();
	dispatch(1);
	found->begun = upc_thread_init() == self;
	found->pending = self->pending;
	upc_self_crit_exit();
	found->again = entered - before;
}

static void registers_first(void)
{
	int before = entered;

	reg();
	found->held = dispatch(1);
	upc_thread_init();
	upc_self_crit_exit();
	found->last = entered - before;
}

static void *thread(void *arg)
{
	struct upcall *mine = upc_thread_init();

	found->again = mine && mine != self && !mine->pending;
	return arg;
}

static void another_thread_first(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, thread, NULL) || pthread_join(t, NULL))
		_exit(1);
	begins();
}

static void vfork_child(void)
{
	int before, status;
	pid_t pid;

	upc_self_crit_enter();
	dispatch(1);
	before = entered;
	pid = vfork();
	if (!pid)
		_exit(upc_thread_init() != self);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		tap_bail("vfork");
	is(status, 0, "a child of vfork() finds its parent's");
	is(self->crit_count, 32, "and leaves crit_count alone");
	is(self->pending, 1, "and pending");
	upc_self_crit_exit();
	is(entered, before + 1, "so that the parent enters what was held");
}

int main(void)
{
	need_upcalls();
	tap_plan(35);
	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (found == MAP_FAILED)
		tap_bail("mmap");
	self = upc_thread_init();
	reg();

	child_in_section(fork, begins);
	check_begins("a child");
	child_in_section(raw_fork, begins);
	check_begins("a child made by the bare system call");
	child_in_section(fork, grandchild);
	check_begins("a child's child");
	child_in_section(fork, another_thread_first);
	is(found->again, 1, "a thread of a child's");
	check_begins("and the child after it");

	child_in_section(fork, leaves_first);
	is(found->begun, 1, "a child that leaves the section first");
	is(found->low, 1, "enters an upcall of its own too");

	child_in_section(fork, begins_twice);
	is(found->pending, 1, "a second upc_thread_init() changes nothing");
	is(found->again, 1, "and what is held is entered");

	child_in_section(fork, registers_first);
	is(found->held, 0, "registered before upc_thread_init()");
	is(found->last, 1, "one that is held is entered all the same");
	vfork_child();
	return tap_done();
}
