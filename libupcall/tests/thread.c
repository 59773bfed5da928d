// SPDX-License-Identifier: MIT
/*
 * upc_thread_init() and upc_thread_fini(), a struct upcall for each thread,
 * and the sections on it.
 */
#include <pthread.h>
#include <unistd.h>
#include <sys/wait.h>
#include "tap.h"

static int entered, count_seen;

static void cfunc(void *data)
{
	entered++;
	count_seen = upc_self()->crit_count;
	*(int *)data = 1;
}

static struct upcall *others, *others_after;
static int others_id, others_fini;

static void *other(void *arg)
{
	static int done;

	if (upc_self())
		tap_bail("a new thread has a struct upcall");
	others = upc_thread_init();
	others_id = upc_register(others, upc_callused_wrapper, cfunc, &done);
	others_fini = upc_thread_fini();
	others_after = upc_self();
	return arg;
}

static int control(int command, int id)
{
	return upc_control(command, id, UPC_PRIO(1));
}

int main(void)
{
	struct upcall *self;
	pthread_t thread;
	int id, done = 0, status;
	pid_t pid;

	need_upcalls();
	tap_plan(34);
	ok(!upc_self(), "none before upc_thread_init()");
	is(upc_thread_fini(), 0, "upc_thread_fini() before it does nothing");
	self = upc_thread_init();
	ok(self && !((unsigned long)self & 3), "one after");
	ok(upc_self() == self, "upc_self() is the same");
	is(self->magic, UPCALL_MAGIC, "magic");
	ok(!self->crit_count && !self->pending, "and otherwise 0");

	id = upc_register(self, upc_callused_wrapper, cfunc, &done);
	ok(id > 0, "registered");
	upc_self_crit_enter();
	is(self->crit_count, 32, "upc_self_crit_enter");
	ok(upc_thread_init() == self, "a second upc_thread_init()");
	is(self->crit_count, 32, "changes nothing");
	is(control(UPC_CONTROL_DISPATCH, id), 0, "dispatch");
	is(entered, 0, "held back");
	upc_self_crit_exit();
	is(entered, 1, "upc_self_crit_exit lets it in");
	is(count_seen, 32, "at 32");
	is(done, 1, "with its data");
	ok(!self->crit_count && !self->pending, "and nothing is left behind");
	upc_crit_enter(self);
	upc_self_crit_exit();
	is(self->crit_count, 0, "both kinds of section are one");

	if (pthread_create(&thread, NULL, other, NULL) ||
	    pthread_join(thread, NULL))
		tap_bail("pthread_create");
	ok(others && others != self, "another thread has another");
	is(others_fini, 0, "upc_thread_fini");
	ok(!others_after, "none after");
	is(control(UPC_CONTROL_POLL, others_id), -1, "its upcall is deleted");
	is(errno, ENOENT, "with ENOENT");
	is(control(UPC_CONTROL_POLL, id), 0, "and ours is not");

	pid = fork();
	if (!pid)
		_exit(!(upc_thread_init() == self &&
			control(UPC_CONTROL_POLL, id) == -1 &&
			upc_register(self, upc_callused_wrapper, cfunc,
				     &done) > 0));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		tap_bail("fork");
	is(status, 0, "a child has its own, without upcalls");

	upc_self_crit_enter();
	control(UPC_CONTROL_DISPATCH, id);
	is(self->pending, 1, "one pending at the end");
	is(upc_thread_fini(), 0, "upc_thread_fini");
	ok(!upc_self(), "none after");
	is(self->pending, 0, "nothing is pending any more");
	is(self->crit_count, 32, "the section is the thread's to leave");
	done = 0;
	id = upc_register(upc_thread_init(), upc_callused_wrapper, cfunc,
			  &done);
	upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(33));
	is(done, 1, "so an upcall registered now is entered above the section");
	is(upc_thread_fini(), 0, "upc_thread_fini once more");
	upc_crit_exit(self);
	is(entered, 2, "the one that was pending is not entered");
	ok(!self->crit_count && !self->pending, "and leaves nothing behind");
	is(control(UPC_CONTROL_POLL, id), -1, "and no upcall");
	return tap_done();
}
