// SPDX-License-Identifier: MIT
/*
 * Locks of other libraries, counted: a thread that holds one keeps others of its
 * virtual CPU out, as these would wait for it with all of the virtual CPU. Each
 * function here stands before one of the same name, and calls that.
 *
 * It is in the shared library alone. A program that is linked statically has no
 * function of that name behind this one.
 */
#define _GNU_SOURCE

/* Both names of what takes a time: pthread_mutex_timedlock is to be that one here. */
#undef _TIME_BITS
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <threads.h>

#include "rt.h"

/* The one that comes behind ours, or the one of a library that others don't see. */
static void *next_one(const char *name, const char *library)
{
	void *fn = dlsym(RTLD_NEXT, name), *handle;

	if (!fn && library) {
		handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
		fn = handle ? dlsym(handle, name) : NULL;
	}
	if (!fn)
		fatal(name, ENOSYS);
	return fn;
}

/* That it may not be unloaded any more; a program that is static has none. */
bool object_keep(const char *path)
{
	return dlopen(path, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

/* name(args) of type ret(params), and what is done after it; r is its result. */
#define AROUND(library, ret, name, params, args, after)			\
MN_PUBLIC ret name params						\
{									\
	static ret (*next) params;					\
	ret r;								\
									\
	if (!next)							\
		next = next_one(#name, library);			\
	r = next args;							\
	after;								\
	return r;							\
}

/* The same, of one that can't fail. */
#define AROUND_VOID(library, name, params, args, after)			\
MN_PUBLIC void name params						\
{									\
	static void (*next) params;					\
									\
	if (!next)							\
		next = next_one(#name, library);			\
	next args;							\
	after;								\
}

#define LESS	held_less(__builtin_return_address(0))

/* With what is true if it has got the lock. */
#define LOCKS(library, ret, name, params, args, got)			\
	AROUND(library, ret, name, params, args, mn_held += !!(got))
#define UNLOCKS(library, ret, name, params, args)			\
	AROUND(library, ret, name, params, args, if (!r) LESS)
#define LOCKS_ALWAYS(library, name, params, args)			\
	AROUND_VOID(library, name, params, args, mn_held++)
#define UNLOCKS_ALWAYS(library, name, params, args)			\
	AROUND_VOID(library, name, params, args, LESS)

#define TIME		const struct timespec *
#define MUTEX		pthread_mutex_t *
#define RWLOCK		pthread_rwlock_t *

/* Whose owner has died it is, too. */
#define GOT		(!r || r == EOWNERDEAD)

LOCKS(NULL, int, pthread_mutex_lock, (MUTEX m), (m), GOT)
LOCKS(NULL, int, pthread_mutex_trylock, (MUTEX m), (m), GOT)
LOCKS(NULL, int, pthread_mutex_timedlock, (MUTEX m, TIME t), (m, t), GOT)
LOCKS(NULL, int, pthread_mutex_clocklock, (MUTEX m, clockid_t c, TIME t),
      (m, c, t), GOT)
UNLOCKS(NULL, int, pthread_mutex_unlock, (MUTEX m), (m))

LOCKS(NULL, int, pthread_rwlock_rdlock, (RWLOCK l), (l), !r)
LOCKS(NULL, int, pthread_rwlock_wrlock, (RWLOCK l), (l), !r)
LOCKS(NULL, int, pthread_rwlock_tryrdlock, (RWLOCK l), (l), !r)
LOCKS(NULL, int, pthread_rwlock_trywrlock, (RWLOCK l), (l), !r)
LOCKS(NULL, int, pthread_rwlock_timedrdlock, (RWLOCK l, TIME t), (l, t), !r)
LOCKS(NULL, int, pthread_rwlock_timedwrlock, (RWLOCK l, TIME t), (l, t), !r)
LOCKS(NULL, int, pthread_rwlock_clockrdlock, (RWLOCK l, clockid_t c, TIME t),
      (l, c, t), !r)
LOCKS(NULL, int, pthread_rwlock_clockwrlock, (RWLOCK l, clockid_t c, TIME t),
      (l, c, t), !r)
UNLOCKS(NULL, int, pthread_rwlock_unlock, (RWLOCK l), (l))

LOCKS(NULL, int, pthread_spin_lock, (pthread_spinlock_t *l), (l), !r)
LOCKS(NULL, int, pthread_spin_trylock, (pthread_spinlock_t *l), (l), !r)
UNLOCKS(NULL, int, pthread_spin_unlock, (pthread_spinlock_t *l), (l))

LOCKS(NULL, int, mtx_lock, (mtx_t *m), (m), r == thrd_success)
LOCKS(NULL, int, mtx_trylock, (mtx_t *m), (m), r == thrd_success)
LOCKS(NULL, int, mtx_timedlock, (mtx_t *m, TIME t), (m, t), r == thrd_success)
UNLOCKS(NULL, int, mtx_unlock, (mtx_t *m), (m))

/* What these are in i386 programs whose time_t has 64 bits. */
#ifdef __i386__
#define TIME64		const struct timespec64 *

struct timespec64;

int __pthread_mutex_timedlock64(MUTEX m, TIME64 t);
int __pthread_mutex_clocklock64(MUTEX m, clockid_t c, TIME64 t);
int __pthread_rwlock_timedrdlock64(RWLOCK l, TIME64 t);
int __pthread_rwlock_timedwrlock64(RWLOCK l, TIME64 t);
int __pthread_rwlock_clockrdlock64(RWLOCK l, clockid_t c, TIME64 t);
int __pthread_rwlock_clockwrlock64(RWLOCK l, clockid_t c, TIME64 t);
int __mtx_timedlock64(mtx_t *m, TIME64 t);

LOCKS(NULL, int, __pthread_mutex_timedlock64, (MUTEX m, TIME64 t), (m, t), GOT)
LOCKS(NULL, int, __pthread_mutex_clocklock64, (MUTEX m, clockid_t c, TIME64 t),
      (m, c, t), GOT)
LOCKS(NULL, int, __pthread_rwlock_timedrdlock64, (RWLOCK l, TIME64 t), (l, t), !r)
LOCKS(NULL, int, __pthread_rwlock_timedwrlock64, (RWLOCK l, TIME64 t), (l, t), !r)
LOCKS(NULL, int, __pthread_rwlock_clockrdlock64, (RWLOCK l, clockid_t c, TIME64 t),
      (l, c, t), !r)
LOCKS(NULL, int, __pthread_rwlock_clockwrlock64, (RWLOCK l, clockid_t c, TIME64 t),
      (l, c, t), !r)
LOCKS(NULL, int, __mtx_timedlock64, (mtx_t *m, TIME64 t), (m, t),
      r == thrd_success)
#endif

LOCKS_ALWAYS(NULL, flockfile, (FILE *f), (f))
LOCKS(NULL, int, ftrylockfile, (FILE *f), (f), !r)
UNLOCKS_ALWAYS(NULL, funlockfile, (FILE *f), (f))

/* What OpenMP's critical and atomic become. */
#define GOMP		"libgomp.so.1"

void GOMP_critical_start(void);
void GOMP_critical_end(void);
void GOMP_critical_name_start(void **lock);
void GOMP_critical_name_end(void **lock);
void GOMP_atomic_start(void);
void GOMP_atomic_end(void);
void omp_set_lock(void *lock);
int omp_test_lock(void *lock);
void omp_unset_lock(void *lock);

LOCKS_ALWAYS(GOMP, GOMP_critical_start, (void), ())
UNLOCKS_ALWAYS(GOMP, GOMP_critical_end, (void), ())
LOCKS_ALWAYS(GOMP, GOMP_critical_name_start, (void **l), (l))
UNLOCKS_ALWAYS(GOMP, GOMP_critical_name_end, (void **l), (l))
LOCKS_ALWAYS(GOMP, GOMP_atomic_start, (void), ())
UNLOCKS_ALWAYS(GOMP, GOMP_atomic_end, (void), ())
LOCKS_ALWAYS(GOMP, omp_set_lock, (void *l), (l))
LOCKS(GOMP, int, omp_test_lock, (void *l), (l), r)
UNLOCKS_ALWAYS(GOMP, omp_unset_lock, (void *l), (l))
