/* SPDX-License-Identifier: MIT */
#ifndef MN_RT_H
#define MN_RT_H

/*
 * Inside libupcall-mn. sched.c has at its top how the parts work together, and
 * who may touch what.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/upcall.h>
#include <upcall/mn.h>

#include "arch.h"
#include "counter.h"

#define MN_EXPORT	__attribute__((visibility("default")))

#define SERVICE_GUARD	65536u		/* below the stack of a helper */

/* In place of a function of another library: those are looked for by any version. */
#define MN_PUBLIC	MN_EXPORT

/* Code where no slice ends even if it is part of the program. */
#define IN_HANDLER	__attribute__((section("mn_handler")))

#define MN_VCPUS_MAX	32		/* bits of rt.idle */
#define MN_THREADS_MAX	131072

/*
 * The current thread makes room for others at one of these, if it is above its
 * part of crit_count, to which mn_hold() adds HOLD_ADD. All upcalls are sent at
 * the second: see backend.c.
 */
#define PRIO_NORMAL	1
#define PRIO_URGENT	16
#define HOLD_ADD	1

/*
 * To crit_count, by a section of the program's. One of the runtime's own adds
 * UPC_CRITADD, so that the two can be told apart: see over_runtime().
 */
#define PROGRAM_ADD	0x10000

/*
 * What several threads read and write in one piece, with a full barrier; the
 * compiler would have libatomic do it.
 */
typedef int64_t shared64 __attribute__((aligned(8)));

static inline int64_t load64(shared64 *p)
{
	return __sync_val_compare_and_swap(p, 0, 0);
}

static inline void store64(shared64 *p, int64_t value)
{
	int64_t old = *p, seen;

	while ((seen = __sync_val_compare_and_swap(p, old, value)) != old)
		old = seen;
}

enum state {
	READY,
	RUNNING,
	SLEEPING,
	IN_MUTEX,
	IN_COND,
	IN_SEM,
	IN_ONCE,
	IN_RWLOCK,
	IN_BARRIER,
	IN_WG,
	IN_SEND,
	IN_RECV,
	IN_SELECT,
	IN_JOIN,
	IN_BLOCKING,
	IN_POLL,
	EXITED,
};

/* What a virtual CPU is asked for, in vcpu.requests. */
#define REQ_TICK	0x1u		/* the slice is over */
#define REQ_TIMER	0x2u		/* a deadline has come */
#define REQ_DUMP	0x4u		/* print your threads */
#define REQ_STOP	0x8u		/* leave */
#define REQ_RETRY	0x10u		/* what was put off may be possible now */
#define REQ_LEVEL	0x20u		/* others have more that wait: ask for some */
#define REQ_BOOST	0x40u		/* somebody urgent waits for one here */
#define REQ_LATER	0x80u		/* a signal handler has left something */
#define REQ_LOOK	0x100u		/* around, once more, before it sleeps */

struct vcpu;

struct mn_thread {
	void			*sp;		/* while it does not run */
	int			crit_count;	/* likewise */
	int			saved_errno;	/* likewise */
	int			held;		/* likewise: locks of others */
	uint64_t		mask;		/* of signals */
	struct vcpu		*vcpu;		/* whose it is */
	struct mn_thread	*next;		/* in a run queue or an inbox */
	struct mn_thread	*prev;		/* in a run queue */

	enum state		state;
	bool			urgent;
	bool			hurried;	/* urgent, or boosted, and woken */
	bool			turn;		/* its turn has begun */
	int64_t			left;		/* ... for so long; a debt if below 0 */
	bool			preempted;	/* it did not wait of its own will */
	bool			detached;
	bool			exited;
	bool			timed_out;
	bool			passed_over;	/* woken for a mutex, and too late */
	unsigned int		boosts;		/* mutexes that the urgent wait for */

	/* In the queue of what it waits for. */
	struct mn_waitq		*waitq;
	unsigned int		*waitq_lock;
	struct mn_thread	*wait_next, *wait_prev;
	int64_t			deadline;
	int			timer;		/* its place in the heap, or -1 */
	int			last;		/* virtual CPU it ran on, or -1 */
	short			poll_events, poll_result;
	void			*element;	/* to send, or to receive into */
	unsigned int		chan_turn;	/* came there after so many */
	bool			closed;		/* no, that is closed */
	struct selection	*selection;	/* select.c; or NULL */

	void			*eh[2];		/* cxx.c */
	void			*(*fn)(void *);
	void			*arg;
	void			*result;
	unsigned int		owns;		/* mutexes that it has */
	unsigned int		arrived;	/* here: who came first is lower */
	struct mn_waitq		joining;	/* who waits for its end */
	bool			joined;		/* so somebody does, or has */
	unsigned int		id;		/* for debuggers */
	struct mn_thread	*all_next, *all_prev;
	unsigned int		dumped;		/* by which mn_dump(); all_lock */
	void			*mapping;	/* guard, stack, this */
	size_t			mapped, guard;
	struct {
		mn_key_t	key;
		const void	*value;
	} slots[MN_KEYS_MAX];
	char			name[MN_NAME_MAX];
};

struct runq {
	struct mn_thread	*head, *tail;
	unsigned int		n;
};

struct vcpu {
	/* For others to write. */
	struct mn_thread	*inbox __attribute__((aligned(64)));
	unsigned int		requests;
	unsigned int		thieves;	/* virtual CPUs that ask for work */
	struct mn_later		*sems, *conds;	/* for REQ_LATER */
	unsigned int		sleeping;	/* MN_SIGNAL: futex of the idle */
	unsigned int		signalled;	/* MN_SIGNAL: one is under way */
	shared64		sent, coalesced;

	/* Its own; others read what is marked (r). */
	struct mn_thread	*current __attribute__((aligned(64)));	/* (r) */
	struct mn_thread	idle;		/* the context of its own stack */
	struct mn_thread	*done;		/* has exited, still to be buried */
	struct runq		hurried, queue;	/* their n: (r) */
	struct upcall		*upc;
	int			index;
	int			upcall_id;	/* (r) */
	int			tid;		/* (r) */
	bool			stopping;
	bool			hurry;		/* somebody has come into hurried */
	bool			over;		/* so is current's slice */
	bool			retry;		/* (r) ask again soon */
	bool			fair;		/* an ordinary one's, for a slice */
	unsigned int		dice;		/* of mn_select() */
	unsigned int		hurried_ticks;	/* in a row, while others waited */
	unsigned int		uneven_ticks;	/* with one more than another has */
	int64_t			tick_cpu;	/* time used by then, ... */
	unsigned int		tick_switches;	/* ... if still so many */
	unsigned int		turns;		/* times that it left its idle loop (r) */
	struct mn_thread	**heap;		/* deadlines */
	int			heap_n;
	shared64		next_deadline;	/* (r) */
	struct mn_thread	*stacks;	/* to be used again */
	int			n_stacks;
	struct {				/* (r) */
		struct counter	switches, preemptions, steals, entered, held;
		struct counter	deferred, migrations, spawned;
	} stats;
	stack_t			sigstack, old_sigstack;
	uint64_t		old_mask;	/* of its kernel thread's, before */
	pthread_t		thread;

	/* The clock's: when it asks again, and after how long once more. */
	unsigned int		retry_switches;
	int64_t			retry_at, retry_gap;

	/* dump.c's visit to a thread that does not run. */
	struct mn_thread	*visited;
	void			*visitor_sp;
	void			*trace[32];
	int			n_trace;
};

/* How many wait for @v; by anybody. */
static inline unsigned int ready(const struct vcpu *v)
{
	return v->hurried.n + v->queue.n;
}

/* What differs between upcalls and signals. */
struct backend {
	int	(*attach)(struct vcpu *v);	/* on the virtual CPU's thread */
	void	(*detach)(struct vcpu *v);
	void	(*kick)(struct vcpu *v);	/* from any thread */
	void	(*pending)(void);	/* at the end of a section */
	void	(*sleep)(struct vcpu *v);	/* leaves a section, returns outside */
};

struct mn_rt {
	int			vcpus;
	enum mn_backend		kind;
	const struct backend	*backend;
	int64_t			slice;
	int			signo;
	size_t			stack_size;
	bool			no_ranges;	/* MN_LIBC_IS_MINE */
	int			has_sse;
	int			policy, priority;	/* real-time, or 0 */
	struct vcpu		*vcpu;		/* an array */
	unsigned int		idle;		/* a bit for each that sleeps */
	unsigned int		running;	/* mn_run() is under way */
	bool			forked;
	bool			deadlock;
	unsigned int		serial;		/* of runs, and of what is between */
	unsigned int		outside;	/* in enter_any() and no virtual CPU */
	unsigned int		closing;	/* futex: these have to wait */
	bool			reached;	/* one of them has come in this run */
	struct mn_thread	*main;
	void			*result;
	unsigned int		external;	/* waited for outside: blocking, poll */
	unsigned int		threads;
	unsigned int		arrivals, ids;
	struct mn_thread	*all;		/* under all_lock */
	unsigned int		all_lock;
	unsigned int		dump;		/* the last mn_dump(); all_lock */
};

extern struct mn_rt rt;

/* Distances from the thread pointer, the same in every thread. */
extern long mn_off_upcall, mn_off_vcpu;

/*
 * The virtual CPU that this is at the very instruction. Only in a critical
 * section does it stay so.
 */
static inline struct vcpu *this_vcpu(void)
{
	struct vcpu *v;

	__asm__ volatile ("mov " ARCH_TLS ":(%1), %0"
			  : "=r" (v) : "r" (mn_off_vcpu) : "memory");
	return v;
}

/* As upc_crit_enter() and upc_crit_exit(), for whichever this is. */
static inline void crit_add(int n)
{
	__asm__ volatile ("addl %1, " ARCH_TLS ":4(%0)"
			  : : "r" (mn_off_upcall), "ri" (n) : "memory", "cc");
}

static inline void crit_enter(void)
{
	crit_add(UPC_CRITADD);
}

static inline int crit_sub(int by)
{
	int over;

	/* pending less crit_count, once the section has been left. */
	__asm__ volatile ("subl %2, " ARCH_TLS ":4(%1)\n\t"
			  "movl " ARCH_TLS ":8(%1), %0\n\t"
			  "subl " ARCH_TLS ":4(%1), %0"
			  : "=&r" (over) : "r" (mn_off_upcall), "ri" (by)
			  : "memory", "cc");
	return over;
}

/* crit_count of whichever this is; from UPC_CRITADD on that does not change. */
static inline int crit_count(void)
{
	int n;

	__asm__ volatile ("movl " ARCH_TLS ":4(%1), %0"
			  : "=r" (n) : "r" (mn_off_upcall) : "memory");
	return n;
}

/*
 * Is this, so many sections of the runtime's within each other, in one more? A
 * signal handler of the program's may have interrupted that.
 */
static inline bool over_runtime(int sections)
{
	return (crit_count() & (PROGRAM_ADD - 1)) >= (sections + 1) * UPC_CRITADD;
}

static inline void crit_exit(void)
{
	if (__builtin_expect(crit_sub(UPC_CRITADD) > 0, 0))
		rt.backend->pending();
}

/*
 * Locks, for objects that several virtual CPUs use; in a section only. 0: free, 1:
 * held, 2: held, and others may sleep until it is not.
 */
void spin_wait(unsigned int *lock);
void spin_wake(unsigned int *lock);

static inline bool spin_try(unsigned int *lock)
{
	unsigned int unlocked = 0;

	return __atomic_compare_exchange_n(lock, &unlocked, 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_lock(unsigned int *lock)
{
	if (!spin_try(lock))
		spin_wait(lock);
}

static inline void spin_unlock(unsigned int *lock)
{
	if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
		spin_wake(lock);
}

/* run.c */
bool look_begin(void);
void look_end(void);
void fatal(const char *what, int err) __attribute__((noreturn));
int service_create(pthread_t *thread, void *(*fn)(void *), size_t stack);
long futex(unsigned int *word, int op, unsigned int val, int64_t deadline);

/* arch/: switch.S, context.c */
void switch_context(void **save, void *sp, int has_sse);
void *first_context(void *top, void (*fn)(void));
int has_sse(void);
void call_on_stack(void (*fn)(void *), void *arg, void *top);

/* sched.c */
void queue_last(struct runq *q, struct mn_thread *t);
void schedule(struct vcpu *v);
void make_ready(struct vcpu *v, struct mn_thread *t);
void wake(struct mn_thread *t);
void kick(struct vcpu *v, unsigned int requests);
void on_upcall(struct vcpu *v, unsigned long pc, unsigned long sp);
void idle_loop(struct vcpu *v);
void after_switch(void);
void stop_all(void);
void boost(struct mn_thread *t);
void release_late(void);
void external_less(void);
int get_errno(void);
void set_errno(int e);

/* wait.c; (L): lock_of(q) is held, or the one that it was added under */
unsigned int *lock_of(const void *object);
void waitq_add(struct mn_waitq *q, struct mn_thread *t);	/* (L) */
void waitq_add_first(struct mn_waitq *q, struct mn_thread *t);	/* (L) */
void waitq_add_under(struct mn_waitq *q, struct mn_thread *t,
		     unsigned int *lock);
struct mn_thread *waitq_take(struct mn_waitq *q);		/* (L) */
void waitq_take_all(struct mn_waitq *q, struct mn_thread **list);	/* (L) */
void wake_list(struct mn_thread *list);
void waitq_remove(struct mn_waitq *q, struct mn_thread *t);	/* (L) */
int wait_until(enum state state, int64_t deadline);
bool give_up(struct mn_thread *t);
struct mn_thread *enter(void);
int leave(int ret);

/* wait.c: several locks at a time, of whoever holds none. */
#define SPIN_LOCKS	256

struct lock_set {
	uint64_t	has[SPIN_LOCKS / 64];
};

void lock_set_add(struct lock_set *set, const unsigned int *lock);
void lock_set_lock(const struct lock_set *set);
void lock_set_unlock(const struct lock_set *set);

/* select.c */
bool select_give_up(struct mn_thread *t);

/* wait.c: for callers on any kernel thread. */
struct caller {
	bool		outside;	/* on no virtual CPU */
	bool		over;		/* in a handler, over the runtime */
	sigset_t	mask;
};

bool enter_any(struct caller *c);
bool lock_any(struct caller *c, unsigned int *lock);
void later_run(struct vcpu *v);
int leave_any(struct caller *c, int ret);
void outside_close(void);
void outside_open(void);
bool waitq_stale(struct mn_waitq *q);				/* (L) */
void locks_reset(void);

/* timer.c */
extern unsigned int mn_ticking;
void timer_add(struct vcpu *v, struct mn_thread *t, int64_t deadline);
void timer_remove(struct vcpu *v, struct mn_thread *t);
void timers_run(struct vcpu *v);
int64_t cpu_time(void);
int clock_start(void);
void clock_stop(void);
void clock_ring(void);
void ask_for_short_slice(void);

/*
 * Somebody waits for a processor: slices have to end. After whatever made it so has
 * been written: see timer.c.
 */
static inline void clock_wanted(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&mn_ticking, __ATOMIC_RELAXED))
		clock_ring();
}

/* stack.c */
struct mn_thread *stack_get(struct vcpu *v, size_t size, size_t guard);
void stack_put(struct vcpu *v, struct mn_thread *t);
void stack_free(struct mn_thread *t);
void stacks_drop(struct vcpu *v);
int stack_watch(struct vcpu *v);
void stack_unwatch(struct vcpu *v);
void *stack_bottom(const struct mn_thread *t);

/* thread.c */
int thread_create(struct mn_thread **out, const struct mn_attr *attr,
		  void *(*fn)(void *), void *arg);
void thread_bury(struct vcpu *v, struct mn_thread *t);
void threads_free(void);
extern unsigned int keys_lock;

/* interpose.c, which is in the shared library alone */
void mn_libc_exit(void *result)
	__attribute__((weak, visibility("hidden"), noreturn));

/* safepoint.c */
void safe_points_find(void);
bool is_safe_point(struct vcpu *v, unsigned long pc, unsigned long sp);
bool in_handler(struct vcpu *v);

/* pure.c */
void pure_find(void);
bool is_pure(unsigned long pc);

/* mask.c, sigmask.c */
uint64_t kernel_mask(int how, uint64_t mask);

static inline uint64_t signal_bit(int sig)
{
	return UINT64_C(1) << (sig - 1);
}

static inline uint64_t mask_of(const sigset_t *set)
{
	uint64_t mask;

	__builtin_memcpy(&mask, set, sizeof(mask));
	return mask;
}

/* The C library's own, for cancellation and for setuid(). */
#define LIBC_SIGNALS	(signal_bit(32) | signal_bit(33))

/*
 * locks.c, cxx.c: locks of others that the current thread holds. Only what no
 * slice ends in may touch it.
 */
extern __thread int mn_held __attribute__((tls_model("initial-exec")));
void held_less(const void *caller);
bool object_keep(const char *path) __attribute__((weak));

/* poll.c; in a section. Whoever waits for a file, until wait_end(). */
struct waiting {
	struct file	*file;
	int		turn;		/* it is its turn to try this */
};

int wait_begin(struct waiting *w, int fd);
int wait_for_event(struct waiting *w, int events, bool alone, int64_t deadline);
void wait_end(struct waiting *w);

/* block.c, poll.c */
void helpers_stop(void);
unsigned int helpers_count(void);
bool is_helper(void);
bool helper_overflowed(const siginfo_t *si);
void helper_leave(void);
int poll_start(void);
void poll_stop(void);

/* cpus.c */
long cpus_allowed(void);

/* sized.c */
int sized_in(void *to, size_t size, size_t first, const void *from);
int sized_out(void *to, size_t first, const void *from, size_t size);

#define CONFIG_FIRST	(sizeof(long) == 4 ? 28 : 32)	/* in version 0.1 */
#define ATTR_FIRST	(sizeof(long) == 4 ? 24 : 40)
#define STATS_FIRST	96

/* stats.c, backend.c */
void stats_keep(void);
void backend_use(enum mn_backend kind);
bool is_on_signal(const struct sigaction *sa);
extern __thread struct vcpu *mn_this_vcpu
	__attribute__((tls_model("initial-exec")));

/* arch/, for debug.c: what switch_context() leaves on the stack of who has left. */
struct saved {
	char		name[4];	/* of a register */
	unsigned int	offset;		/* the stack pointer's: its value itself */
};

extern const struct saved saved_registers[SAVED_REGISTERS]
	__attribute__((visibility("hidden")));

/* dump.c */
extern const char *const state_names[];
void dump_init(void);
void dump_visited(struct vcpu *v);
void dump_answer(struct vcpu *v);
void dump_give_up(void);
void dump_deadlock(void);

extern const struct backend mn_upcalls, mn_signals, mn_nothing;

#endif /* MN_RT_H */
