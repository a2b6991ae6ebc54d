#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# KVM as modules: load it with each eviction policy, fill and overflow pools of
# shadow pages, unload it.  What a cache still holds then is a leak, for which
# kmem_cache_destroy() warns, and the cache remains.

DIR=$(dirname "$(readlink -f "$0")")
# Installed, or where it was built.
for helpers in "$DIR"/../kselftest "$DIR"/../../kselftest; do
	# shellcheck source=/dev/null
	[ ! -f "$helpers/ktap_helpers.sh" ] || . "$helpers/ktap_helpers.sh"
done

PARAMETERS=/sys/module/kvm/parameters
CACHES='pte_list_desc kvm_mmu_page_header kvm_vcpu x86_emulator'

skip()
{
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

unload()
{
	modprobe -r "$VENDOR" && ! [ -d /sys/module/kvm ]
}

# load [PARAMETER=VALUE of kvm]: shadow paging, which is what evicts.
load()
{
	modprobe kvm "$@" && modprobe "$VENDOR" "$TDP=0"
}

refuses()
{
	! modprobe -q kvm "mmu_evict=$1" && ! [ -d /sys/module/kvm ]
}

# Whatever happens, leave KVM behind as it was found.
restore()
{
	[ -d "/sys/module/$VENDOR" ] && modprobe -r "$VENDOR"
	modprobe kvm "mmu_evict=$KEPT_POLICY" && modprobe "$VENDOR" "$TDP=$KEPT_TDP"
}

no_caches()
{
	for cache in $CACHES; do
		! grep -q "^$cache " /proc/slabinfo || return
	done
}

policy_is()
{
	[ "$(cat "$PARAMETERS/mmu_evict")" = "$1" ]
}

# perf SIGNAL_AFTER ACCESSES POLICY
perf()
{
	timeout -s KILL "$1" "$DIR/mmu_evict_perf_test" -m hot -p 64 -s 1 -w 2000 \
		-n "$2" -v 2 -e "$3" > /dev/null 2>&1
}

# A VM that is freed in order, and one that is killed while it evicts.
use()
{
	perf 300 2000 "$1" && ! perf 5 1000000 "$1"
}

check()
{
	what=$1
	shift
	if "$@"; then ktap_test_pass "$what"; else ktap_test_fail "$what"; fi
}

ktap_print_header
[ "$(id -u)" = 0 ] || skip 'must be root'
for VENDOR in kvm_amd kvm_intel ''; do
	[ -z "$VENDOR" ] || ! [ -f "/sys/module/$VENDOR/refcnt" ] || break
done
[ -n "$VENDOR" ] || skip 'KVM is not loaded as modules'
[ -f "$PARAMETERS/mmu_evict" ] || skip 'KVM has no parameter mmu_evict'
for cache in $CACHES; do
	grep -q "^$cache " /proc/slabinfo ||
		skip "no $cache in /proc/slabinfo: boot with slab_nomerge"
done
TDP=npt
[ "$VENDOR" = kvm_amd ] || TDP=ept
KEPT_TDP=$(cat "/sys/module/$VENDOR/parameters/$TDP")
KEPT_POLICY=$(cat "$PARAMETERS/mmu_evict")
unload || skip 'KVM is in use'
trap restore EXIT

ktap_set_plan 13
check 'a bad policy keeps KVM from loading' refuses lru
for policy in fifo clock; do
	check "$policy: loads" load "mmu_evict=$policy"
	check "$policy: is the policy" policy_is "$policy"
	check "$policy: evicts" use "$policy"
	check "$policy: unloads" unload
	check "$policy: leaks no caches" no_caches
done
check 'loads without a policy' load
check '... which is fifo' policy_is fifo
unload
ktap_finished
