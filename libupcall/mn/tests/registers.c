// SPDX-License-Identifier: MIT
/*
 * Integer registers and flags over preemption: a loop in assembly that has its
 * own value in each, and looks whether it still has.
 */
#include "mn_test.h"

#define CREW	6

/* CF, PF, AF, ZF, SF, DF, OF */
#define FLAGS	0xcd5u

/*
 * Each register but the one that counts and the stack pointer is seed + 1, + 2,
 * ... for @turns instructions that change no flag, which are @flags. Returns 0, or
 * what is wrong: 1 a register, 2 the flags, 4 what is on the stack, 8 what is in
 * the red zone.
 */
int registers_kept(unsigned long seed, unsigned long turns,
		   unsigned long flags);

#include "registers_asm.h"

static void *loops(void *arg)
{
	unsigned int seed = (long)arg * 12345 + 99;
	uint64_t quota = turns(2000);

	while (preemptions() < quota) {
		unsigned int flags = random_next(&seed) & FLAGS;
		int wrong = registers_kept(seed, 20000, flags);

		CHECK(!(wrong & 1));
		CHECK(!(wrong & 2));
		CHECK(!(wrong & 4));
		CHECK(!(wrong & 8));
	}
	return NULL;
}

static void *kept(void *arg)
{
	crew(CREW, loops);
	return arg;
}

static const struct mn_case cases[] = {
	{ "integer registers and flags", kept, PREEMPTED | ONCE },
};

MN_MAIN(cases)
