#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# with.sh SERVER COMMAND...: run COMMAND while SERVER (versitygw, rgw) runs; @URL@ in its arguments,
# and $FF_S3_URL, is where. The bucket is "test", the key "ffkey", the secret "ffsecretffsecret".
# Exit 77: the server is not there.
set -eu
here=$(dirname "$0")
server=$1
shift
folder=$(mktemp -d)
"$here/$server.sh" "$folder" >"$folder/url" &
pid=$!
stop() {
    kill $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
for _ in $(seq 2400); do
    [ ! -s "$folder/url" ] || break
    kill -0 $pid 2>/dev/null || {
        code=0
        wait $pid || code=$?
        exit $code
    }
    sleep 0.05
done
FF_S3_URL=$(cat "$folder/url")
export FF_S3_URL
"${@//@URL@/$FF_S3_URL}"
