# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Shared by the workloads.

start_redis()
{
	redis-server --save '' --appendonly no --daemonize yes --logfile /tmp/redis.log --activedefrag no || return
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(redis-cli ping)" != PONG ] || return 0
		sleep 0.2
	done
	return 1
}

# run_redis TEST OPTION...
run_redis()
{
	test=$1
	shift
	redis-benchmark --csv -t "$test" "$@"
}

# run_stress STRESSOR OPTION...: a fixed number of operations, the same each time.
# Not as root, which some stressors refuse, and others have more to do for.
run_stress()
{
	stressor=$1
	shift
	su nobody -c "exec stress-ng --no-rand-seed --metrics-brief --temp-path /tmp --$stressor 1 $*" 2>&1
}
