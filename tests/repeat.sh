#!/usr/bin/env bash
# Runs tests again and again, each time in another order, on one processor that another program keeps busy: what fails
# only now and then is found so. Each failure is shown, with the seed that brings its order back, and where the whole
# output of that run is.
#
#   tests/repeat.sh 20 test-fast
#   tests/repeat.sh 5 test
set -euo pipefail
cd "$(dirname "$0")/.."
runs=$1 target=$2 failed=0

logs=$(mktemp -d) log=$logs/now
taskset -c 0 sh -c 'while :; do :; done' &
busy=$!
trap 'kill "$busy"; rm -f "$log"; rmdir --ignore-fail-on-non-empty "$logs"' EXIT

for seed in $(seq 1 "$runs"); do
    if taskset -c 0 make --no-print-directory "$target" PYTEST_OPTIONS="--shuffle=$seed" >"$log" 2>&1; then
        result=$(grep -E '^=* ?[0-9]+ passed' "$log" || true)
    else
        failed=$((failed + 1))
        result=$(grep -E '^(FAILED|ERROR|make)|^=+ .*(passed|failed)|^E  ' "$log" || tail -20 "$log")
        mv "$log" "$logs/order-$seed.log"
        result+=$'\n'"all of it: $logs/order-$seed.log"
    fi
    echo "order $seed: $result"
done
echo "$runs runs, $failed of them with a failure"
[ "$failed" -eq 0 ]
