# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The series on an older base than the one it is for, Linux 6.12 for example; source
# lib.sh, base.sh and series.sh first. All that differs is in patches/6.12:
#
#	base.patch	comes before the series, and makes the base look like what the
#			series expects
#	0004-name.patch	a patch of the series, as far as its context differs: the
#			files in it replace those in the patch of that name
#	kasan.config	comes after the kernel fragment of that name, see build-kernel
#
# The second kind may differ in context and position only, not in a line that it adds.

# Let the series start with base.patch.
add_backport()
{
	local folder

	folder=$(backport_folder "$BASE_VERSION")
	[ ! -f "$folder/base.patch" ] || PATCHES=("${folder##*/}/base.patch" "${PATCHES[@]}")
}

# diff_of FILE...: the part of the diff on stdin that is about them, or with
# ADDED=1 the lines that it adds.
diff_of()
{
	awk -v files="$*" -v added="${ADDED:-}" '
		BEGIN		{ split(files, list, " "); for (i in list) wanted["b/" list[i]] = 1 }
		/^diff --git /	{ here = $4 in wanted }
		here && (!added || (/^\+/ && !/^\+\+\+ /))'
}

# Put into $WORK/diff what the base of this tree wants instead.
adapt_diff()
{
	local other files all

	other=$(backport_folder "$BASE_VERSION")/$1
	[ -f "$other" ] || return 0
	mapfile -t files < <(git_in apply --numstat "$other" | cut -f 3)
	[ "$(ADDED=1 diff_of "${files[@]}" < "$other")" = "$(ADDED=1 diff_of "${files[@]}" < "$WORK/diff")" ] ||
		die "${other#"$TOP"/} does not add the lines that patches/$1 adds to the same files"
	# shellcheck disable=SC2153  # FILES comes from commits.sh
	mapfile -t all < <(printf '%s\n' "${FILES[@]}" | grep -vxF -f <(printf '%s\n' "${files[@]}") || true)
	{ diff_of "${all[@]}" < "$WORK/diff"; diff_of "${files[@]}" < "$other"; } > "$WORK/adapted"
	mv "$WORK/adapted" "$WORK/diff"
}
