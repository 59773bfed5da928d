/* SPDX-License-Identifier: MIT */
#ifndef _UPCALL_MN_H
#define _UPCALL_MN_H

/*
 * M user threads on N virtual CPUs. A virtual CPU is a kernel thread; an upcall
 * preempts the user thread that runs there, at any instruction, at the end of
 * its slice. mn(7) is the place to begin.
 *
 * Functions that return int return 0 or a positive errno, as pthreads do, unless
 * they say otherwise here; errno itself is never set. All but mn_run(),
 * mn_now(), mn_dump() and mn_stats() are for user threads, and give EPERM to
 * any other caller where they cannot do without one.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_thread *mn_t;

/* How the virtual CPUs are interrupted. */
enum mn_backend {
	MN_AUTO,		/* upcalls if the kernel has them, else signals */
	MN_UPCALL,
	MN_SIGNAL,		/* a real-time signal */
	MN_COOPERATIVE,		/* never: a thread runs until it waits */
};

/* What preemption the program takes care of itself. */
#define MN_LIBC_IS_MINE	1	/* it may happen in the C library too */

/*
 * What mn_run() starts; 0 is the default for each. The environment fills in
 * what is 0: MN_VCPUS, MN_BACKEND (upcall, signal, off) and MN_SLICE.
 */
struct mn_config {
	int		vcpus;		/* default: as many as processors */
	enum mn_backend	backend;
	unsigned int	slice;		/* in microseconds, default 5000 */
	int		signo;		/* of MN_SIGNAL, default SIGRTMIN + 6 */
	size_t		stack_size;	/* of a thread, default 64 KiB */
	unsigned int	flags;
};

/*
 * Runs fn(arg) as the first user thread, on the calling thread and others as
 * virtual CPUs, until it returns or calls mn_exit(); threads that are left then
 * are gone. EINVAL, EAGAIN or ENOMEM: not started. ENOSYS: no upcalls here.
 * EBUSY: there is one running. ENOTSUP: the program is linked statically (see
 * mn(7)). EDEADLK: every thread waited for another; stderr has the list.
 */
int mn_run(const struct mn_config *config, void *(*fn)(void *), void *arg,
	   void **result);

/* Threads. */

#define MN_NAME_MAX	32	/* the terminating 0 included */
#define MN_STACK_MIN	16384

struct mn_attr {
	const char	*name;
	size_t		stack_size;	/* 0: the configuration's */
	int		detached;
	int		urgent;		/* takes the virtual CPU when woken */
};

int mn_spawn(mn_t *thread, const struct mn_attr *attr, void *(*fn)(void *),
	     void *arg);
int mn_join(mn_t thread, void **result);
int mn_detach(mn_t thread);
void mn_exit(void *result) __attribute__((noreturn));
void mn_yield(void);
mn_t mn_self(void);		/* NULL outside of user threads */
const char *mn_name(mn_t thread);
int mn_vcpu(void);		/* which virtual CPU, or -1; may change at once */

/*
 * Critical sections: between mn_crit_enter() and mn_crit_exit() the caller is
 * not preempted and stays where it is, unless it waits. Between mn_hold() and
 * mn_release() no slice ends, but an urgent thread may come in. Both nest, and
 * belong to the thread. Neither keeps threads of other virtual CPUs out.
 */
void mn_crit_enter(void);
void mn_crit_exit(void);
void mn_hold(void);
void mn_release(void);

/* Time: CLOCK_MONOTONIC, in nanoseconds. */

#define MN_FOREVER	INT64_MAX

int64_t mn_now(void);
int mn_sleep_until(int64_t deadline);
int mn_sleep(int64_t duration);

/* Waiting for each other. The members are the library's. */

struct mn_waitq {
	struct mn_thread *_head, *_tail;
};

#define MN_WAITQ_INIT_	{ NULL, NULL }

struct mn_mutex {
	struct mn_thread *_owner;
	struct mn_waitq	_queue;
};

struct mn_cond {
	struct mn_waitq	_queue;
};

struct mn_sem {
	int		_value;
	struct mn_waitq	_queue;
};

struct mn_once {
	int		_state;
	struct mn_waitq	_queue;
};

#define MN_MUTEX_INITIALIZER	{ NULL, MN_WAITQ_INIT_ }
#define MN_COND_INITIALIZER	{ MN_WAITQ_INIT_ }
#define MN_SEM_INITIALIZER(n)	{ (n), MN_WAITQ_INIT_ }
#define MN_ONCE_INITIALIZER	{ 0, MN_WAITQ_INIT_ }

/* EDEADLK: it is the caller's already. EPERM: it is not. EBUSY. */
void mn_mutex_init(struct mn_mutex *mutex);
int mn_mutex_lock(struct mn_mutex *mutex);
int mn_mutex_trylock(struct mn_mutex *mutex);
int mn_mutex_unlock(struct mn_mutex *mutex);

/* ETIMEDOUT; the mutex is the caller's again whatever is returned but EPERM. */
void mn_cond_init(struct mn_cond *cond);
int mn_cond_wait(struct mn_cond *cond, struct mn_mutex *mutex);
int mn_cond_timedwait(struct mn_cond *cond, struct mn_mutex *mutex,
		      int64_t deadline);
int mn_cond_signal(struct mn_cond *cond);
int mn_cond_broadcast(struct mn_cond *cond);

/* EAGAIN: it is 0. ETIMEDOUT. EOVERFLOW. EINVAL: value below 0. */
int mn_sem_init(struct mn_sem *sem, int value);
int mn_sem_wait(struct mn_sem *sem);
int mn_sem_trywait(struct mn_sem *sem);
int mn_sem_timedwait(struct mn_sem *sem, int64_t deadline);
int mn_sem_post(struct mn_sem *sem);

int mn_once(struct mn_once *once, void (*fn)(void));

/*
 * A channel holds up to a number of elements of one size, which are copied in
 * and out in order. EPIPE: it is closed (and empty, for a receiver). EAGAIN: it
 * is full, or empty. EBUSY: somebody waits for it.
 */
struct mn_chan;

int mn_chan_create(struct mn_chan **chan, size_t element_size, size_t capacity);
int mn_chan_send(struct mn_chan *chan, const void *element);
int mn_chan_recv(struct mn_chan *chan, void *element);
int mn_chan_trysend(struct mn_chan *chan, const void *element);
int mn_chan_tryrecv(struct mn_chan *chan, void *element);
int mn_chan_close(struct mn_chan *chan);
int mn_chan_destroy(struct mn_chan *chan);

/* Slots of each thread. EAGAIN: all are in use. EINVAL: there is no such key. */

#define MN_KEYS_MAX	16

typedef unsigned int mn_key_t;

int mn_key_create(mn_key_t *key, void (*destructor)(void *));
int mn_key_delete(mn_key_t key);
int mn_setspecific(mn_key_t key, const void *value);
void *mn_getspecific(mn_key_t key);

/* Calls that block in the kernel. */

/* Has another kernel thread call fn(arg), and waits until it returns. */
int mn_blocking(void (*fn)(void *), void *arg);

/*
 * These return a result of 0 or more, or a negative errno: a thread may go on
 * on another virtual CPU, whose errno is another. mn_poll() returns the events
 * that have come, 0 at the deadline; mn_read() and the others take
 * descriptors of any kind.
 */
int mn_poll(int fd, short events, int64_t deadline);
ssize_t mn_read(int fd, void *buf, size_t size);
ssize_t mn_write(int fd, const void *buf, size_t size);
int mn_accept(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int mn_connect(int fd, const struct sockaddr *addr, socklen_t len);

/* To look at. */

struct mn_stats {
	uint64_t	switches;	/* from one thread to another */
	uint64_t	preemptions;	/* of these, in the middle of a slice's code */
	uint64_t	steals;		/* threads taken over by another virtual CPU */
	uint64_t	sent;		/* upcalls (signals) sent */
	uint64_t	coalesced;	/* not sent, as one was under way */
	uint64_t	entered;	/* upcalls (signals) that came */
	uint64_t	held;		/* of these, late, at the end of a section */
	uint64_t	deferred;	/* ends of slices put off: in the C library */
	uint64_t	migrations;	/* threads resumed elsewhere than they left */
	uint64_t	spawned;
	unsigned int	threads;	/* that there are now */
	int		vcpus;
	enum mn_backend	backend;
};

void mn_stats(struct mn_stats *stats);

/* Every thread, what it waits for, where it stands; text, to fd. */
int mn_dump(int fd);

#ifdef __cplusplus
}
#endif

#endif /* _UPCALL_MN_H */
