# SPDX-License-Identifier: GPL-2.0
# Lines "@ library" and "row nanoseconds" to a table, and to the files that the
# variables json and dat name, the latter for the chart. What a library can't do is
# a dash.

BEGIN {
	n = split("upcall signal nptl pth st", libs)
	split("libupcall-mn;mn, signals;NPTL;GNU Pth;State Threads", titles, ";")
	m = split("create_join yield mutex_one mutex_two channel preemption", rows)
	split("create and join a thread;yield to another;" \
	      "mutex and condition, one CPU;mutex and condition, two CPUs;" \
	      "element through a channel;preempted, until the other runs",
	      names, ";")
}
$1 == "@" { lib = $2; next }
{ v[$1, lib] = $2 }
END {
	printf "%-30s", "ns"
	for (j = 1; j <= n; j++)
		printf "%15s", titles[j]
	print ""
	printf "{\n" >json
	for (i = 1; i <= m; i++) {
		printf "%-30s", names[i]
		printf "  \"%s\": {", rows[i] >json
		sep = ""
		place++
		for (j = 1; j <= n; j++) {
			known = (rows[i], libs[j]) in v
			printf "%15s", known ? v[rows[i], libs[j]] : "-"
			if (known) {
				printf "%s\"%s\": %s", sep, libs[j],
				       v[rows[i], libs[j]] >json
				sep = ", "
				printf "%d\t%s\t%s\t\"%s\"\n", place++, v[rows[i], libs[j]],
				       libs[j], named++ ? "" : names[i] >dat
			}
		}
		named = 0
		print ""
		printf "}%s\n", i < m ? "," : "" >json
	}
	printf "}\n" >json
}
