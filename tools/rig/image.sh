# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by the scripts that make images for guests: source it after lib.sh. All
# functions work on the folder ROOT; WORK is one for files of their own.

# What busybox lacks or does differently: kselftest calls timeout and stdbuf by
# path, and init wants a real-time heartbeat.
HOST_TOOLS=(/usr/bin/timeout /usr/bin/stdbuf /usr/libexec/coreutils/libstdbuf.so /usr/bin/chrt)

# For a guest that has guests itself. BIOS files: of the machine pc, as QEMU asks for them
# without any device.
QEMU_OF_GUEST=/usr/bin/qemu-system-x86_64
FIRMWARE=(/usr/share/seabios/bios-256k.bin /usr/share/qemu/{linuxboot_dma,pvh,kvmvapic}.bin)

is_elf()
{
	[ "$(head -c 4 "$1" | tr -d '\0')" = $'\x7fELF' ]
}

elf_files()
{
	local file

	find "$1" -type f -print0 | sort -z | while IFS= read -r -d '' file; do
		! is_elf "$file" || printf '%s\n' "$file"
	done
}

install_busybox()
{
	local applet

	install -D -m 755 "$(command -v busybox)" "$ROOT/bin/busybox"
	! ldd "$ROOT/bin/busybox" >/dev/null 2>&1 ||
		die "busybox is not static: install busybox-static"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$ROOT/bin/$applet"
	done
}

# new_root NAME: a root, ROOT, that has busybox and nothing else yet.
new_root()
{
	ROOT=$WORK/$1
	mkdir -p "$ROOT"/{dev,proc,sys,tmp,run,root,etc}
	install_busybox
}

# new_guest_root NAME: ... and what run-guest wants.
new_guest_root()
{
	new_root "$1"
	install -m 755 "$TOP/tools/rig/init" "$ROOT/init"
	install_host_tools
}

install_host_tools()
{
	local tool

	for tool in "${HOST_TOOLS[@]}"; do
		[ -f "$tool" ] || die "$tool is missing: install coreutils and util-linux"
		install -D -m 755 "$tool" "$ROOT$tool"
		# PATH prefers the real tool, a script may name the other path.
		[ ! -L "$ROOT/bin/${tool##*/}" ] || ln -sf "$tool" "$ROOT/bin/${tool##*/}"
	done
}

# install_files PATH...: files of this machine, by the same names.
install_files()
{
	local file

	for file; do
		[ -f "$file" ] || die "$file is missing: tools/rig/deps installs it"
		install -D "$file" "$ROOT$file"
	done
}

install_qemu()
{
	install_files "$QEMU_OF_GUEST" "${FIRMWARE[@]}"
}

# Every library goes where the dynamic linker of this machine found it.
install_libraries()
{
	local lib

	# ldd fails for a static program, which is no error here.
	# libgcc_s is not linked to, but loaded by pthread_cancel().
	{
		elf_files "$ROOT" | xargs -r -d '\n' ldd 2>/dev/null || true
		echo "libgcc_s.so.1 => $(realpath "$(gcc -print-file-name=libgcc_s.so.1)") ()"
	} |
		awk '/not found/ { print "missing:" $1 } $2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && /\(0x/ { print $1 }' |
		sort -u >"$WORK/libraries"
	while IFS= read -r lib; do
		[ "${lib#missing:}" = "$lib" ] || die "no library ${lib#missing:} on this machine, which a selftest needs"
		install -D -m 755 "$lib" "$ROOT$lib"
	done <"$WORK/libraries"
}

# pack FILE: compressed if it is named so. Archive names, order, owners, modes and times depend on the content alone.
pack()
{
	local compress=(cat)

	[[ $1 != *.gz ]] || compress=(gzip -n)
	find "$ROOT" ! -type l -exec chmod u=rwX,go=rX {} +
	find "$ROOT" -exec touch --no-dereference --date=@0 {} +
	(
		cd "$ROOT" || exit
		find . -mindepth 1 -print0 | LC_ALL=C sort -z |
			cpio --quiet --null --create --format=newc --reproducible --owner=0:0
	) | "${compress[@]}" >"$1.tmp"
	mv "$1.tmp" "$1"
}
