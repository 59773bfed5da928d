// SPDX-License-Identifier: GPL-2.0
/*
 * The trace events: each thing that happens to an upcall gives one, in the
 * order in which it happens, with the thread that owns the upcall.
 *
 * upcall.rst, section 15. A trace instance of its own is used: what others
 * trace is not disturbed.
 */
#include "upcall_events.h"
#include "upcall_fault.h"
#include "upcall_trace.h"
#include "upcall_util.h"

#include <stdarg.h>

static struct upcall upc = UPCALL_INIT;
static char *at;
static int hits;

/* The search for events starts at the beginning. */
static bool read_trace(void)
{
	at = text;
	return read_events();
}

/* Is the next event of ours this one? It may have more fields. */
static bool next_is(const char *format, ...)
{
	char event[256], *end;
	va_list args;
	bool same;

	va_start(args, format);
	vsnprintf(event, sizeof(event), format, args);
	va_end(args);
	at = strstr(at, ": upcall_");
	if (!at) {
		printf("# no event, but wanted %s\n", event);
		at = strchr(text, '\0');
		return false;
	}
	at += 2;
	end = strchrnul(at, '\n');
	same = !strncmp(at, event, strlen(event));
	if (!same)
		printf("# %.*s, but wanted %s\n", (int)(end - at), at, event);
	at = end;
	return same;
}

#define EXPECT_NEXT(event, format, owner, ...)				\
	EXPECT_TRUE(next_is("upcall_" event ": owner=%d " format, owner, \
			    ##__VA_ARGS__))

FIXTURE(trace) {
	bool placed;
	int self;
};

FIXTURE_SETUP(trace)
{
	if (!make_instance())
		SKIP(return setup_skipped(), "no tracefs, or not for us");
	self->placed = true;
	self->self = sys_gettid();
	/* Time stamps of two CPUs need not be in order, a counter's values are. */
	ASSERT_EQ(0, write_to(INSTANCE "/trace_clock", "counter"));
	ASSERT_EQ(0, write_to(INSTANCE "/events/upcall/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	if (self->placed)
		rmdir(INSTANCE);
}

TEST_F(trace, of_a_held_upcall)
{
	int t = self->self, id;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id, 5));
	crit_exit(&upc);
	ASSERT_EQ(1, hits);
	ASSERT_EQ(0, upc_delete(id));

	ASSERT_TRUE(read_trace());
	EXPECT_NEXT("register", "id=%d upc=%#lx ctxfunc=%#lx cfunc=%#lx data=%#lx",
		    t, id, (long)&upc, (long)ctx_next, (long)count_cfunc, (long)&hits);
	EXPECT_NEXT("dispatch", "id=%d priority=5 owner_is=\"self\"", t, id);
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=32 pending=0 held_by=\"crit_count\"",
		    t, id);
	EXPECT_NEXT("enter", "id=%d priority=5 crit_count=32 pending=0 ctxfunc=%#lx cfunc=%#lx",
		    t, id, (long)ctx_next, (long)count_cfunc);
	EXPECT_NEXT("next", "to=interrupted", t);
	EXPECT_NEXT("delete", "id=%d priority=0", t, id);
	EXPECT_TRUE(!strstr(at, "upcall_"));
}

TEST_F(trace, of_two_that_are_chained)
{
	int t = self->self, id[2], i;

	for (i = 0; i < 2; i++) {
		id[i] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(id[i], 0);
	}
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id[0], 5));
	ASSERT_EQ(0, upc_dispatch(id[1], 6));
	crit_exit(&upc);
	ASSERT_EQ(2, hits);

	ASSERT_TRUE(read_trace());
	for (i = 0; i < 2; i++)
		EXPECT_NEXT("register", "id=%d", t, id[i]);
	EXPECT_NEXT("dispatch", "id=%d", t, id[0]);
	EXPECT_NEXT("hold", "id=%d", t, id[0]);
	EXPECT_NEXT("dispatch", "id=%d", t, id[1]);
	EXPECT_NEXT("hold", "id=%d priority=6 crit_count=32 pending=5 held_by=\"pending\"",
		    t, id[1]);
	EXPECT_NEXT("enter", "id=%d priority=6 crit_count=32 pending=5", t, id[1]);
	EXPECT_NEXT("enter", "id=%d priority=5 crit_count=32 pending=0", t, id[0]);
	EXPECT_NEXT("next", "to=another ip=%#lx", t, (long)ctx_next);
	EXPECT_NEXT("next", "to=interrupted", t);
	EXPECT_TRUE(!strstr(at, "upcall_"));
}

TEST_F(trace, of_pollandclear)
{
	int t = self->self, id;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id, 9));
	ASSERT_EQ(1, upc_pollclear(id, 1));

	ASSERT_TRUE(read_trace());
	EXPECT_NEXT("register", "id=%d", t, id);
	EXPECT_NEXT("dispatch", "id=%d", t, id);
	EXPECT_NEXT("hold", "id=%d", t, id);
	EXPECT_NEXT("clear", "id=%d priority=9", t, id);
}

static struct {
	struct upcall upc;
	int id, tid;
} sleeper = { .upc = UPCALL_INIT };

static void *sleeper_main(void *arg)
{
	sleeper.id = upc_register_ctx(&sleeper.upc, ctx_next, count_cfunc,
				      &hits);
	__atomic_store_n(&sleeper.tid, sys_gettid(), __ATOMIC_RELEASE);
	upc_wait(2);
	return arg;
}

/* Until it sleeps in WAIT. */
static bool start_sleeper(pthread_t *thread)
{
	if (pthread_create(thread, NULL, sleeper_main, NULL))
		return false;
	WAIT_UNTIL(__atomic_load_n(&sleeper.tid, __ATOMIC_ACQUIRE));
	return wait_until_asleep(sleeper.tid);
}

TEST_F(trace, of_a_thread_that_waits)
{
	pthread_t thread;
	int t, id;

	ASSERT_TRUE(start_sleeper(&thread));
	t = sleeper.tid;
	id = sleeper.id;
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	ASSERT_EQ(0, upc_dispatch(id, 2));
	ASSERT_EQ(0, pthread_join(thread, NULL));

	ASSERT_TRUE(read_trace());
	EXPECT_NEXT("register", "id=%d", t, id);
	EXPECT_NEXT("wait", "priority=2 id=0", t);
	EXPECT_NEXT("dispatch", "id=%d priority=1 owner_is=\"left asleep\"", t, id);
	EXPECT_NEXT("dispatch", "id=%d priority=2 owner_is=\"woken\"", t, id);
	EXPECT_NEXT("wait", "priority=2 id=%d", t, id);
	EXPECT_NEXT("enter", "id=%d priority=2 ", t, id);
	EXPECT_NEXT("next", "to=interrupted", t);
	EXPECT_NEXT("delete", "id=%d priority=0", t, id);
}

TEST_F(trace, of_a_thread_that_is_interrupted)
{
	pthread_t thread;
	int t, id;

	ASSERT_TRUE(start_sleeper(&thread));
	t = sleeper.tid;
	id = sleeper.id;
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_control(UPC_CONTROL_INTERRUPT, id, 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));

	ASSERT_TRUE(read_trace());
	EXPECT_NEXT("register", "id=%d", t, id);
	EXPECT_NEXT("wait", "priority=2 id=0", t);
	EXPECT_NEXT("dispatch", "id=%d priority=1 owner_is=\"interrupted\"", t, id);
	EXPECT_NEXT("wait", "priority=2 id=-4", t);
	EXPECT_NEXT("enter", "id=%d priority=1 ", t, id);
}

/*
 * A dispatch of -1 that asks for more, and one where none runs: for 32-bit code,
 * without its segments.
 */
TEST_F(trace, of_what_holds_it_back)
{
	int t = self->self, id;
#ifndef __x86_64__
	int ret;
#endif

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id, 5));
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 6));
#ifndef __x86_64__
	asm volatile("movl %2, %%es\n\t"
		     "int $0x80\n\t"
		     "pushl %%ds\n\t"
		     "popl %%es"
		     : "=a" (ret)
		     : "0" (__NR_upc_control), "r" (0),
		       "b" (UPC_CONTROL_DISPATCH), "c" (-1), "d" (0)
		     : "memory", "cc");
	ASSERT_EQ(0, ret);
#endif
	ASSERT_EQ(0, hits);
	ASSERT_EQ(0, upc_dispatch(-1, 5));
	ASSERT_EQ(1, hits);

	ASSERT_TRUE(read_trace());
	EXPECT_NEXT("register", "id=%d", t, id);
	EXPECT_NEXT("dispatch", "id=%d priority=5", t, id);
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=32 pending=0 held_by=\"crit_count\"",
		    t, id);
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=0 pending=5 held_by=\"min_prio\"",
		    t, id);
#ifndef __x86_64__
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=0 pending=5 held_by=\"mode\"",
		    t, id);
#endif
	EXPECT_NEXT("enter", "id=%d priority=5 crit_count=32 pending=0", t, id);
	EXPECT_NEXT("next", "to=interrupted", t);
	EXPECT_TRUE(!strstr(at, "upcall_"));
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
}

TEST_F(trace, of_a_stack_that_is_bad)
{
	int t = self->self, id;

	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, dispatch_on(PAGE, id, 5));

	ASSERT_TRUE(read_trace());
	EXPECT_NEXT("register", "id=%d", t, id);
	EXPECT_NEXT("dispatch", "id=%d priority=5", t, id);
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=0 pending=0 held_by=\"fault\"",
		    t, id);
}

static int spinning, released, ids[2];

static void *dispatcher(void *arg)
{
	WAIT_UNTIL(READ_ONCE(spinning));
	if (upc_dispatch(ids[0], 5))
		return (void *)1;
	WAIT_UNTIL(READ_ONCE(upc.pending));
	if (upc_dispatch(ids[1], 4))
		return (void *)2;
	WRITE_ONCE(released, 1);
	return NULL;
}

TEST_F(trace, of_a_thread_that_runs)
{
	int t = self->self, i;
	pthread_t thread;
	void *ret;

	for (i = 0; i < 2; i++) {
		ids[i] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(ids[i], 0);
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
	crit_enter(&upc);
	WRITE_ONCE(spinning, 1);
	while (!READ_ONCE(released))
		cpu_relax();
	crit_exit(&upc);
	ASSERT_EQ(2, hits);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(0, (long)ret);

	ASSERT_TRUE(read_trace());
	for (i = 0; i < 2; i++)
		EXPECT_NEXT("register", "id=%d", t, ids[i]);
	EXPECT_NEXT("dispatch", "id=%d priority=5 owner_is=\"armed\"", t, ids[0]);
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=32 pending=0", t, ids[0]);
	EXPECT_NEXT("dispatch", "id=%d priority=4 owner_is=\"coalesced\"", t,
		    ids[1]);
	EXPECT_NEXT("enter", "id=%d priority=5 crit_count=32 pending=4", t, ids[0]);
	EXPECT_NEXT("enter", "id=%d priority=4 crit_count=32 pending=0", t, ids[1]);
	EXPECT_NEXT("next", "to=another", t);
	EXPECT_NEXT("next", "to=interrupted", t);
	EXPECT_TRUE(!strstr(at, "upcall_"));
}

/* A structure takes the place of another: what is pending is judged anew. */
TEST_F(trace, of_another_structure)
{
	static struct upcall second = UPCALL_INIT, third = UPCALL_INIT;
	int t = self->self, id[3];

	id[0] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id[0], 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id[0], 5));
	third.crit_count = 5;
	id[1] = upc_register_ctx(&third, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id[1], 0);
	ASSERT_EQ(0, hits);
	id[2] = upc_register_ctx(&second, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id[2], 0);
	ASSERT_EQ(1, hits);

	ASSERT_TRUE(read_trace());
	EXPECT_NEXT("register", "id=%d upc=%#lx", t, id[0], (long)&upc);
	EXPECT_NEXT("dispatch", "id=%d priority=5", t, id[0]);
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=32 pending=0 held_by=\"crit_count\"",
		    t, id[0]);
	EXPECT_NEXT("register", "id=%d upc=%#lx", t, id[1], (long)&third);
	EXPECT_NEXT("hold", "id=%d priority=5 crit_count=5 pending=0 held_by=\"crit_count\"",
		    t, id[0]);
	EXPECT_NEXT("register", "id=%d upc=%#lx", t, id[2], (long)&second);
	EXPECT_NEXT("enter", "id=%d priority=5 crit_count=32 pending=0", t, id[0]);
	EXPECT_NEXT("next", "to=interrupted", t);
	EXPECT_TRUE(!strstr(at, "upcall_"));
}

static struct {
	struct upcall upc;
	int id[2], hits;
} stepped = { .upc = UPCALL_INIT };

static int stepped_main(void *arg)
{
	int i;

	for (i = 0; i < 2; i++)
		stepped.id[i] = upc_register_ctx(&stepped.upc, ctx_next,
						 count_cfunc, &stepped.hits);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || signal_self(SIGSTOP))
		return KSFT_FAIL;
	while (READ_ONCE(stepped.hits) < 2)
		cpu_relax();
	return 0;
}

/* How many of the next events say that upcalls wait for a step to be over. */
static int count_deferred(int owner)
{
	char event[64];
	char *next;
	int n = 0;

	snprintf(event, sizeof(event),
		 ": upcall_defer: owner=%d stepped_by=tracer\n", owner);
	for (;;) {
		next = strstr(at, ": upcall_");
		if (!next || strncmp(next, event, strlen(event)))
			return n;
		at = next + 2;
		n++;
	}
}

TEST_F(trace, of_a_task_that_is_stepped)
{
	pid_t t = clone_worker(stepped_main, NULL);
	int i;

	ASSERT_GT(t, 0);
	ASSERT_TRUE(trace_stopped(t, SIGSTOP));
	ASSERT_GT(stepped.id[0], 0);
	ASSERT_GT(stepped.id[1], 0);
	ASSERT_TRUE(trace_until(t, PTRACE_SINGLESTEP, SIGTRAP));
	ASSERT_EQ(0, upc_dispatch(stepped.id[0], 5));
	ASSERT_EQ(0, upc_dispatch(stepped.id[1], 6));
	for (i = 0; i < 10; i++)
		ASSERT_TRUE(trace_until(t, PTRACE_SINGLESTEP, SIGTRAP));
	EXPECT_EQ(0, stepped.upc.pending);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, t, NULL, NULL));
	ASSERT_EQ(0, child_status(t));

	ASSERT_TRUE(read_trace());
	for (i = 0; i < 2; i++)
		EXPECT_NEXT("register", "id=%d", t, stepped.id[i]);
	EXPECT_NEXT("dispatch", "id=%d priority=5 owner_is=\"armed\"", t,
		    stepped.id[0]);
	EXPECT_NEXT("dispatch", "id=%d priority=6 owner_is=\"armed already\"", t,
		    stepped.id[1]);
	EXPECT_GT(count_deferred(t), 0);
	EXPECT_NEXT("enter", "id=%d priority=6 crit_count=32 pending=5", t,
		    stepped.id[1]);
	EXPECT_NEXT("enter", "id=%d priority=5 crit_count=32 pending=0", t,
		    stepped.id[0]);
	EXPECT_NEXT("next", "to=another", t);
	EXPECT_NEXT("next", "to=interrupted", t);
	/* In the order of its list. */
	EXPECT_NEXT("delete", "", t);
	EXPECT_NEXT("delete", "", t);
	EXPECT_TRUE(!strstr(at, "upcall_"));
}

/* Each kind of event once, or twice, but the one that takes a tracer. */
static int all_of_them(void)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);

	crit_enter(&upc);
	return id < 0 || upc_dispatch(id, 3) || upc_pollclear(id, 0) != 1 ||
	       upc_dispatch(id, 2) || upc_wait(0) != id ||
	       upc_suspend(0) != id || upc.crit_count || upc_delete(id);
}

static bool all_are_in_the_trace(void)
{
	static const char * const names[] = {
		"register", "dispatch", "enter", "hold", "next", "wait",
		"clear", "delete",
	};
	char event[32];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(event, sizeof(event), ": upcall_%s: ", names[i]);
		if (!strstr(text, event)) {
			printf("# no upcall_%s\n", names[i]);
			return false;
		}
	}
	return true;
}

TEST_F(trace, that_is_off)
{
	ASSERT_EQ(0, write_to(INSTANCE "/tracing_on", "0"));
	ASSERT_EQ(0, all_of_them());
	ASSERT_TRUE(read_trace());
	EXPECT_TRUE(!strstr(text, ": upcall_"));

	ASSERT_EQ(0, write_to(INSTANCE "/tracing_on", "1"));
	ASSERT_EQ(0, all_of_them());
	ASSERT_TRUE(read_trace());
	EXPECT_TRUE(all_are_in_the_trace());
}

TEST_F(trace, of_one_process)
{
	char number[16];

	ASSERT_EQ(0, write_to(INSTANCE "/set_event_pid", "1"));
	ASSERT_EQ(0, all_of_them());
	ASSERT_TRUE(read_trace());
	EXPECT_TRUE(!strstr(text, ": upcall_"));

	snprintf(number, sizeof(number), "%d", self->self);
	ASSERT_EQ(0, write_to(INSTANCE "/set_event_pid", number));
	ASSERT_EQ(0, write_to(INSTANCE "/tracing_on", "1"));
	ASSERT_EQ(0, all_of_them());
	ASSERT_TRUE(read_trace());
	EXPECT_TRUE(all_are_in_the_trace());
}

TEST_HARNESS_MAIN
