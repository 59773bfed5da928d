// SPDX-License-Identifier: GPL-2.0
/* A dispatch, and the owner on its way to user mode: "Arming" in dispatch.h. */

#include "test.h"

/* TIF_NOTIFY_RESUME has other users, and is set for one of those. */
struct armed : test<armed> {
	armed()
	{
		SET_PLAIN(task.notify_resume, true);
	}

	void owner_task()
	{
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		dispatch(0, 1);
	}
};

/* The owner is armed already, for another upcall. */
struct armed_already : test<armed_already> {
	armed_already()
	{
		queue(0, 1);
		arm();
	}

	void owner_task()
	{
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		dispatch(1, 1);
	}
};

/* The owner is armed already, for the same upcall. */
struct armed_again : test<armed_again> {
	armed_again()
	{
		queue(0, 1);
		arm();
	}

	void owner_task()
	{
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		dispatch(0, 1);
	}
};

/* The owner arms itself, without the lock, for an upcall of its own. */
struct armed_itself : test<armed_itself> {
	armed_itself()
	{
		queue(0, 1);
	}

	void owner_task()
	{
		upcall_deliver_later(&owner, 0);
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		dispatch(1, 1);
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "armed", search<armed> },
		{ "armed_already", search<armed_already> },
		{ "armed_again", search<armed_again> },
		{ "armed_itself", search<armed_itself> },
	};

	return run_tests(tests, argc, argv);
}
