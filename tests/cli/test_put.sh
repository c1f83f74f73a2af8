#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff put: what it takes, how it lays arrays out, and that a failure saves nothing.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '4, 6'
npy one.npy '5,'
echo '{"x": [1, 2.5, null, true, "text"], "field": {"$npy": "a.npy", "chunks": [2, 3]}}' >v.json

good 'a .npy file' put wf/a a.npy
is 'it says nothing in a pipe' "$out$err" ''
good 'a .json file with an array beside it' put wf/v v.json
good 'they are there' ls wf
is 'both' "$out" $'a\nv'
run info --json wf/a
json_is 'the array is kept by a serializer' "d['persistent'][0]['serializer']" HDFSerializer
json_is 'in chunks of its own size' "d['persistent'][0]['array']['chunk']" '[4, 6]'
run info --json wf/v
json_is 'the chunks of the JSON are taken' "d['persistent'][0]['array']['chunk']" '[2, 3]'
good '--chunks' put wf/c a.npy --chunks 3,2
run info --json wf/c
json_is 'they are taken' "d['persistent'][0]['array']['chunk']" '[3, 2]'
good '--chunks auto' put --chunks=auto wf/c a.npy
good '--inline' put --inline wf/i a.npy
run info --json wf/i
json_is 'nothing is kept beside the task' "d['persistent']" '[]'
good '--compression' put wf/z a.npy --compression deflate:4
good 'its elements' get wf/z --as text
like 'are right' "$out" '0.0 1.0 2.0 3.0 4.0 5.0'$'\n''6.0 *'

"$FF" put wf/p - --as json <<<'{"a": 1}'
is 'standard input as JSON' "$?" 0
good 'get it' get wf/p#a
is 'the value' "$out" 1
"$FF" put wf/n - --as npy <a.npy
is 'standard input as .npy' "$?" 0
head -c 10000 a.npy | "$FF" put wf/n - --as npy
is 'a pipe as .npy' "$?" 0
good 'get it back' get wf/n -o n.npy
check 'the same file' cmp a.npy n.npy
mkfifo pipe.npy
cat a.npy >pipe.npy &
good 'a FIFO as .npy' put wf/f pipe.npy
good 'a pickle out' get wf/v -o inline.pkl
run get wf/p -o p.pkl
good 'a pickle in' put wf/q p.pkl
good 'get it' get wf/q#a
is 'the value' "$out" 1
printf 'cos\nsystem\n(Vls\ntR.' >evil.pkl
run put wf/evil evil.pkl
is 'a pickle that Python would run something of is saved' "$code" 0
like 'and told' "$err" 'ff: *evil.pkl: *os.system*Python runs it when it reads the task*ff inspect evil.pkl*'
run -q put wf/evil evil.pkl
is 'not with -q' "$code $err" '0 '
run put wf/evil - --as pkl
is 'standard input that is no pickle' "$code" 4
good 'it goes' rm wf/evil

good '-v names what was saved' -q put wf/a a.npy
run -v put wf/a a.npy
like 'it does' "$err" '*ff: saved wf/a*'
good '--json' put wf/a a.npy --json
json_is 'it reports' "d['version'], d['workflow'], d['task'], d['saved']" "(1, 'wf', 'a', True)"

good '-n' put -n wf/new a.npy
bad 3 '*' ls wf/new
good '-n of a new workflow' put -n new/new a.npy
bad 3 '*' ls new
for option in '' --if-absent; do
    good "-n $option into a folder that is not there" -S ./far-away put -n $option wf/a a.npy
done
check 'makes none' test ! -e far-away
good '--if-absent of a new task' put --if-absent wf/new a.npy
bad 8 '*' put --if-absent wf/new a.npy
bad 8 '*' put -n --if-absent wf/new a.npy
good 'without it a task is replaced' put wf/new one.npy
run get wf/new --as text
is 'by the new value' "$out" '0.0 1.0 2.0 3.0 4.0'
run get wf/new --as json
is 'numbers of an array' "$out" '[0.0,1.0,2.0,3.0,4.0]'

: >empty.npy
echo 'no array' >text.npy
head -c 200 a.npy >short.npy
echo '{"a": ' >broken.json
echo '{"field": {"$npy": "missing.npy"}}' >missing.json
echo 'no pickle' >text.pkl
mkdir folder.npy
run -v -S laab put wf/x a.npy
like 'a folder that was made is told' "$err" '*made the folder laab*'
run -v -S laab put wf/x a.npy
is 'once' "$(grep -c 'made the folder' <<<"$err")" 0
bad 3 '*missing.npy*' put wf/x missing.npy
bad 4 '*empty.npy*' put wf/x empty.npy
bad 4 '*text.npy*' put wf/x text.npy
bad 4 '*short.npy*' put wf/x short.npy
bad 2 '*broken.json*' put wf/x broken.json
bad 3 '*missing.npy*' put wf/x missing.json
bad 4 '*' put wf/x text.pkl
bad 2 '*folder.npy*' put wf/x folder.npy
bad 2 '*v.txt*--as npy, json or pkl' put wf/x v.txt
bad 2 '*format hdf5*' put wf/x v.json --as hdf5
bad 2 '*--chunks, --inline and --compression are for .npy*' put wf/x v.json --chunks 1
bad 2 '*--inline goes with neither*' put wf/x a.npy --inline --chunks 1,1
bad 2 '*--chunks 0,1*' put wf/x a.npy --chunks 0,1
bad 2 '*--chunks 1,*' put wf/x a.npy --chunks 1,
shown() { # CONFIGURATION OPTION...: the array that ff put makes under it
    echo "{\"arrays\": $1}" >config.json && shift
    FF_CONFIG=config.json "$FF" -q put wf/shown b.npy "$@" && FF_CONFIG=config.json "$FF" show wf/shown
}
npy b.npy '40, 8'
is 'chunks of the size that the configuration says' "$(shown '{"chunks": 640}')" 'array <f8 (40, 8) chunks (10, 8)'
is 'with compression too' "$(shown '{"chunks": 640}' --compression deflate)" 'array <f8 (40, 8) chunks (10, 8)'
is 'or none' "$(shown '{"inline": true}')" 'ndarray <f8 (40, 8)'
is 'which the options overrule: auto' "$(shown '{"inline": true}' --chunks auto)" 'array <f8 (40, 8) chunks (40, 8)'
is 'a shape' "$(shown '{"inline": true}' --chunks 9,8)" 'array <f8 (40, 8) chunks (9, 8)'
is 'a compression' "$(shown '{"inline": true}' --compression deflate)" 'array <f8 (40, 8) chunks (40, 8)'
is '--inline' "$(shown '{"chunks": 640}' --inline)" 'ndarray <f8 (40, 8)'
bad 2 '*1 chunk length*2 axes*' put wf/x a.npy --chunks 1
bad 2 '*--compression*' put wf/x a.npy --compression 'a"b'
bad 2 '*brotli*' put wf/x a.npy --compression brotli
is 'the place is the task alone' "$(grep -c 'wf/x#' <<<"$err")" 0
bad 2 '*not an address*' put wf a.npy
bad 2 '*not an address*' put wf/x#y a.npy
bad 2 '*' put .hidden/x a.npy
bad 2 '*' put wf/bigdata a.npy
bad 2 '*' put wf/$'a\nb' a.npy
echo '{"field": {"$npy": "a.npy"}}' | "$FF" put wf/x - --as json 2>/dev/null
is 'standard input names no files' $? 2
chmod 0 one.npy
denied 6 '*one.npy*' put wf/x one.npy
mkdir -p shut/wf && chmod 500 shut/wf
denied 6 '*wf*' -S ./shut put wf/x a.npy
chmod 700 shut/wf
bad 3 '*' ls wf/x
good 'what failed left nothing behind' gc --grace 0 --json
json_is 'nothing' "d['findings']" '[]'
echo 1 >one.json && "$FF" put there/a one.json
bad 8 'there/a: the task is there already*fix: *another name*' put --if-absent there/a one.json
bad 8 'there/a: that is there*fix: *another name*' put -n --if-absent there/a one.json
echo '{"a": ' >half.json
bad 2 'half.json: line 2*fix: *json.tool*' put there/h half.json
"$FF" put there/h - --as json <half.json 2>.err
like 'from standard input as well' "$(cat .err)" 'ff: line 2*fix: *json.tool*'
printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }" >o.npy
bad 1 "o.npy: a dtype that cannot be used: '|O': *objects*fix: *pickle*" put there/o o.npy
finish
