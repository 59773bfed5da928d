/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of ONBLOCK and ONWAKE share: a task that sleeps, and a standby that
 * is told. On a kernel without these they are skipped.
 */
#ifndef UPCALL_BLOCK_H
#define UPCALL_BLOCK_H

#include "upcall_util.h"

/* It waits for upcalls until it is told to end, and notes what it was entered for. */
static struct standby {
	struct upcall upc;
	pthread_t thread;
	pid_t tid;
	int id, entered, ends;
} standby = { .upc = UPCALL_INIT };

/* The one whose sleeps are told. Its own upcall notes what it finds. */
static struct sleeper {
	struct upcall_frame *frame;	/* first: see ctx_next_noting */
	struct upcall upc;
	pid_t tid;
	int priority;			/* ONBLOCK's */
	int id, ready, returned, woken, told_then, returned_then;
	unsigned long ax, ip;
} sleeper = { .upc = UPCALL_INIT, .priority = 1 };

static inline void *standby_main(void *data)
{
	int id;

	standby.tid = sys_gettid();
	id = upc_register_ctx(&standby.upc, ctx_next, count_cfunc,
			      &standby.entered);
	__atomic_store_n(&standby.id, id, __ATOMIC_RELEASE);
	while (!READ_ONCE(standby.ends))
		upc_wait(1);
	return NULL;
}

static inline bool start_standby(void)
{
	if (pthread_create(&standby.thread, NULL, standby_main, NULL))
		return false;
	WAIT_UNTIL(__atomic_load_n(&standby.id, __ATOMIC_ACQUIRE));
	return standby.id > 0 && wait_until_asleep(standby.tid);
}

static inline bool end_standby(void)
{
	WRITE_ONCE(standby.ends, 1);
	return !upc_dispatch(standby.id, 1) &&
	       !pthread_join(standby.thread, NULL);
}

/* ONWAKE's: before any other code of the sleeper's. */
static inline void woken(void *data)
{
	struct sleeper *s = data;

	s->ax = s->frame->fr_ax;
	s->ip = s->frame->fr_ip;
	s->told_then = READ_ONCE(standby.entered);
	s->returned_then = READ_ONCE(s->returned);
	WRITE_ONCE(s->woken, s->woken + 1);
}

/* In the sleeper. */
static inline void tell_of_sleeps(void)
{
	struct sleeper *s = &sleeper;

	s->tid = sys_gettid();
	s->id = upc_register_ctx(&s->upc, ctx_next_noting, woken, s);
	CHECK(s->id > 0);
	CHECK(!upc_control(UPC_CONTROL_ONBLOCK, standby.id, s->priority));
	CHECK(!upc_control(UPC_CONTROL_ONWAKE, s->id, 1));
	__atomic_store_n(&s->ready, 1, __ATOMIC_RELEASE);
}

/* A thread that makes one call. How it ends is nobody's concern. */
static inline void *sleeper_main(void *data)
{
	void (*call)(void) = data;

	tell_of_sleeps();
	call();
	WRITE_ONCE(sleeper.returned, 1);
	CHECK(!upc_control(UPC_CONTROL_ONBLOCK, 0, 0));
	return NULL;
}

static void __attribute__((constructor(1000))) skip_without_block(void)
{
	if (upc_supported() && upc_control(UPC_CONTROL_ONBLOCK, 0, 0) == -EINVAL)
		ksft_exit_skip("no upcalls that tell of sleeps in this kernel\n");
}

#endif /* UPCALL_BLOCK_H */
