#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff cp, and ff mv between storages: between folders, and where $FF_S3_URL is set with that server.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '40, 60'
npy b.npy '5,'
echo '{"x": [1, 2, {"$float": "nan"}], "field": {"$npy": "a.npy", "chunks": [7, 60]}}' >mixed.json
"$FF" put wf/a a.npy --chunks 16,16
"$FF" put wf/b b.npy
"$FF" put wf/m mixed.json
"$FF" put two/a b.npy
same() { # WHAT ADDRESS ADDRESS
    good "$1" diff "$2" "$3"
}
orphans() { # STORE
    "$FF" -S "$1" gc --grace 0 --json >.gc && "$plain_python" -c '
import json; print([f["name"] for f in json.load(open(".gc"))["findings"] if f["what"] == "orphan"])'
}

good 'within a workflow' cp wf/a wf/copy
same 'is the same' wf/a wf/copy
is 'as a hard link' "$(find store/wf/bigdata -type f -links 2 | wc -l)" 2
good 'to another workflow, which is made, with its name' cp wf/a new
same 'is the same' wf/a new/a
good 'again' cp wf/a new --json
json_is 'it is there' "d['copied'][0]['how']" there
bad 8 '*new/a*another value is there*fix: *--replace*' cp wf/b new/a
same 'it is left' wf/a new/a
good '--replace' cp --replace wf/b new/a
same 'it is replaced' wf/b new/a
is 'and leaves no orphan' "$(orphans store)" '[]'
bad 2 '*./lab: no workflow*fix: *./lab:' cp wf/a ./lab
bad 2 "*no task after '/'*a workflow alone*" cp 'wf/*' ./lab:wf/
bad 2 '*onto itself*' cp wf/a wf/a
bad 2 '*wf is a workflow*-r*' cp wf ./lab:wf
bad 2 '*several*' cp 'wf/*' ./lab:wf/a
bad 2 '*several*' cp -r ./store: ./lab:wf
bad 3 '*none*' cp wf/none ./lab:wf
bad 3 '*none*' cp -r none ./lab:
good '-n' cp -n -r wf ./lab:
is 'says what' "$(sort <<<"$out")" "$(printf '%s -> %s\n' wf/a wf/a wf/b wf/b wf/copy wf/copy wf/m wf/m)"
check 'and does nothing' test ! -e lab/wf
good '-n to a folder that is not there' cp -n -r wf ./far-away:
is 'says what, too' "$(wc -l <<<"$out")" 4
good '-n of mv' mv -n -r wf ./far-away:
run -v cp -n wf/a ./far-away:wf
like 'and that a folder would be made' "$err" '*would make the folder ./far-away*'
check 'and makes none' test ! -e far-away

good 'a task to another storage' cp wf/m ./lab:wf --json
json_is 'byte for byte' "d['copied'][0]['how']" 'byte for byte'
same 'is the same' wf/m ./lab:wf/m
is 'has big data of its own' "$(find lab/wf/bigdata -type f -links 1 | wc -l)" 1
run cp wf/b ./lab:wf/m
is 'another value there is exit 8' "$code" 8
good 'a whole storage' cp -r ./store: ./lab: --json
json_is 'what was there is left' "[c['from'] for c in d['copied'] if c['how'] == 'there']" "['wf/m']"
for task in wf/a wf/b wf/m new/a two/a; do
    same "$task is the same" $task ./lab:$task
done
rm -rf lab/wf/b lab/two
good 'what is missing is copied' cp -r ./store: ./lab: --json
json_is 'and nothing else' "sorted(c['from'] for c in d['copied'] if c['how'] != 'there')" "['two/a', 'wf/b']"
"$FF" -S ./lab put wf/b a.npy
"$FF" -S ./lab rm wf/a
run cp -r wf ./lab:
is 'one that differs is exit 8' "$code" 8
like 'and told' "$err" '*wf/b: another value is there*'
same 'the others are copied' wf/a ./lab:wf/a
printf 'no task' >store/wf/torn
run cp 'wf/*' ./lab: --replace
is 'one that is damaged is exit 4' "$code" 4
same 'the others are copied, too' wf/b ./lab:wf/b
rm store/wf/torn

good 'mv to another storage' mv two/a ./lab:moved/x
same 'arrives' wf/b ./lab:moved/x
bad 3 '*' ls two/a
is 'with all it had' "$(find store/two -type f | wc -l)" 0
good 'a workflow to another storage' mv -r ./lab:wf ./far:other
for task in a b m copy; do
    same "$task arrives" wf/$task ./far:other/$task
done
good 'nothing is left' -S ./lab ls wf
is 'there' "$out" ''
bad 8 '*' mv wf/b ./far:other/a
same 'it is left' wf/b ./lab:moved/x
is 'no orphans here' "$(orphans store)" '[]'
is 'no orphans there' "$(orphans far)" '[]'

# Killed at any moment it goes on when it is done again.
for i in 1 2 3 4 5 6 7 8; do
    rm -rf again
    timeout -s KILL "0.0$((i * 1))" "$FF" cp -r wf ./again: >/dev/null 2>&1
    "$FF" -q cp -r wf ./again: || result 1 'it goes on'
    for task in a b m copy; do
        "$FF" diff wf/$task ./again:wf/$task >/dev/null || result 1 "killed, done again: $task"
    done
done
result 0 'killed, it goes on'

# what Python can make, and is no name of ours: the others are copied
mkdir -p odd/bigdata && echo 1 >x.json && "$FF" -S ./odd put wf/a x.json
cp odd/wf/a odd/wf/$'c\001x' && cp odd/wf/a odd/wf/z
run cp -r ./odd: ./even:
is 'a name that is none is a failure' "$code" 2
like 'and each is told' "$err" '*bigdata: not a workflow name*wf/c\\x01x: not a task name*'
is 'after the others' "$(ls even/wf)" $'a\nz'

[ -n "${FF_S3_URL:-}" ] || {
    skip 'to a server and back' "no server: tests/servers/with.sh starts one"
    finish
    exit
}
s3() { # PREFIX
    echo "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/$1\", \"s3fs\": {\"endpoint_url\": \"$FF_S3_URL\", \"key\": \"ffkey\", \"secret\": \"ffsecretffsecret\"}}}"
}
prefix=cp$RANDOM$RANDOM
cloud=$(s3 $prefix)
other=$(s3 ${prefix}b)
quiet() { # WHAT ARGUMENT...: as good, but for warnings of what the server cannot do
    run "${@:2}"
    [ "$code" -eq 0 ]
    result $? "$1"
}
quiet 'files to S3' cp -r wf "$cloud:" --json
json_is 'in its format' "sorted({c['how'] for c in d['copied']})" "['anew']"
quiet 'are the same' diff wf/m "$cloud:wf/m"
quiet 'S3 to S3' cp -r "$cloud:wf" "$other:" --json
json_is 'byte for byte' "{c['how'] for c in d['copied']}" "{'byte for byte'}"
quiet 'are the same' diff "$cloud:wf/a" "$other:wf/a"
quiet 'within S3' cp "$cloud:wf/a" "$cloud:new/a" --json
json_is 'by the server' "d['copied'][0]['how']" 'on the medium'
quiet 'is the same' diff wf/a "$cloud:new/a"
quiet 'S3 to files' cp -r "$other:" ./home:
same 'is the same' wf/m ./home:wf/m
quiet 'S3 to files again' cp -r "$other:" ./home: --json
json_is 'all is there' "{c['how'] for c in d['copied']}" "{'there'}"
quiet 'mv within S3' mv "$cloud:wf/a" "$cloud:wf/z"
quiet 'mv from S3 to S3' mv -r "$cloud:wf" "$other:more"
quiet 'is the same' diff wf/a "$other:more/z"
quiet 'du' du "$other:more"
quiet 'verify' -S "$other" verify --deep
quiet 'rm -r' rm -r "$cloud:wf" "$cloud:new" "$other:wf" "$other:more"
finish
