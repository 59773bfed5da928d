// SPDX-License-Identifier: MIT
/*
 * The context functions, both ways out, without a kernel that has upcalls: see
 * emulated.h. First one upcall more at each instruction boundary of another, the
 * one after the other, by a trap flag; then a storm from a timer, of two
 * priorities, into code that checks all of its registers. Every dispatch is
 * entered, and the interrupted code is as it was.
 */
#define _GNU_SOURCE
#include <sys/time.h>
#include "emulated.h"
#include "fpu.h"

#define ROUNDS	200
#define ENTRIES	4		/* in a round of the storm, at least */

static struct upcall *upc;
static struct fpu_has has;
static volatile int first_entered, second_entered, low_entered, high_entered;
static volatile int unaligned, not_default, until;
static int second_id, chain_id, low_id, high_id;
static int stepping, boundary, steps, spoil, chained;

static void spoil_all(void)
{
	unaligned += !REGS_ALIGNED();
	if (spoil) {
		not_default += !fpu_default(has);
		fpu_spoil(has);
	}
	arch_clobber();
}

static void first(void *data)
{
	(void)data;
	first_entered++;
	if (chained)
		upc_control(UPC_CONTROL_DISPATCH, chain_id, NULL);
	spoil_all();
}

static void second(void *data)
{
	(void)data;
	second_entered++;
	spoil_all();
}

static void low(void *data)
{
	volatile int i;

	(void)data;
	low_entered++;
	if (low_entered + high_entered >= until)
		regs_target = regs_done;
	/* Long enough for the next to find it at work, now and then. */
	for (i = 0; i < 2000; i++)
		;
	upc_crit_enter(upc);
	upc_crit_exit(upc);
	spoil_all();
}

static void high(void *data)
{
	(void)data;
	high_entered++;
	if (low_entered + high_entered >= until)
		regs_target = regs_done;
	spoil_all();
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	unsigned long ip = r[ARCH_REG_IP];

	(void)sig;
	(void)info;
	if (ip == (unsigned long)regs_ctx && !stepping) {
		stepping = 1;
		steps = 0;
	}
	if (ip >= (unsigned long)regs_done && ip < (unsigned long)regs_end) {
		stepping = 0;
		r[FRAME_FLAGS] &= ~REGS_TF;
	}
	if (stepping && steps++ == boundary)
		emulated_dispatch(r, second_id, 1);
}

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	static int n;

	(void)sig;
	(void)info;
	if (++n % 3)
		emulated_dispatch(r, low_id, 1);
	else
		emulated_dispatch(r, high_id, UPC_CRITADD + 1);
}

/* One round: fill everything, be interrupted, look. 1 if all is as it was. */
static int interrupted(unsigned int seed, unsigned int flags)
{
	struct fpu_state found;
	int same;

	memset(&found, 0, sizeof(found));
	memset(&regs_out, 0, sizeof(regs_out));
	regs_pattern(seed, flags);
	if (spoil)
		fpu_load(has, seed);
	regs_run();
	if (spoil) {
		fpu_store(has, &found);
		if (!fpu_same(has, seed, &found))
			return 0;
		__asm__ volatile ("fninit");
	}
	same = regs_same();
	if (!same)
		regs_print();
	return same;
}

/* The next instruction boundary; 0 if it is not one of the upcall's any more. */
static int at_boundary(int *bad)
{
	int same, good;

	first_entered = second_entered = 0;
	upc->crit_count = UPC_CRITADD;
	upc->pending = 0;
	regs_target = regs_push;
	same = interrupted(boundary * 0x01010101U, REGS_TF |
			   (boundary & 1 ? REGS_FLAGS : 0));
	if (steps <= boundary)
		return 0;
	good = same && first_entered == 1 && second_entered == 1 + chained &&
	       !upc->crit_count && !upc->pending;
	if (!good)
		printf("# boundary %d: same %d, entered %d and %d, crit_count"
		       " %d, pending %d\n", boundary, same, first_entered,
		       second_entered, upc->crit_count, upc->pending);
	*bad += !good;
	return 1;
}

static void boundaries(const char *name, int chain)
{
	int bad = 0;

	chained = chain;
	emulated_nexts = 0;
	for (boundary = 0; at_boundary(&bad); boundary++)
		;
	ok(boundary >= 20, "%s, %s: %d boundaries", name,
	   chain ? "a further one pending" : "none pending", boundary);
	is(bad, 0, "none where a second upcall went wrong");
	ok(emulated_nexts > 0, "left by NEXT %d times", emulated_nexts);
}

static void storm(const char *name)
{
	const struct itimerval start = { { 0, 30 }, { 0, 30 } };
	const struct itimerval stop = { { 0, 0 }, { 0, 0 } };
	int i, same = 0, balanced = 0;

	low_entered = high_entered = emulated_nexts = 0;
	upc->crit_count = upc->pending = 0;
	if (setitimer(ITIMER_REAL, &start, NULL))
		tap_bail("setitimer");
	for (i = 0; i < ROUNDS; i++) {
		upc_crit_enter(upc);
		regs_target = regs_spin;
		until = low_entered + high_entered + ENTRIES;
		upc_crit_exit(upc);
		same += interrupted(i * 0x01010101U, i & 1 ? REGS_FLAGS : 0);
		balanced += !upc->crit_count;
	}
	if (setitimer(ITIMER_REAL, &stop, NULL))
		tap_bail("setitimer");
	printf("# %s: %d and %d entries, %d NEXT\n", name, low_entered,
	       high_entered, emulated_nexts);
	is(same, ROUNDS, "a storm: everything as it was");
	is(balanced, ROUNDS, "and the section left");
}

static int reg(upcall_func_t ctx, upcall_func_t cfunc)
{
	int id = upc_register(upc, ctx, cfunc, NULL);

	if (id < 0)
		tap_bail("upc_register");
	return id;
}

static void run(const char *name, upcall_func_t ctx, int floats)
{
	spoil = floats;
	emulated_ids = 0;
	unaligned = not_default = 0;
	second_id = reg(ctx, second);
	chain_id = reg(ctx, second);
	low_id = reg(ctx, low);
	high_id = reg(ctx, high);
	regs_ctx = (void *)ctx;
	regs_cfunc = (void *)first;
	regs_upc = upc;

	boundaries(name, 0);
	boundaries(name, 1);
	storm(name);
	is(unaligned, 0, "each on an aligned stack");
	is(not_default, 0, "each with the ABI's defaults");
}

int main(void)
{
	if (!emulated_begin()) {
		puts("1..0 # SKIP no system call filters here");
		return 0;
	}
	emulated_handler(SIGTRAP, on_trap);
	emulated_handler(SIGALRM, on_alarm);
	has = fpu_has();
	tap_plan(2 + 10 * 3);
	is(upc_available(), 1, "upcalls are there, it seems");
	upc = upc_thread_init();
	ok(upc != NULL, "upc_thread_init");
	if (!upc)
		return tap_done();
	run("upc_integer_wrapper", upc_integer_wrapper, 0);
	run("upc_fpu_wrapper", upc_fpu_wrapper, 1);
	run("upc_vcpu_wrapper", upc_vcpu_wrapper, 1);
	return tap_done();
}
