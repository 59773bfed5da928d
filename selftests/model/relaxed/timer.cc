// SPDX-License-Identifier: GPL-2.0
/* A timer expires, which takes no lock: see timer.h. A lost one is a deadlock. */

#include "test.h"

template <class derived, int nr_tasks = 2>
struct timer_test : test<derived, nr_tasks> {
	timer_test()
	{
		this->owner.timed = &this->entries[0];
	}

	void expire()
	{
		upcall_entry *e = this->owner.timed;

		SET_PLAIN(e->data, ++e->dispatched);
		upcall_expire(&this->owner);
	}

	void other_task(int)
	{
		expire();
	}
};

/* TIF_NOTIFY_RESUME has other users, and is set for one of those. */
struct timer_exit : timer_test<timer_exit> {
	timer_exit()
	{
		SET_PLAIN(task.notify_resume, true);
	}

	void owner_task()
	{
		exit_to_user_mode_loop();
	}
};

/* The owner is armed, and clears that while the timer expires. */
struct timer_armed : timer_test<timer_armed> {
	timer_armed()
	{
		queue(1, 1);
		arm();
	}

	void owner_task()
	{
		exit_to_user_mode_loop();
	}
};

struct timer_wait : timer_test<timer_wait> {
	void owner_task()
	{
		RL_ASSERT(upcall_wait(1));
	}
};

/* It is below what is waited for, and so does not wake. */
struct timer_wait_low : timer_test<timer_wait_low> {
	void owner_task()
	{
		RL_ASSERT(upcall_wait(2));
	}

	void other_task(int)
	{
		expire();
		dispatch(1, 2);
	}
};

/* NEXT, of which pending stands for nothing. */
struct timer_next : timer_test<timer_next> {
	void owner_task()
	{
		put_user(1, upc.pending);
		upcall_next();
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "timer_exit", search_bounded<timer_exit, 5> },
		{ "timer_armed", search_bounded<timer_armed, 5> },
		{ "timer_wait", search_bounded<timer_wait, 5> },
		{ "timer_wait_low", search_bounded<timer_wait_low, 4> },
		{ "timer_next", search<timer_next> },
	};

	return run_tests(tests, argc, argv);
}
