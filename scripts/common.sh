# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by the scripts here: settings, messages, and step(), which runs
# something long with its output in a log and little on the terminal.

set -euo pipefail
shopt -s nullglob

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The defaults are the Makefile's; they stand here too for scripts run by hand.
default_base=6.12
BASE=${BASE:-$default_base}
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

# place BASE: the directory of a base in the build directory. The default one has
# it all, others a directory below, unless it was theirs from the beginning.
place() {
	case $1,$(cat "$UPCALL_O/src/from" 2>/dev/null) in
	"$default_base,"* | "$1,$1 "*) echo "$UPCALL_O" ;;
	*) echo "$UPCALL_O/$1" ;;
	esac
}

# Scripts call others, some with an O of their own choice: only the first asks.
if [ -z "${UPCALL_O-}" ]; then
	export UPCALL_O=$O
	O=$(place "$BASE")
fi
export BASE ARCH SMP MEM CPU ACCEL KERNEL_SRC CONFIG DEBUG JOBS V O
[ "$DEBUG" != 0 ] || DEBUG=
[ "$V" != 0 ] || V=

# Options of the calling make must not reach the makes that are called.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL GNUMAKEFLAGS

# Where the kernel's objects are kept, if there is ccache: see kmake.
export CCACHE_DIR=${CCACHE_DIR:-$UPCALL_O/ccache} CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-4G}

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

# kmake OUT ...: the kernel's make, for $tree, with ccache where there is one.
# kbuild builds again what was built by another command, so ccache goes by the
# compiler's name: gcc is found in a directory before that of the compiler. With
# KERNEL_CC, another compiler, the choice is whose name it is.
kmake() {
	local masks=$UPCALL_O/ccache-bin ccache

	if [ -z "${KERNEL_CC-}" ] && ccache=$(command -v ccache); then
		mkdir -p "$masks"
		ln -sfn "$ccache" "$masks/gcc"
		local -x PATH=$masks:$PATH CCACHE_BASEDIR=${CCACHE_BASEDIR:-$O}
	fi
	cleanmake -C "$tree" O="$1" ARCH="$ARCH" \
		${KERNEL_CC:+CC="$KERNEL_CC"} "${@:2}"
}

# When something is measured, of which commit and on what: a line for "measured".
measured() {
	local commit

	# The last one that has changed what is measured.
	commit=$(git -C "$top" log -1 --abbrev=12 --format=%h -- linux-overlay libupcall 2>/dev/null)
	[ -z "$(git -C "$top" status --porcelain -uno -- linux-overlay libupcall 2>/dev/null)" ] ||
		commit="$commit, changed"
	printf '%s\t%s\tLinux %s\t%s\t%s\n' "$(date -u +%F)" "${commit:--}" \
		"$(cat "$O/src/version" 2>/dev/null || echo "$BASE")" \
		"$(qemu-system-i386 --version | sed -n 's/.*version \([0-9.]*\).*/QEMU \1/p')" \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p), $(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg)"
}

# Which programs are tests the makefiles know, once they are built: the kernel's
# that of the selftests, the library's by targets of its own.
selftests() {
	cleanmake -s -C "$tree/tools/testing/selftests/upcall" \
		OUTPUT="$O/selftests" emit_tests | sed "s,^[^:]*:,$O/selftests/,"
}
library() { cleanmake -s --no-print-directory -C "$top/libupcall" O="$O/libupcall" "$@"; }
library64() { library O="$O/libupcall-x86_64" BITS=64 "$@"; }

# The 64-bit library's tests where they can run; libupcall-mn's if there is one.
libtests64() { [ "$ARCH" != x86_64 ] || library64 print-tests; }
mntests64() {
	[ "$ARCH" != x86_64 ] || [ ! -d "$O/libupcall-x86_64/mn" ] ||
		library64 print-mn-tests print-mn-programs
}

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

# failures LIST PART LOG: what has failed in a part, on standard input, is put on
# the list of all that has.
failures() {
	awk -v part="$2" -v file="${3#"$top"/}" \
		'{ printf "%s: %.100s (%s)\n", part, $0, file }' >>"$1"
}

# The list, for the end; the whole of it may be long.
show_failures() {
	local n

	n=$(grep -c '' "$1" 2>/dev/null) || return 0
	say "failed:"
	head -n 20 "$1" | sed 's/^/    /'
	[ "$n" -le 20 ] || say "    and $((n - 20)) more: $1"
}

debian_keys=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of Debian that this machine's apt uses, unless DEBIAN_MIRROR says.
debian_mirror() {
	[ -z "${DEBIAN_MIRROR-}" ] || { echo "$DEBIAN_MIRROR"; return; }
	# shellcheck disable=SC2016 # apt's $
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
		sed -n '/\/debian\/*$/{p;q}' | grep . ||
		die "this machine's apt knows no mirror of Debian: say DEBIAN_MIRROR=ADDRESS"
}

# private_apt ARCHITECTURES SUITE COMMAND...: apt with lists of its own below $O,
# of that suite of Debian alone, or ('') of what the machine's apt has. It needs
# no root, changes nothing on the machine, and can know of i386 without dpkg
# being told. With apt=apt-cache it is that.
private_apt() {
	local archs=$1 suite=$2 dir=$O/apt-${2:+$2-}$1 mirror signed='' sources=()

	shift 2
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	if [ -n "$suite" ]; then
		mirror=$(debian_mirror) || return
		[ ! -f "$debian_keys" ] || signed="[signed-by=$debian_keys] "
		echo "deb $signed$mirror $suite main" >"$dir/sources.list"
		sources=(-o Dir::Etc::sourcelist="$dir/sources.list"
			 -o Dir::Etc::sourceparts=-)
	fi
	${apt:-apt-get} -q -o Dir::State="$dir/state" -o Dir::Cache="$dir/cache" \
		-o Dir::State::status=/dev/null -o APT::Sandbox::User= \
		-o APT::Architecture="${archs%,*}" \
		-o APT::Architectures="$archs" "${sources[@]}" "$@"
}

# fetch_deb PACKAGE[:i386] [SUITE]: download its .deb into the current directory,
# by the lists this machine has, else by fresh ones of our own: of what the
# machine's apt has, or of a suite of Debian that it need not have. One index out
# of several may be in flux on the mirror: what counts is the download.
fetch_deb() {
	local archs suite=${2-}

	apt-get -q download "$1" 2>/dev/null && return
	archs=$(dpkg --print-architecture)
	case $1 in *:i386) archs=$archs,i386 ;; esac
	private_apt "$archs" "$suite" download "$1" 2>/dev/null && return
	private_apt "$archs" "$suite" update || true
	private_apt "$archs" "$suite" download "$1"
}
