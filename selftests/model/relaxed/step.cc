// SPDX-License-Identifier: GPL-2.0
/*
 * A task that is stepped stays armed, with TIF_NOTIFY_RESUME clear, until
 * upcall_step_over().
 */

#include "test.h"

/* The step was a uprobe's. */
struct step_uprobe : test<step_uprobe> {
	step_uprobe()
	{
		queue(0, 1);
		SET_PLAIN(owner.armed, true);
		task.uprobe = true;
	}

	/* handle_singlestep() */
	void owner_task()
	{
		current->uprobe = false;
		upcall_step_over(current);
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		dispatch(1, 1);
	}
};

/* Under locks that the owner does not take on its way to user mode. */
static void __ptrace_unlink(task_struct *child)
{
	WRITE_ONCE(child->ptrace, 0);
	upcall_step_over(child);
}

/* The tracer ends, and its tracee is on its way to user mode. */
struct step_unlink : test<step_unlink> {
	step_unlink()
	{
		queue(0, 1);
		arm();
		task.singlestep = true;
		SET_PLAIN(task.ptrace, 1);
	}

	void owner_task()
	{
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		__ptrace_unlink(&task);
	}
};

/*
 * The tracer ends, and its tracee registers its first upcall. That one has been
 * dispatched already.
 */
struct step_register : test<step_register> {
	step_register()
	{
		queue(0, 1);
		arm();
		task.singlestep = true;
		SET_PLAIN(task.ptrace, 1);
		SET_PLAIN(task.upcall, nullptr);
	}

	void owner_task()
	{
		upcall_set_owner(&owner);
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		__ptrace_unlink(&task);
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "step_uprobe", search<step_uprobe> },
		{ "step_unlink", search<step_unlink> },
		{ "step_register", search<step_register> },
	};

	return run_tests(tests, argc, argv);
}
