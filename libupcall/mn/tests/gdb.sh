# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# Sourced by check-host.sh: gdb and user threads, see mn_gdb(7). The script is found as
# gdb finds an installed one.

# place FOLDER: the library there, and the script where gdb looks for that one's.
place()
{
	mkdir -p "$1/lib" "$tmp/auto$1/lib"
	cp -d "$build"/libupcall.so.0* "$build"/libupcall-mn.so.0* "$1/lib/"
	lib=$(readlink -f "$1/lib/libupcall-mn.so.0")
	cp "$here/../gdb/mn.py" "$tmp/auto$lib-gdb.py"
}

# gdb_run FOLDER OUTPUT VCPUS ARGUMENT...
gdb_run()
{
	folder=$1 output=$2 vcpus=$3
	shift 3
	timeout 120 gdb -nx -batch -iex 'set width 0' -iex 'set debuginfod enabled off' \
		-iex 'set startup-with-shell off' -iex "set auto-load safe-path $tmp" \
		-iex "set auto-load scripts-directory $tmp/auto" \
		-iex "set environment LD_LIBRARY_PATH $folder/lib" \
		-iex "set environment MN_VCPUS $vcpus" \
		-iex 'set environment MN_BACKEND signal' \
		-iex 'handle SIG40 nostop noprint pass' "$@" >"$output" 2>&1
}

# has OUTPUT REGEXP...: lines in this order.
has()
{
	output=$1
	shift
	for re; do printf '%s\n' "$re"; done >"$tmp/wanted"
	awk 'NR == FNR { re[++n] = $0; next }
		at < n && $0 ~ re[at + 1] { at++ }
		END { if (at < n) print "not there: " re[at + 1]; exit at < n }' \
		"$tmp/wanted" "$output" && return 0
	cat "$output"
	return 1
}

# What the session of each kind has to show: one thread a state.
listed()
{
	has "$1" '^  Id +Name +State +vCPU Where' \
		"$2 1 +main +running in LWP [0-9]+ +0 +looked_at \\(\\)" \
		'^  2 +locker +waiting for a mutex +0 +takes_mutex \(\)' \
		'^  3 +receiver +waiting to receive +0 +receiver \(\)' \
		'^  4 +patient +waiting for a semaphore +0 +patient \(\)' \
		'^  5 +spinner +ready, preempted +0 +spins \(\)' \
		'^  6 +ended +exited, not joined +0 ' \
		'^  7 +late +not begun +0 '
}

one_shown()
{
	has "$1" '^=== thread' '^\[User thread 2 "locker" \(waiting for a mutex\)\]' \
		'^#[0-9]+ .*mn_mutex_(timed)?lock \(' '^#[0-9]+ .*takes_mutex \(number=11\)' \
		'^#[0-9]+ .*locker \(arg=0x0\)' '^=== frame' \
		'takes_mutex \(number=11\)' '^.1 = 11$'
}

preempted_shown()
{
	has "$1" '^=== preempted' '^\[User thread 5 "spinner" \(ready, preempted\)\]' \
		'<signal handler called>' '^#[0-9]+ .*spins \(step=3\)' \
		'^#[0-9]+ .*spinner \(arg=0x0\)' '^=== back' \
		'^#0 .*looked_at \(main_local=6\)'
}

all_shown()
{
	has "$1" '^=== all' '^User thread 1 "main" ' '^#0 .*looked_at \(' \
		'^#1 .*first \(' '^User thread 2 "locker" ' 'takes_mutex \(number=11\)' \
		'^User thread 3 "receiver" ' ' receiver \(' '^User thread 4 "patient" ' \
		' patient \(' '^User thread 5 "spinner" ' ' spins \(step=3\)' \
		'^User thread 6 "ended" ' '^User thread 7 "late" ' '^=== selected' \
		'^#0 .*looked_at \(main_local=6\)'
}

refused()
{
	has "$1" '^=== wrong' '^There is no user thread 99' '^Usage: mn apply'
}

gone_on()
{
	has "$1" '^=== continue' '^the result is right$' 'exited normally'
}

# looks FOLDER OUTPUT ARGUMENT...: what is asked in each session.
looks()
{
	folder=$1 output=$2
	shift 2
	gdb_run "$folder" "$output" 1 "$debuggee" "$@" -ex 'info mn' \
		-ex 'echo \n=== thread\n' -ex 'mn thread 2' -ex bt \
		-ex 'echo \n=== frame\n' -ex 'frame function takes_mutex' \
		-ex 'print number' -ex 'echo \n=== preempted\n' -ex 'mn thread 5' -ex bt \
		-ex 'echo \n=== back\n' -ex 'mn thread' \
		-ex 'echo \n=== all\n' -ex 'mn apply all bt' \
		-ex 'echo \n=== selected\n' -ex frame \
		-ex 'echo \n=== wrong\n' -ex 'mn thread 99' -ex 'mn apply' \
		-ex 'mn thread 2' -ex 'echo \n=== continue\n' -ex continue
}

# With two virtual CPUs another kernel thread runs it, or none.
second_cpu()
{
	gdb_run "$1" "$2" 2 "$debuggee" -ex 'break looked_at' -ex run \
		-ex 'mn thread 5' -ex bt -ex 'mn thread 1' -ex bt
	has "$2" '^\[User thread 5 "spinner" \((running in LWP|ready)' \
		' spins \(step=3\)' '^\[User thread 1 "main" \(running' \
		'^#0 .*looked_at \('
}

# A program without the library.
without()
{
	gdb_run "$1" "$2" 1 "$(command -v true)" -iex "source $here/../gdb/mn.py" \
		-ex 'info mn' -ex starti -ex 'info mn'
	has "$2" 'The program is not being run' 'There is no libupcall-mn'
}

gdb_shows()
{
	check "gdb, $1: info mn" listed "$2" "$3"
	check "gdb, $1: mn thread, frame, print" one_shown "$2"
	check "gdb, $1: a thread that was preempted, and back" preempted_shown "$2"
	check "gdb, $1: mn apply all bt" all_shown "$2"
	check "gdb, $1: what is not there" refused "$2"
}

# gdb_checks DEBUGGEE
gdb_checks()
{
	debuggee=$1
	place "$tmp/symbols"
	place "$tmp/stripped"
	strip "$tmp"/stripped/lib/*.so.0.*
	looks "$tmp/symbols" "$tmp/live" -ex 'break looked_at' -ex run \
		-ex "generate-core-file $tmp/core"
	gdb_shows live "$tmp/live" '^[*]'
	check 'gdb: the program goes on as if nothing had been' gone_on "$tmp/live"
	looks "$tmp/symbols" "$tmp/of-core" "$tmp/core"
	gdb_shows core "$tmp/of-core" '^[*]'
	looks "$tmp/stripped" "$tmp/live-stripped" -ex 'break looked_at' -ex run
	gdb_shows stripped "$tmp/live-stripped" '^[*]'
	check 'gdb, two virtual CPUs' second_cpu "$tmp/symbols" "$tmp/two"
	check 'gdb, another program' without "$tmp/symbols" "$tmp/another"
}
