# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks of a commit by compilers; check-commit sources this.

# What a log complains about, without the numbers of lines and offsets, which move:
# compilers and sparse, linkers and objtool, kernel-doc, modpost, Coccinelle, whose
# messages need not say what they are, but whose places end with a range. A header's
# is said for each file that includes it, hence counted once; one more of a kind is news.
warnings()
{
	sed -nE -e '/^[^ :]+:[0-9]+(:[0-9]+)?: .*(warning|error|WARNING|ERROR): /p' -e '/^[^ :]+: (warning|error): /p' \
		-e '/^(Warning|Error): [^ :]+:[0-9]+ /p' -e '/^(WARNING|ERROR): modpost: /p' \
		-e '/^[^ :]+:[0-9]+:[0-9]+-[0-9]+: /p' "$1" | LC_ALL=C sort -u |
		sed -E 's/:[0-9]+(:[0-9-]+)?:? /: /; s/\+0x[0-9a-f]+//g; s/\<(lines?) [0-9][0-9, ]*/\1 N /g' | LC_ALL=C sort
}

# new_warnings OLD NEW: what the log NEW has in addition.
new_warnings()
{
	LC_ALL=C comm -13 <(warnings "$1") <(warnings "$2")
}

# compare_warnings LOG: with that of the base, the first commit that is tried.
compare_warnings()
{
	local base=$BUILD/base-$CHECK.log new

	if is_base; then
		cp "$1" "$base"
		echo "$(warnings "$1" | wc -l) warnings in the base"
		return
	fi
	new=$(new_warnings "$base" "$1")
	[ -z "$new" ] || { echo "$new"; die "$(wc -l <<< "$new") warnings that the base does not have"; }
}

setting()
{
	sed -n "s/^# $1: //p" "$GATE/configs/$CHECK.config"
}

build_config()
{
	local cc=gcc targets='arch/x86/kvm/ virt/kvm/'

	changes_kernel
	[ -z "$(setting cc)" ] || cc=$(setting cc)
	[ -z "$(setting targets)" ] || targets=$(setting targets)
	command -v "$cc" > /dev/null || die "no $cc: tools/rig/deps gate installs it"
	# What the base warns about shows up where all of it is built.
	[ -z "$(setting warnings)" ] || ! is_base || rm -rf "$BUILD/kernel-$CHECK"
	# shellcheck disable=SC2086  # words
	O=$BUILD/kernel-$CHECK EXTRA=$GATE/configs/$CHECK.config KMAKE=$(setting make) CC=$cc \
		"$TOP/tools/rig/build-kernel" series $targets
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

# The C files of the kernel that Coccinelle shall look at: those that the commit touches,
# of the base those that the series touches. It looks at one file at a time, so there is
# no news in any other, and all of arch/x86/kvm would take many minutes a commit.
cocci_files()
{
	if is_base; then
		plain_git -C "$TREE" diff --name-only --diff-filter=MD base evict -- '*.[ch]' ':!tools'
	else
		changed_files '*.[ch]' ':!tools'
	fi
}

# scripts/coccicheck as make coccicheck, which knows folders only, calls it.
COCCI_INCLUDE='-I./arch/x86/include -I./include -I./arch/x86/include/uapi -I./include/uapi'
COCCI_INCLUDE+=' -include ./include/linux/kconfig.h'
check_coccinelle()
{
	local files log=$BUILD/cocci.log

	command -v spatch > /dev/null || die "no spatch: tools/rig/deps gate installs it"
	files=$(cocci_files | xargs)
	[ -n "$files" ] || is_base || skip "changes no C of the kernel"
	: > "$log"
	[ -z "$files" ] || (cd "$TREE" && MODE=report J=$JOBS srctree=. srcroot=$files LINUXINCLUDE=$COCCI_INCLUDE \
		bash scripts/coccicheck) > "$log" 2>&1 || { tail -n 20 "$log"; die "coccicheck fails"; }
	compare_warnings "$log"
}
