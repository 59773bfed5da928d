// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer steps a task through its own calls of upc_control(): DISPATCH to
 * itself and of -1, POLL, WAIT, SUSPEND, and NEXT with more pending. They return
 * what they should, and enter nothing; what is pending then is entered when the
 * tracer lets the task run, in order of priority.
 *
 * upcall.rst, section 4, rules 4 and 6, and section 6.
 */
#include "upcall_trace.h"
#include "upcall_util.h"

#define MAX_ENTRIES	8

/* A register that has a name in either width. */
#ifdef __x86_64__
#define UR(name)	r ## name
#else
#define UR(name)	e ## name
#endif

static struct worker {
	struct upcall upc;
	void *ctx;
	int first, second, ready, running, over;
	int order[MAX_ENTRIES], entries;
	int in_cfunc;		/* what the first upcall's cfunc does */
	int ret, wrong;
} worker = { .upc = UPCALL_INIT };

enum { NOTHING, TRAP, DISPATCH_AND_TRAP };

/* Where the task is when nothing is left for it to do, until it is over. */
static int idle_turns __attribute_used__;
static int idle_over __attribute_used__;

static void __attribute__((naked)) __attribute_noinline__ idle_loop(void)
{
	asm volatile("incl idle_turns\n\t"
		     "cmpl $0, idle_over\n\t"
		     "je idle_loop\n\t"
		     "ret");
}

static void note_entry(int id)
{
	worker.order[worker.entries % MAX_ENTRIES] = id;
	count_cfunc(&worker.entries);
}

static void first_cfunc(void *data)
{
	note_entry(worker.first);
	if (worker.in_cfunc == DISPATCH_AND_TRAP)
		worker.ret = upc_dispatch(worker.second, 1);
	if (worker.in_cfunc != NOTHING) {
		worker.in_cfunc = NOTHING;
		asm volatile("int3");
	}
}

static void second_cfunc(void *data)
{
	note_entry(worker.second);
}

static void register_both(struct worker *w)
{
	w->first = upc_register_ctx(&w->upc, w->ctx, first_cfunc, NULL);
	w->second = upc_register_ctx(&w->upc, w->ctx, second_cfunc, NULL);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	while (!READ_ONCE(w->running))
		cpu_relax();
}

/* It cannot say much while it is stepped: in which line it was first. */
#define CHECK_STEPPED(cond)						\
	do {								\
		if ((!(cond) || worker.entries) && !worker.wrong)	\
			worker.wrong = __LINE__;			\
	} while (0)

static int calls_main(void *data)
{
	struct worker *w = data;
	struct upcall *upc = &w->upc;

	register_both(w);
	CHECK_STEPPED(upc_dispatch(-1, 0) == 0);
	CHECK_STEPPED(upc_poll(-1, 0) == 0);

	CHECK_STEPPED(upc_dispatch(w->first, 1) == 0);
	CHECK_STEPPED(upc->pending == 0 && upc->crit_count == 0);
	CHECK_STEPPED(upc_poll(w->first, 1) == 1);
	CHECK_STEPPED(upc_poll(w->first, 2) == 0);
	CHECK_STEPPED(upc_dispatch(w->second, 7) == 0);
	CHECK_STEPPED(upc_poll(-1, 0) == w->second);

	CHECK_STEPPED(upc_dispatch(-1, 0) == 0);
	CHECK_STEPPED(upc->pending == 0 && upc->crit_count == 0);
	CHECK_STEPPED(upc_dispatch(-1, 9) == 0);
	CHECK_STEPPED(upc_poll(-1, 0) == w->second);

	CHECK_STEPPED(upc_wait(1) == w->second);
	CHECK_STEPPED(upc_wait(7) == w->second);
	CHECK_STEPPED(upc->pending == 0 && upc->crit_count == 0);

	crit_enter(upc);
	CHECK_STEPPED(upc_wait(1) == w->second);
	CHECK_STEPPED(upc->crit_count == UPC_CRITADD);
	CHECK_STEPPED(upc_suspend(1) == w->second);
	CHECK_STEPPED(upc->pending == 0 && upc->crit_count == 0);

	CHECK_STEPPED(upc_pollclear(w->second, 1) == 1);
	CHECK_STEPPED(upc_pollclear(w->second, 1) == 0);
	CHECK_STEPPED(upc_poll(-1, 0) == w->first);
	CHECK_STEPPED(upc_dispatch(w->second, 7) == 0);
	idle_loop();
	return upc->crit_count || upc->pending;
}

static int idle_main(void *data)
{
	register_both(data);
	idle_loop();
	return worker.upc.crit_count || worker.upc.pending;
}

static int wait_main(void *data)
{
	struct worker *w = data;

	register_both(w);
	w->ret = upc_wait(5);
	idle_loop();
	return w->upc.crit_count || w->upc.pending;
}

static int suspend_main(void *data)
{
	struct worker *w = data;

	register_both(w);
	crit_enter(&w->upc);
	w->ret = upc_suspend(5);
	idle_loop();
	return w->upc.crit_count || w->upc.pending;
}

/* Leaves a section, in which something has been held before it is stepped. */
static int leave_main(void *data)
{
	struct worker *w = data;

	register_both(w);
	crit_enter(&w->upc);
	upc_dispatch(w->first, 1);
	asm volatile("int3");
	crit_exit(&w->upc);
	idle_loop();
	return w->upc.crit_count || w->upc.pending;
}

/* Asks for no more than a priority that nothing has. */
static int ask_main(void *data)
{
	struct worker *w = data;

	register_both(w);
	w->ret = upc_dispatch(-1, 5);
	idle_loop();
	return w->upc.crit_count || w->upc.pending;
}

/* Holds everything by pending, behind a call that has acknowledged it. */
static int hold_main(void *data)
{
	struct worker *w = data;

	register_both(w);
	w->ret = upc_dispatch(-1, 0);
	WRITE_ONCE(w->upc.pending, 1);
	idle_loop();
	if (w->entries)
		return 1;
	upc_dispatch(-1, 0);
	return w->entries != 1 || w->upc.crit_count || w->upc.pending;
}

FIXTURE(calls) {
};

FIXTURE_VARIANT(calls) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(calls, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(calls, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(calls)
{
	worker.ctx = variant->ctx;
}

FIXTURE_TEARDOWN(calls)
{
}

/* The worker, stopped before its calls. */
static pid_t begin(int (*fn)(void *data))
{
	pid_t pid = clone_worker(fn, &worker);

	if (pid < 0)
		return -1;
	WAIT_UNTIL(__atomic_load_n(&worker.ready, __ATOMIC_ACQUIRE));
	return trace_seize(pid) ? pid : -1;
}

/* Step by step to where nothing is left to do, or something went wrong. */
static bool step_to_idle(pid_t pid)
{
	struct user_regs_struct regs;

	do {
		if (!trace_step(pid, &regs))
			return false;
	} while ((long)regs.ur_ip != (long)idle_loop && !worker.wrong);
	return true;
}

/* Let run, it enters what is pending; then it ends. */
static int run_to_end(pid_t pid, int entries)
{
	if (!trace_clear_tf(pid) || ptrace(PTRACE_DETACH, pid, NULL, NULL))
		return -1;
	WAIT_UNTIL(READ_ONCE(worker.entries) >= entries);
	WRITE_ONCE(idle_over, 1);
	return child_status(pid);
}

TEST_F(calls, return_what_they_should)
{
	pid_t pid = begin(calls_main);

	ASSERT_GT(pid, 0);
	WRITE_ONCE(worker.running, 1);
	ASSERT_TRUE(step_to_idle(pid));
	ASSERT_EQ(0, worker.wrong);
	ASSERT_EQ(0, run_to_end(pid, 2));
	EXPECT_EQ(2, worker.entries);
	EXPECT_EQ(worker.second, worker.order[0]);
	EXPECT_EQ(worker.first, worker.order[1]);
}

/* The call that it steps over sleeps, until it is dispatched to. */
static void asleep(struct __test_metadata *_metadata, int (*fn)(void *data))
{
	pid_t pid = begin(fn);
	struct user_regs_struct regs;

	ASSERT_GT(pid, 0);
	WRITE_ONCE(worker.running, 1);
	do {
		ASSERT_TRUE(trace_step(pid, &regs));
	} while ((ptrace(PTRACE_PEEKTEXT, pid, regs.ur_ip, NULL) & 0xffff) !=
		 CALL_CODE);
	ASSERT_EQ(__NR_upc_control, (long)regs.ur_ax);
	ASSERT_EQ(0, ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
	ASSERT_TRUE(wait_until_asleep(pid));
	ASSERT_EQ(0, upc_dispatch(worker.first, 1));
	ASSERT_EQ(0, upc_dispatch(worker.second, 5));
	ASSERT_TRUE(trace_stopped(pid, SIGTRAP));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	EXPECT_EQ(worker.second, (long)regs.ur_ax);
	EXPECT_EQ(0, worker.upc.pending);
	EXPECT_EQ(0, worker.upc.crit_count);

	ASSERT_TRUE(step_to_idle(pid));
	EXPECT_EQ(0, worker.upc.pending);
	EXPECT_EQ(0, worker.upc.crit_count);
	ASSERT_EQ(0, worker.entries);
	ASSERT_EQ(0, run_to_end(pid, 2));
	EXPECT_EQ(worker.second, worker.ret);
	EXPECT_EQ(2, worker.entries);
	EXPECT_EQ(worker.second, worker.order[0]);
	EXPECT_EQ(worker.first, worker.order[1]);
}

TEST_F(calls, wait_asleep)
{
	asleep(_metadata, wait_main);
}

TEST_F(calls, suspend_asleep)
{
	asleep(_metadata, suspend_main);
}

static void expect_same(struct __test_metadata *_metadata,
			const struct user_regs_struct *a,
			const struct user_regs_struct *b)
{
	EXPECT_EQ(a->UR(ax), b->UR(ax));
	EXPECT_EQ(a->UR(bx), b->UR(bx));
	EXPECT_EQ(a->UR(cx), b->UR(cx));
	EXPECT_EQ(a->UR(dx), b->UR(dx));
	EXPECT_EQ(a->UR(si), b->UR(si));
	EXPECT_EQ(a->UR(di), b->UR(di));
	EXPECT_EQ(a->UR(bp), b->UR(bp));
	EXPECT_EQ(a->UR(sp), b->UR(sp));
#ifdef __x86_64__
	EXPECT_EQ(a->r8, b->r8);
	EXPECT_EQ(a->r9, b->r9);
	EXPECT_EQ(a->r10, b->r10);
	EXPECT_EQ(a->r11, b->r11);
	EXPECT_EQ(a->r12, b->r12);
	EXPECT_EQ(a->r13, b->r13);
	EXPECT_EQ(a->r14, b->r14);
	EXPECT_EQ(a->r15, b->r15);
#endif
}

/*
 * The task is stopped in a cfunc, and stepped from there through the end of the
 * context function to what was interrupted.
 */
static void leave_stepped(struct __test_metadata *_metadata, bool held)
{
	struct user_regs_struct before, regs;
	pid_t pid = begin(idle_main);

	ASSERT_GT(pid, 0);
	worker.in_cfunc = held ? DISPATCH_AND_TRAP : TRAP;
	WRITE_ONCE(worker.running, 1);
	ASSERT_TRUE(step_to_idle(pid));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &before));
	ASSERT_EQ(0, upc_dispatch(worker.first, 1));
	ASSERT_TRUE(trace_until(pid, PTRACE_CONT, SIGTRAP));
	ASSERT_EQ(1, worker.entries);
	ASSERT_EQ(0, worker.ret);
	ASSERT_EQ(held, worker.upc.pending);
	if (!held)
		ASSERT_EQ(0, upc_dispatch(worker.second, 1));

	ASSERT_TRUE(step_to_idle(pid));
	EXPECT_EQ(1, worker.entries);
	EXPECT_EQ(0, worker.upc.pending);
	EXPECT_EQ(0, worker.upc.crit_count);
	EXPECT_EQ(1, upc_poll(worker.second, 1));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	expect_same(_metadata, &before, &regs);

	ASSERT_EQ(0, run_to_end(pid, 2));
	EXPECT_EQ(2, worker.entries);
	EXPECT_EQ(worker.first, worker.order[0]);
	EXPECT_EQ(worker.second, worker.order[1]);
}

/* NEXT, or way (B) with pending clear. */
TEST_F(calls, leave_with_one_deferred)
{
	leave_stepped(_metadata, false);
}

/* NEXT in both cases, with pending set: it acknowledges that. */
TEST_F(calls, next_with_one_held)
{
	leave_stepped(_metadata, true);
}

TEST_F(calls, redispatch_of_what_is_held)
{
	pid_t pid = begin(leave_main);

	ASSERT_GT(pid, 0);
	WRITE_ONCE(worker.running, 1);
	ASSERT_TRUE(trace_until(pid, PTRACE_CONT, SIGTRAP));
	ASSERT_EQ(1, worker.upc.pending);
	ASSERT_TRUE(step_to_idle(pid));
	EXPECT_EQ(0, worker.entries);
	EXPECT_EQ(1, upc_poll(worker.first, 1));
	ASSERT_EQ(0, run_to_end(pid, 1));
	EXPECT_EQ(1, worker.entries);
}

/* What it asked for is not what a later dispatch is measured by. */
TEST_F(calls, redispatch_that_finds_nothing)
{
	pid_t pid = begin(ask_main);

	ASSERT_GT(pid, 0);
	WRITE_ONCE(worker.running, 1);
	ASSERT_TRUE(step_to_idle(pid));
	EXPECT_EQ(0, worker.ret);
	ASSERT_EQ(0, upc_dispatch(worker.first, 3));
	ASSERT_EQ(0, run_to_end(pid, 1));
	EXPECT_EQ(1, worker.entries);
}

/* What it acknowledged is not what pending says when the task is let run. */
TEST_F(calls, redispatch_before_pending_is_set)
{
	pid_t pid = begin(hold_main);
	int turns;

	ASSERT_GT(pid, 0);
	WRITE_ONCE(worker.running, 1);
	ASSERT_TRUE(step_to_idle(pid));
	EXPECT_EQ(0, worker.ret);
	ASSERT_EQ(0, upc_dispatch(worker.first, 3));
	turns = READ_ONCE(idle_turns);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(idle_turns) != turns);
	EXPECT_EQ(0, worker.entries);
	EXPECT_EQ(1, upc_poll(worker.first, 1));
	WRITE_ONCE(idle_over, 1);
	EXPECT_EQ(0, child_status(pid));
}

/* What is pending is seen to by NEXT itself if that is not stepped. */
TEST_F(calls, next_when_let_run)
{
	pid_t pid = begin(idle_main);

	ASSERT_GT(pid, 0);
	worker.in_cfunc = DISPATCH_AND_TRAP;
	WRITE_ONCE(worker.running, 1);
	ASSERT_TRUE(step_to_idle(pid));
	ASSERT_EQ(0, upc_dispatch(worker.first, 1));
	ASSERT_TRUE(trace_until(pid, PTRACE_CONT, SIGTRAP));
	ASSERT_TRUE(trace_until(pid, PTRACE_SINGLESTEP, SIGTRAP));
	ASSERT_EQ(1, worker.entries);
	ASSERT_EQ(0, run_to_end(pid, 2));
	EXPECT_EQ(2, worker.entries);
	EXPECT_EQ(worker.second, worker.order[1]);
}

TEST_HARNESS_MAIN
