#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff diff: tasks and files, by structure and value.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

differ() { # PATTERN-OF-STDOUT ARGUMENT...: exits with 1 and says where
    local pattern=$1
    shift
    run diff "$@"
    # shellcheck disable=SC2053 # a pattern
    [ "$code" -eq 1 ] && [[ $out == $pattern ]] && [[ $err == 'ff: '*difference* ]]
    result $? "exit 1: ff diff ${*@Q}"
}

npy a.npy '3, 4'
npy b.npy '3, 4'
npy c.npy '12,'
printf '\0' | dd of=b.npy bs=1 seek=$((128 + 8 * 11 + 7)) conv=notrunc 2>/dev/null
echo '{"x": 1, "y": [1, 2], "f": {"$npy": "a.npy", "chunks": [1, 4]}}' >a.json
echo '{"x": 1.5, "y": [1, 3, 4], "f": {"$npy": "b.npy", "chunks": [2, 2]}, "z": null}' >b.json
"$FF" put wf/a a.json
"$FF" put wf/b b.json

good 'a task and itself' diff wf/a wf/a
is 'nothing is said' "$out" ''
good 'a task and its file' diff wf/a a.json
good 'a part and a file' diff 'wf/a#f' a.npy
differ '*x: 1 -> 1.5*' wf/a wf/b
like 'an item that changed' "$out" $'*y[[]1]: 2 -> 3\n*'
like 'an item that is only in B' "$out" $'*y[[]2]: only in B: 4\n*'
like 'a key that is only in B' "$out" '*z: only in B: None*'
like 'elements' "$out" '*f: 1 element differs, the first at [[]2, 3], by at most 11*'
differ '*->*' a.npy c.npy
differ '(root): 1 element differs, the first at [[]3]*' 'wf/a#f[2]' 'wf/b#f[2]'
run diff wf/a wf/b --json
is '--json: exit code' "$code" 1
json_is 'it reports' "d['version'], d['equal'], sorted((r['path'], r['what']) for r in d['differences'])" \
    "(1, False, [('f', 'elements'), ('x', 'type'), ('y[1]', 'value'), ('y[2]', 'only in B'), ('z', 'only in B')])"
good '--json: equal' diff a.json a.json --json
json_is 'it reports' "d['equal'], d['differences']" '(True, [])'
printf '\x80\x02}X\x01\x00\x00\x00aK\x01s.' >a.pkl
printf '\x80\x02}X\x01\x00\x00\x00aK\x02s.' >b.pkl
differ 'a: 1 -> 2' a.pkl b.pkl
# {m.Color(1): 1, nan: 2, (m.Color(2),): {m.Color(3)}}
printf '\x80\x04}(cm\nColor\nK\x01\x85RK\x01G\x7f\xf8\0\0\0\0\0\0K\x02cm\nColor\nK\x02\x85R\x85' >enum.pkl
cp enum.pkl enum-2.pkl
printf '\x8f(cm\nColor\nK\x03\x85R\x90u.' | tee -a enum.pkl >>enum-2.pkl
good 'members of an enum and NaN as keys' diff enum.pkl enum-2.pkl
is 'nothing is said' "$out" ''
good 'files of joblib' diff "$FF_SOURCE"/tests/data/pickle/joblib-1.6-p{2,4}.joblib
bad 2 '*wf is a workflow: two tasks are compared*fix: ff diff WORKFLOW/TASK *' diff wf wf
bad 2 '*./store: is a storage: two tasks are compared*' diff ./store: ./store:
bad 3 '*' diff wf/none wf/a
bad 3 '*none.pkl*' diff none.pkl wf/a
cp a.npy a.npy.pkl
bad 4 '*' diff a.npy.pkl a.pkl
printf '\x80\x04cm\nC\n)R0N.' >call.pkl
printf '\x80\x04N.' >none.pkl
run diff call.pkl none.pkl
is 'a pickle that calls, and one that does not' "$code" 1
like 'a call that is dropped is a difference' "$out" '<effects>[[]0]: only in A: m.C*'
"$FF" -q put wf/call call.pkl
good 'it is in the JSON' get wf/call -o call.json
good 'which is put' put wf/back call.json
good 'and is the same' diff wf/call wf/back
good 'it is shown' show wf/call
like 'behind the value' "$out" $'None\ncalled, dropped: *m.C*'
finish
