#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Configure and build the guest's kernel out of the patched tree.
# usage: kernel.sh [small|off]
#   small: without what only some programs use, as that builds in half the time
#   off: small, and CONFIG_UPCALL unset

. "$(dirname "$0")/../common.sh"

name=$(kernel_name)
[ -f "$top/scripts/guest/$ARCH.config" ] ||
	die "ARCH=$ARCH: there is no scripts/guest/$ARCH.config"
fragments=()

# What X.config asks for, and what X-$BASE.config changes in that: options have
# other names in some releases.
fragment() {
	fragments+=("$top/scripts/guest/$1.config")
	[ ! -f "$top/scripts/guest/$1-$BASE.config" ] ||
		fragments+=("$top/scripts/guest/$1-$BASE.config")
}

fragment guest
[ -n "${1-}" ] || fragment features
fragment "$ARCH"
# Early in the series no machine has upcalls, and the option cannot be set.
! grep -q HAVE_UPCALL "$tree/arch/x86/Kconfig" || fragments+=("$top/selftests/config")
for c in ${DEBUG:+debug fault} ${CONFIG//,/ }; do
	[ -f "$top/scripts/guest/$c.config" ] ||
		die "CONFIG=$c: there is no scripts/guest/$c.config"
	fragment "$c"
done
case ${1-} in
'') ;;
small) name=$name-small ;;
off)
	name=$name-off
	fragment off
	;;
*) die "kernel.sh: what is $1?" ;;
esac
out=$O/$name
# kbuild knows its source as ".." if it builds in a directory of it: then what it
# keeps does not say where that is, and a copy of all need not be built again. What
# gcov counts goes by the whole path, and stays out of the tree.
if [ ! -d "$out" ] && [[ $name != *gcov* ]]; then
	mkdir -p "$tree/$name"
	ln -sfn "${tree##*/}/$name" "$out"
fi
mkdir -p "$out"
# But objtool is built with whole paths, and all objects again when it is.
place=$(realpath "$out")
was=$(cat "$out/.place" 2>/dev/null || echo "$place")
if [ "$was" != "$place" ] && [ -d "$out/tools" ]; then
	find "$out/tools" -name '.*' -type f -exec sed -i "s,${was%/*}/,${place%/*}/,g" {} +
fi
echo "$place" >"$out/.place"

# One setting a symbol; the last fragment that sets it wins. "CONFIG_X=" takes
# the setting back.
merge() {
	awk -F= '/^CONFIG_/ { v[$1] = $0 }
		END { for (k in v) if (v[k] !~ /=$/) print v[k] }' "$@" | sort
}

# What was asked for and is not there was left out by a dependency.
verify() {
	local line missing=0

	while read -r line; do
		case $line in
		*=n) ! grep -q "^${line%=n}=" "$out/.config" && continue ;;
		*) grep -qxF "$line" "$out/.config" && continue ;;
		esac
		say "error: $line did not take effect"
		missing=1
	done <"$out/wanted.config"
	return $missing
}

configure() {
	kmake "$out" KCONFIG_ALLCONFIG="$out/wanted.config" allnoconfig && verify
}

merge "${fragments[@]}" >"$out/wanted.new"
if ! cmp -s "$out/wanted.new" "$out/wanted.config" || [ ! -f "$out/.config" ]; then
	mv "$out/wanted.new" "$out/wanted.config"
	step "configure $name" configure || { rm -f "$out/.config"; exit 1; }
fi
rm -f "$out/wanted.new"

# Coverage is of our files. Makefiles that say which are a kernel's own; what
# the command line says goes before them.
flags=()
if grep -qx CONFIG_GCOV_KERNEL=y "$out/.config"; then
	# shellcheck disable=SC2016 # make's $
	flags=('GCOV_PROFILE=$(if $(filter kernel/upcall/%.o arch/x86/kernel/upcall.o,$@),y)')
fi
step "build $name" kmake "$out" -j"$JOBS" "${flags[@]}" bzImage
