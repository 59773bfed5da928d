# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced after topics.sh: the series as commits, one a topic, in a repository
# that holds just the files concerned. The commit before the first is tagged
# start.

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

# git in the repository.
g() { git -C "$repo" -c core.autocrlf=false "$@"; }

# The message of a topic, without what is for us, nor empty lines at its end.
# shellcheck disable=SC2154 # topics.sh sets messages
body() { sed '/^New:/d' "$messages/$1.msg" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }

# make_repo DIRECTORY NAME ADDRESS [FILTER]: everything by that author, the dates
# a minute apart from $day on. FILTER is run on each file that a topic changes.
make_repo() {
	local t f

	repo=$1/repo
	export GIT_AUTHOR_NAME=$2 GIT_AUTHOR_EMAIL=$3
	export GIT_COMMITTER_NAME=$2 GIT_COMMITTER_EMAIL=$3
	check_topics
	git init -q -b series "$repo"
	mkdir "$1/plain"
	while read -r f; do
		mkdir -p "$1/plain/$(dirname "$f")"
		cp "$O/pristine/$f" "$1/plain/$f"
	done < <(touched)
	cp -a "$1/plain/." "$repo"
	g add -f -A
	# shellcheck disable=SC2154 # base.conf sets release
	commit --allow-empty -m "Linux $release"
	g tag start
	for t in $(topics); do
		topic_apply "$t" "$1/plain"
		cp -a "$1/plain/." "$repo"
		[ -z "${4-}" ] || "$4"
		g add -f -A
		{ body "$t"; printf '\nSigned-off-by: %s <%s>\n' "$2" "$3"; } >"$1/message"
		commit -F "$1/message" || die "$t changes nothing"
	done
}

commit() {
	day=$((day + 60))
	GIT_AUTHOR_DATE="$day +0000" GIT_COMMITTER_DATE="$day +0000" g commit -q "$@"
}

# make_patches OPTIONS...: as files, the same bytes each time.
make_patches() {
	g format-patch -q --zero-commit --no-signature --full-index --no-renames \
		-U3 --diff-algorithm=myers --src-prefix=a/ --dst-prefix=b/ \
		--stat=72 "$@" start
}
