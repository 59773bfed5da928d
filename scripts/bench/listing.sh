#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Print where the instructions of an operation go: how many each function of
# the kernel and of the program takes, found by stepping through one in gdb.
# usage: listing.sh [OPERATION...]   functions of libupcall/bench/own.c

. "$(dirname "$0")/../common.sh"

[ $# -gt 0 ] || set -- way_b way_a
kernel=$(kernel_name)-small
dir=$(scratch listing)
trap 'rm -rf "$dir"; [ -z "${guest-}" ] || kill "$guest" 2>/dev/null || true' EXIT
mkdir "$dir/guest"
prog=$O/libupcall/bench/bench
[ "$ARCH" = i386 ] || prog=$O/libupcall-$ARCH/bench/bench
cp "$prog" "$dir/guest/bench"
printf '#!/bin/sh\nexec /bench count\n' >"$dir/guest/job"
chmod +x "$dir/guest/job"

for op; do
	rm -f "$dir/gdb"
	SMP=1 CPU=max "$top/scripts/guest/boot.sh" -n listing -k "$kernel" -x \
		"-S -chardev socket,path=$dir/gdb,server=on,wait=off,id=gdb -gdb chardev:gdb" \
		"$dir/guest" >/dev/null 2>&1 &
	guest=$!
	until [ -S "$dir/gdb" ]; do
		sleep 0.1
		kill -0 $guest 2>/dev/null || die "the guest did not start"
	done
	say "$op:"
	LISTING_OP=$op LISTING_SOCKET=$dir/gdb LISTING_VMLINUX=$O/$kernel/vmlinux \
		LISTING_PROG=$prog gdb -nx -batch \
		-x "$top/scripts/bench/listing.py" >"$dir/out" 2>&1 || true
	sed -n 's/^listing//p' "$dir/out"
	grep -q '^listing' "$dir/out" || die "gdb: $(tail -n 3 "$dir/out")"
	wait $guest || true
	guest=
done
