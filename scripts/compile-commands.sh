#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make compile_commands: compile_commands.json, for clangd and its like.

. "$(dirname "$0")/common.sh"

cleanmake -nB -C "$top/libupcall" O="$O/libupcall" V=1 all tests 2>/dev/null |
	python3 "$top/scripts/compile-commands.py" "$top" "$tree" "$O/$(kernel_name)"
