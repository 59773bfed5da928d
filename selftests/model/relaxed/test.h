/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RELAXED_TEST_H
#define RELAXED_TEST_H

/*
 * What the tests have in common: a task that owns upcalls runs owner_task(),
 * others run other_task(). The constructor of a test sets up what differs.
 */

#include "core.h"

/* A longer search: the owner goes on to user mode while the others run. */
static bool whole_way;

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

/*
 * Searches @T to its end, or to the first failure. Relacy's full search lets a
 * load go back by one value, its random search by two. So the scheduler here is
 * that of the full search, while the parameter names the other.
 */
template <class T>
static bool search(const char *name, bool verbose)
{
	typedef rl::full_search_scheduler<T::params::thread_count> scheduler;
	rl::ostringstream state, none, log;
	rl::test_params params;
	bool clean;

	params.search_type = rl::random_scheduler_type;
	params.execution_depth_limit = 1000;
	params.output_stream = &none;
	params.progress_stream = &none;
	clean = rl::run_test<T, scheduler>(params, state, false) ==
		rl::test_result_success;
	std::cout << name << ": " << params.stop_iteration << " executions";
	if (!clean) {
		/* The same execution again, with a log. */
		params.initial_state = state.str();
		params.collect_history = true;
		params.output_stream = &log;
		rl::run_test<T, scheduler>(params, state, true);
		std::string text(log.str().c_str());

		std::cout << ": " << text.substr(0, text.find('\n'));
		if (verbose)
			std::cout << '\n' << text;
	}
	std::cout << std::endl;
	return clean;
}

struct known_test {
	const char *name;
	bool (*search)(const char *name, bool verbose);
};

/*
 * usage: program [-l] [-v] [-w NAME[+NAME]...] TEST...
 *   -l: the longer search
 *   -v: prints the steps that lead to a failure
 *   -w: leaves out what has that name
 * Without a test, prints the names of all.
 */
template <int n>
static int run_tests(const known_test (&tests)[n], int argc, char **argv)
{
	bool clean = true, verbose = false;
	int opt;

	while ((opt = getopt(argc, argv, "lvw:")) != -1) {
		switch (opt) {
		case 'l':
			whole_way = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'w':
			weakened = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc) {
		for (auto &t : tests)
			std::cout << t.name << std::endl;
		return 0;
	}
	for (; optind < argc; optind++) {
		for (auto &t : tests) {
			if (!strcmp(t.name, argv[optind]))
				clean &= t.search(t.name, verbose);
		}
	}
	return !clean;
}

#endif /* RELAXED_TEST_H */
