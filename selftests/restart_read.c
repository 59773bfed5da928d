// SPDX-License-Identifier: GPL-2.0
/*
 * A read interrupted by a stop, or by a handler with SA_RESTART, goes on after
 * an upcall that comes at the same time, whose cfunc reads, sleeps and is
 * stopped itself; without SA_RESTART it fails with EINTR, as ever. upcall.rst,
 * section 8, system call restart.
 */
#include "upcall_util.h"

#define ROUNDS	10

static struct worker {
	struct upcall upc;
	void *ctx;
	int id, round, hits, signals, in_cfunc, done;
	int ret, hits_then, other_ret;
	char byte;
} worker = { .upc = UPCALL_INIT };

static int pipe_fds[2], other_fds[2];

static void read_cfunc(void *data)
{
	struct timespec ts = { .tv_nsec = 20000000 };
	struct worker *w = data;
	char byte;

	WRITE_ONCE(w->in_cfunc, w->in_cfunc + 1);
	upc_syscall(SYS_nanosleep, (long)&ts, 0, 0, 0);
	w->other_ret = upc_syscall(SYS_read, other_fds[0], (long)&byte, 1, 0);
	count_cfunc(&w->hits);
}

static void count_signal(int sig)
{
	worker.signals++;
}

static int worker_main(void *data)
{
	struct worker *w = data;
	int i;

	w->id = upc_register_ctx(&w->upc, w->ctx, read_cfunc, w);
	for (i = 1; i <= ROUNDS; i++) {
		w->byte = 0;
		__atomic_store_n(&w->round, i, __ATOMIC_RELEASE);
		w->ret = upc_syscall(SYS_read, pipe_fds[0], (long)&w->byte, 1,
				     0);
		w->hits_then = READ_ONCE(w->hits);
		__atomic_store_n(&w->done, i, __ATOMIC_RELEASE);
		while (READ_ONCE(w->done) == i)
			upc_syscall(SYS_sched_yield, 0, 0, 0, 0);
	}
	return 0;
}

FIXTURE(restart_read) {
	pid_t pid;
};

FIXTURE_VARIANT(restart_read) {
	bool stop;
	int flags;
	void *ctx;
};

FIXTURE_VARIANT_ADD(restart_read, stop_next) { .stop = true, .ctx = ctx_next };
FIXTURE_VARIANT_ADD(restart_read, stop_pop) { .stop = true, .ctx = ctx_pop };

FIXTURE_VARIANT_ADD(restart_read, restart_next) {
	.flags = SA_RESTART, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_read, restart_pop) {
	.flags = SA_RESTART, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(restart_read, no_restart_next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(restart_read, no_restart_pop) { .ctx = ctx_pop };

FIXTURE_SETUP(restart_read)
{
	struct sigaction sa = {
		.sa_handler = count_signal, .sa_flags = variant->flags,
	};

	ASSERT_EQ(0, pipe(pipe_fds));
	ASSERT_EQ(0, pipe(other_fds));
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	worker.ctx = variant->ctx;
	self->pid = clone_worker(worker_main, &worker);
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(restart_read)
{
}

TEST_F(restart_read, under_an_upcall)
{
	bool goes_on = variant->stop || variant->flags == SA_RESTART;
	int i;

	for (i = 1; i <= ROUNDS; i++) {
		WAIT_UNTIL(__atomic_load_n(&worker.round,
					   __ATOMIC_ACQUIRE) == i);
		ASSERT_TRUE(wait_until_asleep(self->pid));
		ASSERT_EQ(0, upc_dispatch(worker.id, 1));
		if (variant->stop) {
			ASSERT_TRUE(stop_worker(self->pid));
			ASSERT_TRUE(continue_worker(self->pid));
		} else {
			ASSERT_EQ(0, kill(self->pid, SIGUSR1));
		}
		/* Entered before the read is restarted, and stopped there. */
		WAIT_UNTIL(READ_ONCE(worker.in_cfunc) == i);
		ASSERT_TRUE(stop_worker(self->pid));
		ASSERT_TRUE(continue_worker(self->pid));
		ASSERT_EQ(1, write(other_fds[1], "o", 1));
		if (goes_on) {
			WAIT_UNTIL(READ_ONCE(worker.hits) == i);
			ASSERT_TRUE(wait_until_asleep(self->pid));
			ASSERT_EQ(i - 1, READ_ONCE(worker.hits_then));
			ASSERT_EQ(1, write(pipe_fds[1], "x", 1));
		}
		WAIT_UNTIL(__atomic_load_n(&worker.done,
					   __ATOMIC_ACQUIRE) == i);
		ASSERT_EQ(goes_on ? 1 : -EINTR, worker.ret);
		ASSERT_EQ(goes_on ? 'x' : 0, worker.byte);
		ASSERT_EQ(i, worker.hits_then);
		ASSERT_EQ(1, worker.other_ret);
		ASSERT_EQ(variant->stop ? 0 : i, worker.signals);
		ASSERT_EQ(0, worker.upc.crit_count);
		__atomic_store_n(&worker.done, 0, __ATOMIC_RELEASE);
	}
	ASSERT_EQ(0, child_status(self->pid));
}

TEST_HARNESS_MAIN
