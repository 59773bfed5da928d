/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests that make processes and storms share: checks in a child, the
 * child's verdict, waiting, and the image a test executes itself as.
 */
#ifndef UPCALL_PROC_H
#define UPCALL_PROC_H

#include "upcall_test.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/time.h>

/* In a child, where ASSERT would end the wrong process. Safe after vfork(). */
#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			dprintf(2, "# %s:%d: in the child: %s\n",	\
				__FILE__, __LINE__, #cond);		\
			_exit(KSFT_FAIL);				\
		}							\
	} while (0)

/* Gives the other CPU, or another thread on this one, the time it needs. */
#define WAIT_UNTIL(cond)						\
	do {								\
		while (!(cond))						\
			sched_yield();					\
	} while (0)

/* The wait status of a child: 0 is a child that found nothing wrong. */
static inline int child_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) != pid) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

/* To a file of the kernel's: 0, or a negative errno. */
static inline int write_to(const char *file, const char *what)
{
	ssize_t len = strlen(what), done;
	int fd = open(file, O_WRONLY), ret;

	if (fd < 0)
		return -errno;
	done = write(fd, what, len);
	ret = done < 0 ? -errno : done < len ? -EIO : 0;
	close(fd);
	return ret;
}

#define TRACEFS			"/sys/kernel/tracing"

static inline void mount_tracefs(void)
{
	if (access(TRACEFS "/events", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
}

/*
 * How often a storm does what it does: UPCALL_ITERATIONS in the environment
 * stands in the place of 100000, and scales the counts of the slower storms.
 */
static inline int iterations(int at_100000)
{
	const char *env = getenv("UPCALL_ITERATIONS");
	long long n = env ? atoll(env) : 100000;

	n = n * at_100000 / 100000;
	return n < 1 ? 1 : n > INT_MAX ? INT_MAX : (int)n;
}

#define UPCALL_MAX_FILE		"/proc/sys/kernel/upcall_max"

/* The limit of upcalls a VM space, or -1 where it cannot be read. */
static inline int upcall_limit(void)
{
	FILE *f = fopen(UPCALL_MAX_FILE, "r");
	int max = -1;

	if (f) {
		if (fscanf(f, "%d", &max) != 1)
			max = -1;
		fclose(f);
	}
	return max;
}

/* For those who may. */
static inline bool set_upcall_limit(int max)
{
	FILE *f = fopen(UPCALL_MAX_FILE, "w");

	return f && fprintf(f, "%d\n", max) > 0 && !fclose(f);
}

static inline unsigned int next_random(unsigned int *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

/* Signals that only interrupt, again and again, so that none comes too soon. */
static inline void no_handler(int sig)
{
}

static inline int tick_every_ms(int ms)
{
	struct sigaction sa = { .sa_handler = no_handler };
	struct itimerval it = {
		.it_interval = { .tv_usec = ms * 1000 },
		.it_value = { .tv_usec = ms * 1000 },
	};

	return sigaction(SIGALRM, &sa, NULL) ||
	       setitimer(ITIMER_REAL, &it, NULL);
}

static inline int stop_ticks(void)
{
	struct itimerval it = {};

	return setitimer(ITIMER_REAL, &it, NULL);
}

/*
 * A test that executes itself: the new image is given the ids that the old
 * one's upcalls had. No stdio here: this runs in children that share their
 * parent's memory.
 */
#define IMAGE_IDS	4
#define IMAGE_NAME	"upcall-image"

static inline void exec_image(const int *ids, int n)
{
	static char text[IMAGE_IDS][16];
	char *argv[IMAGE_IDS + 2] = { (char *)IMAGE_NAME };
	char *envp = NULL;
	int i;

	for (i = 0; i < n; i++) {
		unsigned int v = ids[i];
		char *p = text[i] + sizeof(text[i]) - 1;

		do {
			*--p = '0' + v % 10;
			v /= 10;
		} while (v);
		argv[1 + i] = p;
	}
	execve("/proc/self/exe", argv, &envp);
	_exit(KSFT_FAIL);
}

/* For main(): how many ids the image was given, or -1 if this is no image. */
static inline int image_ids(int argc, char **argv, int *ids)
{
	int i;

	if (strcmp(argv[0], IMAGE_NAME))
		return -1;
	for (i = 1; i < argc && i <= IMAGE_IDS; i++)
		ids[i - 1] = atoi(argv[i]);
	return i - 1;
}

#endif /* UPCALL_PROC_H */
