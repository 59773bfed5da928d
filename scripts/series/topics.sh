# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced after common.sh: what the series is made of.
#
# scripts/hooks/series/NN-topic.msg is a commit message: a subject, an empty
# line, a body. Lines "New: PATH" name the files that the topic adds, as paths
# in the kernel tree (shell patterns will do); they don't go into the message.
# scripts/hooks/BASE/NN-topic.diff has the topic's changes to existing files.

# shellcheck disable=SC2154 # common.sh sets top
messages=$top/scripts/hooks/series
hooks=$top/scripts/hooks/$BASE
export patches=$top/patches/$BASE
# shellcheck source=scripts/hooks/6.12/base.conf
. "$hooks/base.conf" # release, debian

topics() {
	local f

	for f in "$messages"/[0-9][0-9]-*.msg; do
		f=${f##*/}
		case $f in 00-*) ;; *) echo "${f%.msg}" ;; esac
	done
}

# Every new file, as a path in the kernel tree, without editors' leavings. The
# models stay here: kselftests run programs, and want no spin to be installed. So
# does what is written for syzkaller, which has a tree of its own.
new_files() {
	cd "$top" || return
	find linux-overlay selftests Documentation Kconfig.upcall -type f \
		! -name '*~' ! -name '*.o' ! -name '*.orig' ! -name '*.rej' \
		\( ! -name '.*' -o -name .gitignore \) \
		! -path 'selftests/model/*' ! -path 'selftests/syzkaller/*' \
		\( ! -path 'Documentation/*' -o -path '*/userspace-api/*' \) |
		sed -e 's,^linux-overlay/,,' \
		    -e 's,^selftests/,tools/testing/selftests/upcall/,' \
		    -e 's,^Kconfig.upcall$,kernel/Kconfig.upcall,' | sort
}

# Where the source of a new file is.
source_of() {
	case $1 in
	tools/testing/selftests/upcall/*) echo "$top/selftests/${1#tools/testing/selftests/upcall/}" ;;
	kernel/Kconfig.upcall) echo "$top/Kconfig.upcall" ;;
	Documentation/userspace-api/*) echo "$top/$1" ;;
	*) echo "$top/linux-overlay/$1" ;;
	esac
}

all_new=()	# what new_files said, once it was asked

# The new files of one topic.
topic_files() {
	local pattern f found

	[ ${#all_new[@]} -gt 0 ] || mapfile -t all_new < <(new_files)
	sed -n 's/^New: *//p' "$messages/$1.msg" | while read -r pattern; do
		found=
		for f in "${all_new[@]}"; do
			# shellcheck disable=SC2254 # it is a pattern
			case $f in $pattern) echo "$f"; found=1 ;; esac
		done
		[ -n "$found" ] || note "$1: there is no $pattern"
	done
}

# The existing files that the hooks of all topics touch.
touched() {
	local f

	for f in "$hooks"/[0-9]*.diff; do
		sed -n 's,^--- a/\([^[:space:]]*\).*,\1,p' "$f"
	done | sort -u
}

# topic_apply TOPIC DIR: make one topic's changes in DIR. No fuzz: a hunk may
# have moved, but what is around it must be what it was written for.
topic_apply() {
	local f said

	if [ -s "$hooks/$1.diff" ]; then
		said=$(patch -d "$2" -p1 -F0 --no-backup-if-mismatch \
			-r - <"$hooks/$1.diff") || die "$hooks/$1.diff does not fit:
$(awk '/^patching file/ { f = $3 } /FAILED at/ { print "    " f ": " $0 }' <<<"$said")"
	fi
	topic_files "$1" | while read -r f; do
		mkdir -p "$2/$(dirname "$f")"
		cp "$(source_of "$f")" "$2/$f"
	done
}

# Each new file must be in one topic, or the series would not be complete.
check_topics() {
	local t

	for t in $(topics); do topic_files "$t"; done | sort >"$1"
	new_files | diff - "$1" >"$1.diff" || die "not in exactly one topic:
$(grep '^[<>]' "$1.diff")"
}

# assemble DIR: the touched files and the new ones, patched, and nothing else;
# no further than topic UPTO, if that is set.
assemble() {
	local t f

	mapfile -t all_new < <(new_files)

	touched | while read -r f; do
		mkdir -p "$1/$(dirname "$f")"
		cp "$O/pristine/$f" "$1/$f"
	done
	for t in $(topics); do
		topic_apply "$t" "$1"
		[ "$t" != "${UPTO-}" ] || break
	done
}

# Bring the pristine files here, and say so if the series is for others.
get_pristine() {
	local -a files

	mapfile -t files < <(touched)
	"$top/scripts/source.sh" pristine Makefile "${files[@]}"
	have=$(sed -n '/^VERSION *=/,/^SUBLEVEL *=/s/.*= *//p' "$O/pristine/Makefile" |
		paste -sd.)
	# shellcheck disable=SC2154 # base.conf sets release
	[ "$have" = "$release" ] || note "the series was made for $release, this source is $have:
      where a hunk has moved it is applied with an offset"
}
