# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced after common.sh: what the series is made of.
#
# scripts/series/messages/NN-topic.msg is a commit message: a subject, an empty
# line, a body. Lines "New: PATH" name the files that the topic adds, as paths
# in the kernel tree (shell patterns will do); they don't go into the message.
# scripts/bases/BASE/NN-topic.diff has the topic's changes to existing files.

# shellcheck disable=SC2154 # common.sh sets top
messages=$top/scripts/series/messages
hooks=$top/scripts/bases/$BASE
export patches=$top/patches/$BASE
# shellcheck source=scripts/bases/6.12/base.conf
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

# Which topic each new file belongs to: the first that names it, so that the last
# of several can take what is left.
all_new=()
declare -A topic_of=()
claim_files() {
	local t pattern f found

	mapfile -t all_new < <(new_files)
	topic_of=()
	for t in $(topics); do
		while read -r pattern; do
			found=
			for f in "${all_new[@]}"; do
				# shellcheck disable=SC2254 # it is a pattern
				case $f in $pattern) found=1; : "${topic_of[$f]:=$t}" ;; esac
			done
			[ -n "$found" ] || note "$t: there is no $pattern"
		done < <(sed -n 's/^New: *//p' "$messages/$t.msg")
	done
}

# The new files of one topic, of those that were claimed.
topic_files() {
	local f

	for f in "${all_new[@]}"; do
		[ "${topic_of[$f]-}" != "$1" ] || echo "$f"
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

# Each new file must be in a topic, or the series would not be complete.
check_topics() {
	local f left=()

	claim_files
	for f in "${all_new[@]}"; do
		[ -n "${topic_of[$f]-}" ] || left+=("$f")
	done
	[ ${#left[@]} = 0 ] || die "in no topic: ${left[*]}"
}

# assemble DIR: the touched files and the new ones, patched, and nothing else;
# no further than topic UPTO, if that is set.
assemble() {
	local t f

	claim_files
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
