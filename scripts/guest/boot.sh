#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boot the guest on a directory of files, one of which is /job, and return
# what /job returned; 125 if the guest did not get that far, or its kernel
# complained.
# usage: boot.sh [-i] [-k KERNEL-DIR] [-t SECONDS] [-n NAME] [-q] [-x WORDS] DIRECTORY
#   -i: an interactive shell instead of /job; -q: do not judge the kernel's log
#   -x: more arguments for QEMU

. "$(dirname "$0")/../common.sh"

kernel=$(kernel_name)
limit=600 name=run interactive='' judge=1 more=()
while getopts ik:n:t:qx: opt; do
	case $opt in
	i) interactive=1 ;;
	k) kernel=$OPTARG ;;
	n) name=$OPTARG ;;
	t) limit=$OPTARG ;;
	q) judge= ;;
	x) read -r -a more <<<"$OPTARG" ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
extra=$1

case $ARCH in
i386 | x86_64) qemu="qemu-system-$ARCH" ;;
*) die "ARCH=$ARCH: no guest for it yet" ;;
esac
command -v "$qemu" >/dev/null || die "$qemu is not installed"

"$top/scripts/guest/initramfs.sh"
mkdir -p "$logs"
console=$logs/$name.console
work=$(scratch guest)
trap 'rm -rf "$work"; [ -z "${cat-}" ] || kill "$cat" 2>/dev/null || true' EXIT

# Archives may follow each other: the unchanging one first.
pack() { (cd "$1" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet); }
[ -z "$interactive" ] || : >"$extra/interactive"
{ cat "$O/initramfs.cpio"; pack "$extra"; } >"$work/initrd"
echo failed >"$work/verdict"

# What TCG shows as the time stamp counter is the host's, if that has one. On a busy
# host the guest finds out wrongly how fast it runs, by a factor even, or believes
# later that it is not to be trusted; then the guest's clock runs too fast, or too
# slow, with all time limits there. So the guest is told.
clock=
tsc_khz() {
	local prog=$O/tsc-khz src=$top/scripts/guest/tsc-khz.c

	case $(uname -m) in x86_64 | i?86) ;; *) return 1 ;; esac
	[ "$prog" -nt "$src" ] || cc -O1 -o "$prog" "$src" || return
	"$prog"
}
case $ACCEL,${more[*]-} in
*-icount*) ;;
tcg,*) ! khz=$(tsc_khz 2>/dev/null) || clock="tsc_early_khz=$khz tsc=reliable" ;;
esac

# KCSAN warns of others' races, too, which log-check.sh leaves out.
warn=1
! grep -qx CONFIG_KCSAN=y "$O/$kernel/.config" || warn=0
# The MP table lists sockets, not cores: hence sockets= below. On a busy host
# ticks may be too late for the test of the IO-APIC, which then panics.
# There a processor may also stand still for longer than the kernel's detectors of
# lockups and stalls wait, which is 20 seconds: a minute. What hangs, hangs longer.
patience="watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60"
append="console=ttyS0 loglevel=5 panic=-1 oops=panic panic_on_warn=$warn no_timer_check $clock $patience ${APPEND-}"
args=(-accel "$ACCEL" -cpu "$CPU" -smp "$SMP,sockets=$SMP" -m "$MEM" -display none
	-no-reboot -nodefaults -no-user-config -net none
	-kernel "$O/$kernel/arch/x86/boot/bzImage" -initrd "$work/initrd"
	-chardev "file,id=verdict,path=$work/verdict"
	-serial "file:$console" -pidfile "$work/pid" "${more[@]}")

if [ -n "$interactive" ]; then
	if [ -t 0 ]; then
		size=$(stty size) || size="0 0"
		[ "$size" != "0 0" ] || size="24 80"
		append+=" ROWS=${size% *} COLS=${size#* } TERM=${TERM:-linux}"
	fi
	args+=(-chardev 'stdio,id=out,signal=off')
	limit=0
else
	mkfifo "$work/out.in" "$work/out.out"
	cat "$work/out.out" &
	cat=$!
	args+=(-chardev "pipe,id=out,path=$work/out")
fi

# The guest's timers come from QEMU's main thread, and where there are no more
# processors than the guest has that one waits for milliseconds, until one of the
# guest's is taken off its own. It has little to do: where it may, it comes first.
timers_first() {
	local pid='' n tasks=()

	# Not before there are the guest's processors: they would be made alike.
	for ((n = 0; n < 100 && ${#tasks[@]} < SMP + 2; n++)); do
		sleep 0.1
		pid=$(cat "$work/pid") || continue
		tasks=("/proc/$pid/task/"*)
	done
	chrt --fifo --pid 1 "$pid" || true
}
[ "$ACCEL" != tcg ] || timers_first >"$work/chrt" 2>&1 &
status=0
timeout --foreground -k 5 "$limit" "$qemu" "${args[@]}" -append "$append" \
	-serial chardev:out -serial chardev:verdict 2>"$work/stderr" || status=$?
if [ -z "$interactive" ]; then
	# Nothing is left in the pipe when cat has seen its end.
	[ "$status" = 0 ] || kill "$cat" 2>/dev/null || true
	wait "$cat" 2>/dev/null || true
	cat=
fi

read -r verdict code <"$work/verdict" || true
trouble=
if [ "$status" = 124 ]; then
	trouble="not done after $limit s"
elif [ "$status" != 0 ]; then
	trouble="$qemu: $(tail -n 1 "$work/stderr")"
elif [ "$verdict" != exit ]; then
	trouble="the kernel died or rebooted"
fi
if [ -n "$judge" ] && ! complaints=$("$top/scripts/guest/log-check.sh" "$console"); then
	trouble="${trouble:+$trouble; }the kernel complained"
fi
if [ -n "$trouble" ]; then
	printf 'guest: %s\n' "$trouble" >&2
	[ -z "${complaints-}" ] || printf '%s\n' "$complaints" >&2
	printf 'guest: whole console: %s\n' "$console" >&2
	exit 125
fi
[ -z "${complaints-}" ] || printf '%s\n' "$complaints" >&2
exit "${code:-125}"
