#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make torture: the random operations, for TIME seconds in all, from SEED on. A
# program that failed is kept in $O/torture, to be run again by
# make run PROG=... APPEND=UPCALL_PROGRAM=...; so is what a test that failed said.

. "$(dirname "$0")/common.sh"
# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

TIME=${TIME:-600}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
tests=()
for t in torture_reference torture_threads fuzz_arguments; do
	for p in "$O/selftests/$t"_{32,64}; do
		[ ! -x "$p" ] || ! fits "$p" || tests+=("${p##*/}")
	done
done
mkdir -p "$O/torture"
failed=0
for t in "${tests[@]}"; do
	out=$O/torture/$t-$SEED
	say "$t: $((TIME / ${#tests[@]})) s from seed $SEED"
	status=0
	APPEND="UPCALL_SEED=$SEED UPCALL_SECONDS=$((TIME / ${#tests[@]})) ${APPEND-}" \
		ARGS='' "$top/scripts/guest/run.sh" "$O/selftests/$t" |
		tee "$out" || status=1
	[ $status = 0 ] || failed=1
	if program=$(grep -o 'UPCALL_PROGRAM=.*' "$out"); then
		say "to run it again: make run PROG=$O/selftests/$t APPEND=$program"
	elif [ $status = 0 ]; then
		rm "$out"
	fi
done
exit $failed
