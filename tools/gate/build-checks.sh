# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks of a commit by compilers; check-commit sources this.

# Warnings of compilers, sparse and Coccinelle, without the numbers of lines, which move.
warnings()
{
	sed -nE 's/^([^ :]+):[0-9]+(:[0-9-]+)?: .*(warning|error|WARNING|ERROR): /\1: \3: /p' "$1" | LC_ALL=C sort -u
}

# compare_warnings LOG: with those of the base, the first commit that is tried.
compare_warnings()
{
	local known=$BUILD/warnings-$CHECK

	if is_base; then
		warnings "$1" > "$known"
		echo "$(wc -l < "$known") warnings in the base"
		return
	fi
	LC_ALL=C comm -13 "$known" <(warnings "$1") > "$known.new"
	cat "$known.new"
	[ ! -s "$known.new" ] || die "$(wc -l < "$known.new") warnings that the base does not have"
}

setting()
{
	sed -n "s/^# $1: //p" "$GATE/configs/$CHECK.config"
}

build_config()
{
	local cc=gcc

	changes_kernel
	[ -z "$(setting cc)" ] || cc=$(setting cc)
	command -v "$cc" > /dev/null || die "no $cc: tools/rig/deps gate installs it"
	# What the base warns about shows up where all of it is built.
	[ -z "$(setting warnings)" ] || ! is_base || rm -rf "$BUILD/kernel-$CHECK"
	O=$BUILD/kernel-$CHECK EXTRA=$GATE/configs/$CHECK.config KMAKE=$(setting make) CC=$cc \
		"$TOP/tools/rig/build-kernel" series arch/x86/kvm/ virt/kvm/
	[ -z "$(setting warnings)" ] || compare_warnings "$BUILD/kernel-$CHECK.log"
}

# A header of the series compiles without anything in front of it.
check_headers()
{
	local header unit failed=0

	the_patch
	for header in $(changed_files 'arch/x86/kvm/*.h' ':!*/tests/*' ':!*trace.h'); do
		plain_git -C "$TREE" cat-file -e "base:$header" 2> /dev/null && continue
		unit=${header%.h}_alone
		printf '#include "%s"\n' "$(basename "$header")" > "$TREE/$unit.c"
		O=$BUILD/kernel-builtin EXTRA=$GATE/configs/builtin.config "$TOP/tools/rig/build-kernel" series "$unit.o" || failed=1
		rm "$TREE/$unit.c"
		[ $failed -eq 0 ] || die "$header does not compile alone"
		FOUND=$header
	done
	[ -n "${FOUND:-}" ] || skip "adds no header"
}

check_coccinelle()
{
	changes_kernel
	command -v spatch > /dev/null || die "no spatch: tools/rig/deps gate installs it"
	O=$BUILD/kernel-builtin EXTRA=$GATE/configs/builtin.config "$TOP/tools/rig/build-kernel" series arch/x86/kvm/mmu/mmu.o
	make -s -C "$TREE" O="$BUILD/kernel-builtin" J="$JOBS" MODE=report M=arch/x86/kvm/mmu coccicheck > "$BUILD/cocci.log" 2>&1 ||
		{ tail -n 20 "$BUILD/cocci.log"; die "coccicheck fails"; }
	compare_warnings "$BUILD/cocci.log"
}
