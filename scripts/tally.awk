# SPDX-License-Identifier: GPL-2.0
# The totals of one TAP stream: "passed failed skipped". A broken plan is a
# failure.
/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; planned = 1 }
/^not ok / { f++; n++ }
/^ok / { n++; if (/# *SKIP/) s++; else p++ }
END {
	if (!planned || plan != n || !n) f++
	print p + 0, f + 0, s + 0
}
