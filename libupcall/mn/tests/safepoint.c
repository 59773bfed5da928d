// SPDX-License-Identifier: MIT
/*
 * Where a slice ends and where it does not: in the program, in objects that it has
 * named, on stacks of its own making; not in other code, nor in what that calls, nor
 * in a signal handler, nor with a lock of pthreads.
 *
 * On one virtual CPU, beside a thread that counts whenever it runs: as long as its
 * count stays the same nobody else has run.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <threads.h>
#include <ucontext.h>
#include "mn_test.h"
#include "objects/other.h"

static volatile int counted;
static int ended;

static void *counts(void *arg)
{
	while (!get(&ended)) {
		counted++;
		spin(100);
	}
	return arg;
}

static uint64_t deferred(void)
{
	struct mn_stats s = { .size = sizeof(s) };

	mn_stats(&s);
	return s.deferred;
}

/* Is nobody else let in, though it was the time for it again and again? */
static int stays(void *arg)
{
	uint64_t until = deferred() + 10;
	int before = counted;

	(void)arg;
	while (counted == before && deferred() < until)
		spin(1000);
	return counted == before;
}

/* Nor when a section of one's own ends, in which it was the time for it. */
static int stays_after_hold(void *arg)
{
	uint64_t until = deferred() + 10;
	int before = counted;

	(void)arg;
	mn_hold();
	while (deferred() < until)
		spin(1000);
	mn_release();
	return counted == before;
}

/* Does somebody else come in? Waits until it has been so. */
static int leaves(void *arg)
{
	int before = counted;

	(void)arg;
	while (counted == before)
		spin(1000);
	return 1;
}

static volatile int enough;

/* In a loop that is not ours somebody has to say when it has been long enough. */
static void *says_enough(void *arg)
{
	struct timespec ts = { 0, 20000000 };

	nanosleep(&ts, NULL);
	enough = 1;
	return arg;
}

static int not_in_other_watches(void)
{
	pthread_t t;
	int changed;

	enough = 0;
	if (pthread_create(&t, NULL, says_enough, NULL))
		return 0;
	changed = other_watches(&counted, &enough);
	pthread_join(t, NULL);
	return !changed;
}

static void *in_objects(void *arg)
{
	enough = 0;
	CHECK(not_in_other_watches());
	CHECK(other_calls(stays, NULL));
	CHECK(other_calls(stays_after_hold, NULL));
	enough = 0;
	CHECK(named_watches(&counted, &enough));
	CHECK(named_calls(leaves, NULL));
	/* Each of the two has called, so it is not only the last that counts. */
	CHECK(other_calls((other_fn)(void *)not_in_other_watches, NULL));
	CHECK(leaves(NULL));
	return arg;
}

static void *in_named_objects(void *arg)
{
	enough = 0;
	CHECK(mn_preemptible(NULL) == EINVAL);
	CHECK(!mn_preemptible(&ended));
	CHECK(!mn_preemptible((void *)other_watches));
	CHECK(!mn_preemptible((void *)other_calls));
	CHECK(other_watches(&counted, &enough));
	CHECK(other_calls(leaves, NULL));
	return arg;
}

/* The C library's own. */
static int stayed;

static void once(void)
{
	stayed = stays(NULL);
}

static int compare(const void *a, const void *b)
{
	if (!stayed)
		stayed = 1 + stays(NULL);
	return *(const int *)a - *(const int *)b;
}

void ctor_calls(void)
{
	stayed = stays(NULL);
}

static void *in_callbacks(void *arg)
{
	pthread_once_t o = PTHREAD_ONCE_INIT;
	int sorted[] = { 3, 1, 2 };
	char path[4096], *slash;
	ssize_t n;
	void *so;

	stayed = 0;
	CHECK(!pthread_once(&o, once) && stayed);
	stayed = 0;
	qsort(sorted, N_OF(sorted), sizeof(sorted[0]), compare);
	CHECK(stayed == 2 && sorted[2] == 3);
	n = readlink("/proc/self/exe", path, sizeof(path) - 16);
	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	CHECK(slash);
	strcpy(slash ? slash + 1 : path, "ctor.so");
	stayed = 0;
	so = dlopen(path, RTLD_NOW);
	CHECK(so && stayed);
	if (so)
		dlclose(so);
	CHECK(leaves(NULL));
	return arg;
}

/*
 * One is nearly all of the time in a function of the C library that knows nothing but
 * its arguments: slices end there, unless it is other code that has called.
 */
#define MUCH	(4u << 20)

static void *in_memset(void *arg)
{
	char *much = malloc(MUCH);
	uint64_t until = deferred() + 10000;
	int before = counted;
	pthread_t t;

	CHECK(much);
	while (counted == before && deferred() < until)
		memset(much, 0, MUCH);
	CHECK(counted != before);
	enough = 0;
	CHECK(named_clears(&counted, &enough, much, MUCH));
	if (pthread_create(&t, NULL, says_enough, NULL))
		tap_bail("pthread_create");
	CHECK(!other_clears(&counted, &enough, much, MUCH));
	CHECK(!pthread_join(t, NULL));
	free(much);
	return arg;
}

/* Handlers: on the thread's stack, and on another. */
static volatile int handled;

static void handler(int sig)
{
	(void)sig;
	handled += stays(NULL);
}

static void *in_handlers(void *arg)
{
	struct sigaction sa = { .sa_handler = handler };

	handled = 0;
	CHECK(!sigaction(SIGUSR1, &sa, NULL));
	CHECK(!raise(SIGUSR1) && handled == 1);
	CHECK(leaves(NULL));
	sa.sa_flags = SA_ONSTACK | SA_SIGINFO;
	CHECK(!sigaction(SIGUSR1, &sa, NULL));
	CHECK(!raise(SIGUSR1) && handled == 2);
	CHECK(leaves(NULL));
	return arg;
}

/* Locks, until the last one has been let go of. */
static void *in_locks(void *arg)
{
	static pthread_mutex_t m = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
	pthread_spinlock_t spinlock;
	mtx_t c11;

	CHECK(!pthread_mutex_lock(&m) && !pthread_mutex_trylock(&m));
	CHECK(stays(NULL));
	CHECK(!pthread_mutex_unlock(&m));
	CHECK(stays(NULL));
	CHECK(!pthread_mutex_unlock(&m));
	CHECK(leaves(NULL));

	CHECK(!pthread_rwlock_rdlock(&rw));
	CHECK(pthread_rwlock_trywrlock(&rw) == EBUSY);
	CHECK(stays(NULL) && stays_after_hold(NULL));
	CHECK(!pthread_rwlock_unlock(&rw));
	CHECK(leaves(NULL));

	CHECK(!pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE));
	CHECK(!pthread_spin_lock(&spinlock));
	CHECK(stays(NULL));
	CHECK(!pthread_spin_unlock(&spinlock));
	CHECK(leaves(NULL));

	CHECK(mtx_init(&c11, mtx_plain) == thrd_success);
	CHECK(mtx_lock(&c11) == thrd_success);
	CHECK(stays(NULL));
	CHECK(mtx_unlock(&c11) == thrd_success);
	CHECK(leaves(NULL));

	flockfile(stdout);
	CHECK(stays(NULL));
	funlockfile(stdout);
	CHECK(leaves(NULL));
	return arg;
}

/* A lock that is held while the thread waits is held after it, too. */
static void *over_waiting(void *arg)
{
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	int before;

	CHECK(!pthread_mutex_lock(&m));
	before = counted;
	while (counted == before)
		mn_yield();
	CHECK(stays(NULL));
	CHECK(!pthread_mutex_unlock(&m));
	CHECK(leaves(NULL));
	return arg;
}

/* A stack of the program's making, on which it comes and goes. */
static ucontext_t here, there;

static void runs_there(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		leaves(NULL);
		swapcontext(&there, &here);
	}
	raise(SIGUSR1);
}

static void *on_other_stacks(void *arg)
{
	struct sigaction sa = { .sa_handler = handler };
	size_t size = 65536;
	char *stack = malloc(size);
	int i;

	handled = 0;
	CHECK(!sigaction(SIGUSR1, &sa, NULL));
	CHECK(!getcontext(&there));
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = size;
	there.uc_link = &here;
	makecontext(&there, runs_there, 0);
	for (i = 0; i < 11; i++)
		CHECK(!swapcontext(&here, &there));
	CHECK(handled == 1);
	free(stack);
	return arg;
}

static void *beside_one(void *(*fn)(void *))
{
	mn_t t;

	ended = 0;
	spawn(&t, counts, NULL);
	fn(NULL);
	add(&ended, 1);
	CHECK(!mn_join(t, NULL));
	return NULL;
}

#define BESIDE(fn)							\
static void *beside_##fn(void *arg)					\
{									\
	(void)arg;							\
	return beside_one(fn);						\
}

BESIDE(in_objects)
BESIDE(in_named_objects)
BESIDE(in_callbacks)
BESIDE(in_handlers)
BESIDE(in_memset)
BESIDE(in_locks)
BESIDE(over_waiting)
BESIDE(on_other_stacks)

static const struct mn_case cases[] = {
	{ "what other code calls", beside_in_callbacks, PREEMPTED | ONE_VCPU | ONCE },
	{ "in memset()", beside_in_memset, PREEMPTED | ONE_VCPU | ONCE },
	{ "in signal handlers", beside_in_handlers, PREEMPTED | ONE_VCPU | ONCE },
	{ "with locks", beside_in_locks, PREEMPTED | ONE_VCPU | ONCE },
	{ "with a lock over waiting", beside_over_waiting,
	  PREEMPTED | ONE_VCPU | ONCE },
	{ "stacks of the program's making", beside_on_other_stacks,
	  PREEMPTED | ONE_VCPU | ONCE },
	{ "objects, named and not", beside_in_objects, PREEMPTED | ONE_VCPU | ONCE },
};

/* What is named stays so: in a child. */
static int names(void *arg)
{
	struct mn_config c = config_of(arg);

	return mn_run(&c, beside_in_named_objects, NULL, NULL) || mn_problems;
}

static void named(void)
{
	struct child c;

	if (this_setup->backend == MN_COOPERATIVE || this_setup->vcpus != 1) {
		ok(1, "%s, %d: an object is named # SKIP not there",
		   backend_names[this_setup->backend], this_setup->vcpus);
		return;
	}
	in_child(&c, names, (void *)this_setup);
	if (!ok(!c.status, "%s, %d: an object is named",
		backend_names[this_setup->backend], this_setup->vcpus))
		child_said(&c);
}

int main(void)
{
	return mn_main(named, cases, N_OF(cases));
}
