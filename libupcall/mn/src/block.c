// SPDX-License-Identifier: MIT
/*
 * mn_blocking(): kernel threads that make the calls which block, so that no
 * virtual CPU has to. One more is made at once when all are busy, up to a number.
 * Beyond that calls wait for the first that is free, but not if nobody gets free:
 * they may all wait for what the next call would do. The overseer looks whether any
 * call has ended in a while, and makes more helpers if none has.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>

#include "rt.h"

#define HELPERS_FEW	64
#define HELPERS_MAX	16384
#define HELPER_STACK	(256u << 10)
#define PATIENCE	INT64_C(5000000)	/* without a call that ends */

struct job {
	void			(*fn)(void *);
	void			*arg;
	int			err;
	struct mn_thread	*thread;
};

/* Under the lock; helpers have no section, so who waits for it spins. */
static unsigned int lock;
static struct mn_waitq jobs;	/* who waits for a call to begin */
static unsigned int helpers, idle, queued, finished;
static bool making, stopping, overseen;

static unsigned int bell;	/* futex: a job more, or the end */
static unsigned int alarm_;	/* futex: the overseer has to look */
static pthread_t threads[HELPERS_MAX], overseer_thread;

/* Of the helper that this is. */
#define OWN	__thread __attribute__((tls_model("initial-exec")))
static OWN void *leave_to[5];
static OWN unsigned long stack_top;
static OWN bool helping;

/* With the lock. */
static struct job *take(void)
{
	struct mn_thread *t = waitq_take(&jobs);

	if (t)
		queued--;
	return t ? t->element : NULL;
}

/* In this order: see deadlocked(). The job is on the stack of the one that waits. */
static void done(struct job *job)
{
	wake(job->thread);
	external_less();
}

bool is_helper(void)
{
	return helping;
}

/* Whoever ends its thread in a call has ended the call. */
void helper_leave(void)
{
	if (helping)
		__builtin_longjmp(leave_to, 1);
}

bool helper_overflowed(const siginfo_t *si)
{
	unsigned long below = stack_top - (unsigned long)si->si_addr;

	return stack_top && si->si_code == SEGV_ACCERR &&
	       below < HELPER_STACK + 2 * SERVICE_GUARD;
}

static __attribute__((noinline)) void call(struct job *job)
{
	helping = true;
	if (!__builtin_setjmp(leave_to))
		job->fn(job->arg);
	helping = false;
}

/* The next job, or what the bell was when there was none. */
static struct job *next_job(unsigned int *rung)
{
	struct job *job;

	*rung = __atomic_load_n(&bell, __ATOMIC_SEQ_CST);
	spin_lock(&lock);
	job = take();
	if (job)
		idle--;
	spin_unlock(&lock);
	return job;
}

static void help(void)
{
	for (;;) {
		unsigned int rung;
		struct job *job = next_job(&rung);

		if (job) {
			call(job);
			spin_lock(&lock);
			idle++;
			finished++;
			spin_unlock(&lock);
			done(job);
		} else if (__atomic_load_n(&stopping, __ATOMIC_SEQ_CST)) {
			return;
		} else {
			futex(&bell, FUTEX_WAIT_PRIVATE, rung, 0);
		}
	}
}

/* An overflow of its stack is reported as any other. */
static void *helper(void *arg)
{
	stack_t alternate = { .ss_size = 16384 };
	sigset_t segv;
	void *p = mmap(NULL, alternate.ss_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED) {
		alternate.ss_sp = p;
		sigaltstack(&alternate, NULL);
		stack_top = (unsigned long)__builtin_frame_address(0);
		sigemptyset(&segv);
		sigaddset(&segv, SIGSEGV);
		pthread_sigmask(SIG_UNBLOCK, &segv, NULL);
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	help();
	if (p != MAP_FAILED) {
		alternate.ss_flags = SS_DISABLE;
		sigaltstack(&alternate, NULL);
		munmap(p, alternate.ss_size);
	}
	return arg;
}

static void ring(unsigned int n)
{
	__atomic_add_fetch(&bell, 1, __ATOMIC_SEQ_CST);
	futex(&bell, FUTEX_WAKE_PRIVATE, n, 0);
}

/* Is there to be one helper more? Whoever makes one looks again after it. */
static bool too_few(unsigned int most)
{
	bool more;

	spin_lock(&lock);
	more = !making && queued > idle && helpers < most;
	making |= more;
	spin_unlock(&lock);
	return more;
}

static int make_helpers(unsigned int most)
{
	int err = 0;

	while (!err && too_few(most)) {
		err = service_create(&threads[helpers], helper, HELPER_STACK);
		spin_lock(&lock);
		if (!err) {
			helpers++;
			idle++;
		}
		making = false;
		spin_unlock(&lock);
	}
	return err;
}

/* Calls that have not begun, and will not. */
static void refuse(void)
{
	struct mn_thread *t, *list = NULL, *next;

	spin_lock(&lock);
	while ((t = waitq_take(&jobs))) {
		t->wait_next = list;
		list = t;
		queued--;
	}
	spin_unlock(&lock);
	for (t = list; t; t = next) {
		struct job *job = t->element;

		next = t->wait_next;
		job->err = EAGAIN;
		done(job);
	}
}

static bool stalled(unsigned int *seen)
{
	bool same;

	spin_lock(&lock);
	same = *seen == finished && queued > idle;
	*seen = finished;
	spin_unlock(&lock);
	return same;
}

/* As long as calls wait. */
static void oversee(void)
{
	unsigned int seen = finished - 1;

	while (__atomic_load_n(&queued, __ATOMIC_SEQ_CST) &&
	       !__atomic_load_n(&stopping, __ATOMIC_SEQ_CST)) {
		if (stalled(&seen)) {
			unsigned int most = helpers + helpers / 8 + 1;

			if (helpers == HELPERS_MAX ||
			    make_helpers(most < HELPERS_MAX ? most : HELPERS_MAX))
				refuse();
		}
		futex(&alarm_, FUTEX_WAIT_BITSET_PRIVATE, 1,
		      mn_now() + PATIENCE);
	}
}

static void *overseer(void *arg)
{
	while (!__atomic_load_n(&stopping, __ATOMIC_SEQ_CST)) {
		futex(&alarm_, FUTEX_WAIT_PRIVATE, 0, 0);
		oversee();
		__atomic_store_n(&alarm_, 0, __ATOMIC_SEQ_CST);
		/* One may have come before that was seen. */
		oversee();
	}
	return arg;
}

/* There is one, and it knows. */
static int call_overseer(void)
{
	bool make;
	int err = 0;

	spin_lock(&lock);
	make = !overseen;
	overseen = true;
	spin_unlock(&lock);
	if (make)
		err = service_create(&overseer_thread, overseer, HELPER_STACK);
	if (err)
		overseen = false;
	else if (!__atomic_exchange_n(&alarm_, 1, __ATOMIC_SEQ_CST))
		futex(&alarm_, FUTEX_WAKE_PRIVATE, 1, 0);
	return err;
}

static bool put(struct job *job)
{
	bool more;

	job->thread->element = job;
	spin_lock(&lock);
	waitq_add_under(&jobs, job->thread, &lock);
	more = ++queued > idle;
	spin_unlock(&lock);
	return more;
}

/* It has not begun, and nobody will look at it any more. */
static int given_up(void)
{
	spin_lock(&lock);
	queued--;
	spin_unlock(&lock);
	external_less();
	return ETIMEDOUT;
}

static int blocking(struct job *job, int64_t deadline)
{
	__atomic_add_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
	if (put(job)) {
		make_helpers(HELPERS_FEW);
		/* Without either nobody would ever come. */
		if (__atomic_load_n(&queued, __ATOMIC_SEQ_CST) > idle &&
		    call_overseer())
			refuse();
	}
	ring(1);
	return wait_until(IN_BLOCKING, deadline) ? given_up() : job->err;
}

MN_EXPORT int mn_timedblocking(void (*fn)(void *), void *arg, int64_t deadline)
{
	struct job job = { .fn = fn, .arg = arg };
	int ret, saved;

	if (!fn)
		return EINVAL;
	job.thread = enter();
	if (!job.thread)
		return EPERM;
	saved = get_errno();
	ret = blocking(&job, deadline);
	set_errno(saved);
	return leave(ret);
}

MN_EXPORT int mn_blocking(void (*fn)(void *), void *arg)
{
	return mn_timedblocking(fn, arg, MN_FOREVER);
}

/* The overseer is one of them. */
unsigned int helpers_count(void)
{
	return helpers + overseen;
}

/* Those who wait for a call that has not begun are gone with mn_run(). */
void helpers_stop(void)
{
	unsigned int i;

	spin_lock(&lock);
	jobs = (struct mn_waitq)MN_WAITQ_INIT_;
	queued = 0;
	spin_unlock(&lock);
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	if (overseen) {
		__atomic_store_n(&alarm_, 2, __ATOMIC_SEQ_CST);
		futex(&alarm_, FUTEX_WAKE_PRIVATE, 1, 0);
		pthread_join(overseer_thread, NULL);
	}
	ring(HELPERS_MAX);
	for (i = 0; i < helpers; i++)
		pthread_join(threads[i], NULL);
	helpers = idle = alarm_ = 0;
	overseen = stopping = false;
}
