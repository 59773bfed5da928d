// SPDX-License-Identifier: GPL-2.0
/*
 * The table of an mm: two tasks make one each and the first wins, a third task
 * uses what it finds.
 */

#include "test.h"

struct table : test<table, 3> {
	upcall_table second;

	/* A first registration. */
	void create(int i)
	{
		upcall_table *t = upcall_get_table(&mm, i ? &second :
						   &(test::table));

		entries[i].owner = &owner;
		spin_lock(&t->lock);
		RL_ASSERT(!t->slots[i]($));
		t->slots[i]($) = &entries[i];
		spin_unlock(&t->lock);
	}

	void owner_task()
	{
		create(0);
	}

	void other_task(int i)
	{
		upcall_table *t;

		if (i == 1) {
			create(1);
			return;
		}
		t = upcall_own_table(&mm);
		if (!t)
			return;
		spin_lock(&t->lock);
		t->slots[0]($).load();
		t->slots[1]($).load();
		spin_unlock(&t->lock);
	}

	void after()
	{
		upcall_table *t = PLAIN(mm.upcalls);

		RL_ASSERT(t->slots[0]($) && t->slots[1]($));
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "table", search<table> },
	};

	return run_tests(tests, argc, argv);
}
