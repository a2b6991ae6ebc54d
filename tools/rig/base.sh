# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The base of the patched tree; source lib.sh first. find_base sets
#	BASE_COMMIT	the commit
#	BASE_GIT	the git directory that has it
#	BASE_VERSION	the version of its Makefile, e.g. 7.3.4

find_base()
{
	if [ -z "${KSRC:-}" ]; then
		"$TOP/tools/rig/fetch-source"
		BASE_GIT=$SOURCE_REPO
		BASE_COMMIT=$(plain_git -C "$BASE_GIT" rev-parse base)
	else
		check_ksrc
		if [ "$(plain_git -C "$KSRC" rev-parse --show-toplevel 2> /dev/null)" = "$KSRC" ]; then
			use_checkout
		else
			import_folder
		fi
	fi
	# shellcheck disable=SC2034  # for the scripts that source this
	BASE_VERSION=$(plain_git -C "$BASE_GIT" show "$BASE_COMMIT:Makefile" | kernel_version)
}

check_ksrc()
{
	[ -d "$KSRC" ] || die "KSRC=$KSRC is not a directory"
	KSRC=$(realpath "$KSRC")
	{ [ -f "$KSRC/Makefile" ] && [ -n "$(kernel_version < "$KSRC/Makefile")" ] &&
		[ -f "$KSRC/arch/x86/kvm/mmu/mmu.c" ]; } ||
		die "KSRC=$KSRC is not a kernel tree (its Makefile has no version, or arch/x86/kvm/mmu/mmu.c is missing)"
}

# A checkout lends its objects; its HEAD is the base.
use_checkout()
{
	BASE_COMMIT=$(plain_git -C "$KSRC" rev-parse -q --verify HEAD) || die "KSRC=$KSRC has no commit yet"
	BASE_GIT=$(plain_git -C "$KSRC" rev-parse --path-format=absolute --git-common-dir)
	plain_git --no-optional-locks -C "$KSRC" status --porcelain -uno | grep -q . || return 0
	say "tree: note: what is not committed in $KSRC is not used"
}

# A folder without git is read into a repository in build/. Its index stays
# there, so that the next look is quick.
import_folder()
{
	BASE_GIT=$BUILD/ksrc.git
	if [ ! -d "$BASE_GIT" ]; then
		need_space "$BUILD" 3
		say "tree: reading $KSRC"
		mkdir -p "$BUILD"
	fi
	commit_folder "$BASE_GIT" "$KSRC" "Linux $(kernel_version < "$KSRC/Makefile")"
	BASE_COMMIT=$(plain_git -C "$BASE_GIT" rev-parse base)
}

# commit_folder GIT_DIR FOLDER MESSAGE: make FOLDER the only commit of the branch
# base. The folder is only read. New objects go into one pack, barely
# compressed: fast to write and to read. Names and dates are fixed: the same
# source has the same SHA everywhere.
commit_folder()
(
	local commit
	# What a build in the folder leaves behind, and what would stop a build
	# outside of it ("source tree is not clean").
	local products=(':!*.o' ':!*.a' ':!*.ko' ':!*.cmd' ':!vmlinux*' ':!.config*' ':!include/config'
		':!include/generated' ':!arch/*/include/generated' ':!arch/x86/boot/*Image')

	export GIT_DIR=$1 GIT_WORK_TREE
	[ -d "$1" ] || plain_git init -q --bare -b base "$1"
	GIT_WORK_TREE=$2
	# Left by an interrupted run.
	rm -f "$1/index.lock"
	# -f, because Debian's .gitignore ignores the whole of its source ...
	plain_git -c core.bare=false -c core.bigFileThreshold=1 -c core.compression=1 \
		add -A -f -- . "${products[@]}"
	# ... and without that part, so that git add works for a developer.
	if grep -q '^# Debian packaging' "$2/.gitignore"; then
		plain_git update-index --cacheinfo "100644,$(sed '/^#$/ { N; /Debian packaging/Q }' "$2/.gitignore" |
			plain_git hash-object -w --stdin),.gitignore"
	fi
	export GIT_AUTHOR_NAME=rig GIT_AUTHOR_EMAIL=rig@localhost GIT_AUTHOR_DATE='1767225600 +0000'
	export GIT_COMMITTER_NAME=rig GIT_COMMITTER_EMAIL=rig@localhost GIT_COMMITTER_DATE='1767225600 +0000'
	commit=$(plain_git commit-tree -m "$3" "$(plain_git write-tree)")
	plain_git update-ref refs/heads/base "$commit"
)
