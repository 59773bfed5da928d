// SPDX-License-Identifier: GPL-2.0
/*
 * A signal and an upcall are both due when a task leaves a system call: both
 * are entered, one inside the other, and the call ends as the signal's flags
 * say. upcall.rst, section 8, signals.
 */
#include "upcall_proc.h"

#define ROUNDS	20

static struct sleeper {
	struct upcall upc;
	void *ctx;
	int tid, id, round, done, ret;
	char story[8];
	char byte;
} sleeper = { .upc = UPCALL_INIT };

static int pipe_fds[2];

/* u..U is an upcall from its begin to its end, s..S a signal. */
static void tell(char c)
{
	size_t len = strlen(sleeper.story);

	if (len < sizeof(sleeper.story) - 1)
		sleeper.story[len] = c;
}

static void handler(int sig)
{
	tell('s');
	tell('S');
}

static void cfunc(void *data)
{
	tell('u');
	tell('U');
}

static void *sleeper_main(void *data)
{
	struct sleeper *s = data;
	int i;

	s->tid = sys_gettid();
	s->id = upc_register_ctx(&s->upc, s->ctx, cfunc, NULL);
	for (i = 1; i <= ROUNDS; i++) {
		memset(s->story, 0, sizeof(s->story));
		__atomic_store_n(&s->round, i, __ATOMIC_RELEASE);
		s->ret = upc_syscall(SYS_read, pipe_fds[0], (long)&s->byte, 1,
				     0);
		tell('.');
		__atomic_store_n(&s->done, i, __ATOMIC_RELEASE);
		WAIT_UNTIL(READ_ONCE(s->done) != i);
	}
	return NULL;
}

FIXTURE(signal_same_return) {
	pthread_t thread;
};

FIXTURE_VARIANT(signal_same_return) {
	void *ctx;
	int flags;
};

FIXTURE_VARIANT_ADD(signal_same_return, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(signal_same_return, pop) { .ctx = ctx_pop };

FIXTURE_VARIANT_ADD(signal_same_return, restart_next) {
	.ctx = ctx_next, .flags = SA_RESTART,
};

FIXTURE_VARIANT_ADD(signal_same_return, restart_pop) {
	.ctx = ctx_pop, .flags = SA_RESTART,
};

FIXTURE_SETUP(signal_same_return)
{
	struct sigaction sa = {
		.sa_handler = handler, .sa_flags = variant->flags,
	};

	ASSERT_EQ(0, pipe(pipe_fds));
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	sleeper.ctx = variant->ctx;
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, sleeper_main,
				    &sleeper));
}

FIXTURE_TEARDOWN(signal_same_return)
{
}

TEST_F(signal_same_return, both_are_entered)
{
	int i;

	for (i = 1; i <= ROUNDS; i++) {
		WAIT_UNTIL(__atomic_load_n(&sleeper.round,
					   __ATOMIC_ACQUIRE) == i);
		ASSERT_TRUE(wait_until_asleep(sleeper.tid));
		ASSERT_EQ(0, upc_dispatch(sleeper.id, 1));
		ASSERT_STREQ("", sleeper.story);
		ASSERT_EQ(0, pthread_kill(self->thread, SIGUSR1));
		if (variant->flags & SA_RESTART)
			ASSERT_EQ(1, write(pipe_fds[1], "x", 1));
		WAIT_UNTIL(__atomic_load_n(&sleeper.done,
					   __ATOMIC_ACQUIRE) == i);
		ASSERT_EQ(variant->flags & SA_RESTART ? 1 : -EINTR,
			  sleeper.ret);
		/* Pushed on top of the handler, or the handler on top of it. */
		if (strcmp(sleeper.story, "suUS.") &&
		    strcmp(sleeper.story, "usSU."))
			ASSERT_STREQ("uUsS.", sleeper.story);
		ASSERT_EQ(0, sleeper.upc.crit_count);
		__atomic_store_n(&sleeper.done, 0, __ATOMIC_RELEASE);
	}
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
}

TEST_HARNESS_MAIN
