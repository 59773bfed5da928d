# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by the scripts here: settings, messages, and step(), which runs
# something long with its output in a log and little on the terminal.

set -euo pipefail
shopt -s nullglob

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The defaults are the Makefile's; they stand here too for scripts run by hand.
BASE=${BASE:-6.12}
ARCH=${ARCH:-i386}
SMP=${SMP:-2}
# The tests of both widths are twice as much to unpack.
MEM=${MEM:-$([ "$ARCH" = x86_64 ] && echo 1G || echo 512M)}
CPU=${CPU:-Nehalem}
ACCEL=${ACCEL:-tcg}
KERNEL_SRC=${KERNEL_SRC:-}
CONFIG=${CONFIG:-}
DEBUG=${DEBUG:-}
JOBS=${JOBS:-$(nproc)}
V=${V:-}
O=${O:-build}
case $O in /*) ;; *) O=$top/$O ;; esac
export BASE ARCH SMP MEM CPU ACCEL KERNEL_SRC CONFIG DEBUG JOBS V O
[ "$DEBUG" != 0 ] || DEBUG=
[ "$V" != 0 ] || V=

# Options of the calling make must not reach the makes that are called.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL GNUMAKEFLAGS

# git must not be led astray by a caller's hook, nor messages by a language.
unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE
export LC_ALL=C

logs=$O/log
export tree=$O/tree

say() { printf '%s\n' "$*"; }
note() { printf 'note: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# A directory for the caller to remove.
scratch() {
	mkdir -p "$O/tmp"
	mktemp -d "$O/tmp/$1.XXXXXX"
}

# Run make without the variables that mean something else to the kernel's.
cleanmake() { env -u O -u V -u CPU -u BASE -u CONFIG -u DEBUG make "$@"; }

# The directory in $O of the kernel that ARCH, CONFIG and DEBUG ask for.
kernel_name() {
	local c=${DEBUG:+debug}${DEBUG:+${CONFIG:+,}}$CONFIG

	echo "kernel-$ARCH${c:+-${c//,/-}}"
}

# kmake OUT ...: the kernel's make, for $tree. KERNEL_CC: another compiler.
kmake() {
	cleanmake -C "$tree" O="$1" ARCH="$ARCH" \
		${KERNEL_CC:+CC="$KERNEL_CC"} "${@:2}"
}

# Which programs are tests the makefiles know, once they are built: the kernel's
# that of the selftests, the library's by targets of its own.
selftests() {
	cleanmake -s -C "$tree/tools/testing/selftests/upcall" \
		OUTPUT="$O/selftests" emit_tests | sed "s,^[^:]*:,$O/selftests/,"
}
library() { cleanmake -s --no-print-directory -C "$top/libupcall" O="$O/libupcall" "$@"; }

# The lines of a log that tell why something failed, else its last ones.
matter() {
	local re='error|undefined reference|No rule to make|not found|No such|cannot|failed|FAILED|^not ok|WARNING|BUG:|panic|\*\*\*'

	if grep -qE "$re" "$1"; then
		grep -E "$re" "$1" | head -n 10
	else
		tail -n 10 "$1"
	fi | sed 's/^/    /'
}

# While a step runs: its name, how long so far, and where it has got to, by its
# log or by the file that step_watch names.
ticker() {
	local name=$1 log=$2 start=$SECONDS

	while sleep 15 >/dev/null 2>&1; do
		printf '  ...  %s: %d s, %d lines, %.50s\n' "$name" \
			$((SECONDS - start)) "$(wc -l <"$log")" \
			"$(tail -n 1 "$log" | tr -d '\r' | tr '\t' ' ')" 2>/dev/null
	done
}

# step NAME COMMAND...: run COMMAND (or a function); on failure, say why.
step() {
	local name=$1 log job status=0 start=$SECONDS tick=''

	shift
	mkdir -p "$logs"
	log=$logs/$(printf %s "$name" | tr -cs 'A-Za-z0-9_.+\n-' '-').log
	: >"$log"
	# In the background, because set -e is ignored left of ||. (Where step
	# itself stands left of ||, a function has to get by without set -e.)
	(set -e; "$@") </dev/null >"$log" 2>&1 &
	job=$!
	if [ -n "$V" ]; then
		say "  ...  $name"
		tail -n +1 -s 0.2 -f --pid=$job "$log"
	else
		ticker "$name" "${step_watch:-$log}" &
		tick=$!
	fi
	wait $job || status=$?
	if [ -n "$tick" ]; then
		kill "$tick"
		wait "$tick" 2>/dev/null || true
	fi
	if [ "$status" = 0 ]; then
		printf '%5d s  %s\n' $((SECONDS - start)) "$name"
		return 0
	fi
	printf '%5d s  %s: FAILED (status %d)\n' $((SECONDS - start)) "$name" "$status"
	matter "$log"
	say "    whole log: $log"
	return "$status"
}

# private_apt ARCHITECTURES COMMAND...: apt with lists of its own below $O. It
# needs no root, and can know of i386 without dpkg being told.
private_apt() {
	local dir=$O/apt-$1 archs=$1

	shift
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	apt-get -q -o Dir::State="$dir/state" -o Dir::Cache="$dir/cache" \
		-o Dir::State::status=/dev/null -o APT::Sandbox::User= \
		-o APT::Architecture="${archs%,*}" \
		-o APT::Architectures="$archs" "$@"
}

# fetch_deb PACKAGE[:i386]: download its .deb into the current directory, by
# the lists this machine has, else by fresh ones of our own. One index out of
# several may be in flux on the mirror: what counts is the download.
fetch_deb() {
	local archs

	apt-get -q download "$1" 2>/dev/null && return
	archs=$(dpkg --print-architecture)
	case $1 in *:i386) archs=$archs,i386 ;; esac
	private_apt "$archs" download "$1" 2>/dev/null && return
	private_apt "$archs" update || true
	private_apt "$archs" download "$1"
}
