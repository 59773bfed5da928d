#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the Debian packages that something needs, if any is missing.
# usage: deps.sh SET...   (the names below)

. "$(dirname "$0")/common.sh"

declare -A set=(
	[series]="git patch perl xz-utils"
	[kernel]="make gcc libc6-dev flex bison bc libelf-dev libssl-dev cpio
		  xz-utils kmod rsync perl"
	[programs]="make gcc g++ gcc-multilib g++-multilib pkg-config"
	[deb]="debhelper dpkg-dev fakeroot lintian binutils-i686-linux-gnu"
	[guest]="qemu-system-x86 cpio"
	[bisect]="ccache sparse"
	[model]="spin gcc libc6-dev g++ relacy-dev"
	[coverage]="lcov gcc"
	[demo]="gnuplot-nox fonts-dejavu-core"
	[pictures]="gnuplot-nox graphviz fonts-dejavu-core"
	[bench]="python3 gnuplot-nox gdb"
	[fibers]="libboost-fiber-dev"
	[check]="python3 sparse mandoc file gdb clang shellcheck"
)

want=()
for s; do
	[ -n "${set[$s]-}" ] || die "deps.sh: no set of packages named $s"
	read -r -d '' -a words <<<"${set[$s]}" || true
	want+=("${words[@]}")
done

if ! command -v dpkg-query >/dev/null; then
	note "not Debian: what is needed is ${want[*]}, by whatever name"
	exit 0
fi

missing=()
for p in "${want[@]}"; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
	installed) ;;
	*) case " ${missing[*]-} " in *" $p "*) ;; *) missing+=("$p") ;; esac ;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
	root=(env)
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	root=(sudo env)
else
	die "these packages are missing, and neither root nor sudo is here to
install them: apt-get install ${missing[*]}"
fi

apt_install() {
	"${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}

install_missing() {
	# Fresh machines have no package lists; old lists name gone versions.
	apt_install "${missing[@]}" ||
		{ "${root[@]}" apt-get -q update && apt_install "${missing[@]}"; }
}

# Ask for a password here, where there is a terminal, and not in the step.
[ "${root[0]}" = env ] || sudo -v
step "install ${#missing[@]} packages" install_missing
