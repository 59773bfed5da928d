// SPDX-License-Identifier: MIT
/*
 * A thread that uses more stack than it has: the process ends by SIGSEGV, and
 * stderr says whose stack it was. Another fault is not called that.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include "mn_test.h"

static volatile int depth;

static int __attribute__((noinline)) deeper(volatile char *above)
{
	volatile char here[256];

	here[0] = *above;
	depth++;
	return depth < 0 ? 0 : deeper(here) + here[0];
}

static void *overflows(void *arg)
{
	char c = 0;

	deeper(&c);
	return arg;
}

/*
 * As near to the end as can be without a fault, and no further: the next frame
 * of the kernel's has no room.
 */
static void *near_the_end(void *arg)
{
	unsigned long bottom = (unsigned long)__builtin_frame_address(0);

	/* The guard page ends where the stack's lowest page begins. */
	bottom = (bottom & ~4095ul) - (MN_STACK_MIN - 4096);
	__asm__ volatile (
		"	leal	64(%0), %%esp\n"
		"	orl	$0, (%%esp)\n"
		"1:	jmp	1b\n"
		: : "r" (bottom) : "memory");
	return arg;
}

static void *faults(void *arg)
{
	volatile int *volatile nowhere = (volatile int *)16;

	*nowhere = 1;
	return arg;
}

static void *others(void *arg)
{
	for (;;) {
		spin(100);
		if (this_setup->backend == MN_COOPERATIVE)
			mn_yield();
	}
	return arg;
}

static void *(*culprit)(void *);
static int null;

static void *first(void *arg)
{
	struct mn_attr attr = { .name = "culprit",
				.stack_size = MN_STACK_MIN };
	mn_t t;

	spawn(&t, others, NULL);
	if (mn_spawn(&t, &attr, culprit, NULL))
		return arg;
	/* Every virtual CPU is interrupted for this. */
	while (culprit == near_the_end) {
		mn_dump(null);
		mn_yield();
	}
	mn_join(t, NULL);
	return arg;
}

static int run(void *arg)
{
	static const struct rlimit no_core;
	struct mn_config c = config_of(arg);

	setrlimit(RLIMIT_CORE, &no_core);
	null = open("/dev/null", O_WRONLY);
	alarm(60);
	return mn_run(&c, first, NULL, NULL);
}

static void dies(const struct setup *s, void *(*fn)(void *), int reported,
		 const char *what)
{
	const char *name = backend_names[s->backend];
	struct child c;
	int as_expected;

	culprit = fn;
	in_child(&c, run, (void *)s);
	ok(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGSEGV,
	   "%s, %d: SIGSEGV, %s", name, s->vcpus, what);
	as_expected = reported ? strstr(c.said, "stack overflow") &&
				 strstr(c.said, "'culprit'") :
				 !strstr(c.said, "overflow");
	if (!ok(as_expected, "and what stderr says"))
		child_said(&c);
}

/* The program's own handler comes if it is not the stack. */
static volatile sig_atomic_t handled;

static void own_handler(int sig)
{
	(void)sig;
	_exit(77);
}

static int run_handled(void *arg)
{
	signal(SIGSEGV, own_handler);
	return run(arg);
}

int main(void)
{
	struct child c;
	int i, n = 0;

	for (i = 0; i < SETUPS; i++)
		n += suits(&mn_setups[i], 0) * 5 +
		     suits(&mn_setups[i], PREEMPTED) * 2;
	tap_plan(n);
	for (i = 0; i < SETUPS; i++) {
		const struct setup *s = &mn_setups[i];

		if (!suits(s, 0))
			continue;
		this_setup = s;
		dies(s, overflows, 1, "an overflow");
		if (suits(s, PREEMPTED))
			dies(s, near_the_end, 1, "no room for a frame");
		dies(s, faults, 0, "another fault");
		culprit = faults;
		in_child(&c, run_handled, (void *)s);
		ok(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 77,
		   "the program's own handler");
	}
	return tap_done();
}
