// SPDX-License-Identifier: MIT
/*
 * A deadlock is seen when there is one, and only then: sleep_idle(), all_wait(),
 * external_less(), offer() in sched.c, done() in block.c. Threads 0 and 1 are virtual CPUs, thread
 * 2 a helper. What is sent is a number that says how often it is to be sent on; to
 * handle it is what a thread does that was woken. A false alarm is one while anything is
 * on its way.
 */
#include "machine.h"

#define REQ_STOP	1
#define REQ_LOOK	2

template <class derived>
struct idle_test : rl::test_suite<derived, 3> {
	rl::atomic<int>	idle, external, deadlock, inbox[2], requests[2], turns[2];
	futex_word	sleeping[2];
	int		under_way = 0;	/* what the test knows, and nobody else */

	idle_test() : idle(0), external(0), deadlock(0)
	{
		for (int i = 0; i < 2; i++) {
			SET_LATE(inbox[i], 0);
			SET_LATE(requests[i], 0);
			SET_LATE(turns[i], 0);
		}
	}

	void kick(int to)
	{
		if (EXCHANGE(sleeping[to].word, 0))
			sleeping[to].wake(1);
	}

	/* One at a time is on its way to each. */
	void send(int to, int what)
	{
		if (!EXCHANGE(inbox[to], what))
			kick(to);
	}

	void request(int to, int what)
	{
		if (!(OR(requests[to], what) & what))
			kick(to);
	}

	bool all_wait()
	{
		int before[2], i;

		for (i = 0; i < 2; i++)
			before[i] = LOAD(turns[i]);
		if (LOAD(idle) != 3 || (!WEAKEN(external) && LOAD(external)))
			return false;
		for (i = 0; i < 2; i++)
			if ((!WEAKEN(inbox) && LOAD(inbox[i])) || LOAD(requests[i]))
				return false;
		for (i = 0; i < 2; i++)
			if (!WEAKEN(turns) && before[i] != LOAD(turns[i]))
				return false;
		return WEAKEN(turns) || LOAD(idle) == 3;
	}

	/* For nothing. */
	void claim(int who)
	{
		if (!(AND(idle, ~(1 << who)) & 1 << who))
			return;
		if (WEAKEN(claimed))
			kick(who);
		else
			request(who, REQ_LOOK);
	}

	void external_less()
	{
		if (ADD(external, -1) != 1 || WEAKEN(external_less) || LOAD(idle) != 3)
			return;
		if (WEAKEN(req_look))
			kick(0);
		else
			request(0, REQ_LOOK);
	}

	void sleep_idle(int me)
	{
		OR(idle, 1 << me);
		if (all_wait() && !EXCHANGE(deadlock, 1)) {
			RL_ASSERT(!under_way);
			request(0, REQ_STOP);
			request(1, REQ_STOP);
		}
		if (!LOAD(inbox[me]) && !LOAD(requests[me])) {
			STORE(sleeping[me].word, 1);
			if (!LOAD(inbox[me]) && !LOAD(requests[me]))
				sleeping[me].wait(1);
			STORE(sleeping[me].word, 0);
		}
		AND(idle, ~(1 << me));
		ADD(turns[me], 1);
	}

	/* Until it is told to stop. */
	void idle_loop(int me)
	{
		for (;;) {
			int asked = LATE(requests[me]) ? EXCHANGE(requests[me], 0) : 0;
			int what = LATE(inbox[me]) ? EXCHANGE(inbox[me], 0) : 0;

			if (asked & REQ_STOP)
				return;
			if (what > 1)
				send(!me, what - 1);
			else if (what)
				static_cast<derived *>(this)->handle(!me);
			else
				sleep_idle(me);
		}
	}

	void handle(int)
	{
		under_way--;
	}

	void helper()
	{
	}

	void thread(unsigned int i)
	{
		if (i < 2)
			idle_loop(i);
		else
			static_cast<derived *>(this)->helper();
	}
};

/* One wakes the other, and waits; so does that one. */
struct idle_ping : idle_test<idle_ping> {
	idle_ping()
	{
		under_way = 1;
		SET_LATE(inbox[0], 2);
	}
};

/* One takes the other for idle, and has nothing for it: offer(). */
struct idle_claim : idle_test<idle_claim> {
	idle_claim()
	{
		under_way = 1;
		SET_LATE(inbox[1], 1);
	}

	void handle(int other)
	{
		claim(other);
		under_way--;
	}
};

/* The last thing that was waited for outside comes, and is not the end of it. */
struct idle_external : idle_test<idle_external> {
	idle_external()
	{
		under_way = 1;
		SET_LATE(external, 1);
	}

	void helper()
	{
		if (WEAKEN(done))
			external_less();
		send(1, 2);
		if (!WEAKEN(done))
			external_less();
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "idle_ping", search_bounded<idle_ping, 3> },
		{ "idle_claim", search_bounded<idle_claim, 3> },
		{ "idle_external", search_bounded<idle_external, 3> },
	};

	return run_tests(tests, argc, argv);
}
