// SPDX-License-Identifier: MIT
/*
 * C++: words go through a channel to threads that look for anagrams, and on to one
 * that collects them; what one of these throws comes out of join(). Each of them
 * computes as long as it likes: the others get their slices all the same. Linked
 * statically they are not preempted, as mn(7) says.
 */
#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
#include <upcall/mn.hpp>

static const char *const words[] = {
	"listen", "google", "silent", "enlist", "night", "thing", "", "gogole",
};

struct found {
	std::string	word, letters;
};

using words_channel = mn::channel<std::string>;
using found_channel = mn::channel<found>;

static void sorts(words_channel &in, found_channel &out)
{
	for (std::string &word : in) {
		found f{ word, std::move(word) };

		if (f.word.empty())
			throw std::invalid_argument("a word without letters");
		std::sort(f.letters.begin(), f.letters.end());
		out.send(std::move(f));
	}
}

static void collects(found_channel &in, std::map<std::string, std::string> &all)
{
	for (const found &f : in)
		all[f.letters] += " " + f.word;
}

/* Returns how many could not be sorted. */
static int first()
{
	std::map<std::string, std::string> all;
	found_channel sorted(4);
	mn::thread collector({ .name = "collector" }, collects, std::ref(sorted),
			     std::ref(all));
	std::vector<mn::thread> sorters;
	words_channel to_sort(4);
	int failed = 0;

	for (int i = 0; i < 3; i++)
		sorters.emplace_back(sorts, std::ref(to_sort), std::ref(sorted));
	for (const char *word : words)
		to_sort.send(word);
	to_sort.close();
	for (mn::thread &t : sorters) {
		try {
			t.join();
		} catch (const std::invalid_argument &e) {
			std::printf("left out: %s\n", e.what());
			failed++;
		}
	}
	sorted.close();
	collector.join();
	for (const auto &[letters, same] : all)
		std::printf("%s:%s\n", letters.c_str(), same.c_str());
	return failed;
}

int main()
{
	try {
		return mn::run(first) != 1;
	} catch (const std::system_error &e) {
		if (e.code() != std::errc::not_supported)
			throw;
	}
	return mn::run({ .backend = MN_COOPERATIVE }, first) != 1;
}
