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
 * int registers_kept(unsigned seed, unsigned turns, unsigned flags): eax, ebx,
 * edx, esi, edi and ebp are seed + 1, + 2, ...; ecx counts down, with
 * instructions that change no flag. Returns 0, or what is wrong: 1 a register,
 * 2 the flags, 4 what is on the stack.
 */
int registers_kept(unsigned int seed, unsigned int turns, unsigned int flags);

__asm__ (
"	.text\n"
"	.type	registers_kept, @function\n"
"registers_kept:\n"
"	pushl	%ebp\n"
"	pushl	%ebx\n"
"	pushl	%esi\n"
"	pushl	%edi\n"
"	movl	20(%esp), %eax\n"
"	movl	24(%esp), %ecx\n"
"	leal	2(%eax), %ebx\n"
"	leal	3(%eax), %edx\n"
"	leal	4(%eax), %esi\n"
"	leal	5(%eax), %edi\n"
"	leal	6(%eax), %ebp\n"
"	leal	1(%eax), %eax\n"
"	pushl	$0x12345678\n"
"	pushl	32(%esp)\n"
"	popfl\n"
"1:	leal	-1(%ecx), %ecx\n"
"	jecxz	2f\n"
"	jmp	1b\n"
"2:	pushfl\n"
"	cld\n"
"	popl	%ecx\n"			/* the flags */
"	xorl	32(%esp), %ecx\n"
"	andl	$0xcd5, %ecx\n"
"	je	3f\n"
"	movl	$2, %ecx\n"
"3:	popl	28(%esp)\n"		/* the mark, over the flags' place */
"	xorl	$0x12345678, 28(%esp)\n"
"	je	4f\n"
"	orl	$4, %ecx\n"
"4:	subl	20(%esp), %eax\n"
"	subl	20(%esp), %ebx\n"
"	subl	20(%esp), %edx\n"
"	subl	20(%esp), %esi\n"
"	subl	20(%esp), %edi\n"
"	subl	20(%esp), %ebp\n"
"	decl	%eax\n"
"	subl	$2, %ebx\n"
"	subl	$3, %edx\n"
"	subl	$4, %esi\n"
"	subl	$5, %edi\n"
"	subl	$6, %ebp\n"
"	orl	%ebx, %eax\n"
"	orl	%edx, %eax\n"
"	orl	%esi, %eax\n"
"	orl	%edi, %eax\n"
"	orl	%ebp, %eax\n"
"	je	5f\n"
"	orl	$1, %ecx\n"
"5:	movl	%ecx, %eax\n"
"	popl	%edi\n"
"	popl	%esi\n"
"	popl	%ebx\n"
"	popl	%ebp\n"
"	ret\n"
"	.size	registers_kept, . - registers_kept\n");

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
