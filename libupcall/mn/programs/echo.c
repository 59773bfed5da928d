// SPDX-License-Identifier: MIT
/*
 * A TCP server with a thread for each connection, in a program that has work of
 * its own to do: threads that compute, and let nobody in before they are through
 * with a job. How long do the clients wait? With preemption by upcalls, by
 * signals, and without.
 *
 * The clients are another process. It sends requests at times that do not depend
 * on the answers, and measures from the time at which each was due. How late it
 * was itself, on a machine that let it wait, is shown too.
 *
 * usage: echo [-p] [CONNECTIONS [REQUESTS [PER_SECOND [JOB_MS]]]]
 *   -p: lines for a plot, too. MN_BACKEND chooses one of the three.
 * Fails if an answer is missing, is wrong or is another's, or a job went wrong.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "echo_client.h"
#include "program.h"

#define N_COMPUTING	4
#define SERVER_STACK	16384

static struct load load;		/* what the clients do */
static int job_ms;
static unsigned int job_turns;
static int stopping;

/* Of one run. */
struct run {
	enum mn_backend	backend;
	int		listener, go[2];
	mn_t		*servers;
	long		jobs, bad_jobs;
	double		*latency;	/* the clients write, sorted later */
	double		*late;		/* likewise: when a request was sent */
};

static int check(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	must(ret == -1 ? errno : -ret, what);
	return -1;
}

/* A connection. */
static void *serve(void *arg)
{
	int fd = (long)arg;
	char buf[256];
	ssize_t n;

	while ((n = mn_read(fd, buf, sizeof(buf))) > 0)
		if (mn_write(fd, buf, n) != n)
			break;
	close(fd);
	return NULL;
}

static void *compute(void *arg)
{
	struct run *run = arg;
	unsigned int x = 1;

	while (!__atomic_load_n(&stopping, __ATOMIC_RELAXED)) {
		unsigned int y = walk(x, job_turns);

		__atomic_fetch_add(&run->jobs, 1, __ATOMIC_RELAXED);
		if (y != leap(x, job_turns))
			__atomic_fetch_add(&run->bad_jobs, 1, __ATOMIC_RELAXED);
		x = y;
		mn_yield();
	}
	return NULL;
}

static void accept_all(struct run *run)
{
	struct mn_attr attr = {
		.name = "connection", .stack_size = SERVER_STACK, .urgent = 1,
	};
	int one = 1;
	long i, fd;

	for (i = 0; i < load.connections; i++) {
		fd = check(mn_accept(run->listener, NULL, NULL, SOCK_CLOEXEC),
			   "accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		MUST(mn_spawn(&run->servers[i], &attr, serve, (void *)fd));
	}
}

static void *server(void *arg)
{
	struct run *run = arg;
	mn_t computing[N_COMPUTING];
	int i;

	accept_all(run);
	stopping = 0;
	for (i = 0; i < N_COMPUTING; i++)
		MUST(mn_spawn(&computing[i], NULL, compute, run));
	check(mn_write(run->go[1], "", 1), "go");
	for (i = 0; i < load.connections; i++)
		MUST(mn_join(run->servers[i], NULL));
	__atomic_store_n(&stopping, 1, __ATOMIC_RELAXED);
	for (i = 0; i < N_COMPUTING; i++)
		MUST(mn_join(computing[i], NULL));
	return NULL;
}

/* On a port that is free. */
static int listen_anywhere(struct sockaddr_in *addr)
{
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	socklen_t len = sizeof(*addr);

	*addr = (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	check(bind(fd, (void *)addr, len), "bind");
	check(listen(fd, load.connections), "listen");
	check(getsockname(fd, (void *)addr, &len), "getsockname");
	return fd;
}

/* Returns whether all was as it should be; ENOSYS: this kernel has no upcalls. */
static int run_once(struct run *run)
{
	struct mn_config config = { .vcpus = 2, .backend = run->backend };
	long n = load.connections * load.requests;
	size_t size = 2 * n * sizeof(double);
	struct sockaddr_in addr;
	int status, ret;
	pid_t pid;

	run->latency = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run->late = run->latency + n;
	run->servers = calloc(load.connections, sizeof(*run->servers));
	if (run->latency == MAP_FAILED || !run->servers)
		must(ENOMEM, "memory");
	run->listener = listen_anywhere(&addr);
	check(pipe(run->go), "pipe");
	fflush(stdout);
	pid = check(fork(), "fork");
	if (!pid)
		_exit(client(&load, &addr, run->go[0], run->latency, run->late));
	ret = mn_run(&config, server, run, NULL);
	if (ret)
		kill(pid, SIGKILL);
	check(waitpid(pid, &status, 0), "waitpid");
	close(run->listener);
	close(run->go[0]);
	close(run->go[1]);
	free(run->servers);
	if (ret)
		return ret;
	return status || run->bad_jobs ? EIO : 0;
}

static void print_plot(const struct run *run, long n)
{
	double below = 1, next;
	long i, j;

	for (i = 0; i < n; i = j, below = next) {
		next = below * 1.122018454;	/* 20 for each power of ten */
		for (j = i; j < n && run->latency[j] < next;)
			j++;
		if (j > i)
			printf("plot %s %.1f %ld\n", backend_name(run->backend),
			       below, j - i);
	}
}

static void print_histogram(const struct run *runs, int n_runs, long n)
{
	static const double part[] = { 0.5, 0.9, 0.99, 0.999, 1 };
	double below = 100, before;
	int i, k;

	printf("  %-22s", "answered within");
	for (k = 0; k < n_runs; k++)
		printf("%10s", backend_name(runs[k].backend));
	for (i = 0, before = 0; before < runs[n_runs - 1].latency[n - 1]; i++) {
		printf("\n  %8g to %5g ms    ", before / 1000, below / 1000);
		for (k = 0; k < n_runs; k++)
			printf("%10ld", rank(runs[k].latency, n, below) -
			       rank(runs[k].latency, n, before));
		before = below;
		below *= i % 3 == 1 ? 2.5 : 2;
	}
	for (i = 0; i < 5; i++) {
		printf("\n  %5g %% within, ms    ", part[i] * 100);
		for (k = 0; k < n_runs; k++)
			printf("%10.3f",
			       quantile(runs[k].latency, n, part[i]) / 1000);
	}
	printf("\n  %-22s", "99 % asked within, ms");
	for (k = 0; k < n_runs; k++)
		printf("%10.3f", quantile(runs[k].late, n, 0.99) / 1000);
	printf("\n  %-22s", "jobs done meanwhile");
	for (k = 0; k < n_runs; k++)
		printf("%10ld", runs[k].jobs);
	puts("");
}

static void configure(char **argv)
{
	struct rlimit files;
	int64_t start;

	load.connections = number(argv, 1, 200, 1);
	load.requests = number(argv, 2, 2, 1);
	load.per_second = number(argv, 3, 500, 1);
	job_ms = number(argv, 4, 100, 1);
	check(getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
	files.rlim_cur = files.rlim_max;
	check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	start = mn_now();
	walk(1, 10000000);
	job_turns = 10000000 * (job_ms * 1e6 / (mn_now() - start));
}

int main(int argc, char **argv)
{
	static struct run runs[3] = {
		{ .backend = MN_UPCALL }, { .backend = MN_SIGNAL },
		{ .backend = MN_COOPERATIVE },
	};
	const char *only = getenv("MN_BACKEND");
	int plot = argc > 1 && !strcmp(argv[1], "-p");
	int i, n_runs = 0, failures = 0;
	long n;

	configure(argv + plot);
	n = load.connections * load.requests;
	printf("echo: %ld connections, %ld requests, %ld a second; %d threads"
	       " compute, %d ms at a time\n", load.connections, n,
	       load.per_second, N_COMPUTING, job_ms);
	for (i = 0; i < 3; i++) {
		struct run *run = &runs[n_runs];
		int ret;

		run->backend = runs[i].backend;
		if (only && strcmp(only, backend_name(run->backend)))
			continue;
		ret = run_once(run);
		if (ret == ENOSYS)
			continue;
		if (ret)
			printf("echo: %s: WRONG: %s\n",
			       backend_name(run->backend), strerror(ret));
		failures += !!ret;
		n_runs += !ret;
		print_stats();
		qsort(run->latency, n, sizeof(double), by_value);
		qsort(run->late, n, sizeof(double), by_value);
		if (plot)
			print_plot(run, n);
	}
	if (n_runs)
		print_histogram(runs, n_runs, n);
	return failures || !n_runs;
}
