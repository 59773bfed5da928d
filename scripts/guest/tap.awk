# SPDX-License-Identifier: GPL-2.0
# Judge the output of suite-job. For each program: the plan must be there and
# be kept, the exit status must agree with the lines. Prints, for each program,
# "program NAME passed failed skipped reason"; if it failed, its lines, and
# "failed NAME: LINE" for each that says so, or with the reason if none does.
# A program that prints no TAP at all is one test, judged by its exit status,
# if lax is set.

function verdict(status,    why, i) {
	if (!tap && !failed && lax) {
		if (status == 0) passed = 1
		else { failed = 1; why = "exit status " status }
	} else if (skip_all) {
		skipped++
		if (status != 0 && status != 4) why = "skipped, but exit status " status
	} else {
		if (plan == "") why = "no plan"
		else if (plan != seen) why = "planned " plan ", saw " seen
		else if (plan == 0) why = "empty plan"
		else if (misnumbered) why = "results are misnumbered"
		else if (failed) why = failed " failed"
		else if (status == 4 && !skipped) why = "exit status 4 without a skip"
		if (status != "0" && status != "4" && why == "") why = "exit status " status
		if (status ~ /none/) why = "it did not end"
		if (status == 137) why = "killed or out of time (" (why == "" ? "" : why) ")"
	}
	if (why != "" && !failed) failed = 1
	printf "program %s %d %d %d %s\n", name, passed, failed, skipped, why
	if (why != "") {
		for (i = (n > 40 ? n - 40 : 0); i < n; i++) print "    " line[i]
		for (i = 0; i < bad; i++) print "failed " name ": " said[i]
		if (!bad) print "failed " name ": " why
	}
	name = ""
}

{ sub(/\r$/, "") }
/^@@ begin / {
	if (name != "") verdict("none, it did not end")
	name = $3
	plan = ""; tap = seen = passed = failed = skipped = skip_all = misnumbered = n = bad = 0
	next
}
/^@@ end / && $3 == name { verdict($4); next }
name == "" { next }
$0 != "" { line[n++] = $0 }
/^TAP version/ { tap = 1 }
/^1\.\.0 # *SKIP/ { tap = skip_all = 1; next }
/^1\.\.[0-9]+/ { tap = 1; if (plan != "") misnumbered = 1; plan = substr($1, 4) + 0 }
/^(not )?ok / {
	tap = 1
	seen++
	if (($1 == "ok" ? $2 : $3) + 0 != seen) misnumbered = 1
	if ($1 == "not") { failed++; said[bad++] = $0 }
	else if (toupper($0) ~ /# *(SKIP|XFAIL|TODO)/) skipped++
	else passed++
}
END { if (name != "") verdict("none, it did not end") }
