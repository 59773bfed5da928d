// SPDX-License-Identifier: MIT
#ifndef _UPCALL_MN_HPP
#define _UPCALL_MN_HPP

/*
 * <upcall/mn.h> for C++20: mn_cxx(7) is the place to begin. Names and meanings are
 * the standard library's where it has them. What fails throws std::system_error,
 * and ends the program where there are no exceptions (-fno-exceptions).
 */
#include <atomic>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <upcall/mn.h>

namespace mn {

namespace detail {

[[noreturn]] inline void fail(int err, const char *what)
{
#ifdef __cpp_exceptions
	throw std::system_error(err, std::generic_category(), what);
#else
	std::fprintf(stderr, "%s: %s\n", what, std::strerror(err));
	std::abort();
#endif
}

inline void check(int err, const char *what)
{
	if (err) [[unlikely]]
		fail(err, what);
}

/* Where there is nobody to throw to. */
inline void must(int err) noexcept
{
	if (err) [[unlikely]]
		std::terminate();
}

/* Calls it, and returns what it has thrown. */
template<class F> std::exception_ptr caught(F &&f)
{
#ifdef __cpp_exceptions
	try {
		std::forward<F>(f)();
	} catch (...) {
		return std::current_exception();
	}
#else
	std::forward<F>(f)();
#endif
	return nullptr;
}

/* What a function that is called elsewhere returns, or throws. */
template<class R> class outcome {
	using value = std::conditional_t<std::is_reference_v<R>,
					 std::remove_reference_t<R> *, R>;

	std::optional<value> value_;
	std::exception_ptr error_;

public:
	template<class F> void set(F &&f)
	{
		error_ = caught([&] {
			if constexpr (std::is_reference_v<R>) {
				auto &&result = f();

				value_ = std::addressof(result);
			} else {
				value_.emplace(f());
			}
		});
	}

	/* ECANCELED: it has neither returned nor thrown, but called mn_exit(). */
	R get()
	{
		if (error_)
			std::rethrow_exception(error_);
		if (!value_)
			fail(ECANCELED, "mn_exit");
		if constexpr (std::is_reference_v<R>)
			return static_cast<R>(**value_);
		else
			return std::move(*value_);
	}
};

template<> class outcome<void> {
	std::exception_ptr error_;

public:
	template<class F> void set(F &&f)
	{
		error_ = caught(f);
	}

	void get()
	{
		if (error_)
			std::rethrow_exception(error_);
	}
};

} /* namespace detail */

/* mn_now(3), which is CLOCK_MONOTONIC. */
struct clock {
	using duration = std::chrono::nanoseconds;
	using rep = duration::rep;
	using period = duration::period;
	using time_point = std::chrono::time_point<clock>;

	static constexpr bool is_steady = true;

	static time_point now() noexcept
	{
		return time_point(duration(mn_now()));
	}
};

namespace detail {

using seconds = std::chrono::duration<double>;

/* More than a century is for ever, and would not fit. */
inline constexpr seconds century{ 4e9 };

template<class Rep, class Period>
std::int64_t deadline(const std::chrono::duration<Rep, Period> &d)
{
	const std::int64_t now = mn_now();

	if (d <= d.zero())
		return now;
	if (seconds(d) > century)
		return MN_FOREVER;
	return now + std::chrono::ceil<clock::duration>(d).count();
}

template<class Clock, class Duration>
std::int64_t deadline(const std::chrono::time_point<Clock, Duration> &t)
{
	const auto now = Clock::now();
	const seconds rough = seconds(t.time_since_epoch()) -
			      seconds(now.time_since_epoch());

	/* The difference may not fit, as that to time_point::min() or that in hours. */
	if (rough > century)
		return MN_FOREVER;
	if (rough < -century)
		return mn_now();
	return deadline(t - now);
}

} /* namespace detail */

/* Mutual exclusion. */

class mutex {
	struct mn_mutex m_ = MN_MUTEX_INITIALIZER;

public:
	using native_handle_type = struct mn_mutex *;

	constexpr mutex() noexcept = default;
	mutex(const mutex &) = delete;
	mutex &operator=(const mutex &) = delete;

	void lock()
	{
		detail::check(mn_mutex_lock(&m_), "mn_mutex_lock");
	}

	bool try_lock()
	{
		const int err = mn_mutex_trylock(&m_);

		detail::check(err == EBUSY ? 0 : err, "mn_mutex_trylock");
		return !err;
	}

	void unlock() noexcept
	{
		detail::must(mn_mutex_unlock(&m_));
	}

	native_handle_type native_handle() noexcept
	{
		return &m_;
	}
};

class semaphore {
	struct mn_sem s_;

public:
	using native_handle_type = struct mn_sem *;

	constexpr explicit semaphore(int value = 0) noexcept
		: s_ MN_SEM_INITIALIZER(value)
	{
	}

	semaphore(const semaphore &) = delete;
	semaphore &operator=(const semaphore &) = delete;

	void acquire()
	{
		detail::check(mn_sem_wait(&s_), "mn_sem_wait");
	}

	bool try_acquire()
	{
		const int err = mn_sem_trywait(&s_);

		detail::check(err == EAGAIN ? 0 : err, "mn_sem_trywait");
		return !err;
	}

	/* A time_point or a duration, here and in what follows. */
	template<class Time> bool try_acquire_until(const Time &t)
	{
		const int err = mn_sem_timedwait(&s_, detail::deadline(t));

		detail::check(err == ETIMEDOUT ? 0 : err, "mn_sem_timedwait");
		return !err;
	}

	template<class Rep, class Period>
	bool try_acquire_for(const std::chrono::duration<Rep, Period> &d)
	{
		return try_acquire_until(d);
	}

	void release(int n = 1)
	{
		while (n-- > 0)
			detail::check(mn_sem_post(&s_), "mn_sem_post");
	}

	native_handle_type native_handle() noexcept
	{
		return &s_;
	}
};

/* A mutex that is not waited for longer than one likes. It has no owner. */
class timed_mutex {
	semaphore s_{ 1 };

public:
	constexpr timed_mutex() noexcept = default;

	void lock()
	{
		s_.acquire();
	}

	bool try_lock()
	{
		return s_.try_acquire();
	}

	template<class Time> bool try_lock_until(const Time &t)
	{
		return s_.try_acquire_until(t);
	}

	template<class Rep, class Period>
	bool try_lock_for(const std::chrono::duration<Rep, Period> &d)
	{
		return s_.try_acquire_for(d);
	}

	void unlock() noexcept
	{
		detail::must(mn_sem_post(s_.native_handle()));
	}
};

class condition_variable {
	struct mn_cond c_ = MN_COND_INITIALIZER;

public:
	using native_handle_type = struct mn_cond *;

	constexpr condition_variable() noexcept = default;
	condition_variable(const condition_variable &) = delete;
	condition_variable &operator=(const condition_variable &) = delete;

	void notify_one() noexcept
	{
		detail::must(mn_cond_signal(&c_));
	}

	void notify_all() noexcept
	{
		detail::must(mn_cond_broadcast(&c_));
	}

	void wait(std::unique_lock<mutex> &lock)
	{
		detail::check(mn_cond_wait(&c_, lock.mutex()->native_handle()),
			      "mn_cond_wait");
	}

	template<class Predicate>
	void wait(std::unique_lock<mutex> &lock, Predicate done)
	{
		while (!done())
			wait(lock);
	}

	template<class Time>
	std::cv_status wait_until(std::unique_lock<mutex> &lock, const Time &t)
	{
		return wait_deadline(lock, detail::deadline(t));
	}

	template<class Time, class Predicate>
	bool wait_until(std::unique_lock<mutex> &lock, const Time &t, Predicate done)
	{
		const std::int64_t at = detail::deadline(t);

		while (!done())
			if (wait_deadline(lock, at) == std::cv_status::timeout)
				return done();
		return true;
	}

	template<class Rep, class Period>
	std::cv_status wait_for(std::unique_lock<mutex> &lock,
				const std::chrono::duration<Rep, Period> &d)
	{
		return wait_until(lock, d);
	}

	template<class Rep, class Period, class Predicate>
	bool wait_for(std::unique_lock<mutex> &lock,
		      const std::chrono::duration<Rep, Period> &d, Predicate done)
	{
		return wait_until(lock, d, std::move(done));
	}

	/* Of mn_now(3). */
	std::cv_status wait_deadline(std::unique_lock<mutex> &lock, std::int64_t at)
	{
		const int err = mn_cond_timedwait(&c_, lock.mutex()->native_handle(),
						  at);

		detail::check(err == ETIMEDOUT ? 0 : err, "mn_cond_timedwait");
		return err ? std::cv_status::timeout : std::cv_status::no_timeout;
	}

	native_handle_type native_handle() noexcept
	{
		return &c_;
	}
};

/*
 * To ask a thread to stop. The standard's own tell threads by the kernel's: a callback
 * that moves to another virtual CPU would not know itself any more.
 */
class stop_token;
template<class F> class stop_callback;

namespace detail {

struct stop_hook {
	stop_hook	*next = nullptr, *prev = nullptr;
	bool		linked = false;

	virtual void call() noexcept = 0;

protected:
	~stop_hook() = default;
};

class stop_state : public std::enable_shared_from_this<stop_state> {
	std::atomic<bool> requested_ = false;
	mutex		m_;
	condition_variable c_;
	stop_hook	*first_ = nullptr;
	stop_hook	*running_ = nullptr;
	mn_t		requester_ = nullptr;

	void unlink(stop_hook *h) noexcept
	{
		(h->prev ? h->prev->next : first_) = h->next;
		if (h->next)
			h->next->prev = h->prev;
		h->linked = false;
	}

public:
	bool requested() const noexcept
	{
		return requested_.load(std::memory_order_acquire);
	}

	bool request() noexcept
	{
		std::unique_lock<mutex> lock(m_);

		if (requested_.exchange(true, std::memory_order_acq_rel))
			return false;
		requester_ = mn_self();
		while (stop_hook *h = first_) {
			unlink(h);
			running_ = h;
			lock.unlock();
			/* It may do away with itself: not touched after. */
			h->call();
			lock.lock();
			running_ = nullptr;
			c_.notify_all();
		}
		return true;
	}

	/* False: it is too late, the caller calls it. */
	bool add(stop_hook *h) noexcept
	{
		std::lock_guard<mutex> lock(m_);

		if (requested())
			return false;
		h->next = first_;
		if (first_)
			first_->prev = h;
		first_ = h;
		h->linked = true;
		return true;
	}

	/* One that is being called is waited for, but not by itself. */
	void remove(stop_hook *h) noexcept
	{
		std::unique_lock<mutex> lock(m_);

		if (h->linked)
			unlink(h);
		else if (running_ == h && requester_ != mn_self())
			c_.wait(lock, [&] { return running_ != h; });
	}
};

} /* namespace detail */

class stop_token {
	std::shared_ptr<detail::stop_state> state_;

	template<class F> friend class stop_callback;

public:
	stop_token() noexcept = default;

	explicit stop_token(std::shared_ptr<detail::stop_state> state) noexcept
		: state_(std::move(state))
	{
	}

	bool stop_requested() const noexcept
	{
		return state_ && state_->requested();
	}

	bool stop_possible() const noexcept
	{
		return !!state_;
	}
};

class stop_source {
	std::shared_ptr<detail::stop_state> state_;

public:
	stop_source() : state_(std::make_shared<detail::stop_state>()) {}

	explicit stop_source(std::shared_ptr<detail::stop_state> state) noexcept
		: state_(std::move(state))
	{
	}

	/* The first one gets true; it has called the callbacks by then. */
	bool request_stop() noexcept
	{
		/* A callback may do away with all else that has it, and with this. */
		const std::shared_ptr<detail::stop_state> keep = state_;

		return keep && keep->request();
	}

	bool stop_requested() const noexcept
	{
		return state_ && state_->requested();
	}

	bool stop_possible() const noexcept
	{
		return !!state_;
	}

	stop_token get_token() const noexcept
	{
		return stop_token(state_);
	}
};

template<class F> class stop_callback final : detail::stop_hook {
	std::shared_ptr<detail::stop_state> state_;	/* if it is in there */
	F f_;

	void call() noexcept override
	{
		std::forward<F>(f_)();
	}

public:
	template<class G>
		requires std::constructible_from<F, G>
	stop_callback(const stop_token &token, G &&f) : f_(std::forward<G>(f))
	{
		if (!token.state_)
			return;
		if (token.state_->add(this))
			state_ = token.state_;
		else
			call();
	}

	stop_callback(const stop_callback &) = delete;
	stop_callback &operator=(const stop_callback &) = delete;

	~stop_callback()
	{
		if (state_)
			state_->remove(this);
	}
};

template<class F> stop_callback(stop_token, F) -> stop_callback<F>;

/*
 * With any lock, and with stop tokens. The mutex inside outlives it, for those who
 * have been woken last.
 */
class condition_variable_any {
	condition_variable c_;
	std::shared_ptr<mutex> m_ = std::make_shared<mutex>();

	template<class Lock> struct unlocked {
		Lock &lock;

		explicit unlocked(Lock &l) : lock(l)
		{
			lock.unlock();
		}

		~unlocked()
		{
			lock.lock();
		}

		unlocked(const unlocked &) = delete;
	};

	enum class woken { notified, timed_out, stopping };

	/* The mutex inside is given up before @lock is taken: no two are waited for. */
	template<class Lock>
	woken wait_once(Lock &lock, const stop_token &stop, std::int64_t at)
	{
		const std::shared_ptr<mutex> m = m_;
		std::unique_lock<mutex> inner(*m);

		if (stop.stop_requested())
			return woken::stopping;
		unlocked<Lock> outer(lock);
		std::unique_lock<mutex> own(std::move(inner));

		return c_.wait_deadline(own, at) == std::cv_status::timeout ?
		       woken::timed_out : woken::notified;
	}

	template<class Lock>
	std::cv_status wait_deadline(Lock &lock, std::int64_t at)
	{
		return wait_once(lock, stop_token(), at) == woken::timed_out ?
		       std::cv_status::timeout : std::cv_status::no_timeout;
	}

	template<class Lock, class Predicate>
	bool wait_stop(Lock &lock, const stop_token &stop, std::int64_t at,
		       Predicate done)
	{
		stop_callback wake(stop, [this] { notify_all(); });

		while (!done())
			if (wait_once(lock, stop, at) != woken::notified)
				return done();
		return true;
	}

public:
	condition_variable_any() = default;
	condition_variable_any(const condition_variable_any &) = delete;
	condition_variable_any &operator=(const condition_variable_any &) = delete;

	void notify_one() noexcept
	{
		std::lock_guard<mutex> lock(*m_);

		c_.notify_one();
	}

	void notify_all() noexcept
	{
		std::lock_guard<mutex> lock(*m_);

		c_.notify_all();
	}

	template<class Lock> void wait(Lock &lock)
	{
		wait_deadline(lock, MN_FOREVER);
	}

	template<class Lock, class Predicate> void wait(Lock &lock, Predicate done)
	{
		while (!done())
			wait(lock);
	}

	/* False: stop has been requested, and it is not done. */
	template<class Lock, class Predicate>
	bool wait(Lock &lock, const stop_token &stop, Predicate done)
	{
		return wait_stop(lock, stop, MN_FOREVER, std::move(done));
	}

	template<class Lock, class Time>
	std::cv_status wait_until(Lock &lock, const Time &t)
	{
		return wait_deadline(lock, detail::deadline(t));
	}

	template<class Lock, class Time, class Predicate>
	bool wait_until(Lock &lock, const Time &t, Predicate done)
	{
		const std::int64_t at = detail::deadline(t);

		while (!done())
			if (wait_deadline(lock, at) == std::cv_status::timeout)
				return done();
		return true;
	}

	template<class Lock, class Time, class Predicate>
	bool wait_until(Lock &lock, const stop_token &stop, const Time &t,
			Predicate done)
	{
		return wait_stop(lock, stop, detail::deadline(t), std::move(done));
	}

	template<class Lock, class Rep, class Period, class... Predicate>
	auto wait_for(Lock &lock, const std::chrono::duration<Rep, Period> &d,
		      Predicate... done)
	{
		return wait_until(lock, d, std::move(done)...);
	}

	template<class Lock, class Rep, class Period, class Predicate>
	bool wait_for(Lock &lock, const stop_token &stop,
		      const std::chrono::duration<Rep, Period> &d, Predicate done)
	{
		return wait_until(lock, stop, d, std::move(done));
	}
};

/* Threads. */

struct attributes {
	const char	*name = nullptr;
	std::size_t	stack_size = 0;
	std::size_t	guard_size = 0;
	bool		urgent = false;
};

/* As std::jthread: whoever destroys it asks it to stop, and waits for its end. */
class thread {
	struct state : detail::stop_state {
		std::shared_ptr<state>	self;	/* the thread's, until it begins */
		std::exception_ptr	error;
		std::atomic<unsigned>	marks = 0;

		virtual void run() = 0;
		virtual ~state() = default;
	};

	static constexpr unsigned ended = 1, detached = 2;

	template<class F, class... Args> struct body final : state {
		std::tuple<F, Args...> call;

		template<class G, class... A>
		explicit body(G &&f, A &&...args)
			: call(std::forward<G>(f), std::forward<A>(args)...)
		{
		}

		void run() override
		{
			std::tuple<F, Args...> mine(std::move(call));

			std::apply([&](F &f, Args &...args) {
				if constexpr (std::is_invocable_v<F, stop_token,
								  Args...>)
					std::invoke(std::move(f),
						    stop_token(this->shared_from_this()),
						    std::move(args)...);
				else
					std::invoke(std::move(f),
						    std::move(args)...);
			}, mine);
		}
	};

	std::shared_ptr<state> state_;
	mn_t handle_ = nullptr;

	static void *begin(void *arg)
	{
		const std::shared_ptr<state> s =
			std::move(static_cast<state *>(arg)->self);

		s->error = detail::caught([&] { s->run(); });
		if (s->marks.fetch_or(ended) & detached && s->error)
			std::terminate();
		return nullptr;
	}

	template<class F, class... Args>
	void start(const attributes &attr, F &&f, Args &&...args)
	{
		using made = body<std::decay_t<F>, std::decay_t<Args>...>;
		struct mn_attr a = {};
		int err;

		a.name = attr.name;
		a.stack_size = attr.stack_size;
		a.guard_size = attr.guard_size;
		a.urgent = attr.urgent;
		state_ = std::make_shared<made>(std::forward<F>(f),
						std::forward<Args>(args)...);
		state_->self = state_;
		err = mn_spawn(&handle_, &a, begin, state_.get());
		if (err)
			state_->self.reset();
		detail::check(err, "mn_spawn");
	}

	std::shared_ptr<state> wait()
	{
		detail::check(mn_join(handle_, nullptr), "mn_join");
		handle_ = nullptr;
		return std::move(state_);
	}

	/* What it has thrown would be lost, unless something else is thrown. */
	void finish() noexcept
	{
		if (!joinable())
			return;
		request_stop();
		if (wait()->error && !std::uncaught_exceptions())
			std::terminate();
	}

public:
	using id = mn_t;
	using native_handle_type = mn_t;

	thread() noexcept = default;

	template<class F, class... Args>
		requires (!std::same_as<std::remove_cvref_t<F>, thread> &&
			  !std::same_as<std::remove_cvref_t<F>, attributes>)
	explicit thread(F &&f, Args &&...args)
	{
		start({}, std::forward<F>(f), std::forward<Args>(args)...);
	}

	template<class F, class... Args>
	explicit thread(const attributes &attr, F &&f, Args &&...args)
	{
		start(attr, std::forward<F>(f), std::forward<Args>(args)...);
	}

	thread(thread &&other) noexcept
		: state_(std::move(other.state_)),
		  handle_(std::exchange(other.handle_, nullptr))
	{
	}

	thread &operator=(thread &&other) noexcept
	{
		if (this != &other) {
			finish();
			state_ = std::move(other.state_);
			handle_ = std::exchange(other.handle_, nullptr);
		}
		return *this;
	}

	~thread()
	{
		finish();
	}

	void swap(thread &other) noexcept
	{
		std::swap(state_, other.state_);
		std::swap(handle_, other.handle_);
	}

	bool joinable() const noexcept
	{
		return handle_;
	}

	/* Throws what the thread has thrown. */
	void join()
	{
		const std::shared_ptr<state> s = wait();

		if (s->error)
			std::rethrow_exception(s->error);
	}

	/* What it throws from now on, or has thrown, ends the program. */
	void detach()
	{
		detail::check(mn_detach(handle_), "mn_detach");
		handle_ = nullptr;

		const std::shared_ptr<state> s = std::move(state_);

		if (s->marks.fetch_or(detached) & ended && s->error)
			std::terminate();
	}

	id get_id() const noexcept
	{
		return handle_;
	}

	native_handle_type native_handle() const noexcept
	{
		return handle_;
	}

	/* NULL: there is none. */
	const char *name() const noexcept
	{
		return mn_name(handle_);
	}

	stop_source get_stop_source() const noexcept
	{
		return stop_source(state_);
	}

	stop_token get_stop_token() const noexcept
	{
		return stop_token(state_);
	}

	bool request_stop() noexcept
	{
		return get_stop_source().request_stop();
	}
};

namespace this_thread {

inline thread::id get_id() noexcept
{
	return mn_self();
}

inline const char *name() noexcept
{
	return mn_name(mn_self());
}

inline void yield() noexcept
{
	mn_yield();
}

template<class Time> void sleep_until(const Time &t)
{
	detail::check(mn_sleep_until(detail::deadline(t)), "mn_sleep_until");
}

template<class Rep, class Period>
void sleep_for(const std::chrono::duration<Rep, Period> &d)
{
	sleep_until(d);
}

} /* namespace this_thread */

/* As long as one of these is there: mn_crit_enter(3). */

class critical_section {
public:
	critical_section() noexcept
	{
		mn_crit_enter();
	}

	~critical_section()
	{
		mn_crit_exit();
	}

	critical_section(const critical_section &) = delete;
	critical_section &operator=(const critical_section &) = delete;
};

class hold {
public:
	hold() noexcept
	{
		mn_hold();
	}

	~hold()
	{
		mn_release();
	}

	hold(const hold &) = delete;
	hold &operator=(const hold &) = delete;
};

/* To begin with, and calls that block. */

struct config {
	int		vcpus = 0;
	enum mn_backend	backend = MN_AUTO;
	std::chrono::microseconds slice{ 0 };
	int		signo = 0;
	std::size_t	stack_size = 0;
	unsigned int	flags = 0;
};

namespace detail {

template<class F> void *call(void *arg)
{
	(*static_cast<F *>(arg))();
	return nullptr;
}

template<class F> void call_void(void *arg)
{
	(*static_cast<F *>(arg))();
}

inline struct mn_config raw(const config &c)
{
	struct mn_config r = {};

	r.vcpus = c.vcpus;
	r.backend = c.backend;
	r.slice = static_cast<unsigned int>(c.slice.count());
	r.signo = c.signo;
	r.stack_size = c.stack_size;
	r.flags = c.flags;
	return r;
}

} /* namespace detail */

/* Returns what f does, or throws it. */
template<class F, class... Args>
std::invoke_result_t<F, Args...> run(const config &c, F &&f, Args &&...args)
{
	using result = std::invoke_result_t<F, Args...>;
	const struct mn_config raw = detail::raw(c);
	detail::outcome<result> outcome;
	auto first = [&] {
		outcome.set([&]() -> result {
			return std::invoke(std::forward<F>(f),
					   std::forward<Args>(args)...);
		});
	};

	detail::check(mn_run(&raw, detail::call<decltype(first)>, &first, nullptr),
		      "mn_run");
	return outcome.get();
}

template<class F, class... Args>
	requires std::invocable<F, Args...>
std::invoke_result_t<F, Args...> run(F &&f, Args &&...args)
{
	return run(config(), std::forward<F>(f), std::forward<Args>(args)...);
}

/* By a kernel thread of its own; returns what f does, or throws it. */
template<class F, class... Args>
std::invoke_result_t<F, Args...> blocking(F &&f, Args &&...args)
{
	using result = std::invoke_result_t<F, Args...>;
	detail::outcome<result> outcome;
	auto whole = [&] {
		outcome.set([&]() -> result {
			return std::invoke(std::forward<F>(f),
					   std::forward<Args>(args)...);
		});
	};

	detail::check(mn_blocking(detail::call_void<decltype(whole)>, &whole),
		      "mn_blocking");
	return outcome.get();
}

/* Channels. */

enum class channel_status { done, again, closed };

/*
 * What can be copied as bytes, and is small, is copied into the channel. Of all else
 * the channel has a pointer.
 */
template<std::movable T> class channel {
	static constexpr bool boxed =
		!std::is_trivially_copyable_v<T> || sizeof(T) > 256;

	using element = std::conditional_t<boxed, T *, T>;

	struct mn_chan *c_ = nullptr;

	static channel_status status(int err, const char *what)
	{
		if (err == EAGAIN)
			return channel_status::again;
		if (err == EPIPE)
			return channel_status::closed;
		detail::check(err, what);
		return channel_status::done;
	}

	template<class Op, class U>
	channel_status put(Op op, U &&value, const char *what)
	{
		if constexpr (boxed) {
			auto box = std::make_unique<T>(std::forward<U>(value));
			T *const p = box.get();
			const int err = op(c_, &p);

			if (!err)
				box.release();
			else if constexpr (std::is_rvalue_reference_v<U &&>)
				value = std::move(*box);
			return status(err, what);
		} else {
			return status(op(c_, std::addressof(value)), what);
		}
	}

	template<class Op>
	channel_status take(Op op, std::optional<T> &into, const char *what)
	{
		alignas(element) unsigned char raw[sizeof(element)];
		const channel_status s = status(op(c_, raw), what);
		element *const e = std::launder(reinterpret_cast<element *>(raw));

		into.reset();
		if (s != channel_status::done)
			return s;
		if constexpr (boxed) {
			const std::unique_ptr<T> box(*e);

			into.emplace(std::move(*box));
		} else {
			into.emplace(std::move(*e));
		}
		return s;
	}

public:
	explicit channel(std::size_t capacity = 1)
	{
		detail::check(mn_chan_create(&c_, sizeof(element), capacity),
			      "mn_chan_create");
	}

	channel(const channel &) = delete;
	channel &operator=(const channel &) = delete;

	/* Nobody may wait for it. */
	~channel()
	{
		if constexpr (boxed)
			for (T *box; !mn_chan_tryrecv(c_, &box);)
				delete box;
		detail::must(mn_chan_destroy(c_));
	}

	/* False: it is closed, and value is as it was. */
	bool send(T &&value)
	{
		return put(mn_chan_send, std::move(value), "mn_chan_send") ==
		       channel_status::done;
	}

	bool send(const T &value)
		requires std::copy_constructible<T>
	{
		return put(mn_chan_send, value, "mn_chan_send") ==
		       channel_status::done;
	}

	channel_status try_send(T &&value)
	{
		return put(mn_chan_trysend, std::move(value), "mn_chan_trysend");
	}

	channel_status try_send(const T &value)
		requires std::copy_constructible<T>
	{
		return put(mn_chan_trysend, value, "mn_chan_trysend");
	}

	/* Nothing: it is closed and empty. */
	std::optional<T> receive()
	{
		std::optional<T> value;

		take(mn_chan_recv, value, "mn_chan_recv");
		return value;
	}

	channel_status try_receive(std::optional<T> &into)
	{
		return take(mn_chan_tryrecv, into, "mn_chan_tryrecv");
	}

	/* False: it was already. */
	bool close()
	{
		return status(mn_chan_close(c_), "mn_chan_close") ==
		       channel_status::done;
	}

	struct mn_chan *native_handle() noexcept
	{
		return c_;
	}

	/* Receives until it is closed and empty: for (T &value : channel). */
	class iterator {
		channel *from_ = nullptr;
		std::optional<T> value_;

	public:
		using value_type = T;
		using difference_type = std::ptrdiff_t;

		explicit iterator(channel &from)
			: from_(&from), value_(from.receive())
		{
		}

		T &operator*() const noexcept
		{
			return const_cast<T &>(*value_);
		}

		iterator &operator++()
		{
			value_ = from_->receive();
			return *this;
		}

		void operator++(int)
		{
			++*this;
		}

		bool operator==(std::default_sentinel_t) const noexcept
		{
			return !value_;
		}
	};

	iterator begin()
	{
		return iterator(*this);
	}

	std::default_sentinel_t end() const noexcept
	{
		return {};
	}
};

} /* namespace mn */

#endif /* _UPCALL_MN_HPP */
