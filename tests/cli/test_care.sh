#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff verify and ff gc.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '4, 6'
for task in wf/a wf/b other/c; do
    "$FF" put $task a.npy
done

good 'verify' verify
is 'prints nothing when all is well' "$out" ''
run -v verify
like '-v prints what is well' "$out" 'ok *other/c*wf/a*wf/b'
like 'and how much' "$err" '*3 tasks, no fault*'
good 'a workflow' verify wf
good 'a pattern' verify 'wf/[ab]'
good 'a task' verify wf/a
good '--deep' verify --deep
good '--json' verify --json
json_is 'reports each task' "d['version'], d['faults'], sorted(f['task'] for f in d['findings'])" \
    "(1, 0, ['a', 'b', 'c'])"
bad 3 '*' verify none
bad 3 '*wf/none*' verify wf/none

for file in store/other/bigdata/*; do mv "$file" kept; done
run verify
is 'missing big data is exit 4' "$code" 4
like 'and named' "$out" 'missing *other/c*'
like 'the error counts' "$err" '*1 fault*'
run verify --json
is 'with --json as well' "$code" 4
json_is 'with what, where and why' \
    "d['faults'], [(f['task'], f['what'], f['reason'] != '') for f in d['findings'] if f['what'] != 'ok']" \
    "(1, [('c', 'missing', True)])"
good 'the rest is well' verify wf
mv kept "$file"
good 'everything again' verify
printf x | dd of=store/wf/a bs=1 seek=20 conv=notrunc 2>/dev/null
run verify wf
is 'a wrong digest is exit 4' "$code" 4
like 'and named' "$out" 'corrupt *wf/a*'
"$FF" put wf/a a.npy

damage() { # TASK OPTION...: save an array, and write over bytes in the middle of its file
    local task=$1 file
    shift
    "$FF" put "deep/$task" "$FF_SOURCE/tests/data/coads_sst.npy" "$@"
    file=$(find store/deep/bigdata -type f -size +2k | head -n 1)
    printf '\377\377\377\377\377\377' |
        dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc 2>/dev/null
}
damage packed --compression deflate
good 'elements are not read' verify deep
run verify --deep deep
is '--deep sees what does not decompress' "$code" 4
"$FF" rm deep/packed
damage plain
good 'without a checksum a change is not seen, as ff help verify says' verify --deep deep
"$FF" help verify >help
check 'it does' grep -q 'is not seen' help
"$FF" rm -r deep

rm -f store/wf/a
good 'gc spares what is young' gc
like 'and says so' "$out" '*orphan *wf*spared *wf*'
find store -type f -exec touch -d '23 hours ago' {} +
good 'gc spares what is 23 hours old' gc
like 'of that age too' "$out" '*orphan *wf*spared *wf*'
find store -type f -exec touch -d '25 hours ago' {} +
run gc
like 'and not what is 25 hours old' "$out" '*orphan *wf*'
is 'of which nothing is spared' "$(grep -c spared <<<"$out")" 0
like 'but reported' "$err" '*nothing was removed: ff gc -y does*'
run gc --grace 0
is 'gc reports' "$code" 0
like 'the orphans' "$out" '*orphan *wf*'
like 'and how to go on' "$err" '*nothing was removed: ff gc -y does*'
before=$(find store -type f | wc -l)
run gc --grace 0 -y -n
is '-n wins over -y' "$(find store -type f | wc -l)" "$before"
run gc --grace 0 -y
is 'gc -y' "$code" 0
check 'removes' test "$(find store -type f | wc -l)" -lt "$before"
good 'what is left' verify
good 'nothing more' gc --grace 0
is 'to tell' "$out" ''
good '--json' gc --grace 0 --json
json_is 'reports' "d['version'], d['findings'], d['dry_run']" "(1, [], True)"
good 'a workflow' gc --grace 0 wf
bad 3 '*' gc none
bad 2 '*not a time: soon*' gc --grace soon
bad 2 '*without a task*' gc wf/a
: >store/wf/zero
run gc --grace 0
like 'a task that cannot be read is told' "$out" '*unparsable *wf/zero*'
npy b.npy '3,'
"$FF" put wf/lost b.npy && rm -f store/wf/lost
run gc --grace 0 -y wf
like 'and blocks its workflow' "$out" '*spared*'
before=$(find store -type f | wc -l)
run gc --grace 0 -y wf --assume-lost wf/zero
check 'unless it is given up' test "$(find store -type f | wc -l)" -lt "$before"
# what Python can make, and is no name of ours
mkdir store/bigdata store/$'c\001x'
run gc
is 'gc passes over a folder that is no workflow' "$code" 0
like 'and names both' "$out" '*foreign *bigdata: not a workflow name*foreign *c?x: not a*'
run verify --json
is 'and so does verify' "$code" 4
json_is 'each is told' "[f['workflow'] for f in d['findings'] if f['what'] == 'foreign']" "['bigdata', 'c\\x01x']"
run du
is 'du too' "$code" 0
like 'with a warning' "$err" '*warning: bigdata: not a workflow name*'
rmdir store/bigdata store/$'c\001x'

finish
