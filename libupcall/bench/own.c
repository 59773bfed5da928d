// SPDX-License-Identifier: MIT
/*
 * What a task does by itself: system calls, signals and upcalls to itself,
 * critical sections.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define MOST	4096

static struct upcall upc = UPCALL_INITIALIZER;
static int ids[MOST], n_ids, id_a, id_fpu, entered;
static pid_t pid, tid;

static void cfunc(void *data)
{
	(void)data;
	entered++;
}

static void handler(int sig)
{
	(void)sig;
	entered++;
}

static void handler_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	entered++;
}

/* A system call that does nearly nothing. */
static void null_call(void)
{
	call(SYS_getppid, 0, 0, 0, 0);
}

static void be_registered(void)
{
	if (!n_ids)
		ids[n_ids++] = add_upcall(&upc, cfunc);
}

const struct row null_rows[] = {
	{ "getppid, no upcall registered", null_call },
	{ "getppid, an upcall registered", null_call, 1, be_registered },
	{ NULL }
};

void own_setup(int n)
{
	struct sigaction plain = { .sa_handler = handler };
	struct sigaction info = { .sa_sigaction = handler_info,
				  .sa_flags = SA_SIGINFO };

	(void)n;
	pid = getpid();
	tid = syscall(SYS_gettid);
	if (sigaction(SIGUSR1, &plain, NULL) ||
	    sigaction(SIGUSR2, &info, NULL))
		fail("sigaction");
	if (!have_upcalls)
		return;
	be_registered();
	id_a = upc_register(&upc, bench_way_a, cfunc, NULL);
	id_fpu = upc_register(&upc, upc_fpu_wrapper, cfunc, NULL);
	if (id_a < 0 || id_fpu < 0)
		fail("upc_register");
}

static void signal_plain(void)
{
	call(SYS_tgkill, pid, tid, SIGUSR1, 0);
}

static void signal_info(void)
{
	call(SYS_tgkill, pid, tid, SIGUSR2, 0);
}

static void way_b(void)
{
	control(UPC_CONTROL_DISPATCH, ids[0], 1);
}

static void way_a(void)
{
	control(UPC_CONTROL_DISPATCH, id_a, 1);
}

static void way_fpu(void)
{
	control(UPC_CONTROL_DISPATCH, id_fpu, 1);
}

static void held(void)
{
	upc_crit_enter(&upc);
	control(UPC_CONTROL_DISPATCH, ids[0], 1);
	upc_crit_exit(&upc);
}

const struct row own_rows[] = {
	{ "tgkill, handler, sigreturn", signal_plain },
	{ "tgkill, handler with SA_SIGINFO, sigreturn", signal_info },
	{ "dispatch, left by way (B)", way_b, 1 },
	{ "dispatch, left by way (A)", way_a, 1 },
	{ "dispatch, upc_fpu_wrapper, way (B)", way_fpu, 1 },
	{ "dispatch in a section, entered at its exit", held, 1 },
	{ NULL }
};

const struct row more_rows[] = {
	{ "dispatch, left by way (B)", way_b, 1 },
	{ NULL }
};

static void mask_pair(void)
{
	static const uint64_t usr1 = 1 << (SIGUSR1 - 1);

	call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&usr1, 0, sizeof(usr1));
	call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&usr1, 0, sizeof(usr1));
}

static void crit_pair(void)
{
	upc_crit_enter(&upc);
	upc_crit_exit(&upc);
}

const struct row section_rows[] = {
	{ "sigprocmask, block and unblock", mask_pair },
	{ "upc_crit_enter and upc_crit_exit", crit_pair, 1 },
	{ NULL }
};

/* Registers @n upcalls. */
void drain_setup(int n)
{
	while (have_upcalls && n_ids < n)
		ids[n_ids++] = add_upcall(&upc, cfunc);
}

/*
 * All are dispatched in a section that holds back each of them; at its end the
 * first is entered, and each one's end enters the next through NEXT.
 */
static inline __attribute__((always_inline)) void drain(int base, int step)
{
	int i;

	upc_crit_enter(&upc);
	upc.crit_count += MOST;
	for (i = 0; i < n_ids; i++)
		control(UPC_CONTROL_DISPATCH, ids[i], base + i * step);
	upc.crit_count -= MOST;
	upc_crit_exit(&upc);
}

static void drain_equal(void)
{
	drain(1, 0);
}

static void drain_rising(void)
{
	drain(1, 1);
}

static void drain_falling(void)
{
	drain(n_ids, -1);
}

const struct row drain_rows[] = {
	{ "equal priorities", drain_equal, 1 },
	{ "rising priorities", drain_rising, 1 },
	{ "falling priorities", drain_falling, 1 },
	{ NULL }
};

static void register_delete(void)
{
	int id = call(NR_UPC_REGISTER, (long)&upc, (long)upc_integer_wrapper,
		      (long)cfunc, 0);

	control(UPC_CONTROL_DELETE, id, 0);
}

const struct row register_rows[] = {
	{ "upc_register and DELETE", register_delete, 1 },
	{ NULL }
};
