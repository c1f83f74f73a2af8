#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff get: formats, files that appear whole or not at all, and what it reports.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '4, 6'
npy cube.npy '2, 2, 2'
npy one.npy '1,'
cat >v.json <<'END'
{"text": "h\u00e9llo", "list": [1, [2, 3]], "n": 7, "f": 0.5, "none": null, "a key": {"b": true},
 "field": {"$npy": "a.npy", "chunks": [1, 6]}}
END
"$FF" put wf/v v.json
"$FF" put wf/a a.npy --chunks 1,6
"$FF" put wf/i a.npy --inline
"$FF" put wf/cube cube.npy
"$FF" put wf/one one.npy

for task in wf/a wf/i 'wf/v#field'; do
    good "$task to .npy" get "$task" -o b.npy
    check 'the same bytes' cmp a.npy b.npy
    run get "$task" --as npy
    check 'on standard output, too' cmp a.npy .out
    good "$task to .raw" get "$task" -o b.raw
    check 'the elements' cmp <(tail -c +129 a.npy) b.raw
    all=$task
    [ "$task" = wf/i ] && all='wf/i#[...]' # as a whole it is a value of the pickle
    good "$all to .json" get "$all" -o b.json
    is 'nested lists' "$(cat b.json)" '[[0.0,1.0,2.0,3.0,4.0,5.0],[6.0,7.0,8.0,9.0,10.0,11.0],[12.0,13.0,14.0,15.0,16.0,17.0],[18.0,19.0,20.0,21.0,22.0,23.0]]'
    good "$task to .txt" get "$task" -o b.txt
    is 'a line a row' "$(tail -n 1 b.txt)" '18.0 19.0 20.0 21.0 22.0 23.0'
    is 'and no more' "$(wc -l <b.txt)" 4
    good "$task to .pkl" get "$task" -o b.pkl
    good 'the pickle is read' put wf/back b.pkl
    run get wf/back --as npy
    check 'to the same array' cmp a.npy .out
done
good 'an array of the pickle as JSON' get wf/i
json_is 'all that it is' \
    "d['\$ndarray']['dtype'], d['\$ndarray']['shape'], len(d['\$ndarray']['data'])" "('<f8', [4, 6], 256)"
cp .out i.json
good 'which is read' put wf/again i.json
good 'and is the same' diff wf/i wf/again
run get wf/cube --as text
is 'an empty line between planes' "$out" $'0.0 1.0\n2.0 3.0\n\n4.0 5.0\n6.0 7.0'
run get 'wf/cube#[1,1,1]' --as text
is 'one element as text' "$out" 7.0
run get 'wf/cube#[1,1,1]'
is 'one element as JSON' "$out" 7.0
run get 'wf/one[0]'
is 'without # a slice is of the whole value' "$out" 0.0

good 'a str as JSON' get wf/v#text
json_is 'it is one' 'd' 'héllo'
run get wf/v#text --as text
is 'a str as text' "$out" 'héllo'
run get wf/v#text --as raw
is 'a str as bytes' "$(od -An -tx1 <.out)" ' 68 c3 a9 6c 6c 6f'
run get wf/v#n --as text
is 'an integer as text' "$out" 7
run get wf/v#none
is 'None' "$out" null
run get "wf/v#['a key']"
json_is 'a key in quotes' "d" "{'b': True}"
run get "wf/v#list[1][0]"
is 'an item of an item' "$out" 2
run get wf/v#list
json_is 'a list' 'd' '[1, [2, 3]]'
good 'everything as a pickle' get wf/v#list -o l.pkl
run put wf/l l.pkl
run get wf/l
json_is 'which gives the same' 'd' '[1, [2, 3]]'

good '--json reports on the file' get 'wf/a#[1:3]' -o b.npy --json
json_is 'format, dtype, shape, chunks' \
    "d['version'], d['file'], d['format'], d['dtype'], d['shape'], d['chunks_read'], d['chunks'], d['bytes']" \
    "(1, 'b.npy', 'npy', '<f8', [2, 6], 2, 4, $(stat -c %s b.npy))"
run -v get 'wf/a#[0]' -o b.npy
like '-v says how much was read' "$err" '*ff: wrote b.npy: <f8 (6,), 176 B*ff: read 1 of 4 chunks'
is 'on standard error' "$out" ''
run -v -q get 'wf/a#[0]' -o b.npy
is '-q silences it' "$err" ''

echo old >keep.npy
chmod 640 keep.npy
ln -s keep.npy link.npy
good 'through a symbolic link' get wf/a -o link.npy
check 'which stays one' test -L link.npy
check 'to the new file' cmp a.npy keep.npy
is 'with its old mode' "$(stat -c %a keep.npy)" 640
echo old >keep.json
bad 3 'wf/none: no such task*fix: *ff ls*' get wf/none -o keep.json
bad 2 '*npy is for arrays*' get wf/v -o keep.json --as npy
is 'a failure leaves the old file' "$(cat keep.json)" old
bad 2 '*raw is for arrays, str and bytes*' get wf/v#n --as raw
bad 3 '*wf/v#none.such*' get wf/v#none.such
bad 3 '*' get wf/v#nothing
bad 3 '*' get 'wf/v#list[9]'
bad 2 '*only arrays can be sliced, this is of kind *' get 'wf/v#list[0:1]'
bad 2 '*wf/a#\[9\]*index 9 is outside of axis 0 of length 4*' get 'wf/a#[9]'
bad 2 '*not a slice*' get 'wf/a#[0,0,0]'
bad 2 "wf/a*: not a slice: [[]0:2, ::2: no ']' at column 10*fix: as numpy*" get 'wf/a[0:2, ::2'
bad 2 "*the path*" get 'wf/v#list[1'
bad 2 '*suffix of b.xyz*' get wf/a -o b.xyz
bad 2 '*format csv*npy, json, pkl, raw or text' get wf/a --as csv
bad 2 '*--json reports on a file*' get wf/a --json
bad 3 '*missing/b.npy*' get wf/a -o missing/b.npy
mkdir folder.npy
bad 2 '*folder.npy*' get wf/a -o folder.npy
bad 2 '*not an address*' get wf
bad 3 '*' get none/a
"$FF" get wf/a --as npy >/dev/full 2>.err
is 'a full standard output' $? 1
good 'to a device' get wf/a --as npy -o /dev/null
bad 1 '*cannot write*' get wf/a --as npy -o /dev/full
mkdir closed && chmod 500 closed
denied 6 '*closed/b.npy*' get wf/a -o closed/b.npy
(ulimit -f 0 2>/dev/null && trap '' XFSZ && "$FF" get wf/a -o big.npy 2>.err)
is 'a file that gets too large' $? 1
check 'is not there' test ! -e big.npy
is 'no temporary file is left' "$(find . -name '.*.part' | wc -l)" 0
finish
