#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff rm and ff mv.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '4, 6'
fill() {
    for task in wf/a wf/b1 wf/b2 wf/c; do
        "$FF" put $task a.npy
    done
}
fill
bigdata() { find store -path '*/bigdata/*' -type f | wc -l; }

is 'four arrays' "$(bigdata)" 4
good '-n of a task' rm -n wf/a
is 'prints it' "$out" wf/a
good '-n of a pattern' rm -n 'wf/b*'
is 'prints what matches' "$out" $'wf/b1\nwf/b2'
good '-n of a workflow' rm -n -r wf
is 'prints all' "$out" $'wf/a\nwf/b1\nwf/b2\nwf/c\nwf'
is 'nothing is gone' "$(bigdata)" 4
good 'a task' rm wf/a
is 'prints nothing' "$out" ''
bad 3 '*' ls wf/a
is 'its array is gone' "$(bigdata)" 3
good 'a pattern' rm 'wf/b*'
good 'the rest' ls wf
is 'is there' "$out" c
is 'with its array' "$(bigdata)" 1
good '--json' rm --json wf/c
json_is 'reports' "d['version'], d['removed'], d['dry_run']" "(1, ['wf/c'], False)"
fill
good 'several' rm wf/a wf/c
good 'the rest' ls wf
is 'is there' "$out" $'b1\nb2'
bad 2 '*wf is a workflow*-r*' rm wf
good '-r' rm -r wf
bad 3 '*' ls wf
is 'nothing is left' "$(bigdata)" 0
run rm 'wf/z*'
is 'a pattern in no workflow' "$code" 3
fill
run rm 'wf/z*'
is 'a pattern that matches nothing is no failure' "$code" 0
like 'but told' "$err" '*nothing matches*'
bad 2 '*wf/a[[]0:3]: a slice cannot be removed, only whole tasks*fix: ff rm wf/a *' rm 'wf/a[0:3]'
bad 2 '*a slice*' rm 'wf/a[2, -1]'
run rm 'wf/b[3-9]'
is 'a class of signs is a pattern' "$code" 0
like 'that matches nothing' "$err" '*nothing matches*'
bad 3 '*wf/none*' rm wf/none
bad 3 '*wf/none*' rm -n wf/none
bad 3 '*' rm -r none
bad 3 '*wf/none*' rm wf/a wf/none
bad 2 '*whole tasks*' rm wf/a 'wf/b1#x'
bad 2 '*wf is a workflow*' rm wf/a wf
good 'of several none went' ls wf/a
is 'as one could not' "$out" a
bad 2 '*whole tasks*' rm wf/a#x
bad 2 '*' rm ''
run rm --json wf/none
is 'a failure with --json' "$code" 3
json_is 'still says what went' "d['removed']" '[]'
"$FF" put 'wf/x%2Ay' a.npy
"$FF" put 'wf/xzy' a.npy
good 'an escaped sign is no pattern' rm 'wf/x%2Ay'
good 'its neighbour' ls wf/xzy
is 'is there' "$out" xzy

good 'mv -n' mv -n wf/a wf/z
good 'nothing' ls wf/a
good 'mv' mv wf/a wf/z
bad 3 '*' ls wf/a
good 'get it' get wf/z -o z.npy
check 'the same array' cmp a.npy z.npy
good 'to another workflow, which is made' mv wf/z new/z
good 'get it there' get new/z -o z.npy
check 'the same array, too' cmp a.npy z.npy
bad 8 '*' mv wf/c wf/b1
bad 8 '*' mv -n wf/c wf/b1
bad 3 '*wf/none*' mv wf/none wf/y
bad 3 '*' mv wf/none fresh/y
bad 3 '*' ls fresh
bad 8 '*' mv wf/c wf
bad 2 '*wf is a workflow*-r*' mv wf other
good '--json' mv wf/c wf/d --json
json_is 'reports' "[(m['from'], m['to']) for m in d['moved']], d['dry_run']" "([('wf/c', 'wf/d')], False)"
good 'no leftovers' gc --grace 0 --json
json_is 'at all' "[f for f in d['findings'] if f['what'] == 'orphan']" '[]'
# what Python can make, and is no name of ours: the others go
echo 1 >x.json
for task in a z; do "$FF" put wx/$task x.json; done
cp store/wx/a store/wx/$'c\001x'
run rm -n 'wx/*'
is 'a task that is no name would stay' "$code $out" "2 $(printf '%s\n' wx/a wx/z)"
run rm 'wx/*'
is 'a task that is no name stays' "$code" 2
like 'and is named at the end' "$err" '*ff: wx/c\\x01x: not a task name*'
is 'alone' "$(ls store/wx)" $'c\001x'

bad 3 'wx/none: no such task*fix: *ff ls*' rm wx/none
"$FF" put wx/a x.json && "$FF" put wx/b x.json
bad 8 'wx/a: *that is there*fix: *another name*' mv wx/a wx/b
bad 8 'wx/b: that is there*fix: *another name*' mv -n wx/a wx/b
mkdir store/wx/folder
bad 8 'wx/folder: a folder has this name*fix: remove it*' put wx/folder x.json
finish
