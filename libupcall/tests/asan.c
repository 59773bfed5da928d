// SPDX-License-Identifier: MIT
/*
 * Under AddressSanitizer: code with red zones on its stack is interrupted at
 * random, by a cfunc that has them too and allocates, and nothing is reported;
 * and a use after free in cfunc is, with a stack that goes through the context
 * function to the interrupted function and its caller.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

#define UPCALLS	500

static struct upcall upc = UPCALL_INITIALIZER;
static volatile int entered, over, id, sum, inside;
static int with_bug;

static __attribute__((noinline)) void cfunc(void *data)
{
	volatile char array[64];
	char *volatile heap = malloc(32);
	int i;

	(void)data;
	for (i = 0; i < 64; i++)
		array[i] = i;
	sum += array[entered % 64];
	if (heap)
		heap[3] = 1;
	free(heap);
	if (with_bug && inside)
		sum += heap[3];
	entered++;
}

static __attribute__((noinline)) int interrupted(int k)
{
	volatile char array[48];
	int i;

	inside = 1;
	for (i = 0; i < 48; i++)
		array[i] = k;
	for (i = 0; i < 48; i++)
		k += array[i];
	inside = 0;
	return k;
}

static __attribute__((noinline)) void caller(void)
{
	while (!over)
		sum += interrupted(over);
}

static void *worker(void *arg)
{
	id = upc_register(&upc, upc_fpu_wrapper, cfunc, NULL);
	if (id < 0)
		tap_bail("upc_register");
	caller();
	return arg;
}

static void run(void)
{
	pthread_t thread;
	int i;

	if (pthread_create(&thread, NULL, worker, NULL))
		tap_bail("pthread_create");
	while (!id)
		sched_yield();
	for (i = 0; i < UPCALLS; i++) {
		upc_control(UPC_CONTROL_DISPATCH, id, NULL);
		while (entered == i)
			sched_yield();
	}
	over = 1;
	pthread_join(thread, NULL);
}

/* This program again, with the bug: what it says. */
static int report(char *text, size_t size)
{
	int status, to_me[2];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(to_me))
		tap_bail("pipe");
	pid = fork();
	if (!pid) {
		dup2(to_me[1], 2);
		close(to_me[0]);
		close(to_me[1]);
		setenv("ASAN_OPTIONS", "color=never", 1);
		execl("/proc/self/exe", "asan", "bug", (char *)NULL);
		_exit(127);
	}
	close(to_me[1]);
	while (len < size - 1 &&
	       (n = read(to_me[0], text + len, size - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		tap_bail("fork");
	close(to_me[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The first stack in the report names these, each after the one before. */
static int in_order(char *text, const char *const *names)
{
	char *end = strstr(text, "\n\n");

	if (end)
		*end = '\0';
	for (; *names; names++) {
		text = strstr(text, *names);
		if (!text) {
			printf("# no %s\n", *names);
			return 0;
		}
	}
	return 1;
}

int main(int argc, char **argv)
{
	static const char *const stack[] = {
		"heap-use-after-free", "in cfunc ", "in upc_",
		"in interrupted ", "in caller ", "in worker ", NULL
	};
	static char text[0x10000];

	(void)argv;
	need_upcalls();
	if (argc > 1) {
		with_bug = 1;
		run();
		return 0;
	}
	tap_plan(3);
	run();
	is(entered, UPCALLS, "nothing to report");
	is(report(text, sizeof(text)), 1, "a use after free in cfunc is fatal");
	ok(in_order(text, stack), "reported, with the interrupted functions");
	printf("# %.60s\n", text[0] == '=' ? strchr(text, '\n') + 1 : text);
	return tap_done();
}
