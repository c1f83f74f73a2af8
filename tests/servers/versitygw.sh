#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# versitygw.sh FOLDER: start versitygw over FOLDER on a free port of loopback; prints its URL and
# stays until it is stopped. $VERSITYGW, else the one in $PATH, else what `go install` built in
# $GOBIN or ~/go/bin. Exit 77: there is none.
set -eu
here=$(dirname "$0")
folder=${1:?a folder}
server=${VERSITYGW:-$(PATH=$PATH:${GOBIN:-}:${GOPATH:-$HOME/go}/bin command -v versitygw || true)}
if [ ! -x "$server" ]; then
    echo "no versitygw: go install github.com/versity/versitygw/cmd/versitygw@latest" >&2
    exit 77
fi
mkdir -p "$folder/data/test"
port=$(python3 "$here/free_port.py")
"$server" --port "127.0.0.1:$port" --access ffkey --secret ffsecretffsecret --quiet \
    posix "$folder/data" >"$folder/log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null || true' EXIT
trap 'exit 0' TERM INT HUP
for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        echo "http://127.0.0.1:$port"
        wait $pid
        exit 1
    fi
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
done
cat "$folder/log" >&2
exit 1
