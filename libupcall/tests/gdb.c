// SPDX-License-Identifier: MIT
/*
 * gdb and a program that upcalls arrive in all the time. gdb steps off a breakpoint
 * by a copy of the instruction elsewhere, it steps through lines, and without end
 * for a watchpoint in software: nothing is entered in such a step, so that the next
 * line is the program's, and the breakpoint's frame as well. It finds the way from
 * cfunc to the interrupted function. The program has its own result.
 */
#include "gdb.h"

#define INTERRUPTED	"#[2-9] .* main \\("

static const struct session sessions[] = {
	{
		"a conditional breakpoint",
		{ "break work if x < 0", "run", "backtrace", "continue" },
		{
			"Breakpoint [0-9]+, work \\(x=-1, ", "#0 .*work \\(x=-1, ",
			"#1 .* program \\(", "#2 .* main \\(",
		},
	}, {
		"next",
		{
			"break steps", "run", "next", "next", "next", "next", "next",
			"next", "continue",
		},
		{
			"Breakpoint [0-9]+, steps \\(", "step 1", "step 2", "step 3",
			"step 4", "step 5", "step 6", "step 7",
		},
	}, {
		"stepi and nexti",
		{
			"break *steps", "run", "stepi", "info symbol $pc", "stepi",
			"stepi", "info symbol $pc", "nexti", "nexti",
			"info symbol $pc", "continue",
		},
		{
			"Breakpoint [0-9]+, steps \\(", "steps \\+ [0-9]+ in section",
			"steps \\+ [0-9]+ in section",
			"steps \\+ [0-9]+ in section",
		},
	}, {
		"a watchpoint in software",
		{
			"set can-use-hw-watchpoints 0", "break steps", "run",
			"watch stepped", "continue", "continue", "continue",
			"delete", "continue",
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
			"break thrice", "run", "finish", "continue", "finish",
			"continue", "finish", "delete", "continue",
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
		"backtrace through an upcall",
		{
			"break cfunc", "run", "backtrace", "continue", "backtrace",
			"continue", "backtrace", "delete", "continue",
		},
		{
			"Breakpoint [0-9]+, cfunc \\(", "#0 .*cfunc \\(",
			"#1 .*<signal handler called>", INTERRUPTED,
			"Breakpoint [0-9]+, cfunc \\(", "#0 .*cfunc \\(",
			"#1 .*<signal handler called>", INTERRUPTED,
			"Breakpoint [0-9]+, cfunc \\(", "#0 .*cfunc \\(",
			"#1 .*<signal handler called>", INTERRUPTED,
		},
	},
};

int main(void)
{
	return hold_sessions(sessions, LENGTH(sessions), "./debuggee");
}
