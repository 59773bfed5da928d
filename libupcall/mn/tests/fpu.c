// SPDX-License-Identifier: MIT
/*
 * Floating point and vector registers, and their control words, are the
 * thread's: over preemption, over a move to another virtual CPU. Nothing here
 * but fpu.h touches them (-mgeneral-regs-only).
 */
#include "mn_test.h"
#include "fpu.h"

#define CREW	6

static struct fpu_has has;
static int rounds_done;

static void *carries(void *arg)
{
	unsigned int seed = (long)arg * 1001 + 1, i;
	uint64_t quota = turns(1500);
	struct fpu_state s;

	for (i = 0; preemptions() < quota; i++) {
		/* No call in between: only preemption can take it away. */
		fpu_load(has, seed + i);
		spin(seed % 7 * 100 + 20000);
		fpu_store(has, &s);
		CHECK(fpu_same(has, seed + i, &s));
		add(&rounds_done, 1);
	}
	return NULL;
}

/* Those of the others, all wrong. */
static void *spoils(void *arg)
{
	uint64_t quota = turns(1500);

	while (preemptions() < quota) {
		fpu_spoil(has);
		spin(3000);
		__asm__ volatile ("fnclex; fninit");
	}
	return arg;
}

static void *kept(void *arg)
{
	mn_t t;

	rounds_done = 0;
	spawn(&t, spoils, NULL);
	crew(CREW, carries);
	CHECK(!mn_join(t, NULL));
	printf("# %d rounds\n", rounds_done);
	return arg;
}

/*
 * The control words survive what a thread does of its own will, too: they are
 * kept by every function that is called.
 */
static void *rounds_up(void *arg)
{
	unsigned short cw = (long)arg % 2 ? 0x0b7f : 0x077f, seen;
	unsigned int mxcsr = (long)arg % 2 ? 0xdf80 : 0x3f80, mxcsr_seen;
	int i, n = turns(5000);

	__asm__ volatile ("fldcw %0" : : "m" (cw));
	if (has.sse)
		__asm__ volatile ("ldmxcsr %0" : : "m" (mxcsr));
	for (i = 0; i < n; i++) {
		if (i % 2)
			mn_yield();
		else
			CHECK(!mn_sleep(1000));
		__asm__ volatile ("fnstcw %0" : "=m" (seen));
		CHECK(seen == cw);
		if (!has.sse)
			continue;
		__asm__ volatile ("stmxcsr %0" : "=m" (mxcsr_seen));
		CHECK((mxcsr_seen & ~0x3fu) == mxcsr);
	}
	return NULL;
}

static void *controls(void *arg)
{
	crew(CREW, rounds_up);
	return arg;
}

/*
 * So do the exceptions that have been: half of the crew has divided by zero. The
 * others don't mask that, and would get SIGFPE for it.
 */
#define X87_ZERO	4
#define X87_ALL		0x3f
#define X87_UNMASKED	0x037b

static void *divides(void *arg)
{
	static const unsigned short unmasked = X87_UNMASKED;
	int has_divided = (long)arg % 2, i, n = turns(2000);
	unsigned short seen;

	__asm__ volatile ("fnclex");
	if (has_divided)
		__asm__ volatile ("fld1; fldz; fdivrp; fstp %%st(0)" : :);
	else
		__asm__ volatile ("fldcw %0" : : "m" (unmasked));
	for (i = 0; i < n; i++) {
		if (i % 2)
			mn_yield();
		else
			CHECK(!mn_sleep(1000));
		__asm__ volatile ("fld1; fstp %%st(0); fnstsw %0" : "=m" (seen));
		CHECK((seen & X87_ALL) == (has_divided ? X87_ZERO : 0));
	}
	__asm__ volatile ("fninit");
	return NULL;
}

static void *exceptions(void *arg)
{
	crew(CREW, divides);
	return arg;
}

/* A new thread has a program's, whatever its maker's are. */
static void *looks(void *arg)
{
	CHECK(fpu_default(has));
	return arg;
}

static void *fresh(void *arg)
{
	static const unsigned short cw = 0x077f;
	mn_t t[CREW];
	int i;

	__asm__ volatile ("fldcw %0" : : "m" (cw));
	for (i = 0; i < CREW; i++)
		spawn(&t[i], looks, NULL);
	for (i = 0; i < CREW; i++)
		CHECK(!mn_join(t[i], NULL));
	__asm__ volatile ("fninit");
	return arg;
}

static const struct mn_case cases[] = {
	{ "registers over preemption", kept, PREEMPTED | ONCE },
	{ "control words over waiting", controls, 0 },
	{ "exceptions over waiting", exceptions, 0 },
	{ "a new thread's", fresh, ONCE },
};

int main(void)
{
	has = fpu_has();
	tap_plan(count_cases(cases, N_OF(cases)));
	printf("# SSE %d, AVX %d\n", has.sse, has.avx);
	run_cases(cases, N_OF(cases));
	return tap_done();
}
