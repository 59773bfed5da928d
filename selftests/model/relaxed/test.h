/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RELAXED_TEST_H
#define RELAXED_TEST_H

/*
 * What the tests have in common: a task that owns upcalls runs owner_task(),
 * others run other_task(). The constructor of a test sets up what differs.
 */

#include "core.h"

template <class derived, int nr_tasks = 2>
struct test : rl::test_suite<derived, nr_tasks> {
	mm_struct	mm;
	upcall_table	table;
	upcall		upc;
	task_struct	task, others[nr_tasks - 1];
	upcall_owner	owner;
	upcall_entry	entries[NR_SLOTS];

	test()
	{
		int i;

		tasks[0] = &task;
		for (i = 1; i < nr_tasks; i++)
			tasks[i] = &others[i - 1];

		owner.task = &task;
		owner.table = &table;
		owner.upc($) = &upc;
		SET_PLAIN(owner.registered, NR_SLOTS);
		SET_PLAIN(task.upcall, &owner);
		for (i = 0; i < NR_SLOTS; i++) {
			entries[i].owner = &owner;
			table.slots[i]($) = &entries[i];
		}
	}

	void unregister(int slot)
	{
		table.slots[slot]($) = (upcall_entry *)nullptr;
		SET_PLAIN(owner.registered, PLAIN(owner.registered) - 1);
	}

	/* Was dispatched before. */
	void queue(int slot, int priority)
	{
		upcall_entry *e = &entries[slot];

		SET_PLAIN(e->data, ++e->dispatched);
		upcall_enqueue(e, priority);
	}

	/* So the owner is armed, and has not evaluated its queue yet. */
	void arm()
	{
		SET_PLAIN(owner.armed, true);
		SET_PLAIN(task.notify_resume, true);
	}

	void dispatch(int slot, int priority)
	{
		upcall_entry *e = &entries[slot];

		SET_PLAIN(e->data, ++e->dispatched);
		if (!upcall_dispatch(&table, slot, priority))
			e->dispatched--;
	}

	void thread(unsigned int i)
	{
		derived *self = static_cast<derived *>(this);

		if (i) {
			self->other_task(i);
			return;
		}
		self->owner_task();
		if (whole_way && !task.user_mode)
			exit_to_user_mode_loop();
	}

	/*
	 * All tasks are done. The owner goes on to user mode, or is interrupted
	 * there if it was kicked. It leaves its critical section and what it
	 * has entered. Then no dispatch was lost, and each cfunc has seen what
	 * was written before the last dispatch of its upcall (rule 4).
	 */
	void after()
	{
		tasks[rl::thread_index()] = &task;
		if (!task.user_mode || task.kicked)
			exit_to_user_mode_loop();
		while (owner.upc($)->crit_count >= UPC_CRITADD) {
			owner.upc($)->crit_count -= UPC_CRITADD;
			if (!PLAIN(owner.upc($)->pending))
				continue;
			upcall_next();
			exit_to_user_mode_loop();
		}
		for (auto &e : entries) {
			RL_ASSERT(e.seen == e.dispatched);
			RL_ASSERT(e.entered <= e.dispatched);
		}
	}
};

#endif /* RELAXED_TEST_H */
