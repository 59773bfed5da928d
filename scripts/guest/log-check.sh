#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fail if a guest's console shows that its kernel complained, and print the
# lines that matter. The last test announced before a complaint names it.
# usage: log-check.sh FILE

[ -s "${1-}" ] || { echo "    (the console is empty: the kernel did not start)"; exit 1; }

awk '
{ sub(/\r$/, "") }
/upcall-test: / { test = $0; sub(/.*upcall-test: /, "", test) }
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
	if (test != "" && test != named) {
		print "    during " test ":"
		named = test
	}
	if (n++ < 10)
		print "    " $0
}
END { exit n > 0 }' "$1"
