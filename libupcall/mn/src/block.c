// SPDX-License-Identifier: MIT
/*
 * mn_blocking(): kernel threads that make the calls which block, so that no
 * virtual CPU has to. One more is made when all are busy, up to a number; what
 * then comes waits for the first that is free.
 */
#include <errno.h>
#include <linux/futex.h>

#include "rt.h"

#define HELPERS_MAX	64
#define HELPER_STACK	(256u << 10)

struct job {
	void			(*fn)(void *);
	void			*arg;
	struct mn_thread	*thread;
	struct job		*next;
};

/* Under the lock; helpers have no section, so who waits for it spins. */
static unsigned int lock;
static struct job *jobs, **jobs_end = &jobs;
static unsigned int helpers, idle, queued;
static bool making, stopping;

static unsigned int bell;	/* futex: a job more, or the end */
static pthread_t threads[HELPERS_MAX];

static struct job *take(void)
{
	struct job *job;

	spin_lock(&lock);
	job = jobs;
	if (job) {
		jobs = job->next;
		if (!jobs)
			jobs_end = &jobs;
		queued--;
		idle--;
	}
	spin_unlock(&lock);
	return job;
}

static void run(struct job *job)
{
	/* The job is on the stack of the one that waits for it. */
	struct mn_thread *t = job->thread;

	job->fn(job->arg);
	spin_lock(&lock);
	idle++;
	spin_unlock(&lock);
	/* In this order: see deadlocked(). */
	wake(t);
	__atomic_sub_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
}

static void *helper(void *arg)
{
	for (;;) {
		unsigned int rung = __atomic_load_n(&bell, __ATOMIC_SEQ_CST);
		struct job *job = take();

		if (job)
			run(job);
		else if (__atomic_load_n(&stopping, __ATOMIC_SEQ_CST))
			return arg;
		else
			futex(&bell, FUTEX_WAIT_PRIVATE, rung, 0);
	}
}

static void ring(unsigned int n)
{
	__atomic_add_fetch(&bell, 1, __ATOMIC_SEQ_CST);
	futex(&bell, FUTEX_WAKE_PRIVATE, n, 0);
}

/* Is there to be one helper more? Whoever makes one looks again after it. */
static bool too_few(void)
{
	bool more;

	spin_lock(&lock);
	more = !making && queued > idle && helpers < HELPERS_MAX;
	making |= more;
	spin_unlock(&lock);
	return more;
}

static int make_one(void)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, HELPER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&threads[helpers], &attr, helper, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

static void make_helpers(void)
{
	int err = 0;

	while (!err && too_few()) {
		err = make_one();
		spin_lock(&lock);
		if (!err) {
			helpers++;
			idle++;
		}
		making = false;
		spin_unlock(&lock);
	}
	/*
	 * Without a single one nobody would ever come. If another thread is
	 * making the first, it looks again for ours.
	 */
	if (err && !helpers)
		fatal("mn_blocking", err);
}

static void put(struct job *job)
{
	spin_lock(&lock);
	job->next = NULL;
	*jobs_end = job;
	jobs_end = &job->next;
	queued++;
	spin_unlock(&lock);
}

MN_EXPORT int mn_blocking(void (*fn)(void *), void *arg)
{
	struct mn_thread *t;
	struct job job = { .fn = fn, .arg = arg };

	if (!fn)
		return EINVAL;
	t = enter();
	if (!t)
		return EPERM;
	job.thread = t;
	__atomic_add_fetch(&rt.external, 1, __ATOMIC_SEQ_CST);
	put(&job);
	make_helpers();
	ring(1);
	wait_until(IN_BLOCKING, MN_FOREVER);
	return leave(0);
}

/* Those who wait for a call that has not begun are gone with mn_run(). */
void helpers_stop(void)
{
	unsigned int i;

	spin_lock(&lock);
	jobs = NULL;
	jobs_end = &jobs;
	queued = 0;
	spin_unlock(&lock);
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	ring(HELPERS_MAX);
	for (i = 0; i < helpers; i++)
		pthread_join(threads[i], NULL);
	helpers = 0;
	idle = 0;
	stopping = false;
}
