# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Programs that Debian does not have, from npm; source lib.sh first.

# install_modules NAME@VERSION...: into build/ci.
install_modules()
{
	local dir=$BUILD/ci

	[ "$(cat "$dir/installed" 2> /dev/null)" != "$*" ] || return 0
	say "installing from npm: $*"
	mkdir -p "$dir"
	npm install --prefix "$dir" --no-save --ignore-scripts --no-audit --no-fund "$@" > "$dir/npm.log" 2>&1 ||
		die "npm cannot install $*: $(grep -m1 'npm ERR!\|npm error' "$dir/npm.log") (log: $dir/npm.log)"
	echo "$*" > "$dir/installed"
}
