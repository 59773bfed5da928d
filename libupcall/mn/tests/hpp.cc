// SPDX-License-Identifier: MIT
/*
 * <upcall/mn.hpp>: what mn_cxx(7) says, one case for each of its parts. Built with g++
 * and with clang++, where that is there.
 */
#include <upcall/mn.hpp>
#include "mn_test.h"
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

#define CREW	4

/* Does it throw an E, of which @right is true? */
template<class E, class F, class Right> static bool throws(F &&f, Right &&right)
{
	try {
		f();
	} catch (const E &e) {
		return right(e);
	} catch (...) {
	}
	return false;
}

template<class F> static bool fails(int err, F &&f)
{
	return throws<std::system_error>(f, [err](const std::system_error &e) {
		return e.code().value() == err &&
		       e.code().category() == std::generic_category();
	});
}

template<class F> static bool says(const char *what, F &&f)
{
	return throws<std::runtime_error>(f, [what](const std::runtime_error &e) {
		return e.what() == std::string(what);
	});
}

/* Counts how many of them there are. */
struct counted {
	static int there;
	int	value;

	explicit counted(int v) : value(v)
	{
		add(&there, 1);
	}

	counted(counted &&other) noexcept : value(std::exchange(other.value, -1))
	{
		add(&there, 1);
	}

	counted &operator=(counted &&other) noexcept
	{
		value = std::exchange(other.value, -1);
		return *this;
	}

	~counted()
	{
		add(&there, -1);
	}
};

int counted::there;

/* Threads. */

static void *threads(void *arg)
{
	std::string said;
	int n = 0;

	{
		mn::thread a([&n](int by, std::unique_ptr<int> p, int &also) {
			add(&n, by + *p);
			also = 1;
		}, 3, std::make_unique<int>(4), std::ref(n));
		a.join();
		CHECK(!a.joinable());
	}
	CHECK(n == 1);

	mn::thread named({ .name = "named" }, [&said] {
		said = mn::this_thread::name();
	});
	CHECK(!strcmp(named.name(), "named") && named.get_id());
	named.join();
	CHECK(said == "named" && !named.get_id() && !named.name());

	mn::thread none, moved([&n] { add(&n, 1); });
	CHECK(!none.joinable());
	none = std::move(moved);
	CHECK(none.joinable() && !moved.joinable());
	none.join();
	CHECK(n == 2);
	CHECK(fails(EINVAL, [&] { none.join(); }));
	CHECK(fails(EINVAL, [] {
		mn::thread t({ .stack_size = 1 }, [] { });
	}));
	return arg;
}

/* The end of its scope is the end of the thread, and of what it was given. */
static void *destructors(void *arg)
{
	int over = 0, given = 0;

	counted::there = 0;
	{
		mn::thread t([&](mn::stop_token stop, counted c) {
			while (!stop.stop_requested())
				mn::this_thread::yield();
			given = c.value;
			add(&over, 1);
		}, counted(5));
	}
	CHECK(over == 1 && given == 5 && !counted::there);

	mn::thread t([&] { add(&over, 1); });
	t.detach();
	CHECK(!t.joinable());
	wait_for(&over, 2);
	return arg;
}

static void *joined_errors(void *arg)
{
	mn::thread t([] { throw std::runtime_error("mine"); });
	int i;

	CHECK(says("mine", [&] { t.join(); }));
	CHECK(!t.joinable());
	for (i = 0; i < turns(20); i++) {
		std::vector<mn::thread> all;
		int j, right = 0;

		for (j = 0; j < CREW; j++)
			all.emplace_back([j] {
				spin(j * 500);
				throw std::runtime_error(std::to_string(j));
			});
		for (j = 0; j < CREW; j++)
			right += says(std::to_string(j).c_str(),
				      [&] { all[j].join(); });
		CHECK(right == CREW);
	}
	/* A second one, while the first is on its way. */
	CHECK(says("first", [] {
		mn::thread lost([](mn::stop_token stop) {
			while (!stop.stop_requested())
				mn::this_thread::yield();
			throw std::runtime_error("second");
		});

		throw std::runtime_error("first");
	}));
	return arg;
}

/* Stopping. */

static void *stops(void *arg)
{
	mn::stop_source source;
	mn::stop_token token = source.get_token();
	int called = 0, late = 0, gone = 0;

	CHECK(!mn::stop_token().stop_possible() && token.stop_possible());
	CHECK(!token.stop_requested());
	{
		mn::stop_callback before(token, [&] { called++; });
		{
			mn::stop_callback never(token, [&] { gone++; });
		}
		CHECK(source.request_stop() && !source.request_stop());
		CHECK(called == 1 && !gone && token.stop_requested());
	}
	mn::stop_callback at_once(token, [&] { late++; });
	CHECK(late == 1 && called == 1);
	return arg;
}

/* A callback that does away with itself, and one that is waited for. */
static void *stop_callbacks(void *arg)
{
	mn::stop_source source;
	int begun = 0, over = 0;
	using own = std::function<void()>;
	std::unique_ptr<mn::stop_callback<own>> itself;

	itself = std::make_unique<mn::stop_callback<own>>(source.get_token(), own([&] {
		add(&begun, 1);
		itself.reset();
	}));
	source.request_stop();
	CHECK(begun == 1 && !itself);

	mn::stop_source other;
	auto slow = std::make_unique<mn::stop_callback<own>>(other.get_token(), own([&] {
		add(&begun, 1);
		mn::this_thread::sleep_for(2ms);
		add(&over, 1);
	}));
	mn::thread t([&] { other.request_stop(); });
	wait_for(&begun, 2);
	slow.reset();
	CHECK(get(&over) == 1);
	t.join();
	return arg;
}

/* A callback that does away with itself and with the source, whose state stays. */
static void *last_callback(void *arg)
{
	struct watched : mn::detail::stop_state {
		int &gone;

		explicit watched(int &n) : gone(n) {}

		~watched()
		{
			gone++;
		}
	};
	using own = std::function<void()>;
	int gone = 0, early = -1;
	auto source = std::make_unique<mn::stop_source>(std::make_shared<watched>(gone));
	std::unique_ptr<mn::stop_callback<own>> last;

	last = std::make_unique<mn::stop_callback<own>>(source->get_token(), own([&] {
		int &e = early, &g = gone;
		auto &s = source;

		last.reset();
		s.reset();
		e = g;
	}));
	CHECK(source->request_stop());
	CHECK(!early && gone == 1);
	return arg;
}

/* Locks. */

static void *mutexes(void *arg)
{
	static mn::mutex first, second;
	long n = 0;
	int i, each = turns(2000);

	{
		std::vector<mn::thread> all;

		for (i = 0; i < CREW; i++)
			all.emplace_back([&n, i, each] {
				int j;

				for (j = 0; j < each; j++) {
					if (i % 2) {
						std::scoped_lock both(first, second);

						n++;
					} else {
						std::scoped_lock both(second, first);

						n++;
					}
				}
			});
		for (mn::thread &t : all)
			t.join();
	}
	CHECK(n == (long)CREW * each);

	std::unique_lock<mn::mutex> lock(first);
	CHECK(fails(EDEADLK, [] { first.lock(); }));
	mn::thread([] {
		std::unique_lock<mn::mutex> other(first, std::try_to_lock);

		CHECK(!other && !first.try_lock());
	}).join();
	lock.unlock();
	CHECK(first.try_lock());
	first.unlock();
	return arg;
}

static void *timed_mutexes(void *arg)
{
	mn::timed_mutex m;
	int64_t begin;

	std::unique_lock<mn::timed_mutex> lock(m);
	CHECK(!m.try_lock());
	begin = mn_now();
	CHECK(!m.try_lock_for(2ms));
	CHECK(mn_now() - begin >= 2 * MILLISECOND);
	begin = mn_now();
	CHECK(!m.try_lock_until(std::chrono::steady_clock::now() + 2ms));
	CHECK(mn_now() - begin >= 2 * MILLISECOND);
	CHECK(!m.try_lock_for(-1h));
	mn::thread t([&m] {
		std::unique_lock<mn::timed_mutex> other(m, 1000h);

		CHECK(other.owns_lock());
	});
	mn::this_thread::sleep_for(1ms);
	lock.unlock();
	t.join();
	CHECK(m.try_lock_until(mn::clock::now()));
	m.unlock();
	return arg;
}

static void *semaphores(void *arg)
{
	mn::semaphore s(1);
	int i, got = 0;

	CHECK(s.try_acquire() && !s.try_acquire());
	CHECK(!s.try_acquire_for(1ms));
	mn::thread t([&] {
		for (i = 0; i < 3; i++, got++)
			s.acquire();
	});
	s.release(3);
	t.join();
	CHECK(got == 3 && !s.try_acquire());
	CHECK(s.try_acquire_until(mn::clock::now()) == false);
	s.release();
	CHECK(s.try_acquire_for(std::chrono::hours::max()));
	return arg;
}

/* Condition variables: a ball goes round, each waits for its number. */
template<class Condition, class Lock, class Mutex>
static void ball(Condition &turned, Mutex &m)
{
	int at = 0, i, rounds = turns(200);
	std::vector<mn::thread> all;

	for (i = 0; i < CREW; i++)
		all.emplace_back([&, i] {
			int n;

			for (n = 0; n < rounds; n++) {
				Lock lock(m);

				turned.wait(lock, [&] { return at % CREW == i; });
				at++;
				turned.notify_all();
			}
		});
	for (mn::thread &t : all)
		t.join();
	CHECK(at == CREW * rounds);
}

static void *conditions(void *arg)
{
	mn::condition_variable c;
	mn::mutex m;
	int64_t begin;

	ball<mn::condition_variable, std::unique_lock<mn::mutex>>(c, m);
	std::unique_lock<mn::mutex> lock(m);
	begin = mn_now();
	CHECK(c.wait_for(lock, 1ms) == std::cv_status::timeout);
	CHECK(!c.wait_until(lock, mn::clock::now() + 1ms, [] { return false; }));
	CHECK(mn_now() - begin >= 2 * MILLISECOND);
	CHECK(c.wait_for(lock, 0ms, [] { return true; }) && lock.owns_lock());
	mn::thread t([&] {
		std::lock_guard<mn::mutex> inner(m);

		c.notify_one();
	});
	CHECK(c.wait_for(lock, 1000h) == std::cv_status::no_timeout);
	lock.unlock();
	t.join();
	CHECK(fails(EPERM, [&] {
		std::unique_lock<mn::mutex> not_mine(m, std::defer_lock);

		c.wait(not_mine);
	}));
	return arg;
}

static void *any_conditions(void *arg)
{
	mn::condition_variable_any c;
	mn::timed_mutex m;
	mn::mutex plain;

	ball<mn::condition_variable_any, std::unique_lock<mn::timed_mutex>>(c, m);
	ball<mn::condition_variable_any, std::unique_lock<mn::mutex>>(c, plain);
	/* What is no unique_lock at all, and is locked again whatever happens. */
	plain.lock();
	CHECK(c.wait_for(plain, 1ms) == std::cv_status::timeout);
	CHECK(!c.wait_for(plain, 1ms, [] { return false; }));
	CHECK(!plain.try_lock());
	plain.unlock();
	return arg;
}

static void *stopped_waits(void *arg)
{
	mn::condition_variable_any c;
	mn::mutex m;
	int i, before = 0;

	for (i = 0; i < turns(50); i++) {
		bool done = true;
		mn::thread t([&](mn::stop_token stop) {
			std::unique_lock<mn::mutex> lock(m);

			add(&before, 1);
			done = c.wait(lock, stop, [] { return false; });
			CHECK(lock.owns_lock());
		});

		if (i % 2)
			wait_for(&before, i + 1);
		t.request_stop();
		t.join();
		CHECK(!done);
	}
	mn::stop_source source;
	std::unique_lock<mn::mutex> lock(m);

	CHECK(!c.wait_for(lock, source.get_token(), 1ms, [] { return false; }));
	source.request_stop();
	CHECK(c.wait(lock, source.get_token(), [] { return true; }));
	CHECK(!c.wait(lock, source.get_token(), [] { return false; }));
	return arg;
}

/* The first and the last that there are. They are far from now, but not too far. */
template<class Point> static void ends_of_time()
{
	std::unique_lock<mn::mutex> lock;
	mn::condition_variable c;
	mn::semaphore s, full(1);
	mn::mutex m;

	CHECK(!s.try_acquire_until(Point::min()));
	CHECK(full.try_acquire_until(Point::max()));
	lock = std::unique_lock<mn::mutex>(m);
	CHECK(!c.wait_until(lock, Point::min(), [] { return false; }));
	mn::this_thread::sleep_until(Point::min());

	mn::thread t([&] {
		mn::this_thread::sleep_for(1ms);
		s.release();
	});
	CHECK(s.try_acquire_until(Point::max()));
	t.join();
}

static void *times(void *arg)
{
	using hours = std::chrono::duration<std::int64_t, std::ratio<3600>>;

	ends_of_time<mn::clock::time_point>();
	ends_of_time<std::chrono::system_clock::time_point>();
	ends_of_time<std::chrono::time_point<mn::clock, hours>>();
	return arg;
}

/* Channels. */

template<class T, class Make, class Number>
static void carry(Make make, Number number)
{
	mn::channel<T> c(3);
	long sum = 0, n = turns(500), i;

	mn::thread receiver([&] {
		long next = 0;

		for (T &value : c) {
			CHECK(number(value) == next++);
			sum += number(value);
		}
	});
	for (i = 0; i < n; i++)
		CHECK(c.send(make(i)));
	CHECK(c.close() && !c.close());
	receiver.join();
	CHECK(sum == n * (n - 1) / 2);
}

struct big {
	long	number, more[100];
};

static void *channels(void *arg)
{
	carry<long>([](long i) { return i; }, [](long i) { return i; });
	carry<big>([](long i) { return big{ i, {} }; },
		   [](const big &b) { return b.number; });
	carry<std::string>([](long i) { return std::string(20, ' ') + std::to_string(i); },
			   [](const std::string &s) { return std::stol(s); });
	carry<std::unique_ptr<long>>([](long i) { return std::make_unique<long>(i); },
				     [](const std::unique_ptr<long> &p) { return *p; });
	return arg;
}

/* What nobody receives, and what can't be sent. */
static void *channel_ends(void *arg)
{
	counted::there = 0;
	{
		mn::channel<counted> c(2);
		std::optional<counted> got;
		counted third(3);

		CHECK(c.try_receive(got) == mn::channel_status::again && !got);
		CHECK(c.send(counted(1)));
		CHECK(c.try_send(counted(2)) == mn::channel_status::done);
		CHECK(c.try_send(std::move(third)) == mn::channel_status::again);
		CHECK(third.value == 3);
		CHECK(c.try_receive(got) == mn::channel_status::done);
		CHECK(got && got->value == 1);
		c.close();
		CHECK(!c.send(std::move(third)) && third.value == 3);
		CHECK(c.try_send(std::move(third)) == mn::channel_status::closed);
		CHECK(third.value == 3);
	}
	CHECK(!counted::there);

	mn::channel<counted> c;
	int full = 0;
	mn::thread waits([&] {
		counted two(2);

		c.send(counted(1));
		add(&full, 1);
		CHECK(!c.send(std::move(two)) && two.value == 2);
	});
	wait_for(&full, 1);
	mn::this_thread::sleep_for(1ms);
	c.close();
	waits.join();
	CHECK(c.receive()->value == 1 && !c.receive());
	CHECK(mn::channel<int>(0).try_send(1) == mn::channel_status::again);
	CHECK(fails(ENOMEM, [] { mn::channel<int> none(~std::size_t(0)); }));
	return arg;
}

/* The rest. */

static void *others(void *arg)
{
	int n = 4, err = 0, inside;
	int64_t begin = mn_now();

	CHECK(mn::blocking([](int a, int b) { return a + b; }, 2, 3) == 5);
	CHECK(&mn::blocking([&]() -> int & { return n; }) == &n);
	CHECK(*mn::blocking([] { return std::make_unique<int>(6); }) == 6);
	CHECK(says("there", [] {
		mn::blocking([] { throw std::runtime_error("there"); });
	}));
	mn::blocking([&] { err = mn_mutex_trylock(mn::mutex().native_handle()); });
	CHECK(err == EPERM);
	mn::this_thread::sleep_for(1ms);
	mn::this_thread::sleep_until(mn::clock::now() + 1ms);
	CHECK(mn_now() - begin >= 2 * MILLISECOND);
	CHECK(mn::this_thread::get_id() == mn_self());
	{
		mn::critical_section alone;
		mn::hold slice;

		inside = mn_vcpu();
		spin(100000);
		CHECK(inside == mn_vcpu());
	}
	CHECK(fails(EBUSY, [] { mn::run([] { }); }));
	return arg;
}

/* What ends the program, each in one of its own. */

static void throws_unseen(void)
{
	mn::thread t([] { throw std::runtime_error("nobody joins it"); });
}

static void throws_detached(void)
{
	mn::thread t([] {
		mn_yield();
		throw std::runtime_error("detached");
	});

	t.detach();
	mn::this_thread::sleep_for(1h);
}

static void detaches_thrown(void)
{
	mn::thread t([] { throw std::runtime_error("too late"); });

	mn::this_thread::sleep_for(10ms);
	t.detach();
	mn::this_thread::sleep_for(1h);
}

static void unlocks_others(void)
{
	mn::mutex m;

	m.unlock();
}

static void (*const bad_ends[])(void) = {
	throws_unseen, throws_detached, detaches_thrown, unlocks_others,
};

static int bad_end(void *fn)
{
	std::set_terminate([] { _exit(77); });
	mn::run({ .vcpus = this_setup->vcpus, .backend = this_setup->backend },
		*(void (**)(void))fn);
	return 0;
}

static void bad_ones(void)
{
	struct child c;
	int i;

	for (i = 0; i < N_OF(bad_ends); i++) {
		in_child(&c, bad_end, (void *)&bad_ends[i]);
		CHECK(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 77);
	}
}

/* run() in all its ways, each time with this one's back end. */
static void runs(void)
{
	const mn::config c = {
		.vcpus = this_setup->vcpus, .backend = this_setup->backend,
	};
	int n = 0;

	mn_problems = 0;
	CHECK(mn::run(c, [](int a) { return std::to_string(a); }, 12) == "12");
	CHECK(&mn::run(c, [&]() -> int & { return n; }) == &n);
	mn::run(c, [&](std::unique_ptr<int> p) { n = *p; }, std::make_unique<int>(7));
	CHECK(n == 7);
	CHECK(says("out", [&] { mn::run(c, [] { throw std::runtime_error("out"); }); }));
	CHECK(fails(ECANCELED, [&] {
		mn::run(c, []() -> int { mn_exit(NULL); });
	}));
	mn::run(c, [] { mn_exit(NULL); });
	CHECK(fails(EINVAL, [] { mn::run({ .vcpus = -1 }, [] { }); }));
	CHECK(fails(EPERM, [] { mn::mutex().lock(); }));
	CHECK(fails(EPERM, [] { mn::thread t([] { }); }));
	bad_ones();
	ok(!mn_problems, "%s, %d: run(), and what ends the program", backend_names[this_setup->backend],
	   this_setup->vcpus);
}

static const struct mn_case cases[] = {
	{ "threads", threads, 0 },
	{ "destructors of threads", destructors, 0 },
	{ "what threads throw", joined_errors, 0 },
	{ "stop tokens", stops, 0 },
	{ "callbacks", stop_callbacks, 0 },
	{ "a callback that does away with the source", last_callback, 0 },
	{ "mutexes", mutexes, 0 },
	{ "mutexes with a time", timed_mutexes, 0 },
	{ "semaphores", semaphores, 0 },
	{ "condition variables", conditions, 0 },
	{ "condition variables for any lock", any_conditions, 0 },
	{ "waits that are stopped", stopped_waits, 0 },
	{ "times that are far away", times, ONCE },
	{ "channels", channels, 0 },
	{ "ends of channels", channel_ends, 0 },
	{ "calls that block, sections", others, 0 },
};

int main(void)
{
	return mn_main(runs, cases, N_OF(cases));
}
