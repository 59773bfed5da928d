// SPDX-License-Identifier: MIT
/*
 * A thread that uses more stack than it has: the process ends by SIGSEGV, and
 * stderr says whose stack it was. Another fault is not called that.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include "mn_test.h"

#ifdef __x86_64__
#define STACK_POINTER	"rsp"
#else
#define STACK_POINTER	"esp"
#endif

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
		"	mov	%0, %%" STACK_POINTER "\n"
		"	orl	$0, (%%" STACK_POINTER ")\n"
		"1:	jmp	1b\n"
		: : "r" (bottom + 64) : "memory");
	return arg;
}

static void *faults(void *arg)
{
	volatile int *volatile nowhere = (volatile int *)16;

	*nowhere = 1;
	return arg;
}

/* The lower end of a variable that is larger than all of the stack, and no more. */
static void __attribute__((noinline)) large(void)
{
	volatile char big[24576];

	big[0] = 1;
	__asm__ volatile ("" : : "r" (big) : "memory");
}

static void *jumps(void *arg)
{
	large();
	return arg;
}

/* As far as was asked for. */
static void __attribute__((noinline)) larger(void)
{
	volatile char big[200000];

	big[0] = 1;
	__asm__ volatile ("" : : "r" (big) : "memory");
}

static void *jumps_far(void *arg)
{
	larger();
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

	if (culprit == jumps_far)
		attr.guard_size = 200000;

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

/* Its handler has seen to one fault: then comes an overflow. */
static sigjmp_buf after;

static void goes_on(int sig)
{
	(void)sig;
	handled++;
	siglongjmp(after, 1);
}

static void *faults_and_overflows(void *arg)
{
	volatile int i;

	for (i = 0; i < 3; i++) {
		if (!sigsetjmp(after, 1))
			faults(arg);
		/* Others run, and their signal masks are not this one's. */
		mn_sleep(1000);
	}
	if (handled == 3)
		overflows(arg);
	return arg;
}

static int run_after(void *arg)
{
	signal(SIGSEGV, goes_on);
	return run(arg);
}

static void handles(const struct setup *s)
{
	struct child c;

	culprit = faults;
	in_child(&c, run_handled, (void *)s);
	ok(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 77,
	   "the program's own handler");
	culprit = faults_and_overflows;
	in_child(&c, run_after, (void *)s);
	if (!ok(WIFSIGNALED(c.status) && strstr(c.said, "stack overflow"),
		"an overflow after faults that were handled"))
		child_said(&c);
}

int main(void)
{
	int i, n = 0;

	for (i = 0; i < SETUPS; i++)
		n += suits(&mn_setups[i], 0) * 10 +
		     suits(&mn_setups[i], PREEMPTED) * 2;
	tap_plan(n);
	for (i = 0; i < SETUPS; i++) {
		const struct setup *s = &mn_setups[i];

		if (!suits(s, 0))
			continue;
		this_setup = s;
		dies(s, overflows, 1, "an overflow");
		dies(s, jumps, 1, "a variable larger than the stack");
		dies(s, jumps_far, 1, "a guard as large as that");
		if (suits(s, PREEMPTED))
			dies(s, near_the_end, 1, "no room for a frame");
		dies(s, faults, 0, "another fault");
		handles(s);
	}
	return tap_done();
}
