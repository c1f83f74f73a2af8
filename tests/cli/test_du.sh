#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff du.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '64, 64'
echo '{"x": 1}' >x.json
"$FF" put wf/a a.npy
"$FF" put wf/b a.npy
"$FF" put wf/x x.json
"$FF" put other/x x.json
bytes() { find "$1" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }'; }

good 'du' du --json
json_is 'each workflow with all in it' "[(r['workflow'], r['task'], r['known']) for r in d['rows']]" \
    "[('other', '', True), ('wf', '', True)]"
json_is 'as large as its files are' "[r['task_bytes'] + r['bigdata_bytes'] for r in d['rows']]" \
    "[$(bytes store/other), $(bytes store/wf)]"
json_is 'and in all' "d['bytes']" "$(bytes store)"
json_is 'in so many files' "[r['objects'] for r in d['rows']]" '[1, 5]'
good 'du of a workflow' du wf --json
json_is 'each task' "[(r['task'], r['objects']) for r in d['rows']]" "[('a', 2), ('b', 2), ('x', 1)]"
json_is 'its pickle' "d['rows'][0]['task_bytes']" "$(stat -c %s store/wf/a)"
json_is 'its big data' "d['rows'][0]['bigdata_bytes'] * 2" "$(bytes store/wf/bigdata)"
good 'of a pattern' du 'wf/[ax]' --json
json_is 'what matches' "[r['task'] for r in d['rows']]" "['a', 'x']"
good 'of a task' du wf/x
is 'one line' "$out" "$(printf '%7d B  wf/x' "$(stat -c %s store/wf/x)")"
good 'for people' du wf
like 'sizes and names' "$out" '* kB  wf/a'$'\n''* kB  wf/b'$'\n''* B  wf/x'$'\n''* kB  in all'
head -c 1000 /dev/zero >store/wf/bigdata/6b1c8f1e-32a1-4d6c-8f3e-0123456789ab
good 'with an orphan' du wf --json
json_is 'that no task refers to' "d['rows'][-1]['task'], d['rows'][-1]['bigdata_bytes'], d['rows'][-1]['known']" \
    "('', 1000, True)"
good 'a pattern' du 'wf/*' --json
json_is 'leaves it out' "len(d['rows'])" 3
: >store/wf/torn
good 'with a task that cannot be read' du wf --json
json_is 'its big data is not known' "[r['known'] for r in d['rows'] if r['task'] in ('torn', '')]" \
    '[False, False]'
good 'for people' du wf
like 'too' "$out" '*0 B  wf/torn: cannot be read*'$'\n''*1.0 kB  wf: no task that can be read refers to it*'
bad 3 '*none*' du none
bad 3 '*wf/none*' du wf/none
mkdir empty
good 'nothing' du -S ./empty
is 'is nothing' "$out" ''
finish
