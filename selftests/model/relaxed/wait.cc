// SPDX-License-Identifier: GPL-2.0
/* WAIT and its wake-ups: see wait.c. A lost one is a deadlock. */

#include "test.h"

struct wait : test<wait> {
	void owner_task()
	{
		RL_ASSERT(upcall_wait(1));
	}

	void other_task(int)
	{
		dispatch(0, 1);
	}
};

/* The first dispatch is below what is waited for, and so does not wake. */
struct wait_low : test<wait_low> {
	void owner_task()
	{
		RL_ASSERT(upcall_wait(2));
	}

	void other_task(int)
	{
		dispatch(0, 1);
		dispatch(1, 2);
	}
};

struct wait_signal : test<wait_signal> {
	void owner_task()
	{
		RL_ASSERT(!upcall_wait(1));
	}

	void other_task(int)
	{
		signal_wake_up(&task);
	}
};

/* The wait ends with a signal, and does not see the dispatch. */
struct wait_end : test<wait_end> {
	wait_end()
	{
		SET_PLAIN(task.sigpending, true);
	}

	void owner_task()
	{
		upcall_wait(1);
	}

	void other_task(int)
	{
		dispatch(0, 1);
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "wait", search<wait> },
		{ "wait_low", search<wait_low> },
		{ "wait_signal", search<wait_signal> },
		{ "wait_end", search<wait_end> },
	};

	return run_tests(tests, argc, argv);
}
