# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks of what a commit says; check-commit sources this.

check_checkpatch()
{
	the_patch
	run_checkpatch "$BUILD/patch" || die "${TOTAL:-checkpatch.pl fails}"
}

# Documentation/process/maintainer-kvm-x86.rst and submitting-patches.rst.
check_message()
{
	local subject author address

	the_patch
	subject=$(plain_git -C "$TREE" log -1 --format=%s "$COMMIT")
	author=$(plain_git -C "$TREE" log -1 --format='%an <%ae>' "$COMMIT")
	address=${author##*<} address=${address%>}
	echo "$subject"
	[[ $subject =~ ^KVM:\ (x86(/mmu)?|selftests):\ [A-Z].*[^.]$ ]] || die "the subject has another form than KVM: SCOPE: Sentence"
	[ ${#subject} -le 75 ] || die "the subject has ${#subject} characters, more than 75"
	plain_git -C "$TREE" log -1 --format='%(trailers:key=Signed-off-by,valueonly)' "$COMMIT" |
		grep -xF "$author" > /dev/null || die "not signed off by its author"
	plain_git -C "$TREE" log -1 --format=%b "$COMMIT" | grep -v '^[A-Z][a-z-]*-by: ' |
		grep '[a-z]' > /dev/null || die "no description"
	# Fine in a tree, but it must be another one before it is mailed.
	[[ ! ${address,,} =~ noreply|[@.]localhost$|[@.]example(\.(com|net|org))?$ ]] || echo "remark: not mailable: $address"
}

check_spelling()
{
	the_patch
	command -v codespell > /dev/null || die "no codespell: tools/rig/deps gate installs it"
	sed -n '/^diff --git/q; p' "$BUILD/patch" > "$BUILD/words"
	sed -n '/^+++/d; s/^+//p' "$BUILD/patch" >> "$BUILD/words"
	codespell "$BUILD/words" || die "spelling"
}

check_maintainers()
{
	the_patch
	(cd "$TREE" && perl scripts/get_maintainer.pl --nogit --nogit-fallback --norolestats "$BUILD/patch") > "$BUILD/people" 2>&1 || true
	cat "$BUILD/people"
	grep -q kvm@vger.kernel.org "$BUILD/people" || die "nobody who is responsible for KVM would get it"
}

# run_kernel_doc FOLDER LOG FILE...
run_kernel_doc()
{
	(cd "$1" && "$TREE/scripts/kernel-doc" -none -Wall "${@:3}") > "$2" 2>&1 || { cat "$2"; die "kernel-doc fails"; }
}

# Whether the files that a commit changes are worse than before it.
check_kernel-doc()
{
	local files file old=$BUILD/before known=() new

	the_patch
	mapfile -t files < <(changed_files '*.[ch]' ':!tools')
	[ ${#files[@]} -gt 0 ] || skip "changes no C of the kernel"
	rm -rf "$old"
	for file in "${files[@]}"; do
		plain_git -C "$TREE" cat-file -e "$COMMIT^:$file" 2> /dev/null || continue
		mkdir -p "$old/$(dirname "$file")"
		plain_git -C "$TREE" show "$COMMIT^:$file" > "$old/$file"
		known+=("$file")
	done
	: > "$BUILD/doc-before.log"
	[ ${#known[@]} -eq 0 ] || run_kernel_doc "$old" "$BUILD/doc-before.log" "${known[@]}"
	run_kernel_doc "$TREE" "$BUILD/doc-after.log" "${files[@]}"
	new=$(new_warnings "$BUILD/doc-before.log" "$BUILD/doc-after.log")
	[ -z "$new" ] || { echo "$new"; die "$(wc -l <<< "$new") warnings of kernel-doc that were not there before"; }
}
