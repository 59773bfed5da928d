// SPDX-License-Identifier: MIT
/*
 * What is sent to a virtual CPU that is about to sleep arrives: inbox_put(), kick(),
 * sleep_idle() in sched.c, signal_kick() and signal_sleep() in backend.c. Thread 0 is
 * the virtual CPU, in its idle loop; the others send.
 */
#include "machine.h"

struct message {
	rl::var<message *> next;
	rl::var<int>	what;
};

/* @signals: the back end that has them; else the one that has nothing. */
template <class derived, bool signals, int senders>
struct inbox_test : rl::test_suite<derived, senders + 1> {
	rl::atomic<message *> inbox;
	rl::atomic<int>	requests, signalled, pending;
	futex_word	sleeping;
	message		messages[senders];
	bool		sent = false, in_section = true;

	inbox_test() : inbox(nullptr), requests(0), signalled(0), pending(0) { }

	/* on_signal(), and handle() where that serves nothing: the idle loop looks. */
	void on_signal()
	{
		if (!sent)
			return;
		sent = false;
		if (in_section) {
			SET_LATE(pending, 1);
			STORE(sleeping.word, 0);
			return;
		}
		SET_LATE(pending, 0);
		STORE(sleeping.word, 0);
		STORE(signalled, 0);
	}

	void tgkill()
	{
		one_step all;

		sent = true;
		sleeping.interrupt(0);
	}

	void kick()
	{
		if (EXCHANGE(sleeping.word, 0))
			sleeping.wake(1);
		else if (signals && !EXCHANGE(signalled, 1))
			tgkill();
	}

	void send(message *m, int what)
	{
		message *old = LATE(inbox);

		m->what($) = what;
		do
			m->next($) = old;
		while (!inbox($).compare_exchange_strong(old, m,
				WEAKEN(inbox_put) ? rl::mo_release : rl::mo_seq_cst,
				rl::mo_relaxed));
		if (!old)
			kick();
	}

	void request(int bit)
	{
		if (!(OR(requests, bit) & bit))
			kick();
	}

	int inbox_take()
	{
		message *m = LATE(inbox);
		int n = 0;

		if (!m)
			return 0;
		m = inbox($).exchange(nullptr, WEAKEN(inbox_take) ? rl::mo_relaxed :
				      rl::mo_acquire);
		for (; m; m = m->next($))
			n += m->what($);
		return n;
	}

	int serve()
	{
		int asked = LATE(requests) ? EXCHANGE(requests, 0) : 0;

		on_signal();
		return asked + inbox_take();
	}

	bool something()
	{
		if (WEAKEN(signal_sleep))
			return LATE(inbox) || LATE(requests);
		return LOAD(inbox) || LOAD(requests);
	}

	void backend_sleep()
	{
		on_signal();
		STORE(sleeping.word, 1);
		on_signal();
		if (!LATE(pending) && !something()) {
			on_signal();
			sleeping.wait(1, &sent);
		}
		on_signal();
		STORE(sleeping.word, 0);
		on_signal();
		SET_LATE(pending, 0);
		on_signal();
		STORE(signalled, 0);
		on_signal();
		in_section = false;
		on_signal();
		in_section = true;
	}

	/* Until it has what was sent. */
	void idle_loop(int wanted)
	{
		int got = serve();

		while (got < wanted) {
			if (!something())
				backend_sleep();
			got += serve();
		}
		RL_ASSERT(got == wanted);
	}

	void thread(unsigned int i)
	{
		derived *self = static_cast<derived *>(this);

		if (i)
			self->other(i);
		else
			self->virtual_cpu();
	}
};

/* Two threads for its inbox: the second sender does not kick if the first one will. */
template <class derived, bool signals>
struct inbox_two : inbox_test<derived, signals, 2> {
	void virtual_cpu()
	{
		this->idle_loop(3);
	}

	void other(int i)
	{
		this->send(&this->messages[i - 1], i);
	}
};

struct inbox_signals : inbox_two<inbox_signals, true> { };
struct inbox_nothing : inbox_two<inbox_nothing, false> { };

/* One after the other, for one that sleeps in between. */
template <class derived, bool signals>
struct inbox_again : inbox_test<derived, signals, 1> {
	message	second;

	void virtual_cpu()
	{
		this->idle_loop(3);
	}

	void other(int)
	{
		this->send(&this->messages[0], 1);
		this->send(&second, 2);
	}
};

struct again_signals : inbox_again<again_signals, true> { };
struct again_nothing : inbox_again<again_nothing, false> { };

/* A thread, and a request of another. */
template <class derived, bool signals>
struct inbox_request : inbox_test<derived, signals, 2> {
	void virtual_cpu()
	{
		this->idle_loop(5);
	}

	void other(int i)
	{
		if (i == 1)
			this->send(&this->messages[0], 1);
		else
			this->request(4);
	}
};

struct request_signals : inbox_request<request_signals, true> { };
struct request_nothing : inbox_request<request_nothing, false> { };

int main(int argc, char **argv)
{
	static const known_test tests[] = {
		{ "inbox_signals", search_bounded<inbox_signals, 4> },
		{ "inbox_nothing", search_bounded<inbox_nothing, 4> },
		{ "again_signals", search_bounded<again_signals, 4> },
		{ "again_nothing", search_bounded<again_nothing, 4> },
		{ "request_signals", search_bounded<request_signals, 4> },
		{ "request_nothing", search_bounded<request_nothing, 4> },
	};

	return run_tests(tests, argc, argv);
}
