/* SPDX-License-Identifier: MIT */
/*
 * The header alone, in a strict dialect of C: it compiles without a warning,
 * says what the manual page and the ABI say, and can be used. No upcall is
 * needed, so this runs on any kernel.
 */
#include <sys/upcall.h>
#include <linux/types.h>
#include <sys/upcall.h>
#include "tap.h"

static void nothing(void *data)
{
	(void)data;
}

int main(void)
{
	struct upcall upc = UPCALL_INITIALIZER;
	upcall_func_t functions[2];

	functions[0] = upc_callused_wrapper;
	functions[1] = nothing;

	tap_plan(9);
	is(upc.magic, 0x55504331, "magic");
	is(sizeof(struct upcall), 12, "size of struct upcall");
	is(UPC_CRITADD, 32, "UPC_CRITADD");
	ok(UPC_CONTROL_DISPATCH == 1 && UPC_CONTROL_NEXT == 2 &&
	   UPC_CONTROL_DELETE == 3 && UPC_CONTROL_POLL == 4 &&
	   UPC_CONTROL_POLLANDCLEAR == 5 && UPC_CONTROL_WAIT == 6 &&
	   UPC_CONTROL_SUSPEND == 7, "commands");
	ok(functions[0] != functions[1] && functions[0], "function type");
	ok(UPC_PRIO(40) == (void *)40 && !UPC_PRIO(0), "UPC_PRIO");

	upc_crit_enter(&upc);
	is(upc.crit_count, 32, "upc_crit_enter");
	upc_crit_exit(&upc);
	is(upc.crit_count, 0, "upc_crit_exit");
	is(upc.pending, 0, "neither touches pending");
	return tap_done();
}
