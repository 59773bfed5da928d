// SPDX-License-Identifier: MIT
/*
 * Upcalls at work, in five scenes. A worker task spins in user mode, holds a
 * critical section or sleeps; the main task dispatches upcalls to it. What is
 * expected is checked: the exit status is 1 if something was not so.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/upcall.h>
#include <unistd.h>

#define N_UPCALLS	4
#define UNTIL(cond)	do sched_yield(); while (!(cond))

/* What the main task tells the worker to do, and what the worker is doing. */
enum mode { SPIN = 1, SECTION, WAIT, SUSPEND, QUIT };
static volatile int told = SPIN, doing;

static struct upcall upc = UPCALL_INITIALIZER;	/* the worker's */
static int ids[N_UPCALLS];
static volatile int tid, result;
static volatile unsigned long turns;		/* of the worker's loops */

/* What cfunc saw, an element a call. It runs anywhere, so it only stores. */
static volatile struct {
	int which, crit_count, depth;
	void *frame;
	unsigned long turns;
} seen[32];
static volatile int entries, done, depth, stay[N_UPCALLS];

static int dispatches, coalesced, held, failures;	/* the main task's */

static void cfunc(void *data)
{
	int n = entries, which = (int)(long)data;

	seen[n].which = which;
	seen[n].crit_count = upc.crit_count;
	seen[n].depth = ++depth;
	seen[n].frame = __builtin_frame_address(0);
	seen[n].turns = turns;
	entries++;
	while (stay[which])
		turns++;
	depth--;
	done++;
}

static void __attribute__((noreturn)) fail(const char *what)
{
	perror(what);
	exit(1);
}

static void *worker(void *arg)
{
	int i, mode;

	for (i = 0; i < N_UPCALLS; i++) {
		ids[i] = upc_register(&upc, upc_callused_wrapper, cfunc,
				      (void *)(long)i);
		if (ids[i] < 0)
			fail("upc_register");
	}
	tid = syscall(SYS_gettid);
	while ((mode = told) != QUIT) {
		if (mode == SECTION || mode == SUSPEND)
			upc_crit_enter(&upc);
		doing = mode;
		if (mode == WAIT)
			result = upc_control(UPC_CONTROL_WAIT, -1, NULL);
		if (mode == SUSPEND)	/* leaves the section as it sleeps */
			result = upc_control(UPC_CONTROL_SUSPEND, -1, NULL);
		while (told == mode)	/* no system call in here */
			turns++;
		if (mode == SECTION)
			upc_crit_exit(&upc);
	}
	return arg;
}

static void tell(int mode)
{
	told = mode;
	UNTIL(doing == mode);
}

static void until_it_spins(void)
{
	unsigned long start = turns;

	UNTIL(turns - start > 1000);
}

static char worker_state(void)
{
	char path[64], state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d %*s %c", &state) != 1)
		fail(path);
	fclose(f);
	return state;
}

static void expect(const char *what, int good)
{
	printf("   %s %s\n", good ? "as expected:" : "NOT SO:", what);
	failures += !good;
}

static int is_pending(int which)
{
	return upc_control(UPC_CONTROL_POLL, ids[which], NULL) == 1;
}

/* holds: is the worker in a section that holds this priority back? */
static void dispatch(int which, int priority, int holds)
{
	int before = holds && is_pending(which);

	if (upc_control(UPC_CONTROL_DISPATCH, ids[which], UPC_PRIO(priority)))
		fail("dispatch");
	dispatches++;
	coalesced += before;
	held += holds && !before && is_pending(which);
}

static void show_spinning(void)
{
	int i;

	puts("1. A task spinning in user mode is interrupted, and goes on");
	for (i = 0; i < 5; i++) {
		dispatch(0, 1, 0);
		UNTIL(done > i);
		until_it_spins();
		printf("     dispatch %d: entered at turn %lu of the loop\n",
		       i + 1, seen[i].turns);
	}
	expect("five dispatches, five entries", entries == 5);
}

static void show_section(int before)
{
	puts("2. A critical section holds an upcall back until its end");
	tell(SECTION);
	dispatch(0, 1, 1);
	dispatch(0, 2, 1);
	dispatch(0, 3, 1);
	until_it_spins();
	printf("     three dispatches in the section: crit_count %d,"
	       " pending %d\n", upc.crit_count, upc.pending);
	expect("pending, not entered", entries == before && is_pending(0));
	tell(SPIN);
	expect("entered at its end, once for all three",
	       entries == before + 1 && !is_pending(0));
}

static void show_priorities(int before)
{
	int i;

	puts("3. A higher priority comes through");
	tell(SECTION);
	stay[1] = 1;
	dispatch(1, 40, 0);
	UNTIL(entries > before);
	dispatch(2, 80, 0);
	UNTIL(done > before);
	expect("priority 80 is done while 40 still runs",
	       entries == before + 2 && depth == 1);
	stay[1] = 0;
	tell(SPIN);
	puts("     section               crit_count 32");
	for (i = before; i < entries; i++)
		printf("     %*s%d entered%*s crit_count %d\n",
		       2 * seen[i].depth, "", seen[i].which * 40,
		       11 - 2 * seen[i].depth, "", seen[i].crit_count);
	expect("40 entered over the section, 80 over 40",
	       seen[before].crit_count == 64 && seen[before].depth == 1 &&
	       seen[before + 1].crit_count == 96 &&
	       seen[before + 1].depth == 2);
}

static void show_next(int before)
{
	int i, good = 1;

	puts("4. NEXT takes one after the other, on one frame");
	tell(SECTION);
	for (i = 0; i < N_UPCALLS; i++)
		dispatch(i, i + 1, 1);
	tell(SPIN);
	for (i = before; i < entries; i++) {
		printf("     priority %d: stack at %p, depth %d\n",
		       seen[i].which + 1, seen[i].frame, seen[i].depth);
		good &= seen[i].which == N_UPCALLS - 1 - (i - before) &&
			seen[i].frame == seen[before].frame &&
			seen[i].depth == 1;
	}
	expect("four held back, four entered, by priority, on one frame",
	       good && entries == before + N_UPCALLS);
}

static void show_sleep(int mode, const char *name, int before)
{
	result = 0;
	tell(mode);
	UNTIL(worker_state() == 'S');
	dispatch(3, 1, 0);
	UNTIL(result);
	printf("     %s slept, and returned id %d\n", name, result);
	expect("woken by the dispatch, entered with no section held",
	       result == ids[3] && entries == before + 1 &&
	       seen[before].which == 3 && seen[before].crit_count == 32);
	tell(SPIN);
}

int main(void)
{
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (upc_available() != 1 ||
	    pthread_create(&thread, NULL, worker, NULL))
		fail("no upcalls here");
	tell(SPIN);
	show_spinning();
	show_section(entries);
	show_priorities(entries);
	show_next(entries);
	puts("5. A task sleeps until an upcall is dispatched to it");
	show_sleep(WAIT, "WAIT", entries);
	show_sleep(SUSPEND, "SUSPEND", entries);
	told = QUIT;
	pthread_join(thread, NULL);
	puts("\n     dispatches  entries  coalesced  held");
	printf("%15d %8d %10d %5d\n", dispatches, entries, coalesced, held);
	expect("each dispatch entered, or at one with an earlier one",
	       dispatches == entries + coalesced && coalesced == 2 && held == 5);
	return failures != 0;
}
