// SPDX-License-Identifier: MIT
/*
 * A sampling profiler. On demand, every worker takes a backtrace of itself,
 * wherever it is; the others go on meanwhile. It costs the workers nothing
 * between two samples, needs no signal, and interrupts no system call.
 */
#include <execinfo.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/upcall.h>

#define WORKERS	3
#define SAMPLES	20
#define DEPTH	16

static struct worker {
	pthread_t thread;
	volatile int id;		/* of its upcall */
	volatile int taken;		/* samples; the upcall's alone */
	void *trace[SAMPLES][DEPTH];
	int depth[SAMPLES];
	volatile double result;
} workers[WORKERS];

static volatile int over, terms = 1000;

/* backtrace() may use SSE: so this has upc_fpu_wrapper for context function. */
static void sample(void *data)
{
	struct worker *w = (struct worker *)data;
	int n = w->taken;

	if (n < SAMPLES) {
		w->depth[n] = backtrace(w->trace[n], DEPTH);
		w->taken = n + 1;
	}
}

/* Two kinds of work, the second three times as much as the first. */
static double __attribute__((noinline)) harmonic(int n)
{
	double sum = 0;

	for (; n > 0; n--)
		sum += 1.0 / n;
	return sum;
}

static double __attribute__((noinline)) leibniz(int n)
{
	double sum = 0;

	for (; n >= 0; n--)
		sum += (n % 2 ? -4.0 : 4.0) / (2 * n + 1);
	return sum;
}

static void *work(void *arg)
{
	struct worker *w = (struct worker *)arg;
	struct upcall *self = upc_thread_init();

	w->id = self ? upc_register(self, upc_fpu_wrapper, sample, w) : -1;
	while (w->id > 0 && !over)
		w->result = harmonic(terms) + leibniz(3 * terms);
	upc_thread_fini();
	return arg;
}

/* The function that an address is in is the one that starts last before it. */
static void *function_of(void *address)
{
	void *const known[] = { (void *)sample, (void *)harmonic,
				(void *)leibniz, (void *)work };
	char *found = NULL;
	int i;

	for (i = 0; i < 4; i++) {
		char *start = (char *)known[i];

		if (start > found && start <= (char *)address)
			found = start;
	}
	return found;
}

static int seen(const struct worker *w, int n, void *function)
{
	int i;

	for (i = 0; i < w->depth[n]; i++) {
		if (function_of(w->trace[n][i]) == function)
			return 1;
	}
	return 0;
}

static int is_there(const struct worker *w)
{
	while (!w->id)
		sched_yield();
	return w->id > 0;
}

int main(void)
{
	void *first[4];
	int i, n, in_h, in_l, in_work = 0;

	/* What it loads and allocates, it does the first time. */
	backtrace(first, 4);
	for (i = 0; i < WORKERS; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return 1;
	}
	for (i = 0; i < WORKERS; i++) {
		if (!is_there(&workers[i])) {
			fputs("no upcalls here\n", stderr);
			return 1;
		}
	}
	for (n = 0; n < SAMPLES; n++) {
		for (i = 0; i < WORKERS; i++)
			upc_control(UPC_CONTROL_DISPATCH, workers[i].id, NULL);
		for (i = 0; i < WORKERS; i++) {
			while (workers[i].taken == n)
				sched_yield();
		}
	}
	over = 1;
	for (i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);

	puts("worker  samples  in harmonic()  in leibniz()");
	for (i = 0; i < WORKERS; i++) {
		in_h = in_l = 0;
		for (n = 0; n < SAMPLES; n++) {
			in_h += seen(&workers[i], n, (void *)harmonic);
			in_l += seen(&workers[i], n, (void *)leibniz);
			in_work += seen(&workers[i], n, (void *)work);
		}
		printf("%6d %8d %14d %13d\n", i, workers[i].taken, in_h, in_l);
	}
	printf("the last sample of worker 0 has %d frames\n",
	       workers[0].depth[SAMPLES - 1]);
	/* Each sample shows where the work was called. */
	return in_work != WORKERS * SAMPLES;
}
