#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Search the model: every scenario to its end, every fault until it is found.
# Prints TAP, a line when something is done, with the number of states.
# usage: run.sh [-l] [-j JOBS]
#   -l: more dispatches, and the search for livelocks in all scenarios

set -euo pipefail
export LC_ALL=C

dir=$(cd "$(dirname "$0")" && pwd)
jobs=$(nproc) long=''
while getopts j:l opt; do
	case $opt in
	j) jobs=$OPTARG ;;
	l) long=-DLONG ;;
	*) exit 2 ;;
	esac
done
command -v spin >/dev/null || { echo "1..0 # SKIP spin is not installed"; exit 4; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export dir work long

# search NAME KIND FLAGS...: one search in a directory of its own.
search() {
	local here=$work/$1 kind=$2 safety=-DSAFETY cycles=()

	shift 2
	mkdir "$here"
	cd "$here"
	[ "$kind" != livelock ] || { safety=-DNP cycles=(-l); }
	if spin -a "$@" "$model" >log 2>&1 &&
		gcc -O1 -w $safety -DCOLLAPSE -DVECTORSZ=256 -DMEMLIM=12000 \
			-o pan pan.c >>log 2>&1; then
		./pan "${cycles[@]}" -m10000 -w22 >>log 2>&1 || true
	fi
	rm -f pan pan.*
}

states() { sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$1/log"; }

# Which check: the last name in "assertion violated (...||NAME)".
found() { sed -n 's/^pan.*assertion violated.*||\([a-z_]*\)).*/\1/p' "$1/log" | head -n 1; }

# To its end: no error, no limit met, and all of it was stored.
clean() {
	grep -q 'errors: 0$' "$1/log" && [ -n "$(states "$1")" ] &&
		! grep -qiE 'too small|memory limit|out of memory|aborted|truncated' "$1/log"
}

# What went wrong, for whoever reads the log.
excuse() { { grep -E '^pan|rror|limit|memory' "$1/log" || true; } | head -n 5 | sed 's/^/# /'; }

# job KIND NAME SCENARIO: prints "ok" or "not ok", and what it is about.
job() {
	local kind=$1 name=$2 scenario=$3 here=$work/$1-$2 what='' model=$dir/upcall.pml

	# What is no scenario of the model is a model of its own.
	[ ! -f "$dir/$scenario.pml" ] || model=$dir/$scenario.pml

	case $kind in
	fault)
		search "fault-$name" safety -DSCN_"$scenario" -DFAULT_"$name"
		what=$(found "$here")
		if [ -n "$what" ]; then
			echo "ok - fault $name in $scenario: $what, $(states "$here") states"
		else
			echo "not ok - fault $name in $scenario: not found, $(states "$here") states"
		fi
		;;
	*)
		# shellcheck disable=SC2086 # $long is a flag or nothing
		search "$kind-$name" "$kind" -DSCN_"$scenario" $long
		if clean "$here"; then
			echo "ok - $kind of $name: $(states "$here") states"
		else
			echo "not ok - $kind of $name: $(found "$here")"
			excuse "$here"
		fi
		;;
	esac
	rm -rf "$here"
}
export -f search states found clean excuse job

mapfile -t scenarios < <(sed -n 's/^#ifdef SCN_//p' "$dir/scenarios.h"; echo hand_over)
mapfile -t faults < <(sed -n 's/^\([A-Z_]*\)\t*\([a-z_]*\)\t.*/\1 \2/p' "$dir/faults")
known=$(printf '%s\n' "${faults[@]% *}" | sort)
seeded=$(grep -hoE '\bFAULT_[A-Z_]+' "$dir"/*.pml "$dir/scenarios.h" |
	sed 's/^FAULT_//' | sort -u)
if [ "$known" != "$seeded" ]; then
	echo "Bail out! the model has other faults than the list"
	exit 1
fi

# The longest first. One that cannot but livelock is as good as ten.
jobs_list() {
	local s

	for s in "${scenarios[@]}"; do echo "safety $s $s"; done
	if [ -n "$long" ]; then
		for s in "${scenarios[@]}"; do echo "livelock $s $s"; done
	else
		echo "livelock mixed mixed"
		echo "livelock storm storm"
	fi
	for s in "${faults[@]}"; do echo "fault $s"; done
}

echo "TAP version 13"
echo "1..$(jobs_list | wc -l)"
# shellcheck disable=SC2016 # the inner shell expands it
all_jobs() { xargs -P "$jobs" -L 1 bash -c 'job "$@"' job; }

# A line as soon as a search is done, numbered in that order.
n=0 failed=0 ends=0 found=0 total=0
while read -r line; do
	case $line in
	"ok - fault"*) found=$((found + 1)) ;;
	"ok - "*) ends=$((ends + 1)) ;;
	"not ok - "*) failed=$((failed + 1)) ;;
	*) echo "$line"; continue ;;
	esac
	n=$((n + 1))
	echo "${line/ok - /ok $n - }"
	word=${line% states}
	total=$(awk -v a="$total" -v b="${word##* }" 'BEGIN { printf "%.0f", a + b }')
done < <(jobs_list | all_jobs)
echo "# $ends searches to the end, $found faults found, $total states"
[ $failed = 0 ] && [ $n -gt 0 ]
