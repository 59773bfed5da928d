// SPDX-License-Identifier: MIT
/*
 * Jobs that run one at a time, though one of them sleeps in a system call. Two kernel
 * threads carry them. When the one that does sleeps, the kernel dispatches an upcall
 * of the other, which goes on with the jobs. When the first is awake, an upcall of its
 * own asks who has them now, before the call returns.
 *
 * Who has the jobs is said by one upcall a thread, told[]: it is pending, and whoever
 * clears it has them, the other thread or this one, which takes it back. A thread that
 * does not have them is in a critical section all the time, and waits in it, so that
 * nobody is told of its sleeps.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/upcall.h>

#define JOBS	4
#define TOLD	1			/* priorities: first comes who is awake */
#define AWAKE	2

static int told[2], awake[2];		/* identifiers */
static __thread int me;
static pthread_barrier_t registered;
static int fds[2];

/* Only who has the jobs looks at these. */
static int next_job, order[JOBS], ended, taken_over;

/* Never entered: whoever does not have the jobs is in a section. */
static void told_of(void *data)
{
	(void)data;
}

static int take(int whose)
{
	return upc_control(UPC_CONTROL_POLLANDCLEAR, told[whose],
			   UPC_PRIO(TOLD)) == 1;
}

/* In a section, or in an upcall, which is one too. */
static void wait_for_my_turn(void)
{
	do {
		upc_control(UPC_CONTROL_WAIT, -1, UPC_PRIO(TOLD));
	} while (!take(me));
}

static void awake_again(void *data)
{
	(void)data;
	/* Nobody has come: the sleep was short. */
	if (take(!me))
		return;
	wait_for_my_turn();
	taken_over++;
}

static void reads(void)
{
	char c;

	if (read(fds[0], &c, 1) != 1)
		perror("read");
}

static void computes(void)
{
	volatile int i;

	for (i = 0; i < 1000000; i++)
		;
}

/* Behind the one that waits for it: alone, they would wait for ever. */
static void writes(void)
{
	if (write(fds[1], "x", 1) != 1)
		perror("write");
}

static void (*const jobs[JOBS])(void) = { reads, computes, writes, computes };

static void run_jobs(void)
{
	int job;

	while (next_job < JOBS) {
		job = next_job++;
		jobs[job]();
		order[ended++] = job;
	}
}

static int set_up(struct upcall *upc)
{
	told[me] = upc_register(upc, upc_callused_wrapper, told_of, NULL);
	awake[me] = upc_register(upc, upc_callused_wrapper, awake_again, NULL);
	pthread_barrier_wait(&registered);
	return told[me] < 0 || awake[me] < 0 ||
	       upc_control(UPC_CONTROL_ONBLOCK, told[!me], UPC_PRIO(TOLD)) ||
	       upc_control(UPC_CONTROL_ONWAKE, awake[me], UPC_PRIO(AWAKE));
}

/* In a section, so that no sleep is told, but for the time of the jobs. */
static void *carry(void *arg)
{
	struct upcall *upc = upc_thread_init();
	int all_ended;

	me = *(int *)arg;
	if (!upc)
		return arg;
	upc_crit_enter(upc);
	if (set_up(upc))
		return arg;
	/* The first one has them to begin with. */
	if (me != 0)
		wait_for_my_turn();
	for (;;) {
		upc_crit_exit(upc);
		run_jobs();
		upc_crit_enter(upc);
		all_ended = ended == JOBS;
		upc_control(UPC_CONTROL_DISPATCH, told[!me], UPC_PRIO(TOLD));
		if (all_ended)
			break;
		wait_for_my_turn();
	}
	upc_crit_exit(upc);
	upc_thread_fini();
	return NULL;
}

int main(void)
{
	static int names[2] = { 0, 1 };
	pthread_t thread[2];
	void *failed[2];
	int i;

	if (pipe(fds) || pthread_barrier_init(&registered, NULL, 2))
		return 1;
	for (i = 0; i < 2; i++) {
		if (pthread_create(&thread[i], NULL, carry, &names[i]))
			return 1;
	}
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], &failed[i]);
	if (failed[0] || failed[1]) {
		fprintf(stderr, "no upcalls, or none that tell of sleeps\n");
		return 1;
	}
	printf("ended in the order");
	for (i = 0; i < JOBS; i++)
		printf(" %d", order[i]);
	printf("; the thread of the first had to wait %d times\n", taken_over);
	return order[JOBS - 1] != 0;
}
