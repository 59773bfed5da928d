/* SPDX-License-Identifier: MIT */
#ifndef TAP_H
#define TAP_H

/*
 * The Test Anything Protocol, as much as these programs need: a plan, a line
 * per check, and an exit status that fails if a check did or was left out.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/upcall.h>

static int tap_planned, tap_run, tap_failed;

static __inline__ void tap_plan(int n)
{
	/* A test that dies has said what it had done until then. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	tap_planned = n;
	printf("1..%d\n", n);
}

static __inline__ int ok(int passed, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_run);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!passed)
		tap_failed++;
	return passed;
}

/* Like ok(), and says what was there if it is not what was expected. */
static __inline__ int is(long got, long expected, const char *what)
{
	int passed = ok(got == expected, "%s", what);

	if (!passed)
		printf("# got %ld (0x%lx), expected %ld (0x%lx)\n", got, got,
		       expected, expected);
	return passed;
}

static __inline__ int tap_done(void)
{
	if (tap_run != tap_planned)
		printf("# planned %d checks, ran %d\n", tap_planned, tap_run);
	return tap_failed || tap_run != tap_planned;
}

/* What a test that cannot go on ends with. */
static __inline__ void __attribute__((noreturn)) tap_bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static __inline__ void need_upcalls(void)
{
	if (upc_available() == 1)
		return;
	printf("1..0 # SKIP no upcalls in this kernel: %s\n", strerror(errno));
	exit(0);
}

#endif /* TAP_H */
