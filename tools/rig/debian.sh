# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the scripts that fetch packages: source it after lib.sh. WORK is a
# folder for files, removed by the caller.
#
# Packages come from the very mirror that this machine already uses. A private apt
# state reads it from there: the system's sources, lists and pins stay as they are,
# and the archive's keyring vouches for it.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The main archive of Debian itself, whatever this machine's release is called:
# other archives have another origin, or "Debian-Security" for a label.
# shellcheck disable=SC2016  # apt expands these
mirror()
{
	local uri

	uri=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' \
		'Created-By: Packages' | sed -n 's/^Debian|Debian|main|//p' | sed -n 1p)
	# Before its first apt-get update a machine knows no origins yet.
	[ -n "$uri" ] || uri=$(apt-get indextargets --no-release-info --format '$(COMPONENT)|$(REPO_URI)' \
		'Created-By: Packages' | sed -n 's,^main|\(.*/debian/*\)$,\1,p' | sed -n 1p)
	echo "$uri"
}

private_apt()
{
	APT_CONFIG=$WORK/apt.conf apt-get -q "$@" >> "$WORK/apt.log" 2>&1
}

configure_apt()
{
	mkdir -p "$WORK"/apt/{state/lists/partial,cache/archives/partial,empty}
	cat > "$WORK/apt.conf" <<-EOF
		Dir::State "$WORK/apt/state";
		Dir::State::status "/dev/null";
		Dir::Cache "$WORK/apt/cache";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "$WORK/apt/empty";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
		Acquire::Retries "2";
	EOF
}

# use_suite SUITE: what packages are looked for in, and nothing else.
use_suite()
{
	local uri

	uri=$(mirror)
	[ -n "$uri" ] || die "apt knows no mirror of Debian on this machine: check its sources${OTHERWISE:+, or $OTHERWISE}"
	[ -f "$KEYRING" ] || die "$KEYRING is missing: install debian-archive-keyring"

	configure_apt
	cat >> "$WORK/apt.conf" <<-EOF
		Dir::Etc::sourcelist "$WORK/apt/sources.list";
		Dir::Etc::sourceparts "$WORK/apt/empty";
		APT::Update::Error-Mode "any";
	EOF
	echo "deb [signed-by=$KEYRING] $uri $1 main" > "$WORK/apt/sources.list"
	private_apt update || network_error "the list of packages"
}

# Look for packages in what this machine has, of which one may be down, and another
# one have them.
use_own_sources()
{
	configure_apt
	private_apt update || true
}

# fetch_package NAME: NAME_*.deb in WORK.
fetch_package()
{
	(cd "$WORK" && private_apt download "$1") || network_error "$1"
}

# OTHERWISE: what to do without a network.
network_error()
{
	die "cannot get $1: $(grep -m1 '^E:' "$WORK/apt.log" || tail -n 1 "$WORK/apt.log")" \
		"(no network?${OTHERWISE:+ $OTHERWISE})"
}
