// SPDX-License-Identifier: MIT
/*
 * Under ThreadSanitizer, which exists for x86-64: instrumented code is
 * interrupted at random by a cfunc that is not instrumented, nothing is
 * reported and nothing stands still; and a race between two threads, one of
 * which is being interrupted all the time, still is reported. The runtime keeps
 * signal handlers out of its own code; it can't keep an upcall out, so cfunc
 * must not call it.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

#define UPCALLS	500

static struct upcall upc = UPCALL_INITIALIZER;
static int entered, over, id, shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int with_bug;

#define get(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define set(p, value)	__atomic_store_n(p, value, __ATOMIC_RELEASE)

static __attribute__((noinline, no_sanitize("thread"))) void cfunc(void *data)
{
	volatile char array[64];
	int i;

	(void)data;
	for (i = 0; i < 64; i++)
		array[i] = i;
	*(volatile int *)&entered += array[1];
}

static __attribute__((noinline)) void add(int n)
{
	if (!with_bug)
		pthread_mutex_lock(&mutex);
	shared += n;
	if (!with_bug)
		pthread_mutex_unlock(&mutex);
}

static void *worker(void *arg)
{
	int mine = upc_register(&upc, upc_callused_wrapper, cfunc, NULL);

	if (mine < 0)
		tap_bail("upc_register");
	set(&id, mine);
	while (!get(&over))
		add(1);
	return arg;
}

static void run(void)
{
	pthread_t thread;
	int i;

	if (pthread_create(&thread, NULL, worker, NULL))
		tap_bail("pthread_create");
	while (!get(&id))
		sched_yield();
	for (i = 0; i < UPCALLS; i++) {
		upc_control(UPC_CONTROL_DISPATCH, id, NULL);
		while (get(&entered) == i) {
			add(-1);
			sched_yield();
		}
	}
	set(&over, 1);
	pthread_join(thread, NULL);
}

/* This program again, with the bug or without: its status, and what it says. */
static int report(const char *arg, char *text, size_t size)
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
		setenv("TSAN_OPTIONS", "exitcode=66 color=never", 1);
		execl("/proc/self/exe", "tsan", arg, (char *)NULL);
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

int main(int argc, char **argv)
{
	static char text[0x10000];

	need_upcalls();
	if (argc > 1) {
		with_bug = !strcmp(argv[1], "bug");
		run();
		return entered == UPCALLS ? 0 : 1;
	}
	tap_plan(3);
	if (!is(report("well", text, sizeof(text)), 0, "nothing to report"))
		printf("# %.200s\n", text);
	is(report("bug", text, sizeof(text)), 66, "a race is reported");
	ok(strstr(text, "data race") && strstr(text, "in add"),
	   "with the functions that race");
	return tap_done();
}
