// SPDX-License-Identifier: MIT
/*
 * gdb and user threads that upcalls preempt all the time, as in gdb.c. What gdb
 * knows are kernel threads: a user thread that is to be followed across a call
 * must come back on the same one, which it does where there is no other.
 */
#include "gdb.h"

#define ONE_CPU		"set environment MN_VCPUS 1"
#define TWO_CPUS	"set environment MN_VCPUS 2"
#define SLICE		"set environment MN_SLICE 1000"
#define INTERRUPTED	"#[0-9]+ .* (spin|first) \\("

static const struct session sessions[] = {
	{
		"a conditional breakpoint",
		{
			TWO_CPUS, SLICE, "break work if x < 0", "run", "backtrace",
			"continue",
		},
		{
			"Breakpoint [0-9]+, work \\(x=-1, ", "#0 .*work \\(x=-1, ",
			"#1 .* program \\(", "#2 .* first \\(",
		},
	}, {
		"next",
		{
			ONE_CPU, SLICE, "break steps", "run", "next", "next", "next",
			"next", "next", "next", "continue",
		},
		{
			"Breakpoint [0-9]+, steps \\(", "step 1", "step 2", "step 3",
			"step 4", "step 5", "step 6", "step 7",
		},
	}, {
		"stepi and nexti",
		{
			ONE_CPU, SLICE, "break *steps", "run", "stepi",
			"info symbol $pc", "stepi", "stepi", "info symbol $pc",
			"nexti", "nexti", "info symbol $pc", "continue",
		},
		{
			"Breakpoint [0-9]+, steps \\(", "steps \\+ [0-9]+ in section",
			"steps \\+ [0-9]+ in section",
			"steps \\+ [0-9]+ in section",
		},
	}, {
		"a watchpoint in software",
		{
			ONE_CPU, SLICE, "set can-use-hw-watchpoints 0",
			"break steps", "run", "watch stepped", "continue",
			"continue", "continue", "delete", "continue",
		},
		{
			"Breakpoint [0-9]+, steps \\(",
			"[^e] Watchpoint [0-9]+: stepped",
			"Old value = 0", "New value = 3", "Old value = 3",
			"New value = 12", "Old value = 12", "New value = 0",
		},
	}, {
		"finish",
		{
			ONE_CPU, SLICE, "break thrice", "run", "finish", "continue",
			"finish", "continue", "finish", "delete", "continue",
		},
		{
			"Breakpoint [0-9]+, thrice \\(x=0\\)",
			"Value returned is .* = 0$",
			"Breakpoint [0-9]+, thrice \\(x=1\\)",
			"Value returned is .* = 3$",
			"Breakpoint [0-9]+, thrice \\(x=2\\)",
			"Value returned is .* = 6$",
		},
	}, {
		/* In the context function, at its first instruction. */
		"backtrace through an upcall",
		{
			ONE_CPU, SLICE, "break first", "run",
			"break *upc_vcpu_wrapper", "continue", "backtrace",
			"continue", "backtrace", "delete", "continue",
		},
		{
			"Breakpoint [0-9]+, ", "#0 .*<signal handler called>",
			INTERRUPTED, "Breakpoint [0-9]+, ",
			"#0 .*<signal handler called>", INTERRUPTED,
		},
	},
};

int main(void)
{
	return hold_sessions(sessions, LENGTH(sessions), "./debuggee_mn");
}
