#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build libupcall with its examples and tests in $O/libupcall.

. "$(dirname "$0")/common.sh"

lmake() { cleanmake -C "$top/libupcall" O="$O/libupcall" ${V:+V=1} -j"$JOBS" "$@"; }
build() { lmake all; lmake examples; lmake tests; }

step "build libupcall" build
