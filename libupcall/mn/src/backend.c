// SPDX-License-Identifier: MIT
/*
 * How a virtual CPU is interrupted: by an upcall, by a signal, or not at all.
 * All three have a struct upcall whose crit_count holds that back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"

#define NR_UPC_CONTROL	501

/* Upcalls: the kernel follows the rules. */

/* What the context function has made of the frame and instruction pointers. */
struct linkage {
	struct linkage	*up;
	unsigned long	pc;
};

/* Where an upcall is entered that the end of a section lets in. */
extern const char mn_section_end[] __attribute__((visibility("hidden")));

static void upcall(void *data)
{
	struct linkage *mine = __builtin_frame_address(0);
	unsigned long pc = mine->up->pc;
	int saved = get_errno();

	/* Not in this library then, but where the section was. */
	on_upcall(data, pc == (unsigned long)mn_section_end ? 0 : pc,
		  (unsigned long)(mine->up + 1));
	set_errno(saved);
}

static int upcall_attach(struct vcpu *v)
{
	v->upc = upc_thread_init();
	if (!v->upc)
		return errno;
	v->upcall_id = upc_register(v->upc, upc_vcpu_wrapper, upcall, v);
	return v->upcall_id < 0 ? errno : 0;
}

/* Not upc_thread_fini(): the program may have upcalls of its own here. */
static void upcall_detach(struct vcpu *v)
{
	if (v->upcall_id > 0)
		upc_control(UPC_CONTROL_DELETE, v->upcall_id, NULL);
}

/*
 * Always at the priority that mn_hold() lets in; on_upcall() looks whether it is
 * for an urgent thread. One of a lower priority that is held back sets pending,
 * and that holds back those of a higher one too, until mn_release().
 */
static void upcall_kick(struct vcpu *v)
{
	upc_control(UPC_CONTROL_DISPATCH, v->upcall_id, UPC_PRIO(PRIO_URGENT));
}

/*
 * UPC_CONTROL_DISPATCH of -1, here and not by upc_control(): inside that one no
 * slice would end, and what has been held back would be put off once more.
 */
static __attribute__((noinline, noclone)) void upcall_pending(void)
{
	struct vcpu *v;

	crit_enter();
	v = this_vcpu();
	if (v)
		count(&v->stats.held);
	crit_sub(UPC_CRITADD);
	arch_dispatch_pending(NR_UPC_CONTROL, UPC_CONTROL_DISPATCH);
}

static void upcall_sleep(struct vcpu *v)
{
	(void)v;
	upc_control(UPC_CONTROL_SUSPEND, -1, UPC_PRIO(PRIO_NORMAL));
}

const struct backend mn_upcalls = {
	.attach = upcall_attach,
	.detach = upcall_detach,
	.kick = upcall_kick,
	.pending = upcall_pending,
	.sleep = upcall_sleep,
};

/*
 * Signals: the handler follows the rules, so that the two can be compared. A
 * signal has no priority, so each counts as urgent; on_upcall() looks again.
 */

static __thread struct upcall local __attribute__((tls_model("initial-exec")));

/* What these return to may be in the C library: nothing may come in on top of them. */


/* Until nothing has come that the outer section lets through. */
static void IN_HANDLER handle(unsigned long pc, unsigned long sp)
{
	do {
		struct vcpu *v;

		crit_enter();
		v = this_vcpu();
		v->upc->pending = 0;
		__atomic_store_n(&v->sleeping, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&v->signalled, 0, __ATOMIC_SEQ_CST);
		on_upcall(v, pc, sp);
	} while (crit_sub(UPC_CRITADD) > 0);
}

static void handle_pending(void)
{
	struct vcpu *v;

	crit_enter();
	v = this_vcpu();
	if (v)
		count(&v->stats.held);
	else
		local.pending = 0;	/* left over: mn_run() is done */
	crit_sub(UPC_CRITADD);
	if (v)
		handle(0, (unsigned long)__builtin_frame_address(0));
}

static void IN_HANDLER on_signal(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	int saved = get_errno();

	(void)sig;
	(void)si;
	/* One that was sent before its thread stopped being a virtual CPU. */
	if (!this_vcpu())
		return;
	if (crit_count() >= PRIO_URGENT) {
		struct vcpu *v = this_vcpu();

		v->upc->pending = PRIO_URGENT;
		__atomic_store_n(&v->sleeping, 0, __ATOMIC_SEQ_CST);
		return;
	}
	handle(uc->uc_mcontext.gregs[ARCH_PC], uc->uc_mcontext.gregs[ARCH_SP]);
	/*
	 * sigreturn() would set the alternate stack of the virtual CPU that this
	 * was. It leaves that alone if the flags make no sense.
	 */
	uc->uc_stack.ss_flags = -1;
	set_errno(saved);
}

bool is_on_signal(const struct sigaction *sa)
{
	return sa->sa_flags & SA_SIGINFO && sa->sa_sigaction == on_signal;
}

static int signal_attach(struct vcpu *v)
{
	struct sigaction sa = {
		.sa_sigaction = on_signal,
		/* Not masked: the section does that, and a switch keeps it. */
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER,
	};

	v->upc = &local;
	local.crit_count = 0;
	local.pending = 0;
	return sigaction(rt.signo, &sa, NULL) ? errno : 0;
}

static void signal_detach(struct vcpu *v)
{
	(void)v;
}

/*
 * One signal at a time: real-time signals queue, and the kernel would push a frame
 * for each before the first handler runs. Whoever takes pending away says that
 * there may be another, before he looks at what there is to do. If the
 * kernel has no room for it the clock sees what there is, and tries again.
 */
static void signal_kick(struct vcpu *v)
{
	int saved = get_errno();

	if (__atomic_exchange_n(&v->sleeping, 0, __ATOMIC_SEQ_CST))
		futex(&v->sleeping, FUTEX_WAKE_PRIVATE, 1, 0);
	else if (!__atomic_exchange_n(&v->signalled, 1, __ATOMIC_SEQ_CST) &&
		 syscall(SYS_tgkill, getpid(), v->tid, rt.signo)) {
		__atomic_store_n(&v->signalled, 0, __ATOMIC_SEQ_CST);
		clock_wanted();
		set_errno(saved);
	}
}

/*
 * The word says 1 as long as nobody has kicked; a signal that comes before
 * futex() sleeps clears it too.
 */
static void signal_sleep(struct vcpu *v)
{
	__atomic_store_n(&v->sleeping, 1, __ATOMIC_SEQ_CST);
	if (!v->upc->pending &&
	    !__atomic_load_n(&v->inbox, __ATOMIC_SEQ_CST) &&
	    !__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) &&
	    !__atomic_load_n(&v->thieves, __ATOMIC_SEQ_CST))
		futex(&v->sleeping, FUTEX_WAIT_BITSET_PRIVATE, 1, MN_FOREVER);
	__atomic_store_n(&v->sleeping, 0, __ATOMIC_SEQ_CST);
	/* The idle loop looks at everything anyway. */
	v->upc->pending = 0;
	__atomic_store_n(&v->signalled, 0, __ATOMIC_SEQ_CST);
	crit_exit();
}

const struct backend mn_signals = {
	.attach = signal_attach,
	.detach = signal_detach,
	.kick = signal_kick,
	.pending = handle_pending,
	.sleep = signal_sleep,
};

/*
 * Nothing: what has come is seen when a thread waits or yields.
 */

static int nothing_attach(struct vcpu *v)
{
	v->upc = &local;
	local.crit_count = 0;
	local.pending = 0;
	return 0;
}

static void nothing_kick(struct vcpu *v)
{
	if (__atomic_exchange_n(&v->sleeping, 0, __ATOMIC_SEQ_CST))
		futex(&v->sleeping, FUTEX_WAKE_PRIVATE, 1, 0);
}

static void nothing_pending(void)
{
}

const struct backend mn_nothing = {
	.attach = nothing_attach,
	.detach = signal_detach,
	.kick = nothing_kick,
	.pending = nothing_pending,
	.sleep = signal_sleep,
};

static long distance(const void *p)
{
	return (const char *)p - (const char *)__builtin_thread_pointer();
}

__thread struct vcpu *mn_this_vcpu __attribute__((tls_model("initial-exec")));
long mn_off_upcall, mn_off_vcpu;

/* Before anything of ours can be called, by whatever thread. */
static void __attribute__((constructor(102))) find_distances(void)
{
	mn_off_vcpu = distance(&mn_this_vcpu);
	mn_off_upcall = distance(&local);
}

void backend_use(enum mn_backend kind)
{
	rt.backend = kind == MN_UPCALL ? &mn_upcalls :
		     kind == MN_SIGNAL ? &mn_signals : &mn_nothing;
	mn_off_upcall = distance(kind == MN_UPCALL ? upc_thread_init() : &local);
}
