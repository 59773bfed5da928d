/* SPDX-License-Identifier: MIT */
#ifndef RELAXED_MACHINE_H
#define RELAXED_MACHINE_H

/*
 * What libupcall-mn's lock-free parts are made of, in the orders of C++11 as Relacy has
 * them. The tests have the steps of the functions that they name, and no more.
 *
 *   there                          here
 *
 *   __ATOMIC_SEQ_CST, load64(), .. seq_cst
 *   __ATOMIC_ACQUIRE, _RELEASE     the same
 *   a plain access to what others  LATE(), SET_LATE(): relaxed; x86 would let it be
 *     read or write                later than the next load, and so does Relacy
 *   a plain access else            rl::var: a data race is an error
 *   futex(FUTEX_WAIT)              a barrier, and if the word is what it should be, sleep;
 *                                  both in one step, as the kernel has a lock there
 *   futex(FUTEX_WAKE)              a barrier, and whoever sleeps is woken
 *   tgkill()                       a barrier; the handler is run before the next step of
 *                                  the other, also of one that sleeps in futex()
 *   membarrier()                   a barrier here, and one before the next step of the
 *                                  other, which is waited for
 *
 * A wake-up that is lost is a deadlock to Relacy.
 */

#include "search.h"

#define LATE(x)			((x)($).load(rl::mo_relaxed))
#define SET_LATE(x, v)		((x)($).store(v, rl::mo_relaxed))
#define LOAD(x)			((x)($).load(rl::mo_seq_cst))
#define STORE(x, v)		((x)($).store(v, rl::mo_seq_cst))
#define EXCHANGE(x, v)		((x)($).exchange(v, rl::mo_seq_cst))
#define ADD(x, v)		((x)($).fetch_add(v, rl::mo_seq_cst))
#define AND(x, v)		((x)($).fetch_and(v, rl::mo_seq_cst))
#define OR(x, v)		((x)($).fetch_or(v, rl::mo_seq_cst))
/* load64() is a locked instruction. */
#define LOAD64(x)		ADD(x, 0)

#define NR_THREADS		3

typedef rl::waitset<NR_THREADS> waitset;

/* Nobody else has a step in here. */
struct one_step : rl::preemption_disabler {
	one_step() : rl::preemption_disabler(rl::ctx())
	{
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
	}
};

static void park(waitset &w, const bool &until)
{
	while (!until)
		w.park_current(rl::ctx(), false, false, false, $);
}

struct futex_word {
	rl::atomic<int> word;
	bool		woken[NR_THREADS];
	bool		sleeps[NR_THREADS] = { };
	waitset		sleepers;

	futex_word(int value = 0) : word(value) { }

	/* Until it is woken, or @interrupted, or at once if the word is another. */
	void wait(int value, const bool *interrupted = nullptr)
	{
		unsigned int me = rl::thread_index();

		{
			one_step all;

			if (LATE(word) != value || (interrupted && *interrupted))
				return;
			woken[me] = false;
			sleeps[me] = true;
		}
		park(sleepers, woken[me]);
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
	}

	/* One of @n at most, the first ones. */
	void wake(int n = NR_THREADS)
	{
		rl::ctx().sched();
		one_step all;
		unsigned int i;

		for (i = 0; i < NR_THREADS && n > 0; i++)
			if (sleeps[i]) {
				end(i);
				n--;
			}
		sleepers.unpark_all(rl::ctx(), $);
	}

	/* By a signal. */
	void interrupt(unsigned int thread)
	{
		if (sleeps[thread]) {
			end(thread);
			sleepers.unpark_all(rl::ctx(), $);
		}
	}

private:
	void end(unsigned int thread)
	{
		sleeps[thread] = false;
		woken[thread] = true;
	}
};

#endif /* RELAXED_MACHINE_H */
