#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff ls, and the storages that addresses and options name.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '2,'
for task in wf/a wf/b1 wf/b2 other/x; do
    "$FF" put $task a.npy --inline
done
"$FF" -S ./lab put lab/y a.npy --inline
"$FF" put 'odd/a%2Ab' a.npy --inline
"$FF" put 'odd/aXb' a.npy --inline
"$FF" put 'odd/%5Bc%23%3A%25' a.npy --inline

good 'workflows' ls
is 'sorted' "$out" $'odd\nother\nwf'
good 'tasks' ls wf
is 'sorted, too' "$out" $'a\nb1\nb2'
good 'a pattern' ls 'wf/b*'
is 'what matches' "$out" $'b1\nb2'
good 'a class' ls 'wf/b[!1]'
is 'what matches it' "$out" b2
good 'a name' ls wf/a
is 'itself' "$out" a
good 'a pattern that matches nothing is no failure' ls 'wf/z*'
is 'and prints nothing' "$out" ''
good 'an escaped sign is itself' ls 'odd/a%2A*'
is 'and no pattern' "$out" 'a*b'
good 'a name with signs' ls 'odd/%5Bc%23%3A%25'
is 'comes out as it is' "$out" '[c#:%'
good '--json of workflows' ls --json
json_is 'a list' "d['version'], d['workflows']" "(1, ['odd', 'other', 'wf'])"
good '--json of tasks' ls wf --json
json_is 'with its workflow' "d['workflow'], d['tasks']" "('wf', ['a', 'b1', 'b2'])"
good '--json of nothing' ls 'wf/z*' --json
json_is 'an empty list' "d['tasks']" '[]'

for verb in ls verify gc du 'get wf/a' 'show wf/a' 'info wf/a' 'rm -n wf/a' 'diff wf/a wf/b' \
    'mv wf/a wf/b'; do
    # shellcheck disable=SC2086 # the words of one call
    bad 3 '*nx: no storage of this name*no such folder*ff store list*' -S nx $verb
done
bad 3 '*nx: no storage of this name*' get nx:wf/a
[ ! -e nx ]
result $? 'who reads makes no folder'
bad 3 '*nothing*' ls nothing
bad 3 '*wf/nothing*' ls wf/nothing
bad 2 '*whole tasks*' ls wf/a#b
bad 2 '*more than one*' ls wf/a/b

good 'another folder' -S ./lab ls
is 'its workflow' "$out" lab
good 'in the address' ls ./lab:lab
is 'its task' "$out" y
good 'a whole storage in the address' ls ./lab:
is 'its workflows' "$out" lab
good 'the option behind the verb' ls -S ./lab
is 'does the same' "$out" lab
good 'the option in one word' ls --storage=./lab
is 'as well' "$out" lab
good 'JSON' ls "{\"kind\": \"file\", \"options\": {\"path\": \"$work/lab\"}}:lab"
is 'names a storage' "$out" y
echo "{\"kind\": \"file\", \"options\": {\"path\": \"$work/lab\"}}" >lab.json
good 'a file with JSON' -S @lab.json ls
is 'names a storage, too' "$out" lab
mkdir -p config/functionfuse
echo "{\"default\": \"l\", \"storages\": {\"l\": {\"kind\": \"file\", \"options\": {\"path\": \"$work/lab\"}}}}" >config/functionfuse/config.json
good 'a name of the configuration' -S l ls
is 'names a storage as well' "$out" lab
out=$(env -u FF_STORAGE "$FF" ls)
is 'the default of the configuration' "$out" lab
rm config/functionfuse/config.json
env -u FF_STORAGE "$FF" ls >.out 2>.err
is 'no storage at all is exit 2' $? 2
like 'with a way out' "$(cat .err)" 'ff: *fix: *'
bad 2 '*s4*' -S '{"kind": "s4", "options": {}}' ls
bad 2 '*' -S '{"kind": ' ls
bad 3 '*' -S @missing.json ls
for _ in 1 2 3; do
    start=$(date +%s%N)
    "$FF" ls >/dev/null
    echo "# ff ls: $((($(date +%s%N) - start) / 1000)) us"
done
bad 3 'nope: no such workflow*fix: *ff ls*' ls nope
bad 3 'nope/x: no such task*fix: *ff ls*' ls nope/x
: >afile
bad 2 'afile: the storage*no folder*fix: *' -S afile ls
finish
