#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fail if a guest's console shows that its kernel complained, and print the
# lines that matter. The last test announced before a complaint names it.
# The kernel has data races that are not ours: what KCSAN says counts if either
# side of the race is in a function of ours or in what that called, the scheduler
# left out; what an interrupt or a fault interrupted does not. The others are
# counted.
# usage: log-check.sh FILE

[ -s "${1-}" ] || { echo "    (the console is empty: the kernel did not start)"; exit 1; }

awk '
function complain(line) {
	if (test != "" && test != named) {
		print "    during " test ":"
		named = test
	}
	if (n++ < 10)
		print "    " line
}
{ sub(/\r$/, "") }
/upcall-test: / { test = $0; sub(/.*upcall-test: /, "", test) }
/BUG: KCSAN: / { race = $0; side = 1; ours = 0 }
race != "" {
	if (/ by (task|interrupt)|unknown origin/)
		side = 1
	else if (/ (asm_|schedule\+|try_to_wake_up\+)|Reported by/)
		side = 0
	else if (side && /upcall_|upc_(register|control)/)
		ours = 1
	if (/======/) {
		if (ours)
			complain(race)
		else
			others++
		race = ""
	}
	next
}
/WARNING|BUG|Oops|[Pp]anic|Call Trace|lockdep|possible .* detected/ ||
/INFO: (task|rcu|possible|trying|inconsistent)|KASAN|UBSAN|kmemleak: [0-9]/ ||
/stall|soft lockup|hard LOCKUP|[Uu]nable to handle|general protection fault/ ||
/inconsistent lock state|suspicious RCU|bad unlock|held lock|Out of memory/ ||
/ODEBUG|list_(add|del) corruption|unreferenced object|refcount_t/ ||
/scheduling while atomic|sleeping function called|Poison overwritten/ {
	# Lines of the boot that only say what is switched on.
	if (/Lock dependency validator|lockdep (depth|hash|key)|debug_locks/)
		next
	if (/Command line:|panic_on_warn|RCU (lockdep|stall)|MAX_LOCK/)
		next
	complain($0)
}
END {
	if (race != "")
		complain(race)
	if (others)
		printf "    KCSAN: %d data races of others\n", others
	exit n > 0
}' "$1"
