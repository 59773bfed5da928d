/* SPDX-License-Identifier: MIT */
#ifndef _UPCALL_MN_H
#define _UPCALL_MN_H

/*
 * M user threads on N virtual CPUs. A virtual CPU is a kernel thread; an upcall
 * preempts the user thread that runs there, at any instruction, at the end of
 * its slice. mn(7) is the place to begin.
 *
 * Functions that return int return 0 or a positive errno, as pthreads do, unless
 * they say otherwise here; errno itself is never set. What waits, mutexes, and what
 * is about the calling thread is for user threads, and gives EPERM to any other
 * caller; all else is for any kernel thread.
 *
 * What waits takes a deadline as its last argument, a time of mn_now(), or waits as
 * long as it takes and has another function beside it, mn_..timed..(), which does:
 * ETIMEDOUT. MN_FOREVER is none, and with one that is over, 0 for example, what can't
 * be done at once is not done.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/select.h>
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

/*
 * Structs that may grow begin with how much of them the caller has: sizeof, or 0 for
 * that of version 0.1. A library that knows more takes the rest for 0; one that knows
 * less gives E2BIG if what it does not know is not 0.
 */

/* What preemption the program takes care of itself. */
#define MN_LIBC_IS_MINE	1	/* it may happen in the C library too */

/*
 * What mn_run() starts; 0 is the default for each. The environment fills in
 * what is 0: MN_VCPUS, MN_BACKEND (upcall, signal, off) and MN_SLICE.
 */
struct mn_config {
	unsigned int	size;		/* of this struct, or 0 */
	int		vcpus;		/* default: what the process may use */
	enum mn_backend	backend;
	unsigned int	slice;		/* in microseconds, default 5000 */
	int		signo;		/* of MN_SIGNAL, default SIGRTMIN + 6 */
	unsigned int	flags;
	size_t		stack_size;	/* of a thread, default 64 KiB */
};

/*
 * Runs fn(arg) as the first user thread, on the calling thread and others as
 * virtual CPUs, until it returns or calls mn_exit(); threads that are left then
 * are gone. EINVAL, E2BIG, EAGAIN or ENOMEM: not started. ENOSYS: no upcalls here.
 * EBUSY: there is one running. ENOTSUP: the program is linked statically (see
 * mn(7)). EDEADLK: every thread waited for another; stderr has the list.
 */
int mn_run(const struct mn_config *config, void *(*fn)(void *), void *arg,
	   void **result);

/* Threads. */

#define MN_NAME_MAX	32	/* the terminating 0 included */
#define MN_STACK_MIN	16384

struct mn_attr {
	unsigned int	size;		/* of this struct, or 0 */
	const char	*name;
	size_t		stack_size;	/* 0: the configuration's */
	int		detached;
	int		urgent;		/* takes the virtual CPU when woken */
	size_t		guard_size;	/* below the stack; 0: see mn_spawn(3) */
};

int mn_spawn(mn_t *thread, const struct mn_attr *attr, void *(*fn)(void *),
	     void *arg);
int mn_join(mn_t thread, void **result);
int mn_timedjoin(mn_t thread, void **result, int64_t deadline);
int mn_detach(mn_t thread);
void mn_exit(void *result) __attribute__((noreturn));
void mn_yield(void);
mn_t mn_self(void);		/* NULL outside of user threads */
const char *mn_name(mn_t thread);
/* Of the thread's stack, or the caller's if that is NULL; each may be NULL. EPERM. */
int mn_stack_used(mn_t thread, size_t *used, size_t *size);
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

/*
 * Slices end in the program's own code, and in that of shared objects which are
 * named: the one that has @address, from then on, or one in whose sources there
 * is MN_PREEMPTIBLE, outside of functions. EINVAL: there is no object. EAGAIN:
 * too many are named.
 */
int mn_preemptible(const void *address);

#define MN_NOTE_NAME_	"upcall-mn"
#define MN_NOTE_TYPE_	1

#define MN_PREEMPTIBLE							\
	__asm__ (".pushsection .note.upcall-mn, \"a\", @note\n"		\
		 "	.balign	4\n"					\
		 "	.long	10, 0, 1\n"				\
		 "	.asciz	\"" MN_NOTE_NAME_ "\"\n"			\
		 "	.balign	4\n"					\
		 "	.popsection")

/* Time: CLOCK_MONOTONIC, in nanoseconds. */

#define MN_FOREVER	INT64_MAX

int64_t mn_now(void);
int mn_sleep_until(int64_t deadline);
int mn_sleep(int64_t duration);

/* Waiting for each other. The members are the library's. */

struct mn_waitq {
	struct mn_thread *_head, *_tail;
	unsigned int	_run;
};

#define MN_WAITQ_INIT_	{ NULL, NULL, 0 }

/* What a signal handler could not do at once. */
struct mn_later {
	struct mn_later	*_next;
	unsigned int	_n;
};

#define MN_LATER_INIT_	{ NULL, 0 }

struct mn_mutex {
	struct mn_thread *_owner;
	struct mn_waitq	_queue;
	int		_boosted;
};

struct mn_cond {
	struct mn_waitq	_queue;
	struct mn_later	_later;
};

struct mn_sem {
	int		_value;
	struct mn_waitq	_queue;
	struct mn_later	_later;
};

struct mn_once {
	int		_state;
	struct mn_waitq	_queue;
};

struct mn_rwlock {
	struct mn_thread *_writer;
	unsigned int	_reading;
	struct mn_waitq	_readers, _writers;
};

struct mn_barrier {
	unsigned int	_n, _here;
	struct mn_waitq	_queue;
};

struct mn_wg {
	int		_n;
	struct mn_waitq	_queue;
};

#define MN_MUTEX_INITIALIZER	{ NULL, MN_WAITQ_INIT_, 0 }
#define MN_COND_INITIALIZER	{ MN_WAITQ_INIT_, MN_LATER_INIT_ }
#define MN_SEM_INITIALIZER(n)	{ (n), MN_WAITQ_INIT_, MN_LATER_INIT_ }
#define MN_ONCE_INITIALIZER	{ 0, MN_WAITQ_INIT_ }
#define MN_RWLOCK_INITIALIZER	{ NULL, 0, MN_WAITQ_INIT_, MN_WAITQ_INIT_ }
#define MN_BARRIER_INITIALIZER(n) { (n), 0, MN_WAITQ_INIT_ }
#define MN_WG_INITIALIZER(n)	{ (n), MN_WAITQ_INIT_ }

/* EDEADLK: it is the caller's already. EPERM: it is not. EBUSY. */
void mn_mutex_init(struct mn_mutex *mutex);
int mn_mutex_lock(struct mn_mutex *mutex);
int mn_mutex_timedlock(struct mn_mutex *mutex, int64_t deadline);
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

/* ETIMEDOUT: another caller's fn() has not returned. One's own is not given up. */
int mn_once(struct mn_once *once, void (*fn)(void));
int mn_timedonce(struct mn_once *once, void (*fn)(void), int64_t deadline);

/*
 * Many readers or one writer. EDEADLK: the caller writes already. EBUSY.
 * ETIMEDOUT. EPERM: nobody has it, or another one writes.
 */
void mn_rwlock_init(struct mn_rwlock *lock);
int mn_rwlock_rdlock(struct mn_rwlock *lock);
int mn_rwlock_tryrdlock(struct mn_rwlock *lock);
int mn_rwlock_timedrdlock(struct mn_rwlock *lock, int64_t deadline);
int mn_rwlock_wrlock(struct mn_rwlock *lock);
int mn_rwlock_trywrlock(struct mn_rwlock *lock);
int mn_rwlock_timedwrlock(struct mn_rwlock *lock, int64_t deadline);
int mn_rwlock_unlock(struct mn_rwlock *lock);

/*
 * Waits until @n threads do. For one of them *last is 1, for the others 0; it may
 * be NULL. ETIMEDOUT: the caller counts no more. EINVAL: n is 0.
 */
int mn_barrier_init(struct mn_barrier *barrier, unsigned int n);
int mn_barrier_wait(struct mn_barrier *barrier, int *last);
int mn_barrier_timedwait(struct mn_barrier *barrier, int *last,
			 int64_t deadline);

/* Waits until there is nothing to be done. EINVAL: less than 0. EOVERFLOW. */
int mn_wg_init(struct mn_wg *group, int n);
int mn_wg_add(struct mn_wg *group, int n);
int mn_wg_done(struct mn_wg *group);
int mn_wg_wait(struct mn_wg *group);
int mn_wg_timedwait(struct mn_wg *group, int64_t deadline);

/*
 * A channel holds up to a number of elements of one size, which are copied in
 * and out in order. One that holds none has a sender wait for a receiver. EPIPE: it
 * is closed (and empty, for a receiver). EAGAIN: it is full, or empty. EBUSY:
 * somebody waits for it.
 */
struct mn_chan;

int mn_chan_create(struct mn_chan **chan, size_t element_size, size_t capacity);
int mn_chan_send(struct mn_chan *chan, const void *element);
int mn_chan_recv(struct mn_chan *chan, void *element);
int mn_chan_timedsend(struct mn_chan *chan, const void *element,
		      int64_t deadline);
int mn_chan_timedrecv(struct mn_chan *chan, void *element, int64_t deadline);
int mn_chan_trysend(struct mn_chan *chan, const void *element);
int mn_chan_tryrecv(struct mn_chan *chan, void *element);
int mn_chan_close(struct mn_chan *chan);
int mn_chan_destroy(struct mn_chan *chan);

/*
 * One of several. MN_SELECT_NONE is left out. What begins with an underscore is the
 * library's, and need not be set.
 */
enum mn_select_op { MN_SELECT_NONE, MN_SELECT_SEND, MN_SELECT_RECV };

struct mn_select_case {
	enum mn_select_op	op;
	unsigned int		_turn;
	struct mn_chan		*chan;
	void			*element;	/* to send, or to receive into */
	void			*_selection;
	struct mn_select_case	*_next, *_prev;
	int			_queued;
};

/*
 * Waits until one of @n cases can be done, does that one, and says which. If several
 * can be, any of them. EPIPE: that one's channel is closed. ETIMEDOUT, and *which
 * stays as it was: none could be done by then, and none has been.
 */
int mn_select(struct mn_select_case *cases, unsigned int n, unsigned int *which,
	      int64_t deadline);

/* Slots of each thread. EAGAIN: all are in use. EINVAL: there is no such key. */

#define MN_KEYS_MAX	16

typedef unsigned int mn_key_t;

int mn_key_create(mn_key_t *key, void (*destructor)(void *));
int mn_key_delete(mn_key_t key);
int mn_setspecific(mn_key_t key, const void *value);
void *mn_getspecific(mn_key_t key);

/* Calls that block in the kernel. */

/*
 * Has another kernel thread call fn(arg), and waits until it returns. ETIMEDOUT: it
 * has not been called, and will not be.
 */
int mn_blocking(void (*fn)(void *), void *arg);
int mn_timedblocking(void (*fn)(void *), void *arg, int64_t deadline);

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
ssize_t mn_timedread(int fd, void *buf, size_t size, int64_t deadline);
ssize_t mn_timedwrite(int fd, const void *buf, size_t size, int64_t deadline);
int mn_timedaccept(int fd, struct sockaddr *addr, socklen_t *len, int flags,
		   int64_t deadline);
int mn_timedconnect(int fd, const struct sockaddr *addr, socklen_t len,
		    int64_t deadline);
int mn_close(int fd);		/* who waits for it gets -EBADF */

/*
 * Waits for a signal of @set, which all threads have blocked since before mn_run(),
 * sent to the process. Returns its number or a negative errno: ETIMEDOUT.
 */
int mn_sigwait(const sigset_t *set, int64_t deadline);

/* To look at. */

struct mn_stats {
	unsigned int	size;		/* of this struct, or 0; then what of it is filled in */
	unsigned int	threads;	/* that there are now */
	int		vcpus;
	enum mn_backend	backend;
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
};

/* EINVAL: its size can't be. */
int mn_stats(struct mn_stats *stats);

/* Every thread, what it waits for, where it stands; text, to fd. */
int mn_dump(int fd);

#ifdef __cplusplus
}
#endif

#endif /* _UPCALL_MN_H */
