#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make check-regress: the kernel's own selftests, built once from the unpatched
# tree, run on the unpatched and on the patched kernel in the same configuration.
# Prints a table of the two, and what differs: nothing may. A test whose results
# differ is run again on both, up to three times; it is flaky if what one kernel
# gives has come from the other too.
# The tests are 32-bit programs; ARCH=x86_64 adds the 64-bit ones for x86.

. "$(dirname "$0")/common.sh"

# Where the tests lie in tools/testing/selftests.
dirs=(x86 rseq seccomp ptrace clone3 futex/functional timers sigaltstack
	syscall_user_dispatch kcmp membarrier core pidfd exec breakpoints
	perf_events vDSO prctl rlimits)
# What measures and judges nothing, or judges the clock of a guest; what suspends
# the machine; what runs others of the list; what needs bash or Python; what goes
# on for minutes in an emulator (param_test is run with less to do); and what
# never ends as a 32-bit program (it hands futex_waitv() the wrong timespec).
unfit='_benchmark$|stress-test$|/(raw_skew|nsleep-lat|set-timer-lat|mqueue-lat)$|
	/(inconsistency-check|rtcpie|step_after_suspend_test)$|[.](sh|py)$|
	/(pidfd_poll_test|pidfd_test|basic_percpu_ops_.*test|param_test.*|futex_wait_timeout)$'
params="i s l b m r"
limit=120 most=3
stock=$O/stock work=$O/regress bin=$O/regress/bin$([ "$ARCH" = i386 ] || echo "-$ARCH")

fetch_libcap() {
	local dir=$work/deb

	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir" || return
	fetch_deb libcap-dev:i386
	dpkg-deb -x libcap-dev_*.deb "$work/libcap.tmp"
	mv "$work/libcap.tmp" "$work/libcap"
}

# The linker's -lcap is libcap.a there: nothing more has to go to the guest.
kselftest() {
	local cc="gcc -m32 -I$work/libcap/usr/include -L$work/libcap/usr/lib/i386-linux-gnu"
	cleanmake -C "$stock/tree" O="$work/obj" ARCH=x86 -j"$JOBS" headers
	cleanmake -C "$stock/tree/tools/testing/selftests" O="$work/obj" ARCH=x86 \
		CC="$cc" KSFT_INSTALL_PATH="$bin" INSTALL_PATH="$bin" \
		TARGETS="${dirs[*]}" FORCE_TARGETS=1 install
}

# The names of 64-bit programs end in _64.
kselftest_64() {
	local list=$bin/kselftest-list.txt

	mv "$list" "$list.32"
	cleanmake -C "$stock/tree/tools/testing/selftests" O="$work/obj" ARCH=x86 \
		CC=gcc KSFT_INSTALL_PATH="$bin" INSTALL_PATH="$bin" \
		TARGETS=x86 FORCE_TARGETS=1 install
	cat "$list" >>"$list.32"
	mv "$list.32" "$list"
}

# Each sequence of rseq's, as the tests' own run_param_test.sh has them.
more_params() {
	local t

	for t in $params; do
		printf '#!/bin/sh\nexec ./param_test -T %s -t 4 -r 500\n' "$t" \
			>"$bin/rseq/param_$t"
		chmod +x "$bin/rseq/param_$t"
		echo "rseq:param_$t"
	done >>"$bin/kselftest-list.txt"
}

# run WHICH KERNEL ROUND TEST...: what they say goes to said WHICH ROUND.
run() {
	local name=regress-$ARCH-$1-$3 kernel=$2

	shift 3
	: >"$logs/$name.tap"
	LD_LIBRARY_PATH=$bin/rseq step_watch=$logs/$name.tap \
		step "$name" tolerant "$name" "$kernel" "${@/#/$bin/}"
}

# That tests fail is not the question here.
tolerant() {
	"$top/scripts/guest/suite.sh" -a "$1" "$2" "$limit" "${@:3}" || true
}

both() {
	run stock "stock/$(kernel_name)" "$@"
	run patched "$(kernel_name)" "$@"
	said+=("$logs/regress-$ARCH-stock-$1.tap" "$logs/regress-$ARCH-patched-$1.tap")
}

# The tests of the last round whose results are not the same on the two kernels.
differing() {
	local name

	python3 "$top/scripts/regress.py" differing "${said[@]: -2}" |
		while read -r name; do
			printf '%s\n' "${tests[@]}" | grep -E "/${name//./\\.}\$"
		done
}

"$top/scripts/deps.sh" series kernel programs guest
"$top/scripts/tree.sh"
"$top/scripts/guest/kernel.sh"
[ -n "$KERNEL_SRC" ] || KERNEL_SRC=$O/src/linux.tar.xz
O=$stock tree=$stock/tree "$top/scripts/source.sh"
O=$stock tree=$stock/tree "$top/scripts/guest/kernel.sh"
diff <(grep -v UPCALL "$stock/$(kernel_name)/.config") \
	<(grep -v UPCALL "$O/$(kernel_name)/.config") >&2 ||
	die "the two kernels differ by more than CONFIG_UPCALL"
mkdir -p "$work"
[ -d "$work/libcap" ] || step "fetch libcap" fetch_libcap
rm -rf "$bin"
step "build the kernel's selftests" kselftest
[ "$ARCH" != x86_64 ] || step "build the 64-bit ones for x86" kselftest_64
more_params
mapfile -t tests < <(tr : / <"$bin/kselftest-list.txt" | grep -vE "${unfit//[$'\n\t']/}" | sort -u)
[ ${#tests[@]} -gt 0 ] || die "no selftests were built"
double=$(printf '%s\n' "${tests[@]##*/}" | sort | uniq -d)
[ -z "$double" ] || die "two tests of one name: $double"

said=()
both 0 "${tests[@]}"
for ((round = 1; round <= most; round++)); do
	mapfile -t again < <(differing)
	[ ${#again[@]} -gt 0 ] || break
	both $round "${again[@]}"
done
mkdir -p "$O/check"
printf '%s\n' "${tests[@]}" >"$work/tests"
python3 "$top/scripts/regress.py" table "$work/tests" "${said[@]}" |
	tee "$O/check/regress-$ARCH"
