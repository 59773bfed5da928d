// SPDX-License-Identifier: GPL-2.0
/* A dispatch skips the kick, the owner lowers pending: see dispatch.h. */

#include "test.h"

/* DISPATCH of -1 enters the upcall that pending stands for. */
struct skipped_enter : test<skipped_enter> {
	skipped_enter()
	{
		queue(0, 1);
		SET_PLAIN(upc.pending, 1);
	}

	void owner_task()
	{
		upcall_redispatch(1);
	}

	void other_task(int)
	{
		dispatch(1, 1);
	}
};

/* DISPATCH of -1 finds nothing: what pending stood for was cleared by POLL. */
struct skipped_hold : test<skipped_hold> {
	skipped_hold()
	{
		SET_PLAIN(upc.pending, 1);
	}

	void owner_task()
	{
		upcall_redispatch(1);
	}

	void other_task(int)
	{
		dispatch(1, 1);
	}
};

/* NEXT without the lock: nothing was pending when the upcall ended by way A. */
struct skipped_next : test<skipped_next> {
	void owner_task()
	{
		put_user(1, upc.pending);
		upcall_next();
	}

	void other_task(int)
	{
		dispatch(0, 1);
	}
};

/* NEXT enters the upcall that pending stands for. */
struct skipped_chain : test<skipped_chain> {
	skipped_chain()
	{
		queue(0, 1);
		SET_PLAIN(upc.pending, 1);
	}

	void owner_task()
	{
		upcall_next();
	}

	void other_task(int)
	{
		dispatch(1, 1);
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "skipped_enter", search<skipped_enter> },
		{ "skipped_hold", search<skipped_hold> },
		{ "skipped_next", search<skipped_next> },
		{ "skipped_chain", search<skipped_chain> },
	};

	return run_tests(tests, argc, argv);
}
