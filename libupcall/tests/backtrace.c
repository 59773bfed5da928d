// SPDX-License-Identifier: MIT
/*
 * backtrace() in cfunc goes through the context function and the kernel's
 * frame to the interrupted function and its callers: interrupted at its first
 * instruction, in a prologue without a frame pointer, and on an odd stack.
 */
#include <execinfo.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include "tap.h"

#define DEPTH	64

extern void (*volatile leaf_target)(void);
void leaf_first(void);
void leaf_first_out(void);
void leaf_first_end(void);
void leaf_prologue(void);
void leaf_prologue_spin(void);
void leaf_prologue_out(void);
void leaf_prologue_end(void);
void leaf_odd(void);
void leaf_odd_spin(void);
void leaf_odd_out(void);
void leaf_odd_end(void);

static const struct leaf {
	const char *name;
	void (*start)(void), (*spin)(void), (*out)(void), (*end)(void);
} leaves[] = {
	{ "first instruction", leaf_first, leaf_first, leaf_first_out,
	  leaf_first_end },
	{ "prologue", leaf_prologue, leaf_prologue_spin, leaf_prologue_out,
	  leaf_prologue_end },
	{ "odd stack pointer", leaf_odd, leaf_odd_spin, leaf_odd_out,
	  leaf_odd_end },
};

#define N_LEAVES	((int)(sizeof(leaves) / sizeof(*leaves)))

static struct upcall upc = UPCALL_INITIALIZER;
static const struct leaf *volatile current;
static volatile int ready, id, rounds_done;
static void *trace[N_LEAVES][DEPTH];
static int depth[N_LEAVES], early;

/*
 * A dispatch may come between saying ready and the loop, or while the upcall
 * before is being left: then this only counts it, and it is dispatched again.
 */
static void cfunc(void *data)
{
	const struct leaf *leaf = current;
	int n = leaf - leaves, got;
	void *pc[DEPTH];

	(void)data;
	got = backtrace(pc, DEPTH);
	if ((got < 3 || pc[2] != (void *)leaf->spin) && early < 1000) {
		early++;
		return;
	}
	memcpy(trace[n], pc, sizeof(pc));
	depth[n] = got;
	leaf_target = leaf->out;
}

/*
 * Two callers, each with work to do after, and called through pointers so that
 * the compiler neither inlines nor copies them.
 */
static void inner(const struct leaf *leaf)
{
	ready = 1;
	leaf->start();
	__asm__ volatile ("" : : : "memory");
}

static void (*volatile call_inner)(const struct leaf *leaf) = inner;

static void outer(const struct leaf *leaf)
{
	call_inner(leaf);
	__asm__ volatile ("" : : : "memory");
}

static void (*volatile call_outer)(const struct leaf *leaf) = outer;

static void *worker(void *arg)
{
	int i;

	id = upc_register(&upc, upc_callused_wrapper, cfunc, NULL);
	if (id < 0)
		tap_bail("upc_register");
	for (i = 0; i < N_LEAVES; i++) {
		current = &leaves[i];
		leaf_target = leaves[i].spin;
		call_outer(&leaves[i]);
		rounds_done++;
	}
	return arg;
}

/* Is the last upcall not over yet? */
static int at_work(void)
{
	volatile struct upcall *u = &upc;

	return u->crit_count || u->pending;
}

/* Is an address of the trace in the function, after frame number from? */
static int find(int n, int from, void *start, int size)
{
	int i;

	for (i = from; i < depth[n]; i++) {
		if (trace[n][i] >= start &&
		    (char *)trace[n][i] < (char *)start + size)
			return i;
	}
	return -1;
}

int main(void)
{
	void *dummy[4];
	pthread_t thread;
	int i;

	need_upcalls();
	/* What backtrace() loads and allocates, it does the first time. */
	backtrace(dummy, 4);

	tap_plan(N_LEAVES * 4);
	if (pthread_create(&thread, NULL, worker, NULL))
		tap_bail("pthread_create");
	for (i = 0; i < N_LEAVES; i++) {
		while (!ready)
			sched_yield();
		ready = 0;
		while (rounds_done <= i) {
			/* Else it might never come out of its upcalls. */
			if (!at_work())
				upc_control(UPC_CONTROL_DISPATCH, id, NULL);
			sched_yield();
		}
	}
	pthread_join(thread, NULL);

	for (i = 0; i < N_LEAVES; i++) {
		const struct leaf *l = &leaves[i];
		int at_cfunc, at_leaf, at_inner, at_outer;

		at_cfunc = find(i, 0, (void *)cfunc, 256);
		at_leaf = find(i, 0, (void *)l->spin, 1);
		at_inner = find(i, 0, (void *)inner, 64);
		at_outer = find(i, 0, (void *)outer, 64);
		printf("# %s: %d frames\n", l->name, depth[i]);
		is(at_cfunc, 0, "begins in cfunc");
		is(at_leaf, 2, "one context function, then the very"
		   " instruction that was interrupted");
		is(at_inner, 3, "then its caller");
		is(at_outer, 4, "then that one's caller");
	}
	return tap_done();
}
