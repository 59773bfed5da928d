#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Show upcalls at work: libupcall's demonstration, in the guest.

. "$(dirname "$0")/common.sh"

demo=$O/libupcall/examples/demo
[ -x "$demo" ] || die "libupcall has no demonstration yet"
ARGS='' exec "$top/scripts/guest/run.sh" "$demo"
