# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The series as commits; source lib.sh, base.sh, series.sh and backport.sh first.
# Wants REPO, a git directory's work tree that has the objects of the base, and
# WORK, a folder for temporary files.
#
# An index with only the files concerned takes the patches and the overlay, git
# fast-import makes whole trees of it: a full index of a kernel would cost half
# a second for each step.

# shellcheck disable=SC2153  # BASE_COMMIT and BASE_VERSION come from base.sh
git_in()
{
	plain_git -C "$REPO" "$@"
}

git_ix()
{
	GIT_INDEX_FILE=$WORK/index git_in "$@"
}

# Set FILES, the paths that a patch changes.
read_touched()
{
	git_in apply --numstat --allow-empty "$TOP/patches/$1" > "$WORK/stat" 2> "$WORK/err" ||
		die "$1 is damaged: $(head -n 1 "$WORK/err")"
	mapfile -t FILES < <(cut -f 3 "$WORK/stat")
}

# Fill the index with those files of the base that the series touches.
fill_index()
{
	local patch paths=("${!OWNER[@]}")

	for patch in "${PATCHES[@]}"; do
		read_touched "$patch"
		paths+=("${FILES[@]}")
	done
	git_ix read-tree --empty
	[ ${#paths[@]} -eq 0 ] ||
		git_in ls-tree -r "$BASE_COMMIT" -- "${paths[@]}" | git_ix update-index --index-info
	LAST=$(git_ix write-tree)
}

# The hunk that git apply stopped at, from the message it printed.
show_reject()
{
	local file line

	grep '^error:' "$WORK/err" | sed 's/^/  /' >&2
	IFS=: read -r file line < <(sed -n 's/^error: patch failed: //p' "$WORK/err") || return 0
	awk -v file="$file" -v line="$line" '
		/^diff --git /	{ here = 0; hunk = 0 }
		/^--- /		{ here = $2 == "a/" file }
		/^@@ /		{ split($2, at, ","); hunk = here && at[1] == -line }
		hunk		{ print "  | " $0 }' "$1" >&2
}

add_overlay_files()
{
	local file mode

	while read -r file; do
		[ -n "$file" ] || continue
		[ -z "$(git_ix ls-files -- "$file")" ] ||
			die "$file exists in Linux $BASE_VERSION or comes from a patch: edit it in patches/, or give it another name"
		mode=100644
		[ ! -x "$TOP/$file" ] || mode=100755
		git_ix update-index --add --cacheinfo \
			"$mode,$(git_in hash-object -w --no-filters "$TOP/$file"),$file"
	done <<< "$1"
}

# Apply a patch to the index, and append the commit to the fast-import stream.
apply_patch()
{
	local patch=$1 file author subject date tree

	plain_git mailinfo -b "$WORK/body" "$WORK/diff" < "$TOP/patches/$patch" > "$WORK/info" ||
		die "$patch is not a mail with a patch"
	author="$(sed -n 's/^Author: //p' "$WORK/info") <$(sed -n 's/^Email: //p' "$WORK/info")>"
	subject=$(sed -n 's/^Subject: //p' "$WORK/info")
	date=$(sed -n 's/^Date: //p' "$WORK/info")
	{ [ "$author" != ' <>' ] && [ -n "$subject" ] && [ -n "$date" ]; } ||
		die "$patch lacks one of From:, Date:, Subject:"

	read_touched "$patch"
	for file in "${FILES[@]}"; do
		[ -z "${OWNER[$file]:-}" ] || die "$patch edits $file, an overlay file: edit the file itself"
	done
	adapt_diff "$patch"
	git_ix apply --cached --allow-empty --whitespace=nowarn "$WORK/diff" 2> "$WORK/err" || {
		show_reject "$WORK/diff"
		die "$patch does not apply to Linux $BASE_VERSION; ${TREE#"$TOP"/} is as it was"
	}
	add_overlay_files "${OVERLAY[$patch]:-}"

	tree=$(git_ix write-tree)
	[ "$tree" != "$LAST" ] || die "$patch changes nothing"
	{
		printf 'commit refs/rig/tip\nauthor %s %s\ncommitter %s %s\n' "$author" "$date" "$author" "$date"
		printf 'data <<END_OF_MESSAGE\n%s\n\n' "$subject"
		plain_git stripspace < "$WORK/body"
		printf 'END_OF_MESSAGE\n'
		[ "$patch" != "${PATCHES[0]}" ] || printf 'from %s\n' "$BASE_COMMIT"
		git_in diff-tree -r --no-renames "$LAST" "$tree" |
			sed -E 's/^:[0-9]+ 000000 [^\t]*\t/D /; s/^:[0-9]+ ([0-9]+) [0-9a-f]+ ([0-9a-f]+) [^\t]*\t/M \1 \2 /'
	} >> "$WORK/stream"
	LAST=$tree
}

# Set TIP, the last commit of the series on top of the base.
make_commits()
{
	local patch

	read_series
	add_backport
	fill_index
	: > "$WORK/stream"
	for patch in "${PATCHES[@]}"; do
		apply_patch "$patch"
	done
	# shellcheck disable=SC2034  # for the scripts that source this
	TIP=$BASE_COMMIT
	[ ${#PATCHES[@]} -gt 0 ] || return 0
	git_in fast-import --quiet --force --date-format=rfc2822 < "$WORK/stream"
	# shellcheck disable=SC2034
	TIP=$(git_in rev-parse refs/rig/tip)
}
