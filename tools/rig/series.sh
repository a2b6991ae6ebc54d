# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Reader of patches/series; source lib.sh first. One line a patch:
#
#	0002-name.patch arch/x86/kvm/mmu/evict.h arch/x86/kvm/mmu/tests
#		tools/testing/selftests/kvm/x86/mmu_evict_test.c
#
# The patch, and the overlay files or folders that enter the tree with it, in
# as many lines as it takes. Everything behind a # is a comment.

# Folders of this repository that are overlay: each file in them enters the kernel
# tree at the same path.  The simulator is not meant for the kernel.
OVERLAY_TOPS=(arch tools/testing/selftests tools/testing/evict_fuzz)

# Set PATCHES, the names in order; OVERLAY[patch], its files, one a line; and
# OWNER[file], its patch.
read_series()
{
	local line word current='' file series=$TOP/patches/series

	declare -ga PATCHES=()
	declare -gA OVERLAY=() OWNER=()
	[ -f "$series" ] || die "no patches/series in $TOP"
	while read -r line || [ -n "$line" ]; do
		for word in ${line%%#*}; do
			if [[ $word = *.patch ]]; then
				current=$word
				add_patch "$word"
				continue
			fi
			[ -n "$current" ] || die "patches/series: $word belongs to no patch"
			add_overlay "$current" "$word"
		done
	done < "$series"
	while read -r file; do
		[ -n "${OWNER[$file]:-}" ] ||
			die "$file is in no line of patches/series: name it behind the patch it enters with"
	done < <(overlay_files)
}

add_patch()
{
	[ -f "$TOP/patches/$1" ] || die "patches/series names $1, which is not in patches/"
	[ -z "${OVERLAY[$1]+known}" ] || die "patches/series names $1 twice"
	PATCHES+=("$1")
	OVERLAY[$1]=''
}

add_overlay()
{
	local patch=$1 path=${2%/} file

	case $path in
	arch/*|tools/testing/*)	;;
	*)	die "patches/series: $path is neither in arch/ nor in tools/testing/" ;;
	esac
	[ -e "$TOP/$path" ] || die "patches/series: $path does not exist"
	while read -r file; do
		[ -z "${OWNER[$file]:-}" ] ||
			die "patches/series: $file enters with ${OWNER[$file]} and with $patch"
		OWNER[$file]=$patch
		OVERLAY[$patch]+=$file$'\n'
	done < <(cd "$TOP" && find "$path" -type f | LC_ALL=C sort)
}

overlay_files()
{
	local top

	for top in "${OVERLAY_TOPS[@]}"; do
		[ ! -d "$TOP/$top" ] || (cd "$TOP" && find "$top" -type f)
	done | LC_ALL=C sort
}
