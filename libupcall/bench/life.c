// SPDX-License-Identifier: MIT
/*
 * The lives of tasks that have no upcalls: what the option costs where it is
 * not used.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void reap(pid_t pid)
{
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		fail("child");
}

static void fork_exit(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	reap(pid);
}

static void exec_exit(void)
{
	static char *const argv[] = { "bench", "exit", NULL };
	static char *const envp[] = { NULL };
	pid_t pid = vfork();

	if (!pid) {
		execve("/proc/self/exe", argv, envp);
		_exit(1);
	}
	reap(pid);
}

static void *thread(void *arg)
{
	return arg;
}

static void thread_exit(void)
{
	pthread_t id;

	if (pthread_create(&id, NULL, thread, NULL) || pthread_join(id, NULL))
		fail("pthread_create");
}

const struct row life_rows[] = {
	{ "fork, exit, wait", fork_exit },
	{ "thread: create, exit, join", thread_exit },
	{ "vfork, exec, exit, wait", exec_exit },
	{ NULL }
};
