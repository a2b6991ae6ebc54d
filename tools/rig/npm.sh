# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Programs and libraries that Debian does not have, from npm; source lib.sh first.

# npm_into FOLDER WORD...: run npm for a folder. No script of what it installs is run.
npm_into()
{
	local dir=$1

	shift
	command -v npm > /dev/null || die "npm is missing: install it, or let tools/rig/deps do so"
	mkdir -p "$dir"
	npm "$@" --prefix "$dir" --ignore-scripts --no-audit --no-fund > "$dir/npm.log" 2>&1 ||
		die "npm cannot install into $dir: $(grep -m1 'npm ERR!\|npm error' "$dir/npm.log" || tail -n 1 "$dir/npm.log")"
}

# npm_once FOLDER NAME@VERSION...: unless that is what it has.
npm_once()
{
	local dir=$1

	shift
	[ "$(cat "$dir/installed" 2> /dev/null)" != "$*" ] || return 0
	say "installing from npm: $*"
	npm_into "$dir" install --no-save "$@"
	echo "$*" > "$dir/installed"
}
