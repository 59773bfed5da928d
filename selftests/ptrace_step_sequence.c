// SPDX-License-Identifier: GPL-2.0
/*
 * A task that a tracer steps is dispatched to before each step. It executes the
 * instructions that it would have without, and no others; struct upcall is left
 * alone, and POLL says that the upcall is pending. When the task is let run, the
 * upcall is entered where it is, or held by the critical section it is in.
 *
 * upcall.rst, section 4, rules 4 and 6.
 */
#include "upcall_step.h"

#define STEPS	(3 * STEPS_A_TURN + 5)

FIXTURE(sequence) {
	pid_t pid;
};

FIXTURE_VARIANT(sequence) {
	void *ctx;
	int crit_count;
};

FIXTURE_VARIANT_ADD(sequence, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(sequence, pop) { .ctx = ctx_pop_noting };

FIXTURE_VARIANT_ADD(sequence, in_a_section_next) {
	.ctx = ctx_next_noting, .crit_count = UPC_CRITADD,
};

FIXTURE_VARIANT_ADD(sequence, in_a_section_pop) {
	.ctx = ctx_pop_noting, .crit_count = UPC_CRITADD,
};

static int section_main(void *data)
{
	struct worker *w = data;

	w->id = upc_register_ctx(&w->upc, w->ctx, note_cfunc, &w->noted);
	crit_enter(&w->upc);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	take_turns();
	crit_exit(&w->upc);
	return w->noted.hits != 1 || w->upc.crit_count || w->upc.pending;
}

FIXTURE_SETUP(sequence)
{
	struct user_regs_struct regs;

	worker.ctx = variant->ctx;
	self->pid = begin_worker(variant->crit_count ? section_main :
						       worker_main);
	ASSERT_GT(self->pid, 0);
	ASSERT_TRUE(trace_seize(self->pid));
	ASSERT_TRUE(trace_steps_to(self->pid, step_loop, &regs));
}

FIXTURE_TEARDOWN(sequence)
{
}

TEST_F(sequence, is_the_plain_programs)
{
	struct upcall *upc = &worker.upc;
	struct user_regs_struct regs;
	unsigned long plain[STEPS];
	int i;

	for (i = 0; i < STEPS; i++) {
		ASSERT_TRUE(trace_step(self->pid, &regs));
		plain[i] = regs.ur_ip;
	}
	ASSERT_EQ((unsigned long)step_loop, plain[STEPS_A_TURN - 1]);
	ASSERT_TRUE(trace_steps_to(self->pid, step_loop, &regs));

	for (i = 0; i < STEPS; i++) {
		WRITE_ONCE(seq, i + 1);
		ASSERT_EQ(0, upc_dispatch(worker.id, 1));
		ASSERT_TRUE(trace_step(self->pid, &regs));
		ASSERT_EQ(plain[i], (unsigned long)regs.ur_ip);
		ASSERT_EQ(0, upc->pending);
		ASSERT_EQ(variant->crit_count, upc->crit_count);
		ASSERT_EQ(1, upc_poll(worker.id, 1));
	}
	ASSERT_EQ(0, worker.noted.hits);

	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	if (variant->crit_count) {
		WAIT_UNTIL(READ_ONCE(upc->pending) == 1);
		ASSERT_EQ(1, upc_poll(worker.id, 1));
		ASSERT_EQ(0, worker.noted.hits);
	} else {
		WAIT_UNTIL(READ_ONCE(worker.noted.hits) == 1);
		EXPECT_EQ((unsigned long)regs.ur_ip,
			  (unsigned long)worker.noted.copy.fr_ip);
	}
	ASSERT_TRUE(trace_until(self->pid, PTRACE_INTERRUPT, SIGTRAP));
	EXPECT_EQ(0, finish_worker(self->pid));
	EXPECT_EQ(1, worker.noted.hits);
	EXPECT_EQ(STEPS, worker.noted.seen);
}

TEST_HARNESS_MAIN
