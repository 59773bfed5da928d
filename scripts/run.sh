#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run an i386 program of one's own in the guest. Its output is this script's, and
# its exit status too (make's own, after an error, is always 2).
# usage: run.sh PROGRAM [ARGUMENT...]   (variables as for make run: ARCH=x86_64 run.sh ...)

. "$(dirname "$0")/common.sh"

# What is said while preparing is not the program's output.
{
	"$top/scripts/deps.sh" kernel series guest
	"$top/scripts/tree.sh"
	"$top/scripts/guest/kernel.sh"
} >&2
exec "$top/scripts/guest/run.sh" "$@"
