// SPDX-License-Identifier: MIT
//
// The header in C++11; and, where there are upcalls, an exception thrown and
// caught in cfunc, with another one in flight in the interrupted code.
#include <sys/upcall.h>
#include <stdexcept>
#include "tap.h"

namespace {

struct upcall upc = UPCALL_INITIALIZER;

struct result {
	int entered;
	int caught;
	int unwound;
};

struct guard {
	explicit guard(result *r) : r(r) {}
	~guard() { r->unwound++; }
	result *r;
};

__attribute__((noinline)) void thrower(result *r, int depth)
{
	guard g(r);

	if (depth)
		thrower(r, depth - 1);
	throw std::runtime_error("in cfunc");
}

void cfunc(void *data)
{
	result *r = static_cast<result *>(data);

	r->entered++;
	try {
		thrower(r, 2);
	} catch (const std::runtime_error &e) {
		r->caught += !strcmp(e.what(), "in cfunc");
	}
}

} // namespace

int main()
{
	static_assert(sizeof(struct upcall) == 12, "layout");
	upcall_func_t ctx = upc_callused_wrapper;
	const int available = upc_available();
	result r = {0, 0, 0};

	tap_plan(available == 1 ? 8 : 1);
	upc_crit_enter(&upc);
	upc_crit_exit(&upc);
	is(upc.crit_count, 0, "critical section");
	if (available != 1)
		return tap_done();

	int id = upc_register(&upc, ctx, cfunc, &r);

	ok(id > 0, "upc_register");
	is(upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(1)), 0, "dispatch");
	is(r.entered, 1, "entered");
	is(r.caught, 1, "exception caught in cfunc");
	is(r.unwound, 3, "destructors run");

	int outer = 0;

	try {
		guard g(&r);

		throw 42;
	} catch (int value) {
		upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(1));
		outer = value;
	}
	is(outer, 42, "the interrupted handler goes on");
	is(r.caught, 2, "exception caught in cfunc over a handler");
	return tap_done();
}
