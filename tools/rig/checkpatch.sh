# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# scripts/checkpatch.pl on patches; source lib.sh first.

# run_checkpatch PATCH: all of its words to stdout. False if there are errors or warnings;
# checks, which --strict adds, are for people to read. TOTAL: its last line. MAINTAINERS is
# not a matter of a series that adds tests to files which have an entry.
run_checkpatch()
{
	local said

	said=$(cd "$TREE" && perl scripts/checkpatch.pl --strict --show-types --ignore FILE_PATH_CHANGES "$1" 2> /dev/null) || true
	printf '%s\n' "$said"
	TOTAL=$(sed -n 's/^total: //p' <<< "$said")
	[[ $TOTAL =~ ^0\ errors,\ 0\ warnings ]]
}
