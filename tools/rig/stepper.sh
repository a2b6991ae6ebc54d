# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Builds of single commits of the series, in a work tree of their own beside
# build/linux, so that its files and kernels stay as they are; source lib.sh
# first.

STEP_TREE=$BUILD/series-tree

open_stepper()
{
	plain_git -C "$TREE" worktree prune
	[ -e "$STEP_TREE/.git" ] || {
		say "series: unpacking a second tree in build/series-tree"
		rm -rf "$STEP_TREE"
		need_space "$BUILD" 4
		plain_git -C "$TREE" worktree add -q --force --detach "$STEP_TREE" base
	}
}

# build_at COMMIT TARGET...: with configs/series.config, in build/kernel-series.
build_at()
{
	local commit=$1

	shift
	plain_git -C "$STEP_TREE" checkout -q --force --detach "$commit" &&
		SRC=$STEP_TREE "$TOP/tools/rig/build-kernel" series "$@"
}
