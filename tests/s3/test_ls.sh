#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 100,000 tasks on S3 are listed in the requests that their pages need, and no other.
# Needs the server of faults: ../servers/with.sh fault THIS.
# shellcheck source-path=SCRIPTDIR source=../cli/tap.sh
. "$(dirname "$0")/../cli/tap.sh"

port=${FF_S3_URL##*:}
tell() { # LINE: to the server; its answer
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    echo "$1" >&3
    head -n 1 <&3
    exec 3>&-
}

export FF_STORAGE="{\"kind\": \"S3\", \"options\": {\"path\": \"/test/many\", \"s3fs\": {\"endpoint_url\": \"$FF_S3_URL\", \"key\": \"ffkey\", \"secret\": \"ffsecretffsecret\"}}}"
tell '!page 1000' >/dev/null
tell '!fill many/wf/task 100000' >/dev/null
tell '!fill many/wf/bigdata/dask_arrays/0f0e0d0c-0b0a-4a0b-8c0d-0e0f00010203/ 5000' >/dev/null
tell '!off' >/dev/null
good 'ls of 100,000 tasks' ls wf
is 'tells each' "$(wc -l <.out) $(head -n 1 .out) $(tail -n 1 .out)" '100000 task000000 task099999'
# bigdata/ is one name more: 101 pages
is 'in so many lists' "$(tell '!count GET list-type=2')" 101
is 'and no other request' "$(tell '!count ANY ')" 101
tell '!page 3' >/dev/null
finish
