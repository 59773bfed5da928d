/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef RELAXED_SEARCH_H
#define RELAXED_SEARCH_H

/* How Relacy is made to search, for the kernel's tests and for libupcall-mn's. */

#include <relacy/relacy.hpp>

#include <cstring>
#include <iostream>

/* Relacy has macros for these, to find leaks. Nothing is allocated here. */
#undef new
#undef delete
#undef free

/*
 * WEAKEN(name) is true in a run that leaves out the barrier, order or rule of
 * that name. The file "weakened" lists them all, with the tests that must fail.
 */
static const char *weakened = "";

static bool is_weakened(const char *name)
{
	size_t n = strlen(name);
	const char *p = weakened;

	/* "a+b" are two. */
	while (strncmp(p, name, n) || (p[n] && p[n] != '+')) {
		p = strchr(p, '+');
		if (!p++)
			return false;
	}
	return true;
}

#define WEAKEN(name) \
	([] { static const bool is = is_weakened(#name); return is; }())

/* A longer search, where a test knows one: for the kernel's see test.h. */
static bool whole_way;

/*
 * Searches @T to its end, or to the first failure. Relacy's full search lets a
 * load go back by one value, its random search by two. So the scheduler here is
 * that of the full search, while the parameter names the other.
 */
template <class T, class scheduler>
static bool search_by(int switches, const char *name, bool verbose)
{
	rl::ostringstream state, none, log;
	rl::test_params params;
	bool clean;

	params.search_type = rl::random_scheduler_type;
	params.context_bound = switches;
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

template <class T> static bool search(const char *name, bool verbose)
{
	return search_by<T, rl::full_search_scheduler<T::params::thread_count>>(
		0, name, verbose);
}

/* Only what needs @switches at most from one that could have gone on to another. */
template <class T, int switches>
static bool search_bounded(const char *name, bool verbose)
{
	return search_by<T, rl::context_bound_scheduler<T::params::thread_count>>(
		switches, name, verbose);
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

#endif /* RELAXED_SEARCH_H */
