// SPDX-License-Identifier: MIT
/*
 * Locks, and who has to wait for those that are outside: spin_lock() and spin_wait() in
 * sched.c, outside_begin() and outside_close() in wait.c, the poller's sleep in poll.c.
 */
#include "machine.h"

/* Two or three want the same lock. What it protects has no order of its own. */
template <class derived, int threads>
struct lock_test : rl::test_suite<derived, threads> {
	futex_word	lock;
	rl::var<int>	protects;

	lock_test()
	{
		protects($) = 0;
	}

	bool spin_try()
	{
		int unlocked = 0;

		return lock.word($).compare_exchange_strong(unlocked, 1,
			WEAKEN(spin_try) ? rl::mo_relaxed : rl::mo_acquire,
			rl::mo_relaxed);
	}

	void spin_lock()
	{
		if (spin_try() || (!LATE(lock.word) && spin_try()))
			return;
		while (lock.word($).exchange(WEAKEN(two) ? 1 : 2,
			WEAKEN(spin_wait) ? rl::mo_relaxed : rl::mo_acquire))
			lock.wait(WEAKEN(two) ? 1 : 2);
	}

	void spin_unlock()
	{
		if (lock.word($).exchange(0, WEAKEN(spin_unlock) ? rl::mo_relaxed :
					  rl::mo_release) == 2)
			lock.wake(1);
	}

	void thread(unsigned int)
	{
		spin_lock();
		protects($) = protects($) + 1;
		spin_unlock();
	}

	void after()
	{
		RL_ASSERT(protects($) == threads);
	}
};

struct lock_two : lock_test<lock_two, 2> { };
struct lock_three : lock_test<lock_three, 3> { };

/* Threads 1 and 2 come from outside, while thread 0 ends the run. */
template <class derived, int threads>
struct outside_test : rl::test_suite<derived, threads> {
	futex_word	outside, closing;
	rl::var<int>	objects;	/* there while it is 1 */

	outside_test()
	{
		objects($) = 1;
	}

	void begin()
	{
		for (;;) {
			ADD(outside.word, 1);
			if (WEAKEN(closing) || !LOAD(closing.word))
				return;
			ADD(outside.word, -1);
			outside.wake(1);
			closing.wait(1);
		}
	}

	void end()
	{
		ADD(outside.word, -1);
		if (LOAD(closing.word))
			outside.wake(1);
	}

	void run_ends()
	{
		int n;

		STORE(closing.word, 1);
		while ((n = LOAD(outside.word)))
			outside.wait(n);
		objects($) = 0;
		objects($) = 1;
		STORE(closing.word, 0);
		closing.wake();
	}

	void thread(unsigned int i)
	{
		if (!i) {
			run_ends();
			return;
		}
		begin();
		RL_ASSERT(objects($));
		end();
	}
};

struct outside_one : outside_test<outside_one, 2> { };
struct outside_two : outside_test<outside_two, 3> { };

/*
 * Thread 0 polls, thread 1 waits for a file and then ends the run: count_waiter(),
 * sleep_unwanted(), poll_stop().
 */
struct poller : rl::test_suite<poller, 2> {
	futex_word	sleeps;
	rl::atomic<int>	waiters, stopping;

	poller() : waiters(0), stopping(0) { }

	void wake()
	{
		if (EXCHANGE(sleeps.word, 0))
			sleeps.wake(1);
	}

	void thread(unsigned int i)
	{
		if (i) {
			ADD(waiters, 1);
			wake();
			/* It does not answer here: that waits is what counts. */
			STORE(stopping, 1);
			wake();
			return;
		}
		while (!LOAD(stopping)) {
			if (LOAD(waiters))
				return;
			if (WEAKEN(sleep_unwanted))
				SET_LATE(sleeps.word, 1);
			else
				STORE(sleeps.word, 1);
			if (WEAKEN(looks_again) || (!LOAD(waiters) && !LOAD(stopping)))
				sleeps.wait(1);
			STORE(sleeps.word, 0);
		}
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "lock_two", search<lock_two> },
		{ "lock_three", search_bounded<lock_three, 4> },
		{ "outside_one", search<outside_one> },
		{ "outside_two", search_bounded<outside_two, 4> },
		{ "poller", search<poller> },
	};

	return run_tests(tests, argc, argv);
}
