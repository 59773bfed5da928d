#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run one program of the user's in the guest; its output and exit status come
# back. ARGS are its arguments if none are given, RUNENV what to add to its
# environment.
# usage: run.sh PROGRAM [ARGUMENT...]

. "$(dirname "$0")/../common.sh"
# shellcheck source=scripts/guest/put.sh
. "$top/scripts/guest/put.sh"

prog=${1-}
[ -n "$prog" ] || die "usage: make run PROG=path [ARGS='arguments']"
[ -f "$prog" ] || die "PROG=$prog: no such file"
[ -r "$prog" ] || die "PROG=$prog: may not be read"
prog=$(realpath -s "$prog")
dir=$(scratch run)
trap 'rm -rf "$dir"' EXIT

if [ "$(head -c 2 "$prog")" = '#!' ]; then
	put "$prog"
	chmod +x "$dir/$prog"
	shell=$(sed -n '1s/^#! *\([^ ]*\).*/\1/p' "$prog")
	case $shell in
	/bin/sh | /bin/ash) ;; # the guest has them
	*) put_program "$shell" ;;
	esac
else
	put_program "$prog"
fi

shift
# As make does with its own variables: the shell's quotes count.
[ $# -gt 0 ] || eval "set -- ${ARGS-}"
{
	echo '#!/bin/sh'
	[ -z "${LD_LIBRARY_PATH-}" ] || printf 'export LD_LIBRARY_PATH=%q\n' "$LD_LIBRARY_PATH"
	[ -z "${RUNENV-}" ] || printf 'export %s\n' "$RUNENV"
	printf 'exec'
	printf " '%s'" "${prog//\'/\'\\\'\'}" "${@//\'/\'\\\'\'}"
	echo
} >"$dir/job"
chmod +x "$dir/job"
status=0
"$top/scripts/guest/boot.sh" -n run -t "${TIMEOUT:-0}" "$dir" || status=$?
[ $status = 0 ] || say "${prog##*/}: exit status $status" >&2
exit $status
