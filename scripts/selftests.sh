#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the selftests out of the patched tree, as a kernel developer would,
# against that tree's own headers: in both widths with ARCH=x86_64.

. "$(dirname "$0")/common.sh"

dir=$tree/tools/testing/selftests/upcall
[ -d "$dir" ] || die "the series has no selftests yet"

headers() { cleanmake -C "$tree" O="$O/headers" ARCH="$ARCH" -j"$JOBS" headers; }
build() {
	cleanmake -C "$dir" ARCH="$ARCH" OUTPUT="$O/selftests" -j"$JOBS" \
		KHDR_INCLUDES="-isystem $O/headers/usr/include"
}

# The headers take seconds even when nothing has changed: ask the tree.
mkdir -p "$O/selftests"
if [ ! -f "$O/headers/done" ] || [ "$O/tree.sums" -nt "$O/headers/done" ]; then
	step "install the kernel's headers" headers
	touch "$O/headers/done"
fi
# What has another name now would go along for nothing.
find "$O/selftests" -maxdepth 1 -type f ! -name '*_32' ! -name '*_64' -delete
step "build the selftests" build
