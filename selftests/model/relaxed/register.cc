// SPDX-License-Identifier: GPL-2.0
/* Registration and deletion: upcall_publish() and upcall_remove(). */

#include "test.h"

/*
 * The owner changes its struct upcall. In the old one pending has the priority
 * of the dispatch, and a critical section never ends.
 */
struct register_other : test<register_other> {
	upcall new_upc;

	register_other()
	{
		unregister(1);
		upc.crit_count = UPC_CRITADD;
		SET_PLAIN(upc.pending, 1);
	}

	void owner_task()
	{
		upcall_insert(&entries[1], 1, &new_upc);
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		dispatch(0, 1);
	}
};

/* The first upcall of a task is dispatched while it is being registered. */
struct register_first : test<register_first> {
	register_first()
	{
		unregister(0);
		unregister(1);
		SET_PLAIN(task.upcall, nullptr);
		owner.upc($) = (upcall *)nullptr;
	}

	void owner_task()
	{
		upcall_insert(&entries[0], 0, &upc);
		upcall_set_owner(&owner);
		exit_to_user_mode_loop();
	}

	void other_task(int)
	{
		dispatch(0, 1);
	}
};

/*
 * Another task deletes the owner's last upcall, then unmaps its struct upcall.
 * The owner, which was armed, faults there, and must find that it owns nothing.
 */
struct register_none : test<register_none> {
	rl::var<bool> mapped;
	spinlock mmap_lock;

	register_none() : mapped(true)
	{
		queue(0, 1);
		unregister(1);
	}

	bool is_mapped()
	{
		bool is;

		spin_lock(&mmap_lock);
		is = mapped($);
		spin_unlock(&mmap_lock);
		return is;
	}

	void owner_task()
	{
		bool owns_some;

		if (WEAKEN(owns_some_before))
			owns_some = upcall_owns_some(&owner);
		if (is_mapped())
			return;
		if (!WEAKEN(owns_some_before))
			owns_some = upcall_owns_some(&owner);
		RL_ASSERT(!owns_some);		/* force_sigsegv() */
	}

	void other_task(int)
	{
		upcall_delete(&table, 0);
		entries[0].dispatched = 0;

		spin_lock(&mmap_lock);
		mapped($) = false;
		spin_unlock(&mmap_lock);
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "register_other", search<register_other> },
		{ "register_first", search<register_first> },
		{ "register_none", search<register_none> },
	};

	return run_tests(tests, argc, argv);
}
