# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the scripts of tools/rig: source it, then use the variables and
# functions below. Every variable may come from the environment, TOP included,
# which lets a script of one clone work on the files of another one.

# An error inside $(...) is an error, too.
shopt -s inherit_errexit

: "${TOP:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${BASE:=7.3}"
: "${BUILD:=$TOP/build$([ "$BASE" = 7.3 ] || echo "-$BASE")}"
: "${OUT:=$TOP/out}"
: "${CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/kvm-mmu-evict}"
: "${JOBS:=$(nproc)}"
: "${V:=}"
# Start of the whole job, shared by all the scripts that it runs.
: "${RIG_T0:=$(date +%s)}"
export TOP BASE BUILD OUT CACHE JOBS V RIG_T0

# A make that runs a script hands its own variables (CONFIG=, V=) to every make
# below it, the kernel's included: they are the rig's only.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES

# The patched tree.
# shellcheck disable=SC2034
TREE=$BUILD/linux

# Results go to stdout; progress and errors go to stderr.
say()
{
	local t=$(($(date +%s) - RIG_T0))

	printf '[%3d:%02d] %s\n' $((t / 60)) $((t % 60)) "$*" >&2
}

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

case $BASE in
7.3|6.12) ;;
*)	die "no base BASE=$BASE: there are 7.3 (default) and 6.12, and KSRC=/path for a kernel tree of yours" ;;
esac
# The one package that the base is made of, and where it is kept.
SOURCE_PACKAGE=linux-source-$BASE
# shellcheck disable=SC2034
SOURCE_REPO=$CACHE/$SOURCE_PACKAGE.git

# need_space DIR GIB: DIR need not exist yet.
need_space()
{
	local dir=$1 need=$2 have

	while [ ! -d "$dir" ]; do
		dir=$(dirname "$dir")
	done
	have=$(($(df --output=avail -k "$dir" | tail -n 1) / 1048576))
	[ "$have" -ge "$need" ] ||
		die "$1 needs $need GiB of free space, $have GiB are left: free some or move the clone or CACHE"
}

# A ccache in the user's cache that does not care where the clone is: absolute
# paths below the clone become relative ones, and a header that was written a
# moment ago (a fresh tree) is no reason to distrust it.
use_ccache()
{
	export CCACHE_DIR=$CACHE/ccache CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-4G}
	export CCACHE_BASEDIR=$BUILD CCACHE_NOHASHDIR=1
	export CCACHE_SLOPPINESS=time_macros,include_file_mtime,include_file_ctime
	mkdir -p "$CCACHE_DIR"
}

# A fixed release: no git description, no counter, no date. The same source gives
# the same kernel.
use_fixed_release()
{
	export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC' KBUILD_BUILD_VERSION=1
	export KBUILD_BUILD_USER=rig KBUILD_BUILD_HOST=rig LOCALVERSION=
}

# Git without the user's and the machine's settings: the same bytes everywhere.
# The sources of others (KSRC) may belong to another user.
plain_git()
{
	GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null \
		git -c safe.directory='*' -c core.quotePath=false -c advice.detachedHead=false "$@"
}

# backport_folder VERSION: where to look for what this version wants otherwise.
backport_folder()
{
	echo "$TOP/patches/$(cut -d . -f -2 <<< "$1")"
}

# kernel_version < MAKEFILE, e.g. 7.3.4; empty when it is not the kernel's.
kernel_version()
{
	awk '$2 == "=" && $1 ~ /^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)$/ { v[$1] = $3 }
	     END { if (v["VERSION"] != "" && v["PATCHLEVEL"] != "")
			print v["VERSION"] "." v["PATCHLEVEL"] "." v["SUBLEVEL"] v["EXTRAVERSION"] }'
}
