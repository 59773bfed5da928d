#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make coverage: run all tests on a kernel that counts, for our files, which
# lines and branches ran. A table to the terminal, with what did not run; the
# report with the sources is $O/coverage/index.html.

CONFIG=${CONFIG:+$CONFIG,}gcov,fault,kvm
. "$(dirname "$0")/common.sh"

scripts=$top/scripts
"$scripts/deps.sh" series kernel programs guest coverage
"$scripts/tree.sh"
"$scripts/lib.sh" tests
"$scripts/selftests.sh"
"$scripts/guest/kernel.sh"

mapfile -t tests < <(selftests)
mapfile -t libtests < <(library print-tests; libtests64)
limit=$(sed -n 's/^timeout=//p' "$top/selftests/settings")
out=$O/coverage
kernel=$O/$(kernel_name)
lcov=(lcov --quiet --rc lcov_branch_coverage=1)
rm -rf "$out"
mkdir -p "$out" "$O/check"

# run NAME WORDS PROGRAM...: with the words on the kernel's command line. The
# tests' verdict is not the matter here, but is said.
run() {
	local name=coverage-$1 opt=()

	[ "$1" != libupcall ] || opt=(-l)
	: >"$logs/$name.tap"
	LAST=$scripts/guest/gcov-out APPEND=$2 step_watch=$logs/$name.tap \
		step "$name" "$scripts/guest/suite.sh" "${opt[@]}" "$name" \
		"$(kernel_name)" $((limit * 2)) "${@:3}" || true
	capture "$name"
}

# What the guest counted, with what the compiler said of the source.
capture() {
	local dir=$out/$1

	mkdir -p "$dir"
	tr -d '\r' <"$logs/$1.tap" | sed -n '/^@@ gcov$/,/^@@ gcov end/{/^@@/!p}' |
		base64 -d | tar -xzm -C "$dir" ||
		{ note "$1: no counts came out of the guest"; return; }
	(cd "$dir/$kernel" && find . -name '*.gcda') | while read -r f; do
		cp "$kernel/${f%.gcda}.gcno" "$dir/$kernel/${f%/*}"
	done
	# It talks about itself where perl is new.
	"${lcov[@]}" --capture --directory "$dir" --output-file "$out/$1.info" \
		2>"$logs/$1.lcov" || { tail -n 3 "$logs/$1.lcov"; return 1; }
}

# For each source: lines and branches, all and those that ran. Of the header
# with the trace events no branch is ours: its macros are the kernel's.
table() {
	awk -F '[:,]' -v top="$tree/" '
	/^SF:/ { f = substr($0, 4); sub(top, "", f); order[++n] = f }
	/^DA:/ { l[f]++; if ($3 > 0) hit[f]++; else left[f] = left[f] " " $2 }
	/^BRDA:/ { b[f]++; if ($5 + 0 > 0) taken[f]++
		else if (!seen[f, $2]++) br[f] = br[f] " " $2 }
	function row(name, l, h, b, t) {
		printf "%-36s %5d %6.1f %% %8d %6.1f %%\n", name, l,
			l ? 100 * h / l : 100, b, b ? 100 * t / b : 100
	}
	END {
		printf "%-36s %5s %8s %8s %8s\n", "", "lines", "ran", "branches", "taken"
		for (i = 1; i <= n; i++) {
			f = order[i]
			row(f, l[f], hit[f], b[f], taken[f])
			L += l[f]; H += hit[f]; B += b[f]; T += taken[f]
			if (f ~ /trace\/events/) { tb = b[f]; tt = taken[f] }
		}
		row("all", L, H, B, T)
		row("all, no branches of trace events", L, H, B - tb, T - tt)
		for (i = 1; i <= n; i++) {
			f = order[i]
			if (left[f]) print f ": lines that did not run:" left[f]
			if (br[f]) print f ": branches not taken, in lines:" br[f]
		}
	}' "$1"
}

# In several guests: one that dies takes its counts with it, so none does for
# being slow. Storms need not be long, where all that counts is what runs at all.
words="UPCALL_ITERATIONS=${UPCALL_ITERATIONS:-10000} UPCALL_SECONDS=20 softlockup_panic=0"
for ((i = 0; i < ${#tests[@]}; i += 30)); do
	run "selftests-$((i / 30 + 1))" "$words" "${tests[@]:i:30}"
done
run libupcall "$words" "${libtests[@]}"
# some NAME: a test, in each width that there is.
some() { printf '%s\n' "${tests[@]}" | grep "/$1_[36]"; }

# A CPU with a kind of virtual machine that QEMU emulates.
mapfile -t kvm < <(some kvm_run)
CPU=Opteron_G3,+svm run kvm "$words" "${kvm[@]}"
mapfile -t fuzz < <(some fuzz_arguments)
run failing "UPCALL_ITERATIONS=10000 UPCALL_FAIL=10" "${fuzz[@]}"

traces=()
for f in "$out"/coverage-*.info; do traces+=(--add-tracefile "$f"); done
"${lcov[@]}" "${traces[@]}" --output-file "$out/all.info"
"${lcov[@]}" --extract "$out/all.info" '*upcall*' --output-file "$out/ours.info"
genhtml --quiet --branch-coverage --prefix "$tree" --output-directory "$out" \
	"$out/ours.info"
table "$out/ours.info" | tee "$out/table"
say "$out/index.html"
