#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff is gone before, and after, each request of a save, a replacement, a move, a removal and a
# gc: what docs/format.md promises holds. Needs the server of faults: ../servers/with.sh fault THIS.
# A sample, chosen by $FF_SEED; FF_LONG=1: each request.
# shellcheck source-path=SCRIPTDIR source=../cli/tap.sh
. "$(dirname "$0")/../cli/tap.sh"

RANDOM=$((${FF_SEED:-1} % 32768))
step=10
[ -z "${FF_LONG:-}" ] || step=1
port=${FF_S3_URL##*:}
owned=9f1c8f1e-32a1-4d6c-8f3e-0123456789ab
serial=0

tell() { # LINE: to the server; its answer
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    echo "$1" >&3
    head -n 1 <&3
    exec 3>&-
}

at() { # ARGUMENT...: ff on the storage of this try, once
    "$FF" -q -S "$store" "$@" </dev/null
}

use_fresh() {
    serial=$((serial + 1))
    store="{\"kind\": \"S3\", \"options\": {\"path\": \"/test/gone$serial\", \"s3fs\": {\"endpoint_url\": \"$FF_S3_URL\", \"key\": \"ffkey\", \"secret\": \"ffsecretffsecret\", \"config_kwargs\": {\"connect_timeout\": 2, \"read_timeout\": 2, \"retries\": {\"max_attempts\": 0}}}}}"
}

value() { # TASK: old, new, none, or what is wrong
    local code=0
    at get "wf/$1" -o "got.npy" >.out 2>.err || code=$?
    if [ $code -eq 3 ]; then
        echo none
    elif [ $code -ne 0 ]; then
        echo "exit $code: $(cat .err)"
    elif cmp -s got.npy old.npy; then
        echo old
    elif cmp -s got.npy new.npy; then
        echo new
    else
        echo 'another value'
    fi
}

wrong() { # WHAT
    wrongs+=("$1")
}

npy old.npy '6, 4'
npy new.npy '4, 6'

# Each: what is there before; what ff does; what must be true, given its code.
before_new() { at put wf/other old.npy; }
do_new() { at put wf/a new.npy --chunks 2,6; }
after_new() {
    local v
    v=$(value a)
    [[ $v = new || ($v = none && $1 -ne 0) ]] || wrong "a is $v"
}
before_replace() { at put wf/other old.npy && at put wf/a old.npy --chunks 3,4; }
do_replace() { at put wf/a new.npy --chunks 2,6; }
after_replace() {
    local v
    v=$(value a)
    [[ $v = new || ($v = old && $1 -ne 0) ]] || wrong "a is $v"
}
before_move() { before_replace; }
do_move() { at mv wf/a wf/b; }
after_move() {
    local a b
    a=$(value a)
    b=$(value b)
    [[ $a$b = noneold || ($1 -ne 0 && ($a$b = oldnone || $a$b = oldold)) ]] || wrong "a is $a, b is $b"
}
before_remove() { before_replace; }
do_remove() { at rm wf/a; }
after_remove() {
    local v
    v=$(value a)
    [[ $v = none || ($v = old && $1 -ne 0) ]] || wrong "a is $v"
}
before_gc() {
    before_replace
    curl -sS -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user ffkey:ffsecretffsecret -d orphan \
        -H "x-amz-content-sha256: $(printf orphan | sha256sum | cut -d' ' -f1)" -H 'Content-Type:' \
        "$FF_S3_URL/test/gone$serial/wf/bigdata/$owned" >/dev/null
}
do_gc() { at gc --grace 0 -y; }
after_gc() {
    local v
    v=$(value a)
    [[ $v = old ]] || wrong "a is $v"
}
before_remove_workflow() { before_replace; }
do_remove_workflow() { at rm -r wf; }
after_remove_workflow() {
    local v
    v=$(value a)
    [[ $v = none || ($v = old && $1 -ne 0) ]] || wrong "a is $v"
    [[ $1 -ne 0 || -z $(at ls) ]] || wrong 'the workflow is listed'
}

# Whatever happened: no task refers to what is not there, the others are as they were, gc does no
# harm, and the next save needs nothing first.
check_all() { # SCENARIO
    local code=0
    at verify --deep >.found 2>&1 || code=$?
    [ $code -eq 0 ] || wrong "verify: exit $code: $(head -n 3 .found)"
    if [ "$1" != remove_workflow ]; then
        [ "$(value other)" = old ] || wrong "the other task is $(value other)"
    fi
    at gc --grace 0 -y >.found 2>&1 || wrong "gc: $(cat .found)"
    at put wf/a new.npy >.found 2>&1 || wrong "the next save: $(cat .found)"
    [ "$(value a)" = new ] || wrong "the next value is $(value a)"
    at verify --deep >.found 2>&1 || wrong "verify afterwards: $(head -n 3 .found)"
}

for scenario in new replace move remove gc remove_workflow; do
    for fault in gone_before gone_after; do
        wrongs=() tries=0 failed=0 i=$((RANDOM % step + 1))
        while [ $i -lt 200 ]; do
            use_fresh
            before_$scenario >.found 2>&1 || wrong "before: $(cat .found)"
            tell "!arm $fault ANY 1000000 $i" >/dev/null
            code=0
            do_$scenario >.did 2>&1 || code=$?
            read -r met _ _ < <(tell '!off')
            before=${#wrongs[@]}
            after_$scenario $code
            check_all $scenario
            [ ${#wrongs[@]} -eq "$before" ] ||
                wrongs[before]="request $i, exit $code: ${wrongs[before]}"
            tries=$((tries + 1)) failed=$((failed + (code != 0)))
            [ "$met" -ge "$i" ] || break # it was done before
            i=$((i + step))
        done
        [ ${#wrongs[@]} -eq 0 ] && [ $failed -ge 1 ]
        result $? "$scenario, $fault: $tries of $i requests, $failed times ff said so"
        [ ${#wrongs[@]} -eq 0 ] || printf '# %s\n' "${wrongs[@]:0:6}"
    done
done
finish
