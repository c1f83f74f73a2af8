#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C: the work ends with 130 and leaves nothing half done.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

# A sparse .npy file of 16 GiB: longer than anybody waits.
{
    printf -v header '%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (2147483648,), }"
    printf '\x93NUMPY\x01\x00\x76\x00%s' "$header"
} >large.npy
truncate -s $((128 + 8 * 2147483648)) large.npy
npy a.npy '4,'
"$FF" put wf/old a.npy

# interrupted SIGNAL COMMAND...: start it, wait until it works, send, and wait for the end
interrupted() {
    local signal=$1 pid begun
    shift
    set -m # a background job of a script ignores SIGINT otherwise
    "$@" >.out 2>.err </dev/null &
    pid=$!
    set +m
    sleep 0.4
    kill -0 $pid 2>/dev/null || echo '# it ended before the signal'
    begun=$(date +%s%N)
    kill -"$signal" $pid
    wait $pid
    code=$?
    took_ms=$((($(date +%s%N) - begun) / 1000000))
}

for signal in INT TERM; do
    interrupted $signal "$FF" put wf/large large.npy --durability none
    is "put and SIG$signal: exit 130" "$code" 130
    check "put and SIG$signal: within 5 s" test $took_ms -lt 5000
    bad 3 '*' ls wf/large
    interrupted $signal "$FF" put wf/old large.npy --durability none
    is "replace and SIG$signal: exit 130" "$code" 130
    run get wf/old --as text
    is 'the old value is there' "$out" '0.0 1.0 2.0 3.0'
done
good 'nothing half done' verify
run gc --grace 0 --json
json_is 'and no big data left over' "[f for f in d['findings'] if f['what'] == 'orphan']" '[]'
is 'none at all but that of the task' "$(find store -path '*/bigdata/*' -type f | wc -l)" 1

# reading 128 MiB as JSON takes seconds, too
truncate -s $((128 + 8 * 16777216)) large.npy
{
    printf -v header '%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (16777216,), }"
    printf '\x93NUMPY\x01\x00\x76\x00%s' "$header"
} | dd of=large.npy conv=notrunc 2>/dev/null
"$FF" put wf/large large.npy --durability none
echo old >out.json
interrupted INT "$FF" get wf/large -o out.json
is 'get and SIGINT: exit 130' "$code" 130
is 'the old file is there' "$(cat out.json)" old
is 'and no other' "$(find . -maxdepth 1 -name '.*.part' | wc -l)" 0

# blocked by a reader that does not read
mkfifo full
# shellcheck disable=SC2217 # it only holds the pipe open
sleep 30 <full >/dev/null &
holder=$!
for where in '-o full' '-o -'; do
    set -m
    # shellcheck disable=SC2086 # two words
    "$FF" get wf/large --as npy $where >full 2>/dev/null &
    pid=$!
    set +m
    sleep 0.5
    begun=$(date +%s%N)
    kill -INT $pid
    wait $pid
    is "a blocked get $where is interrupted" $? 130
    check 'at once' test $((($(date +%s%N) - begun) / 1000000)) -lt 5000
done
kill "$holder" 2>/dev/null

mkfifo pipe
sleep 30 >pipe &
holder=$!
set -m
"$FF" put wf/x pipe --as json 2>/dev/null &
pid=$!
set +m
sleep 0.3
kill -INT $pid
wait $pid
is 'reading standard input ends at once' $? 130
kill "$holder" 2>/dev/null
finish
