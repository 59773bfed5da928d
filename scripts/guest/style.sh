#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Our kernel files by the kernel's own checkers: W=1 and sparse are silent,
# kernel-doc has nothing to say. Prints TAP.
# usage: style.sh [small]   (the kernel that was built, as kernel.sh has it)

. "$(dirname "$0")/../common.sh"

out=$O/$(kernel_name)${1:+-$1}
mapfile -t files < <(cd "$top/linux-overlay" && find . -name '*.[chS]' | sed 's,^\./,,' | sort)
n=0 failed=0

check() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		say "ok $n - $1"
	else
		say "not ok $n - $1"
		printf '%s\n' "$2" | head -n 20 | sed 's/^/# /'
		failed=1
	fi
}

# Only what is said of our files counts; the rest is the kernel's.
ours() { grep -F "$(printf '%s\n' "${files[@]}")" || true; }

objects=()
for f in "${files[@]}"; do
	case $f in *.c) objects+=("${f%.c}.o") ;; esac
done

say "1..$((2 + ${#files[@]}))"
# An object has to be compiled for its compiler to speak.
for o in "${objects[@]}"; do rm -f "$out/$o"; done
said=$(kmake "$out" W=1 "${objects[@]}" 2>&1) ||
	said="$said
make failed: ${objects[*]}"
check "W=1 is silent" "$(grep -E 'warning:|error:|make failed' <<<"$said" || true)"
said=$(kmake "$out" C=2 CF=-D__CHECK_ENDIAN__ \
	"${objects[@]}" 2>&1) || said="$said
make failed: ${objects[*]}"
check "sparse is silent" "$(grep -E 'warning:|error:|make failed' <<<"$said" | ours)"
for f in "${files[@]}"; do
	check "kernel-doc: $f" "$(cd "$tree" && perl scripts/kernel-doc -none -Werror "$f" 2>&1)"
done
exit $failed
