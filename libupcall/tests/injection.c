// SPDX-License-Identifier: MIT
/*
 * Something in the worst place: a tracer steps a task through each context
 * function, on both ways of leaving, and through the critical sections, and
 * then, at each instruction boundary that it has seen, does each of several
 * things to it: yields, sleeps, sends a signal, dispatches an upcall that is
 * held there or one that is not, or all at once. Whatever it is, each dispatch
 * is entered once, and the interrupted code is as it was. Prints the matrix.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "tracer.h"

#define MAX_POINTS	2000

static struct upcall *upc;
static char child_stack[0x10000] __attribute__((aligned(16)));

/* What happens at a point: bits. */
#define YIELD		1
#define SLEEP		2
#define SIGNAL		4
#define LOW		8	/* a dispatch that one section holds */
#define HIGH		16	/* a dispatch that interrupts one */
#define FROM_HANDLER	32	/* a dispatch of LOW, made by the handler */

static const struct {
	const char *name;
	int what;
} disturbances[] = {
	{ "nothing", 0 },
	{ "yield", YIELD },
	{ "sleep", SLEEP },
	{ "signal", SIGNAL },
	{ "dispatch", LOW },
	{ "urgent", HIGH },
	{ "both", LOW | HIGH },
	{ "in handler", SIGNAL | FROM_HANDLER },
	{ "all", YIELD | SLEEP | SIGNAL | LOW | HIGH },
};
#define NR_DISTURBANCES	((int)(sizeof(disturbances) / sizeof(disturbances[0])))

/* A stretch of code to be stepped through. */
struct stretch {
	const char *name;
	upcall_func_t ctx;
	void (*sections)(void);	/* NULL: the context function, by an upcall */
	int pending;		/* something is, so that the other way is gone */
	int at_least;		/* points there are */
};

static const struct stretch *stretch;

/* The way through it: where each point is, and for the how-manieth time. */
static unsigned long points[MAX_POINTS];
static int visits[MAX_POINTS], nr_points;

/* What the tracee did. */
static int first_id, low_id, high_id;
static volatile int first_entered, low_entered, high_entered, handled;
static volatile int expect_first, in_time, same, done, from_handler;

static void nested(void)
{
	/* Of an upcall with a section of its own. */
	upc_crit_enter(upc);
	upc_crit_exit(upc);
}

static void first(void *data)
{
	(void)data;
	first_entered++;
	if (stretch->pending && !stretch->sections && first_entered == 1)
		upc_control(UPC_CONTROL_DISPATCH, first_id, NULL);
	else
		regs_target = regs_done;
}

static void low(void *data)
{
	(void)data;
	low_entered++;
	nested();
}

static void high(void *data)
{
	(void)data;
	high_entered++;
	nested();
}

static void handler(int sig)
{
	(void)sig;
	handled++;
	if (from_handler)
		upc_control(UPC_CONTROL_DISPATCH, low_id, NULL);
}

static void one_section(void)
{
	upc_crit_enter(upc);
	if (stretch->pending)
		upc_control(UPC_CONTROL_DISPATCH, first_id, NULL);
	upc_crit_exit(upc);
}

static void two_sections(void)
{
	upc_crit_enter(upc);
	upc_crit_enter(upc);
	if (stretch->pending)
		upc_control(UPC_CONTROL_DISPATCH, first_id,
			    UPC_PRIO(UPC_CRITADD + 1));
	upc_crit_exit(upc);
	upc_crit_exit(upc);
}

static void self_section(void)
{
	upc_self_crit_enter();
	if (stretch->pending)
		upc_control(UPC_CONTROL_DISPATCH, first_id, NULL);
	upc_self_crit_exit();
}

/* At once, unlike with raise(), which has more to do. */
static void stop_here(void)
{
	arch_call(SYS_kill, getpid(), SIGSTOP);
}

/* Shares everything with the tracer, errno too: nothing here may fail. */
static int tracee(void *arg)
{
	(void)arg;
	first_id = upc_register(upc, stretch->ctx, first, NULL);
	low_id = upc_register(upc, stretch->ctx, low, NULL);
	high_id = upc_register(upc, stretch->ctx, high, NULL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	stop_here();
	if (stretch->sections) {
		stretch->sections();
		same = 1;
	} else {
		regs_run();
		same = regs_same();
	}
	/* With crit_count 0 what has been dispatched has been entered. */
	done = 1;
	in_time = first_entered + low_entered + high_entered;
	syscall(SYS_exit, 0);
	return 0;
}

/* To the end, with the signals that come; its status. */
static int run_out(pid_t pid)
{
	int status, sig = 0;

	for (;;) {
		status = run(pid, sig);
		if (!WIFSTOPPED(status))
			return status;
		sig = WSTOPSIG(status);
	}
}

static void dispatch(int id, int priority)
{
	if (upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(priority)))
		tap_bail("DISPATCH");
}

static void disturb(pid_t pid, int what)
{
	struct timespec ms = { 0, 1000000 };

	if (what & YIELD)
		sched_yield();
	if (what & LOW)
		dispatch(low_id, 1);
	if (what & SLEEP)
		nanosleep(&ms, NULL);
	if (what & HIGH)
		dispatch(high_id, UPC_CRITADD + 1);
	from_handler = what & FROM_HANDLER;
	if (what & SIGNAL && kill(pid, SIGUSR1))
		tap_bail("kill");
}

/* By a breakpoint: to step to each of n points takes n * n / 2 steps. */
static void run_to_point(pid_t pid, int n)
{
	int visit;

	for (visit = 0; visit < visits[n]; visit++)
		run_to(pid, points[n]);
}

/* A tracee, stopped at the beginning of the stretch. */
static pid_t start(int n)
{
	pid_t pid;

	upc->crit_count = upc->pending = 0;
	first_entered = low_entered = high_entered = handled = 0;
	in_time = same = done = from_handler = regs_ready = 0;
	expect_first = stretch->sections ? stretch->pending :
		       1 + stretch->pending;
	regs_target = regs_spin;
	regs_pattern(n * 0x01010101, n & 1 ? REGS_FLAGS : 0);
	memset(&regs_out, 0, sizeof(regs_out));
	pid = clone(tracee, child_stack + sizeof(child_stack),
		    CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		tap_bail("clone");
	if (!WIFSTOPPED(wait_for(pid)))
		tap_bail("the tracee ended");
	if (!stretch->sections) {
		run_to(pid, (unsigned long)regs_spin);
		dispatch(first_id, 1);
		run_to(pid, (unsigned long)stretch->ctx);
		rearm(pid);
	}
	return pid;
}

static int finished(pid_t pid)
{
	return stretch->sections ? done :
	       where(pid) == (unsigned long)regs_done;
}

static void find_points(void)
{
	pid_t pid = start(0);
	int i;

	for (nr_points = 0; !finished(pid); nr_points++) {
		if (nr_points == MAX_POINTS)
			tap_bail("the stretch has no end");
		points[nr_points] = where(pid);
		visits[nr_points] = 1;
		for (i = 0; i < nr_points; i++)
			visits[nr_points] += points[i] == points[nr_points];
		go_on(pid, stretch->ctx);
	}
	run_out(pid);
}

static int good_at(int n, int d)
{
	int what = disturbances[d].what, status, low_wanted, good;
	pid_t pid = start(n);

	if (n)
		run_to_point(pid, n);
	disturb(pid, what);
	status = run_out(pid);
	low_wanted = !!(what & (LOW | FROM_HANDLER));
	good = WIFEXITED(status) && !WEXITSTATUS(status) && same &&
	       first_entered == expect_first && low_entered == low_wanted &&
	       high_entered == !!(what & HIGH) &&
	       in_time == first_entered + low_entered + high_entered &&
	       handled == !!(what & SIGNAL) && !upc->crit_count &&
	       !upc->pending;
	if (good)
		return 1;
	printf("# %s, point %d, %s: status %#x, entered %d, %d and %d (%d in"
	       " time), handled %d, crit_count %d, pending %d\n",
	       stretch->name, n, disturbances[d].name, status, first_entered,
	       low_entered, high_entered, in_time, handled, upc->crit_count,
	       upc->pending);
	if (!same)
		regs_print();
	return 0;
}

static void go_through(const struct stretch *s)
{
	int d, n, good[NR_DISTURBANCES], all = 0;

	stretch = s;
	regs_ctx = (void *)s->ctx;
	find_points();
	for (d = 0; d < NR_DISTURBANCES; d++) {
		good[d] = 0;
		for (n = 0; n < nr_points; n++)
			good[d] += good_at(n, d);
		all += good[d];
	}
	printf("# %-24s %6d", s->name, nr_points);
	for (d = 0; d < NR_DISTURBANCES; d++)
		printf(" %10d", good[d]);
	putchar('\n');
	ok(nr_points >= s->at_least, "%s: %d points", s->name, nr_points);
	is(all, NR_DISTURBANCES * nr_points, "all is well at each");
}

static const struct stretch stretches[] = {
	/* As many instructions as each has on the shortest way. */
	{ "integer, pops", upc_integer_wrapper, NULL, 0, 20 },
	{ "integer, NEXT", upc_integer_wrapper, NULL, 1, 20 },
	{ "fpu, pops", upc_fpu_wrapper, NULL, 0, 45 },
	{ "fpu, NEXT", upc_fpu_wrapper, NULL, 1, 45 },
	{ "vcpu, pops", upc_vcpu_wrapper, NULL, 0, 45 },
	{ "vcpu, NEXT", upc_vcpu_wrapper, NULL, 1, 45 },
	{ "section", upc_callused_wrapper, one_section, 0, 4 },
	{ "section, something held", upc_callused_wrapper, one_section, 1, 20 },
	{ "two sections", upc_callused_wrapper, two_sections, 0, 8 },
	{ "two, urgent held", upc_callused_wrapper, two_sections, 1, 20 },
	{ "self section", upc_callused_wrapper, self_section, 0, 4 },
	{ "self, something held", upc_vcpu_wrapper, self_section, 1, 20 },
};
#define NR_STRETCHES	((int)(sizeof(stretches) / sizeof(stretches[0])))

int main(void)
{
	struct sigaction sa = { .sa_handler = handler };
	cpu_set_t one;
	int i;

	need_upcalls();
	/* On one CPU: tracer and tracee take turns anyway. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		tap_bail("sched_setaffinity");
	upc = upc_thread_init();
	if (!upc)
		tap_bail("upc_thread_init");
	if (sigaction(SIGUSR1, &sa, NULL))
		tap_bail("sigaction");

	tap_plan(2 * NR_STRETCHES);
	printf("# %-24s %6s", "good of how many points", "points");
	for (i = 0; i < NR_DISTURBANCES; i++)
		printf(" %10s", disturbances[i].name);
	putchar('\n');
	for (i = 0; i < NR_STRETCHES; i++)
		go_through(&stretches[i]);
	return tap_done();
}
