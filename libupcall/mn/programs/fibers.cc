// SPDX-License-Identifier: MIT
/*
 * Fibers of Boost.Fiber that never yield get the same number of slices, and those
 * that wait get in between: see fibers.h.
 *
 * usage: fibers [FIBERS [SLICES]]: fails if some have had more slices than others, if
 * one that waits has not been let in, or if a preempted one computes another result.
 */
#include "fibers.h"
#include <algorithm>
#include <cstdio>
#include <vector>

static std::vector<boost::fibers::fiber::id> ids;
static std::vector<long> slices;
static long wanted;
static volatile bool over;

static void slice_over()
{
	for (size_t i = 0; i < ids.size() && !over; i++)
		if (ids[i] == boost::this_fiber::get_id()) {
			slices[i]++;
			over = !--wanted;
		}
}

/* Never yields, and has more in registers than one. */
static double walk(double x, long steps)
{
	for (long i = 0; i < steps; i++)
		x = x * 3.7 * (1 - x) + 0.0625 * (i % 3);
	return x;
}

int main(int argc, char **argv)
{
	const size_t n = argc > 1 ? atol(argv[1]) : 6;
	const double right = walk(0.25, 100000);
	std::vector<boost::fibers::fiber> fibers;
	boost::fibers::buffered_channel<int> questions(2), answers(2);
	long wrong = 0, got = 0;
	pthread_t clock;

	slices.resize(n);
	ids.resize(n);
	wanted = n * (argc > 2 ? atol(argv[2]) : 20);
	if (!attach() || pthread_create(&clock, nullptr, ticks, nullptr))
		return 1;
	enter();
	for (size_t i = 0; i < n; i++) {
		fibers.push_back(preempted([&wrong, right] {
			while (!over)
				wrong += walk(0.25, 100000) != right;
		}));
		ids[i] = fibers[i].get_id();
	}
	/* It waits, and gets in between those that do not. */
	fibers.push_back(boost::fibers::fiber([&] {
		for (int q; questions.pop(q) == boost::fibers::channel_op_status::success;)
			answers.push(q + 1);
	}));
	for (int q = 0, a; q < 5; q++) {
		questions.push(q);
		got += answers.pop(a) == boost::fibers::channel_op_status::success &&
		       a == q + 1;
	}
	questions.close();
	for (boost::fibers::fiber &f : fibers)
		f.join();
	leave();
	stopped = true;
	pthread_join(clock, nullptr);

	const auto [least, most] = std::minmax_element(slices.begin(), slices.end());
	printf("fibers: %zu preempted by %s, %ld to %ld slices each, %ld wrong, "
	       "%ld of 5 answers\n", n, by_signals ? "signals" : "upcalls", *least,
	       *most, wrong, got);
	return wrong || got != 5 || *most > *least + 1 || !*least;
}
