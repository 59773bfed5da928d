#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The core's lock-free pairs on a machine that reorders, by Relacy: every
# execution of each test; and each barrier left out, until that is caught.
# Prints TAP, a line when something is done, with the number of executions.
# usage: run.sh [-l] [-j JOBS] [DIRECTORY]
#   DIRECTORY: the tests are there, and are not the core's
#   -l: the owner goes on to user mode where otherwise others have come to rest

set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
jobs=$(nproc) long=''
while getopts j:l opt; do
	case $opt in
	j) jobs=$OPTARG ;;
	l) long=-l ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
dir=${1:-$here}
CXX=${CXX:-g++}
command -v "$CXX" >/dev/null || { echo "1..0 # SKIP $CXX is not installed"; exit 4; }
echo '#include <relacy/relacy.hpp>' | "$CXX" -x c++ -E - >/dev/null 2>&1 ||
	{ echo "1..0 # SKIP Relacy (relacy-dev) is not installed"; exit 4; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CXX here dir work long

# In the headers of Relacy, compilers find much to warn of.
build() { "$CXX" -O1 -w -I"$here" -o "$work/$1" "$dir/$1.cc" >"$work/$1.log" 2>&1; }
export -f build

programs=()
for f in "$dir"/*.cc; do
	f=${f##*/}
	programs+=("${f%.cc}")
done
# shellcheck disable=SC2016 # the inner shell expands it
if ! printf '%s\n' "${programs[@]}" |
	xargs -P "$jobs" -I {} bash -c 'build "$1"' build {}; then
	grep -h -m 3 'error' "$work"/*.log | sed 's/^/# /' || true
	echo "Bail out! a test does not build"
	exit 1
fi

# job PROGRAM TEST [NAME VERDICT]: prints "ok" or "not ok", and what it is about.
job() {
	local program=$1 test=$2 name=${3-} verdict=${4-clean} said what
	local -a opt=()

	if [ -n "$name" ]; then
		opt=(-w "$name")
	elif [ -n "$long" ]; then
		opt=("$long")
	fi
	said=$("$work/$program" "${opt[@]}" "$test" 2>&1) || true
	said=${said#*: }
	case $said in
	*executions) what=clean ;;
	*executions:*) what=caught ;;
	*) what=failed ;;
	esac
	case $verdict:$what in
	clean:clean) echo "ok - $test: $said" ;;
	clean:*) echo "not ok - $test: $said" ;;
	needless:clean) echo "ok - without $name, $test: not needed, $said" ;;
	caught:caught) echo "ok - without $name, $test: ${said#*: }, ${said%%:*}" ;;
	*) echo "not ok - without $name, $test: is to be $verdict, but $said" ;;
	esac
}
export -f job

# What is to be left out, by the list and by the source.
known=$(sed -n 's/^\([a-z_+]*\)\t.*/\1/p' "$dir/weakened" | tr + '\n' | sort -u)
used=$(grep -hoE '\bWEAKEN\([a-z_]+\)' "$dir"/*.h "$dir"/*.cc |
	sed 's/^WEAKEN(//; s/)$//' | grep -vx name | sort -u)
if [ "$known" != "$used" ]; then
	echo "Bail out! the tests have other barriers to weaken than the list"
	exit 1
fi

for p in "${programs[@]}"; do
	while read -r t; do echo "$p $t"; done < <("$work/$p")
done >"$work/tests"
{
	cat "$work/tests"
	while IFS=$'\t' read -r name verdict tests _; do
		case $name in '#'* | '') continue ;; esac
		for t in ${tests//,/ }; do
			p=$(sed -n "s/ $t\$//p" "$work/tests")
			echo "${p:-none} $t $name $verdict"
		done
	done <"$dir/weakened"
} >"$work/jobs"

echo "TAP version 13"
echo "1..$(wc -l <"$work/jobs")"
# shellcheck disable=SC2016 # the inner shell expands it
all_jobs() { xargs -P "$jobs" -L 1 bash -c 'job "$@"' job <"$work/jobs"; }

# A line as soon as a search is done, numbered in that order.
n=0 failed=0 ends=0 caught=0 needless=0 total=0
while read -r line; do
	case $line in
	"ok - without "*": not needed, "*) needless=$((needless + 1)) ;;
	"ok - without "*) caught=$((caught + 1)) ;;
	"ok - "*)
		ends=$((ends + 1))
		word=${line% executions}
		total=$((total + ${word##* }))
		;;
	"not ok - "*) failed=$((failed + 1)) ;;
	*) echo "$line"; continue ;;
	esac
	n=$((n + 1))
	echo "${line/ok - /ok $n - }"
done < <(all_jobs)
echo "# $ends tests to the end, $total executions; left out: $caught caught, $needless not needed"
[ $failed = 0 ] && [ $n -gt 0 ]
