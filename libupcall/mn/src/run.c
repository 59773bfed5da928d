// SPDX-License-Identifier: MIT
/*
 * mn_run(): from one kernel thread to the virtual CPUs and back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "rt.h"

#define SLICE_DEFAULT	5000		/* microseconds */
#define SLICE_MIN	50
#define STACK_DEFAULT	(64u << 10)
#define MAIN_STACK	(256u << 10)
#define HEAP_SIZE	(MN_THREADS_MAX * sizeof(struct mn_thread *))

/* 64 bits have always been what this is where they are all there is. */
#ifndef SYS_futex_time64
#define SYS_futex_time64 SYS_futex
#endif

struct mn_rt rt;

void fatal(const char *what, int err)
{
	fprintf(stderr, "mn: %s: %s\n", what, strerror(err));
	abort();
}

/* @deadline: with FUTEX_WAIT_BITSET, of CLOCK_MONOTONIC. */
long futex(unsigned int *word, int op, unsigned int val, int64_t deadline)
{
	struct { int64_t sec, nsec; } ts = {
		deadline / 1000000000, deadline % 1000000000,
	};
	bool timed = (op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
		     deadline != MN_FOREVER;

	return syscall(SYS_futex_time64, word, op, val, timed ? &ts : NULL,
		       NULL, FUTEX_BITSET_MATCH_ANY);
}

/* What the program asks for, else the environment, else the default. */

static long from_env(const char *name, long value)
{
	const char *s = getenv(name);

	return s && *s ? strtol(s, NULL, 0) : value;
}

static enum mn_backend backend_from_env(void)
{
	const char *s = getenv("MN_BACKEND");

	if (s && !strcmp(s, "upcall"))
		return MN_UPCALL;
	if (s && !strcmp(s, "signal"))
		return MN_SIGNAL;
	if (s && !strcmp(s, "off"))
		return MN_COOPERATIVE;
	return MN_AUTO;
}

static int choose_backend(const struct mn_config *c)
{
	enum mn_backend kind = c->backend ?: backend_from_env();

	if (kind == MN_UPCALL && upc_available() != 1)
		return ENOSYS;
	if (kind == MN_AUTO)
		kind = upc_available() == 1 ? MN_UPCALL : MN_SIGNAL;
	/* Without a dynamic linker there is no telling where libc begins. */
	if (kind != MN_COOPERATIVE && !(c->flags & MN_LIBC_IS_MINE) &&
	    !getauxval(AT_BASE))
		return ENOTSUP;
	rt.kind = kind;
	rt.no_ranges = c->flags & MN_LIBC_IS_MINE;
	return 0;
}

static int use_config(const struct mn_config *c)
{
	long vcpus = c->vcpus ?: from_env("MN_VCPUS", 0) ?: cpus_allowed();
	long slice = c->slice ? (long)c->slice :
			       from_env("MN_SLICE", SLICE_DEFAULT);

	if (!c->vcpus && vcpus > MN_VCPUS_MAX)
		vcpus = MN_VCPUS_MAX;
	if (vcpus < 1 || vcpus > MN_VCPUS_MAX || slice < SLICE_MIN ||
	    slice > INT32_MAX || c->backend > MN_COOPERATIVE || c->flags & ~MN_LIBC_IS_MINE ||
	    (c->stack_size && c->stack_size < MN_STACK_MIN))
		return EINVAL;
	rt.vcpus = vcpus;
	rt.slice = slice * INT64_C(1000);
	rt.signo = c->signo ?: SIGRTMIN + 6;
	rt.stack_size = c->stack_size ?: STACK_DEFAULT;
	rt.has_sse = has_sse();
	return choose_backend(c);
}

static int configure(const struct mn_config *given)
{
	struct mn_config config = { 0 }, *c = &config;
	int err = given ? sized_in(c, sizeof(*c), CONFIG_FIRST, given) : 0;

	return err ?: use_config(c);
}

static int vcpu_init(struct vcpu *v, int index)
{
	v->heap = mmap(NULL, HEAP_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (v->heap == MAP_FAILED) {
		v->heap = NULL;
		return ENOMEM;
	}
	v->index = index;
	v->current = &v->idle;
	v->idle.vcpu = v;
	v->idle.timer = -1;
	v->idle.last = index;
	v->idle.mask = kernel_mask(SIG_BLOCK, 0);
	/* A virtual CPU that could not be interrupted would be none. */
	if (rt.kind == MN_SIGNAL)
		v->idle.mask &= ~signal_bit(rt.signo);
	v->next_deadline = MN_FOREVER;
	return 0;
}

static void vcpus_free(void)
{
	int i;

	for (i = 0; i < rt.vcpus; i++)
		if (rt.vcpu[i].heap)
			munmap(rt.vcpu[i].heap, HEAP_SIZE);
	free(rt.vcpu);
	rt.vcpu = NULL;
}

static int vcpus_init(void)
{
	int i, ret = 0;

	rt.vcpu = aligned_alloc(64, rt.vcpus * sizeof(*rt.vcpu));
	if (!rt.vcpu)
		return ENOMEM;
	memset(rt.vcpu, 0, rt.vcpus * sizeof(*rt.vcpu));
	for (i = 0; !ret && i < rt.vcpus; i++)
		ret = vcpu_init(&rt.vcpu[i], i);
	if (ret)
		vcpus_free();
	return ret;
}

/* All begin together, with one sum of their errors, and end together. */
static pthread_barrier_t together;
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static unsigned int attach_error;

static void quiet_down(void)
{
	clock_stop();
	/* A call of theirs may have to come in from outside. */
	helpers_stop();
	outside_close();
	poll_stop();
}

/*
 * Kernel threads that are no virtual CPU may look at rt with mn_stats() and
 * mn_dump() too, but not while it goes away. A virtual CPU that looks is there.
 */
static unsigned int look_lock;
static bool look_allowed;

bool look_begin(void)
{
	if (rt.forked)
		return false;
	if (mn_this_vcpu)
		return true;
	spin_lock(&look_lock);
	if (look_allowed)
		return true;
	spin_unlock(&look_lock);
	return false;
}

void look_end(void)
{
	if (!mn_this_vcpu)
		spin_unlock(&look_lock);
}

static void look_over(void)
{
	dump_give_up();
	spin_lock(&look_lock);
	look_allowed = false;
	spin_unlock(&look_lock);
}

/*
 * The life of a virtual CPU, on its kernel thread. That must not be cancelled, and
 * leave its user threads behind.
 */
static void vcpu_main(struct vcpu *v)
{
	int err, cancel;

	err = stack_watch(v) ?: rt.backend->attach(v);
	/* mn_dump() may kick it from now on, and not while the signal kills. */
	v->tid = syscall(SYS_gettid);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (!v->index)
		safe_points_find();
	if (err)
		__atomic_store_n(&attach_error, err, __ATOMIC_SEQ_CST);
	/* From here on others may want something of it; in a section that keeps. */
	mn_this_vcpu = v;
	crit_enter();
	v->old_mask = kernel_mask(SIG_SETMASK, v->idle.mask);
	pthread_barrier_wait(&together);
	if (!__atomic_load_n(&attach_error, __ATOMIC_SEQ_CST))
		idle_loop(v);
	/* Nothing may be left pending for this thread's life after. */
	crit_exit();

	/* No threads run any more; then nobody is left who might kick. */
	pthread_barrier_wait(&together);
	if (!v->index) {
		look_over();
		quiet_down();
	}
	pthread_barrier_wait(&together);
	rt.backend->detach(v);
	mn_this_vcpu = NULL;
	kernel_mask(SIG_SETMASK, v->old_mask);
	stack_unwatch(v);
	stacks_drop(v);
	pthread_setcancelstate(cancel, NULL);
}

static void *vcpu_thread(void *arg)
{
	pthread_mutex_lock(&starting);
	pthread_mutex_unlock(&starting);
	vcpu_main(arg);
	return NULL;
}

/*
 * Signals of the program's go to virtual CPUs, not to what serves them. That has to
 * run while virtual CPUs compute: where these have a real-time priority, it has one
 * above. EPERM: that is not allowed, or there is none.
 */
int service_create(pthread_t *thread, void *(*fn)(void *), size_t stack)
{
	struct sched_param param = { .sched_priority = rt.priority + 1 };
	pthread_attr_t attr;
	uint64_t old;
	int err = 0;

	pthread_attr_init(&attr);
	if (stack) {
		pthread_attr_setstacksize(&attr, stack);
		pthread_attr_setguardsize(&attr, SERVICE_GUARD);
	}
	if (rt.priority) {
		pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attr, rt.policy);
		err = pthread_attr_setschedparam(&attr, &param) ? EPERM : 0;
	}
	/* All but the C library's own, and not as the user thread that this may be. */
	old = kernel_mask(SIG_BLOCK, ~LIBC_SIGNALS);
	if (!err)
		err = pthread_create(thread, &attr, fn, NULL);
	kernel_mask(SIG_SETMASK, old);
	pthread_attr_destroy(&attr);
	return err;
}

/* What the virtual CPUs have; 0 is no priority. */
static void find_priority(void)
{
	struct sched_param param = { 0 };

	rt.policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
	if ((rt.policy == SCHED_FIFO || rt.policy == SCHED_RR))
		sched_getparam(0, &param);
	rt.priority = param.sched_priority;
}

/* Returns how many there are, this one included; all of them wait until then. */
static int vcpus_start(void)
{
	int i, err = 0;

	pthread_mutex_lock(&starting);
	for (i = 1; i < rt.vcpus; i++) {
		err = pthread_create(&rt.vcpu[i].thread, NULL, vcpu_thread,
				     &rt.vcpu[i]);
		if (err)
			break;
	}
	attach_error = err;
	pthread_barrier_init(&together, NULL, i);
	pthread_mutex_unlock(&starting);
	return i;
}

static int main_create(void *(*fn)(void *), void *arg)
{
	struct mn_attr attr = { .name = "main", .stack_size = MAIN_STACK };
	struct vcpu *v = &rt.vcpu[0];
	int ret;

	mn_this_vcpu = v;
	ret = thread_create(&rt.main, &attr, fn, arg);
	mn_this_vcpu = NULL;
	if (ret)
		return ret;
	rt.main->state = READY;
	queue_last(&v->queue, rt.main);
	return 0;
}

static int services_start(void)
{
	int ret = poll_start();

	if (ret)
		return ret;
	ret = clock_start();
	if (ret)
		poll_stop();
	return ret;
}

static unsigned long kernel_threads(void)
{
	struct stat st;

	return stat("/proc/self/task", &st) ? 0 : st.st_nlink;
}

/*
 * pthread_join() may return before the kernel has done with a thread. The next run
 * would take it for one of the program's, and see no deadlock: see others_there().
 * Not for ever, as the program may have made some meanwhile.
 */
static void wait_until_gone(unsigned long before)
{
	struct timespec ts = { 0, 1000000 };
	int i, saved = get_errno();

	for (i = 0; i < 100 && kernel_threads() > before; i++)
		if (i < 10)
			sched_yield();
		else
			nanosleep(&ts, NULL);
	set_errno(saved);
}

static int run(void *(*fn)(void *), void *arg)
{
	unsigned long before = kernel_threads();
	int i, n, ret;

	backend_use(rt.kind);
	find_priority();
	dump_init();
	ret = main_create(fn, arg);
	if (ret)
		return ret;
	ret = services_start();
	if (!ret) {
		look_allowed = true;
		n = vcpus_start();
		vcpu_main(&rt.vcpu[0]);
		for (i = 1; i < n; i++)
			pthread_join(rt.vcpu[i].thread, NULL);
		pthread_barrier_destroy(&together);
		wait_until_gone(before);
		ret = attach_error ? (int)attach_error :
		      rt.deadlock ? EDEADLK : 0;
	}
	threads_free();
	return ret;
}

MN_EXPORT int mn_run(const struct mn_config *config, void *(*fn)(void *),
		     void *arg, void **result)
{
	int ret;

	if (!fn)
		return EINVAL;
	if (__atomic_exchange_n(&rt.running, 1, __ATOMIC_SEQ_CST))
		return EBUSY;
	rt.deadlock = false;
	rt.reached = false;
	rt.serial++;
	rt.idle = 0;
	rt.external = 0;
	rt.result = NULL;
	ret = configure(config);
	if (!ret)
		ret = vcpus_init();
	if (!ret) {
		ret = run(fn, arg);
		stats_keep();
		vcpus_free();
	}
	rt.serial++;
	outside_open();
	if (!ret && result)
		*result = rt.result;
	__atomic_store_n(&rt.running, 0, __ATOMIC_SEQ_CST);
	return ret;
}

/* fork(): only the calling user thread goes on, and can't wait for others. */

/* The one lock that a child may want, too: nobody else may have it then. */
static void before_fork(void)
{
	crit_enter();
	spin_lock(&keys_lock);
}

static void after_fork(void)
{
	spin_unlock(&keys_lock);
	crit_exit();
}

static void in_child(void)
{
	struct vcpu *v = this_vcpu();

	rt.forked = rt.running;
	/* Whoever had these is not here. */
	look_lock = 0;
	rt.outside = rt.closing = 0;
	locks_reset();
	/* What the parent had held back is the parent's. */
	if (v)
		v->upc->pending = 0;
	spin_unlock(&keys_lock);
	crit_sub(UPC_CRITADD);
}

static void __attribute__((constructor(103))) watch_fork(void)
{
	pthread_atfork(before_fork, after_fork, in_child);
}
