/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

/*
 * What is measured: rows in groups; bench.c says how. Nothing here is a test:
 * a benchmark says what it saw, or that it could not look.
 */
#include <stddef.h>
#include <sys/upcall.h>

#include "syscall.h"	/* of ../src/arch */

/*
 * A row: an operation that is called over and over, between two readings of
 * the clock. @before is called before each, outside of what is measured.
 */
struct row {
	const char *name;
	void (*op)(void);
	int upcalls;		/* needs them: left out where there are none */
	void (*before)(void);
};

/* Where a group is measured. */
enum { COUNT = 1, TIME = 2 };

/*
 * Rows that stand beside each other; the others are compared with the first.
 * Groups that differ in a number alone have the same name and rows.
 */
struct group {
	const char *name;
	int where;
	const struct row *rows;
	void (*setup)(int n);
	int n;			/* for setup */
	int per;		/* an operation does this many; 0: one */
	int runs;		/* calls to count; 0: as many as usual */
};

/* Says what failed, and ends the program. */
void fail(const char *what) __attribute__((noreturn));

/* Does this kernel have upcalls? */
extern int have_upcalls;

/* The same way into the kernel for all that is compared, with no errno. */
#define call	sys_call4

#define NR_UPC_REGISTER	500
#define NR_UPC_CONTROL	501

static inline int control(int command, int id, long data)
{
	return call(NR_UPC_CONTROL, command, id, data, 0);
}

/*
 * Registers with the calling task's @upc, or fails. What is compiled here leaves
 * vector registers alone where an upcall may run it.
 */
int add_upcall(struct upcall *upc, upcall_func_t cfunc);

/* A context function that leaves by way (A), always. */
void bench_way_a(void *data);

/* own.c: what a task does by itself */
extern const struct row null_rows[], own_rows[], section_rows[], drain_rows[];
extern const struct row register_rows[], more_rows[];
void own_setup(int n);
void drain_setup(int n);

/* peers.c: what tasks do to each other */
extern const struct row asleep_rows[], spinning_rows[];
extern const struct row through_rows[], many_rows[];
void asleep_setup(int n);
void spinning_setup(int n);
void many_setup(int n);
void threads_setup(int n);

/* life.c: the lives of tasks */
extern const struct row life_rows[];

#endif /* BENCH_H */
