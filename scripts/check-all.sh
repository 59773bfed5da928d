#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-all: the selftests and the tests of libupcall and libupcall-mn on
# every kernel, configuration and CPU of the matrix, a line each; then the
# totals. It takes hours.
# ROWS: a file with rows of one's own, as below ("-" reads standard input).
# LIMIT: so many seconds are there; a row that may not fit is left out.

. "$(dirname "$0")/common.sh"

# shellcheck disable=SC2016 # the columns' names
rows='
# base arch   config      cpu       smp
6.12   i386   -           Nehalem   2
6.12   i386   -           pentium3  2
6.12   i386   -           coreduo   2
6.12   i386   -           max       1
6.12   i386   debug,fault Nehalem   2
6.12   i386   preempt     Nehalem   2
6.12   i386   nopreempt   Nehalem   2
6.12   i386   debug,rt    Nehalem   2
6.12   i386   up          Nehalem   1
6.12   i386   kvm         Opteron_G3,+svm 2
6.12   x86_64 -           Nehalem   2
6.12   x86_64 -           max       2
6.12   x86_64 debug,fault Nehalem   2
6.12   x86_64 kasan,fault Nehalem   2
6.12   x86_64 kcsan       Nehalem   2
6.12   x86_64 nohz_full   Nehalem   2
6.12   x86_64 pti         Nehalem   2
7.3    i386   -           Nehalem   2
7.3    i386   debug,fault Nehalem   2
7.3    x86_64 -           Nehalem   2
7.3    x86_64 kasan,fault Nehalem   2
7.3    x86_64 kcsan       Nehalem   2
6.1    i386   -           Nehalem   2
6.1    i386   debug       Nehalem   2
6.1    x86_64 -           Nehalem   2
6.1    x86_64 kasan       Nehalem   2
'
[ -z "${ROWS-}" ] || rows=$(cat "$ROWS")
row_need=${ROW_NEED:-1200}	# seconds; most rows take half of that
there=$O passed=0 failed=0 skipped=0 left_out=0 table=$O/check/all
list=$table.failed part=check-all log=$logs
mkdir -p "$O/check"
: >"$list"
limit=$(sed -n 's/^timeout=//p' "$top/selftests/settings")

# A row that is stopped, and all with it, has failed. Not in a child that is
# stopped at once, and may still have this trap.
trap '[ $BASHPID = $$ ] || exit 143
	echo "stopped" | failures "$list" "$part" "$log"
	show_failures "$list"
	say "$passed passed, $((failed + 1)) failed, $((skipped + left_out)) skipped" |
	tee -a "$table"; exit 143' TERM

# One row: prints what is built and run, ends with "= passed failed skipped".
row() {
	local tests libtests mntests name suite p=0 f=0 s=0 slow=1 times=10000

	export BASE=$1 ARCH=$2 CONFIG=${3#-} CPU=$4 SMP=$5 DEBUG=''
	O=$(place "$BASE")
	export O tree=$O/tree logs=$O/log
	case $CONFIG in *nohz_full*) export APPEND=nohz_full=1 ;; esac
	case $CONFIG in *pti*) export APPEND="mitigations=auto pti=on" ;; esac
	case $CONFIG in *debug* | *kasan* | *kcsan*)
		export MEM=1G APPEND="${APPEND-} UPCALL_ITERATIONS=10000"
		slow=4 times=1000
		;;
	esac
	# Tests in both widths are four times as much to unpack.
	[ "$ARCH" = i386 ] || export MEM=2G
	"$top/scripts/tree.sh"
	"$top/scripts/lib.sh" tests
	"$top/scripts/selftests.sh"
	"$top/scripts/guest/kernel.sh"
	mapfile -t tests < <(selftests)
	mapfile -t libtests < <(library print-tests; libtests64)
	mapfile -t mntests < <(library print-mn-tests print-mn-programs; mntests64)
	name=all-$ARCH${CONFIG:+-${CONFIG//,/-}}-${CPU//,/}-$SMP
	rm -f "$O/check/$name"{,-lib,-mn}{,.failed}
	"$top/scripts/guest/suite.sh" "$name" "$(kernel_name)" \
		$((limit * slow)) "${tests[@]}" || true
	"$top/scripts/guest/suite.sh" -l "$name-lib" "$(kernel_name)" \
		$((limit * slow)) "${libtests[@]}" || true
	APPEND="${APPEND-} UPCALL_ITERATIONS=$times" \
		"$top/scripts/guest/suite.sh" -l "$name-mn" "$(kernel_name)" \
		$((limit * slow * 3)) "${mntests[@]}" || true
	for suite in "$name"{,-lib,-mn}; do
		n=(0 1 0)
		if [ -s "$O/check/$suite" ]; then
			read -r -a n <"$O/check/$suite"
		else
			echo "no guest was run" >"$O/check/$suite.failed"
		fi
		failures "$list" "$BASE $suite" "$logs/$suite.tap" <"$O/check/$suite.failed"
		p=$((p + n[0])) f=$((f + n[1])) s=$((s + n[2]))
	done
	echo "= $p $f $s"
}

"$top/scripts/deps.sh" series kernel programs guest
printf '%-5s %-7s %-11s %-9s %3s  %7s %6s %7s %7s\n' base arch config cpu smp \
	passed failed skipped seconds | tee "$table"
while read -r base arch config cpu smp; do
	case $base in '' | '#'*) continue ;; esac
	if [ -n "${LIMIT-}" ] && [ $((LIMIT - SECONDS)) -lt "$row_need" ]; then
		note "$((LIMIT - SECONDS)) s are left, $base $arch $config $cpu $smp is left out"
		left_out=$((left_out + 1))
		continue
	fi
	begin=$SECONDS part="$base $arch $config $cpu $smp"
	log=$there/log/check-all-${part// /-}.log
	mkdir -p "${log%/*}"
	(set -e; row "$base" "$arch" "$config" "$cpu" "$smp") </dev/null >"$log" 2>&1 &
	wait $! || true
	# A row that could not be prepared has failed.
	sum=$(sed -n 's/^= //p' "$log" | tail -n 1)
	[ -n "$sum" ] || echo "could not be prepared" | failures "$list" "$part" "$log"
	read -r p f s <<<"${sum:-0 1 0}"
	printf '%-5s %-7s %-11s %-9s %3s  %7d %6d %7d %7d\n' "$base" "$arch" \
		"$config" "$cpu" "$smp" "$p" "$f" "$s" $((SECONDS - begin)) | tee -a "$table"
	[ "$f" = 0 ] || { matter "$log"; say "    whole log: $log"; }
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done <<<"$rows"
show_failures "$list"
say "$passed passed, $failed failed, $((skipped + left_out)) skipped" | tee -a "$table"
[ $failed = 0 ] && [ $((passed + left_out)) -gt 0 ]
