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
