// SPDX-License-Identifier: GPL-2.0
/*
 * A target that runs in user mode on another CPU is kicked, and does not go
 * on until its next tick: every dispatch to it sends an interrupt.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 4, rule 3.
 */
#include "upcall_test.h"

#define ROUNDS	200

static struct upcall upc = UPCALL_INIT;
static int id, hits, stop, cpu;

static void *spin(void *arg)
{
	if (!pin_to_cpu(1)) {
		WRITE_ONCE(id, -1);
		return NULL;
	}
	cpu = sched_getcpu();
	WRITE_ONCE(id, upc_register_ctx(&upc, ctx_next, count_cfunc, &hits));
	while (!READ_ONCE(stop))
		cpu_relax();
	return NULL;
}

/* The rescheduling interrupts of the thread's CPU, or -1. */
static long kicks(void)
{
	static const char blank[] = " \t\n";
	char line[4096], name[16], *at;
	int column = -1, i;
	long n = -1;
	FILE *file;

	file = fopen("/proc/interrupts", "r");
	if (!file)
		return -1;

	/* The first line names the columns; the others begin with a name. */
	snprintf(name, sizeof(name), "CPU%d", cpu);
	if (fgets(line, sizeof(line), file))
		for (i = 1, at = strtok(line, blank); at; i++) {
			if (!strcmp(at, name))
				column = i;
			at = strtok(NULL, blank);
		}
	while (column > 0 && fgets(line, sizeof(line), file)) {
		at = strtok(line, blank);
		if (!at || strcmp(at, "RES:"))
			continue;
		for (i = 0; at && i < column; i++)
			at = strtok(NULL, blank);
		if (at)
			n = atol(at);
	}
	fclose(file);
	return n;
}

TEST(a_kick_for_every_dispatch)
{
	pthread_t thread;
	long before;
	int i;

	ASSERT_TRUE(pin_to_cpu(0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, spin, NULL));
	while (!READ_ONCE(id))
		sched_yield();
	if (id == -1)
		SKIP(return, "needs a second CPU");
	ASSERT_GT(id, 0);
	before = kicks();
	if (before < 0)
		SKIP(return, "cannot count rescheduling interrupts");

	for (i = 1; i <= ROUNDS; i++) {
		/* Only a task that has left its last upcall is in user mode. */
		while (READ_ONCE(upc.crit_count) || READ_ONCE(upc.pending))
			cpu_relax();
		ASSERT_EQ(0, upc_dispatch(id, 1));
		while (READ_ONCE(hits) < i)
			cpu_relax();
	}

	/* Some found the thread in the kernel, for a tick or to leave. */
	EXPECT_GE(kicks() - before, ROUNDS / 2);
	WRITE_ONCE(stop, 1);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
