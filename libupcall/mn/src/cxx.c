// SPDX-License-Identifier: MIT
/*
 * C++: which exceptions have been caught and not yet let go of is a user thread's
 * own, and a function's static variable that is being made is a lock.
 *
 * The names and what they do are from the C++ ABI for Itanium, 2.5.2 and 3.3.3,
 * which is that of IA-32 and x86-64 too. The C++ library calls its own functions by
 * these names, so it gets ours, which come before.
 */
#include <linux/futex.h>

#include "rt.h"

void *__cxa_get_globals(void);
void *__cxa_get_globals_fast(void);
int __cxa_guard_acquire(unsigned int *guard);
void __cxa_guard_release(unsigned int *guard);
void __cxa_guard_abort(unsigned int *guard);

struct eh_globals {
	void		*caught;
	unsigned int	uncaught;
};

_Static_assert(sizeof(struct eh_globals) <= sizeof(((struct mn_thread *)0)->eh),
	       "there is room for it");

static __thread struct eh_globals of_kernel_thread
	__attribute__((tls_model("initial-exec")));

/* The user thread that this is, or NULL. It is not preempted here. */
static IN_HANDLER struct mn_thread *self(void)
{
	struct vcpu *v = this_vcpu();

	return v && v->current != &v->idle ? v->current : NULL;
}

MN_PUBLIC IN_HANDLER void *__cxa_get_globals(void)
{
	struct mn_thread *t = self();

	return t ? (void *)t->eh : &of_kernel_thread;
}

MN_PUBLIC IN_HANDLER void *__cxa_get_globals_fast(void)
{
	return __cxa_get_globals();
}

/*
 * Guards: the first byte says that the variable has been made, which compilers
 * look at themselves. The rest is as the C++ library of gcc has it, as other
 * copies of it may have to do with the same guard.
 */
#define GUARD_DONE	0x001u
#define GUARD_PENDING	0x100u
#define GUARD_WAITING	0x10000u

/*
 * Somebody else is at it. If that is a user thread it is not preempted, so it runs,
 * or waits of its own will: then others have to run, or it would for ever.
 */
static void guard_wait(unsigned int *guard, unsigned int seen)
{
	if (self()) {
		mn_sleep(50000);
		return;
	}
	if (!__atomic_compare_exchange_n(guard, &seen, seen | GUARD_WAITING, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;
	futex(guard, FUTEX_WAIT_PRIVATE, seen | GUARD_WAITING, 0);
}

/* 1: the caller is to make it, and calls one of the others then. */
MN_PUBLIC IN_HANDLER int __cxa_guard_acquire(unsigned int *guard)
{
	for (;;) {
		unsigned int seen = __atomic_load_n(guard, __ATOMIC_ACQUIRE);

		if (seen & GUARD_DONE)
			return 0;
		if (seen & GUARD_PENDING) {
			guard_wait(guard, seen);
			continue;
		}
		mn_held++;
		if (__atomic_compare_exchange_n(guard, &seen,
						seen | GUARD_PENDING, false,
						__ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return 1;
		mn_held--;
	}
}

static void IN_HANDLER guard_end(unsigned int *guard, unsigned int state,
				 void *caller)
{
	unsigned int old = __atomic_exchange_n(guard, state, __ATOMIC_ACQ_REL);

	if (old & GUARD_WAITING)
		futex(guard, FUTEX_WAKE_PRIVATE, INT32_MAX, 0);
	held_less(caller);
}

MN_PUBLIC IN_HANDLER void __cxa_guard_release(unsigned int *guard)
{
	guard_end(guard, GUARD_DONE, __builtin_return_address(0));
}

MN_PUBLIC IN_HANDLER void __cxa_guard_abort(unsigned int *guard)
{
	guard_end(guard, 0, __builtin_return_address(0));
}
