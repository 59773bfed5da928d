// SPDX-License-Identifier: MIT
/*
 * timer.c: the clock sleeps for good only if nobody needs it. Thread 0 is the clock,
 * thread 1 a virtual CPU, or whoever stops the clock.
 */
#include "machine.h"

#define FOREVER	9

template <class derived>
struct clock_test : rl::test_suite<derived, 2> {
	futex_word bell;

	void ring()
	{
		ADD(bell.word, 1);
		bell.wake();
	}

	void thread(unsigned int i)
	{
		derived *self = static_cast<derived *>(this);

		if (i)
			self->other();
		else
			self->clock_main();
	}
};

/* A deadline comes while the clock is about to sleep: publish(), clock_main(). */
struct deadline : clock_test<deadline> {
	rl::atomic<int> next_deadline, clock_next;

	/* The clock is awake: what it would have woken up for is over. */
	deadline() : next_deadline(FOREVER), clock_next(0) { }

	void other()
	{
		if (WEAKEN(publish))
			SET_LATE(next_deadline, 1);
		else
			EXCHANGE(next_deadline, 1);
		if (1 < LOAD64(clock_next))
			ring();
	}

	void clock_main()
	{
		for (;;) {
			int rung = LOAD(bell.word), next = LOAD64(next_deadline);

			EXCHANGE(clock_next, next);
			if (!WEAKEN(earliest) && LOAD64(next_deadline) < next)
				next = 1;
			if (next < FOREVER)
				return;
			bell.wait(rung);
		}
	}
};

/* One that has been told of a deadline has another: earliest() skips who is told. */
template <class derived>
struct told_test : clock_test<derived> {
	rl::atomic<int> next_deadline, clock_next, requests;
	waitset		waiting;
	bool		over = false;

	told_test(int told) : next_deadline(told), clock_next(0), requests(1) { }

	void tell_clock()
	{
		if (LATE(next_deadline) < LOAD64(clock_next))
			this->ring();
	}

	void publish(int deadline)
	{
		EXCHANGE(next_deadline, deadline);
		tell_clock();
	}

	void other()
	{
		static_cast<derived *>(this)->virtual_cpu();
		over = true;
		waiting.unpark_all(rl::ctx(), $);
	}

	void clock_main()
	{
		for (;;) {
			int rung = LOAD(this->bell.word);
			int next = LOAD64(next_deadline), when;

			if (next == 1)
				next = FOREVER;
			EXCHANGE(clock_next, next);
			when = LOAD64(next_deadline);
			if (when < next && !WEAKEN(earliest) && !LATE(requests))
				next = when;
			if (next == 2)
				return;
			/* It is over already: the clock looks until the other is done. */
			if (next == 1)
				park(waiting, over);
			else
				this->bell.wait(rung);
		}
	}
};

struct told : told_test<told> {
	told() : told_test(1) { }

	void virtual_cpu()
	{
		/* timers_run() */
		EXCHANGE(requests, 0);
		publish(FOREVER);
		publish(2);
	}
};

/* The same, but that the deadline comes before it serves what it has been told. */
struct told_before : told_test<told_before> {
	told_before() : told_test(FOREVER) { }

	void virtual_cpu()
	{
		publish(2);
		/* serve(), timers_run() */
		EXCHANGE(requests, 0);
		if (!WEAKEN(timers_run))
			tell_clock();
	}
};

/*
 * Somebody waits while another runs, and the clock has had its last quiet look before:
 * clock_wanted(), clock_main(). The clock has done right if it has seen that, as it
 * goes on looking then.
 */
template <class derived>
struct ticking_test : clock_test<derived> {
	rl::atomic<int> ticking, hurried, queue, current;
	waitset		waiting;
	bool		wanted = false, answered = false, over = false;

	ticking_test() : ticking(1), hurried(0), queue(0), current(0) { }

	/* What this one has stored is seen from here on, and what it loads is new. */
	void interrupt()
	{
		one_step all;

		answered = true;
		waiting.unpark_all(rl::ctx(), $);
	}

	/* Before each step of the virtual CPU. */
	void step()
	{
		if (wanted && !answered)
			interrupt();
	}

	void membarrier()
	{
		if (WEAKEN(barrier_everywhere))
			return;
		rl::ctx().sched();
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		answered = over;
		wanted = true;
		park(waiting, answered);
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		wanted = false;
	}

	void set(rl::atomic<int> &x, int v)
	{
		step();
		SET_LATE(x, v);
	}

	void clock_wanted()
	{
		step();
		if (LATE(ticking))
			return;
		SET_LATE(ticking, 1);
		this->ring();
	}

	void other()
	{
		static_cast<derived *>(this)->virtual_cpu();
		over = true;
		interrupt();
	}

	void clock_main()
	{
		bool quiet = true;

		for (;;) {
			int rung = LOAD(this->bell.word);

			if (!quiet && (LATE(hurried) + LATE(queue)) && LATE(current))
				return;
			quiet = LATE(ticking);
			if (quiet) {
				SET_LATE(ticking, 0);
				membarrier();
				quiet = false;
			} else {
				this->bell.wait(rung);
			}
		}
	}
};

/* One is running, another one comes: make_ready(). */
struct ticking_ready : ticking_test<ticking_ready> {
	ticking_ready()
	{
		SET_LATE(current, 1);
	}

	void virtual_cpu()
	{
		set(queue, 1);
		if (!WEAKEN(make_ready))
			clock_wanted();
	}
};

/* Nobody is running, two come, and one of them runs: make_ready(), schedule(). */
struct ticking_idle : ticking_test<ticking_idle> {
	ticking_idle()
	{
		SET_LATE(queue, 2);
	}

	void virtual_cpu()
	{
		clock_wanted();
		set(queue, 1);
		set(current, 1);
		if (!WEAKEN(schedule))
			clock_wanted();
	}
};

/* Who waits goes to the other queue: boost_ready(). For the clock these are two looks. */
struct ticking_boost : ticking_test<ticking_boost> {
	ticking_boost()
	{
		SET_LATE(current, 1);
		SET_LATE(queue, 1);
	}

	void virtual_cpu()
	{
		set(queue, 0);
		set(hurried, 1);
		if (!WEAKEN(boost_ready))
			clock_wanted();
	}
};

/* Who runs goes into one queue, who comes from the other runs: preempt(). */
struct ticking_preempt : ticking_test<ticking_preempt> {
	ticking_preempt()
	{
		SET_LATE(current, 1);
		SET_LATE(queue, 1);
	}

	void virtual_cpu()
	{
		set(hurried, 1);
		set(queue, 0);
		set(current, 2);
		if (!WEAKEN(schedule))
			clock_wanted();
	}
};

/* clock_stop() */
struct stop : clock_test<stop> {
	rl::atomic<bool> stopping;

	stop() : stopping(false) { }

	void other()
	{
		STORE(stopping, true);
		ring();
	}

	void clock_main()
	{
		for (;;) {
			bool early = WEAKEN(clock_main) && LOAD(stopping);
			int rung = LOAD(bell.word);

			if (WEAKEN(clock_main) ? early : LOAD(stopping))
				return;
			bell.wait(rung);
		}
	}
};

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "deadline", search<deadline> },
		{ "told", search<told> },
		{ "told_before", search<told_before> },
		{ "ticking_ready", search<ticking_ready> },
		{ "ticking_idle", search<ticking_idle> },
		{ "ticking_boost", search<ticking_boost> },
		{ "ticking_preempt", search<ticking_preempt> },
		{ "stop", search<stop> },
	};

	return run_tests(tests, argc, argv);
}
