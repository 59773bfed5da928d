# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Sourced by the scripts that test on this machine: check(), which counts in $n
# and $failed, and a folder $tmp that is gone at the end.

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

n=0
# shellcheck disable=SC2034 # the sourcing script looks
failed=0

# check WHAT COMMAND...: its output is shown if it fails.
check()
{
	what=$1
	shift
	n=$((n + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		sed 's/^/# /' "$tmp/out"
		failed=$((failed + 1))
	fi
}

# A machine that cannot run programs of this width does its part: does it run
# PROGRAM...? The dynamic linker that they want is asked.
can_run()
{
	interp=$(for p; do readelf -lW "$p"; done 2>/dev/null |
		sed -n 's/.*program interpreter: \(.*\)]/\1/p' | head -n 1)
	"$interp" --version >/dev/null 2>&1
}

# What it cannot run.
skip_programs()
{
	n=$((n + 1))
	echo "ok $n - $# programs # SKIP no such programs run here"
}

# lint PAGE...: mandoc has nothing to say of these manual pages. Which others are
# installed says nothing about ours.
lint()
{
	for page; do
		mandoc -Tlint "$page" >"$tmp/lint" 2>"$tmp/said"
		grep -hv -e 'referenced manual not found' -e 'mandoc.db' \
			"$tmp/lint" "$tmp/said" && return 1
	done
	return 0
}
