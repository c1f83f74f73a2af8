#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bad.sh MEMORY KIND|PLUGIN|CASE|WORDS...: what the check says of plugins with one fault each. CASE
# fails, and some failure has WORDS in it; "none": nothing fails.
set -u
: "${FF_CHECK:?the program that checks}"
memory=$1
shift
points=0 failed=0

result() { # CODE WHAT OUTPUT
    points=$((points + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $points - $2"
    else
        failed=1
        echo "not ok $points - $2"
        grep -A4 '^not ok' <<<"$3" | sed 's/^/# /'
    fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run_check() { # KIND PLUGIN CASE
    local options=() seconds=5 # some never end
    [ "$1" = serializer ] ||
        options=(--options '{"inner": {"kind": "memory", "options": {}}}' --with "$memory")
    [ "$3" != none ] || seconds=60 # may be slow on a machine that is busy
    FF_CHECK_SECONDS=$seconds "$FF_CHECK" "${options[@]}" "$2" >"$work/$(basename "$2")" 2>/dev/null
    echo $? >"$work/$(basename "$2").code"
}

for row; do
    IFS='|' read -r kind plugin case words <<<"$row"
    while [ "$(jobs -rp | wc -l)" -ge 4 ]; do wait -n; done
    run_check "$kind" "$plugin" "$case" &
done
wait
for row; do
    IFS='|' read -r kind plugin case words <<<"$row"
    out=$(cat "$work/$(basename "$plugin")")
    code=$(cat "$work/$(basename "$plugin").code")
    failures=$(grep -A4 '^not ok' <<<"$out")
    if [ "$case" = none ]; then
        [ "$code" -eq 0 ] && [ -z "$failures" ]
    else
        [ "$code" -eq 1 ] && grep -q "^not ok .*$case" <<<"$failures" &&
            grep -qF -- "$words" <<<"$failures"
    fi
    result $? "$(basename "$plugin" .so): ${case:-a case} fails: $words" "$out"
done
echo "1..$points"
exit $failed
