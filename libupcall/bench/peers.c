// SPDX-License-Identifier: MIT
/*
 * What tasks do to each other: the main task, and threads that sleep or spin.
 * Where there are two CPUs the main task has the first, the others the second.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define SIG_WAKE	SIGUSR1	/* blocked but in sigsuspend() */
#define SIG_KICK	SIGUSR2	/* never blocked */

/* The main task's. */
static struct upcall upc = UPCALL_INITIALIZER;
static int upcall;
static pid_t pid, tid;

static void start(void *(*run)(void *), volatile int *ready)
{
	pthread_attr_t attr;
	pthread_t id;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) > 1, &set);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 0x10000);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (pthread_create(&id, &attr, run, NULL))
		fail("pthread_create");
	while (!*ready)
		sched_yield();
}

static void empty_cfunc(void *data)
{
	(void)data;
}

static void on_wake(int sig)
{
	(void)sig;
}

static void main_setup(void)
{
	struct sigaction sa = { .sa_handler = on_wake };
	cpu_set_t cpu;
	sigset_t set;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	pid = getpid();
	tid = syscall(SYS_gettid);
	sigemptyset(&set);
	sigaddset(&set, SIG_WAKE);
	if (sigaction(SIG_WAKE, &sa, NULL) ||
	    sigprocmask(SIG_BLOCK, &set, NULL))
		fail("sigaction");
	if (have_upcalls)
		upcall = add_upcall(&upc, empty_cfunc);
}

/*
 * A sleeper is woken, wakes the other side and sleeps again; the main task
 * does the same. Each way of sleeping has a thread of its own.
 */

static volatile int futex_peer, futex_main, futex_ready;

static void futex_wake(volatile int *word)
{
	*word = 1;
	call(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0);
}

static void futex_wait(volatile int *word)
{
	while (!*word)
		call(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, 0, 0);
	*word = 0;
}

static void *futex_run(void *arg)
{
	futex_ready = 1;
	for (;;) {
		futex_wait(&futex_peer);
		futex_wake(&futex_main);
	}
	return arg;
}

static void futex_round(void)
{
	futex_wake(&futex_peer);
	futex_wait(&futex_main);
}

static int event_peer, event_main;
static volatile int event_ready;

static void event_write(int fd)
{
	static const unsigned long long one = 1;

	call(SYS_write, fd, (long)&one, sizeof(one), 0);
}

static void event_read(int fd)
{
	unsigned long long value;

	call(SYS_read, fd, (long)&value, sizeof(value), 0);
}

static void *event_run(void *arg)
{
	event_peer = eventfd(0, 0);
	event_main = eventfd(0, 0);
	event_ready = 1;
	for (;;) {
		event_read(event_peer);
		event_write(event_main);
	}
	return arg;
}

static void event_round(void)
{
	event_write(event_peer);
	event_read(event_main);
}

static int pipe_peer[2], pipe_main[2];
static volatile int pipe_ready;

static void *pipe_run(void *arg)
{
	char c;

	if (pipe(pipe_peer) || pipe(pipe_main))
		fail("pipe");
	pipe_ready = 1;
	for (;;) {
		call(SYS_read, pipe_peer[0], (long)&c, 1, 0);
		call(SYS_write, pipe_main[1], (long)&c, 1, 0);
	}
	return arg;
}

static void pipe_round(void)
{
	char c = 0;

	call(SYS_write, pipe_peer[1], (long)&c, 1, 0);
	call(SYS_read, pipe_main[0], (long)&c, 1, 0);
}

static volatile int signal_tid;
static const uint64_t no_signals;

static void sleep_for_signal(void)
{
	call(SYS_rt_sigsuspend, (long)&no_signals, sizeof(no_signals), 0, 0);
}

static void *signal_run(void *arg)
{
	signal_tid = syscall(SYS_gettid);
	for (;;) {
		sleep_for_signal();
		call(SYS_tgkill, pid, tid, SIG_WAKE, 0);
	}
	return arg;
}

static void signal_round(void)
{
	call(SYS_tgkill, pid, signal_tid, SIG_WAKE, 0);
	sleep_for_signal();
}

/* In a section from before the dispatch until after the sleep's beginning. */

static volatile int wait_id, suspend_id;

static void wait_in_section(struct upcall *own, int other)
{
	upc_crit_enter(own);
	if (other)
		control(UPC_CONTROL_DISPATCH, other, 1);
	control(UPC_CONTROL_WAIT, -1, 1);
	upc_crit_exit(own);
}

static void suspend(struct upcall *own, int other)
{
	upc_crit_enter(own);
	if (other)
		control(UPC_CONTROL_DISPATCH, other, 1);
	control(UPC_CONTROL_SUSPEND, -1, 1);
}

static void *wait_run(void *arg)
{
	struct upcall *own = upc_thread_init();

	wait_id = add_upcall(own, empty_cfunc);
	wait_in_section(own, 0);
	for (;;)
		wait_in_section(own, upcall);
	return arg;
}

static void *suspend_run(void *arg)
{
	struct upcall *own = upc_thread_init();

	suspend_id = add_upcall(own, empty_cfunc);
	suspend(own, 0);
	for (;;)
		suspend(own, upcall);
	return arg;
}

static void wait_round(void)
{
	wait_in_section(&upc, wait_id);
}

static void suspend_round(void)
{
	suspend(&upc, suspend_id);
}

void asleep_setup(int n)
{
	(void)n;
	main_setup();
	start(futex_run, &futex_ready);
	start(event_run, &event_ready);
	start(pipe_run, &pipe_ready);
	start(signal_run, &signal_tid);
	if (have_upcalls) {
		start(wait_run, &wait_id);
		start(suspend_run, &suspend_id);
	}
	usleep(10000);	/* all asleep */
}

const struct row asleep_rows[] = {
	{ "futex", futex_round },
	{ "eventfd", event_round },
	{ "pipe", pipe_round },
	{ "tgkill, sigsuspend", signal_round },
	{ "dispatch, WAIT in a section", wait_round, 1 },
	{ "dispatch, SUSPEND", suspend_round, 1 },
	{ NULL }
};

/*
 * A thread spins in user mode; what is sent to it runs there. For the way back
 * its handler sends to the main task, which spins too.
 */

static volatile int spinning_tid, spin_upcall, spin_upcall_back;
static volatile int hit, back, answer;
/* Apart: whoever waits for those would slow the loop, and the loop him. */
static struct {
	volatile unsigned int n __attribute__((aligned(64)));
} turns;

static void kick_main(void)
{
	call(SYS_tgkill, pid, tid, SIG_KICK, 0);
}

static void on_kick(int sig)
{
	(void)sig;
	if (syscall(SYS_gettid) == tid) {
		back = 1;
		return;
	}
	hit = 1;
	if (answer)
		kick_main();
}

static void hit_cfunc(void *data)
{
	(void)data;
	hit = 1;
}

static void back_cfunc(void *data)
{
	(void)data;
	back = 1;
}

static void answer_cfunc(void *data)
{
	(void)data;
	control(UPC_CONTROL_DISPATCH, upcall, 1);
}

static void *spin_run(void *arg)
{
	struct upcall *own = upc_thread_init();

	if (have_upcalls) {
		spin_upcall = add_upcall(own, hit_cfunc);
		spin_upcall_back = add_upcall(own, answer_cfunc);
	}
	spinning_tid = syscall(SYS_gettid);
	for (;;)
		turns.n++;
	return arg;
}

void spinning_setup(int n)
{
	struct sigaction sa = { .sa_handler = on_kick };

	(void)n;
	main_setup();
	if (sigaction(SIG_KICK, &sa, NULL))
		fail("sigaction");
	if (have_upcalls)
		upcall = add_upcall(&upc, back_cfunc);
	start(spin_run, &spinning_tid);
}

/* Out of the handler of the time before, and its sigreturn. */
static void until_it_spins(void)
{
	unsigned int seen = turns.n;

	while (turns.n - seen < 100)
		;
	hit = back = 0;
}

static void kick(void)
{
	answer = 0;
	call(SYS_tgkill, pid, spinning_tid, SIG_KICK, 0);
	while (!hit)
		;
}

static void kick_back(void)
{
	answer = 1;
	call(SYS_tgkill, pid, spinning_tid, SIG_KICK, 0);
	while (!back)
		;
}

static void dispatch_spinning(void)
{
	control(UPC_CONTROL_DISPATCH, spin_upcall, 1);
	while (!hit)
		;
}

static void dispatch_back(void)
{
	control(UPC_CONTROL_DISPATCH, spin_upcall_back, 1);
	while (!back)
		;
}

/* After the handler, until what it interrupted goes on. */
static void until_it_goes_on(void)
{
	unsigned int seen = turns.n;

	while (turns.n == seen)
		;
}

static void kick_through(void)
{
	kick();
	until_it_goes_on();
}

static void dispatch_through(void)
{
	dispatch_spinning();
	until_it_goes_on();
}

const struct row through_rows[] = {
	{ "tgkill, until it spins again", kick_through, 0, until_it_spins },
	{ "dispatch, until it spins again", dispatch_through, 1,
	  until_it_spins },
	{ NULL }
};

const struct row spinning_rows[] = {
	{ "tgkill, until its handler runs", kick, 0, until_it_spins },
	{ "dispatch, until its handler runs", dispatch_spinning, 1,
	  until_it_spins },
	{ "tgkill there and back", kick_back, 0, until_it_spins },
	{ "dispatch there and back", dispatch_back, 1, until_it_spins },
	{ NULL }
};

/* One to many sleepers, until the last one's handler has run. */

static int many, upcalls[256], tids[256];
static volatile int hits, last, started;

static void one_more(void)
{
	if (__atomic_add_fetch(&hits, 1, __ATOMIC_SEQ_CST) == many)
		futex_wake(&last);
}

static void many_cfunc(void *data)
{
	(void)data;
	one_more();
}

static void on_many(int sig)
{
	(void)sig;
	one_more();
}

static void *many_wait(void *arg)
{
	upcalls[started] = add_upcall(upc_thread_init(), many_cfunc);
	started++;
	for (;;)
		control(UPC_CONTROL_WAIT, -1, 1);
	return arg;
}

static void *many_suspend(void *arg)
{
	tids[started] = syscall(SYS_gettid);
	started++;
	for (;;)
		sleep_for_signal();
	return arg;
}

static void start_many(void *(*run)(void *), int n)
{
	int i, before;

	started = 0;
	for (i = 0; i < n; i++) {
		before = started;
		start(run, &started);
		while (started == before)
			sched_yield();
	}
}

void many_setup(int n)
{
	struct sigaction sa = { .sa_handler = on_many };

	main_setup();
	if (sigaction(SIG_WAKE, &sa, NULL))
		fail("sigaction");
	many = n;
	start_many(many_suspend, n);
	if (have_upcalls)
		start_many(many_wait, n);
}

static void until_asleep(void)
{
	usleep(2000);
	hits = 0;
}

static void many_signals(void)
{
	int i;

	for (i = 0; i < many; i++)
		call(SYS_tgkill, pid, tids[i], SIG_WAKE, 0);
	futex_wait(&last);
}

static void many_dispatches(void)
{
	int i;

	for (i = 0; i < many; i++)
		control(UPC_CONTROL_DISPATCH, upcalls[i], 1);
	futex_wait(&last);
}

const struct row many_rows[] = {
	{ "tgkill, sigsuspend", many_signals, 0, until_asleep },
	{ "dispatch, WAIT", many_dispatches, 1, until_asleep },
	{ NULL }
};

/* @n tasks of this mm with an upcall each: the main task, and sleepers. */
void threads_setup(int n)
{
	if (!have_upcalls)
		return;
	drain_setup(1);
	start_many(many_wait, n - 1);
	usleep(10000);
}
