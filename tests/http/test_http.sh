#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_http.sh STORY DOUBLES-DIR: stores that are published over HTTP: what is read, what is refused, and
# what a server may do wrong.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
story=$(realpath "$1") doubles=$(realpath "$2")
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
umask 022
if [ -z "$plain_python" ]; then
    echo "1..0 # SKIP no python3 for a server"
    exit 0
fi
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$work"' EXIT

served=0
serve() { # [FAULT...]: the folder "store"; sets $url and $at, the storage
    served=$((served + 1))
    "$plain_python" "$FF_SOURCE/tests/servers/ranged.py" store "$@" >"url-$served" 2>"log-$served" &
    servers+=($!)
    wait_for_url
}

wait_for_url() {
    url=''
    for _ in $(seq 400); do
        url=$(grep -oE 'https?://[0-9.]+:[0-9]+/' "url-$served" 2>/dev/null) && break
        sleep 0.05
    done
    storage
}

storage() { # [MORE OPTIONS]
    at="{\"kind\": \"http\", \"options\": {\"url\": \"$url\"${1:-}}}"
}

requests() { # PATTERN: how many the last server saw
    grep -cE "$1" "log-$served"
}

cp "$doubles/wave.so" . && mkdir plugins && mv wave.so plugins && chmod go-w plugins plugins/wave.so
config='{"plugins": {"path": ["'$work'/plugins"], "enable": ["http", "npy", "acme.wave"]}}'
mkdir config && mkdir config/functionfuse && echo "$config" >config/functionfuse/config.json
echo '{"a": [1, 2.5, "x"]}' >v.json
npy big.npy '200, 33'
here_store=(-S "$work/store")
"$FF" "${here_store[@]}" put run/plain v.json
"$FF" "${here_store[@]}" put 'run/a b%25+é' v.json
"$FF" "${here_store[@]}" put run/big big.npy --chunks 16,33
"$FF" "${here_store[@]}" put run/zarr big.npy --chunks 16,33 2>/dev/null
"$FF" "${here_store[@]}" put other/plain v.json
: >store/run/empty
touch -d '2 days ago' store/run/empty
for value in plain inline chunked wave; do
    "$story" save "$value" "$work/store-$value" "$config" >/dev/null
done

# ---- reading ----

reads() { # WHAT: of the server at $url
    good "$1: the workflows" -S "$at" ls
    is "$1: all of them" "$out" $'other\nrun'
    good "$1: the tasks" -S "$at" ls run
    is "$1: all of them, names and all" "$out" $'a b%+é\nbig\nempty\nplain\nzarr'
    good "$1: a value" -S "$at" show run/plain
    good "$1: a value with an odd name" -S "$at" get 'run/a b%25+é'
    good "$1: an array" -S "$at" get run/big -o back.npy
    check "$1: the same array" cmp back.npy big.npy
    good "$1: a region" -S "$at" get 'run/big[100:110, 3]' -o part.npy
    "$FF" "${here_store[@]}" get 'run/big[100:110, 3]' -o part2.npy
    check "$1: the same region" cmp part.npy part2.npy
    good "$1: every task is whole" -S "$at" verify other --deep
    bad 3 '*run/none*no such task*' -S "$at" show run/none
    bad 3 '*none*no such workflow*' -S "$at" ls none
    bad 4 '*run/empty*' -S "$at" show run/empty
}

serve
reads 'with ranges'
is 'a region costs parts, not the whole' "$(requests 'GET /run/bigdata/[0-9a-f-]+ -')" 0
served=$((served + 1))
"$plain_python" -u -m http.server --bind 127.0.0.1 0 -d store >"url-$served" 2>"log-$served" &
servers+=($!)
wait_for_url
reads 'http.server of Python'
serve ranges=no etag=no
reads 'without ranges and tags'
serve cut=3 busy=4
reads 'with broken connections and a busy server'

for value in plain inline chunked wave; do
    ln -sfn "store-$value" served-store
    served=$((served + 1))
    "$plain_python" "$FF_SOURCE/tests/servers/ranged.py" served-store >"url-$served" 2>"log-$served" &
    servers+=($!)
    wait_for_url
    is "every serializer reads: $value" "$("$story" read "$value" "$at" "$config" 2>&1)" well
done

# ---- what is refused ----

serve
for verb in 'put run/x v.json' 'put new/x v.json' 'put run/x big.npy' 'rm run/plain' 'mv run/plain run/x'; do
    # shellcheck disable=SC2086 # words
    bad 1 '*http is read only*fix: *' -S "$at" $verb
done
is 'nothing was sent for it' "$(requests '^(PUT|POST|DELETE|PATCH)')" 0
good 'nothing changed' "${here_store[@]}" ls run
for bad_url in ftp://x/ 'http://u:p@x/' 'http://x/?a=b' 'http://x/#a' 'x y' ''; do
    bad 2 '*options.url*fix: *' -S '{"kind": "http", "options": {"url": "'"$bad_url"'"}}' ls
done
bad 2 '*url*' -S '{"kind": "http", "options": {}}' ls
bad 2 '*timeout_s*' -S '{"kind": "http", "options": {"url": "http://x/", "timeout_s": 0}}' ls
bad 2 '*"urls"*fix: "url" may be meant*' -S '{"kind": "http", "options": {"url": "http://x/", "urls": ""}}' ls

# ---- servers without lists ----

for kind in no none site; do
    serve "lists=$kind"
    bad 1 '*no list of this folder*fix: *' -S "$at" ls
    bad 1 '*no list of this folder*fix: *' -S "$at" ls run
    good "lists=$kind: a task by its name" -S "$at" get run/big -o back.npy
    check "lists=$kind: is the same" cmp back.npy big.npy
done

# ---- servers that are wrong ----

serve auth=yes
bad 6 '*refuses it (401)*' -S "$at" show run/plain
serve to=http://127.0.0.1:9
bad 1 '*sends to http://127.0.0.1:9/run/plain*not followed*fix: *' -S "$at" show run/plain
serve ranges=no length=no
bad 1 '*does not say how many bytes*' -S "$at" show run/plain
serve ranges=wrong
bad 7 '*another range*' -S "$at" get run/big -o back.npy
check 'and no file was made of it' test ! -s back.npy.part
serve cut=1
bad 7 '*' -S "$at" show run/plain
is 'four tries' "$(requests '^GET /run/plain')" 4
serve busy=1
bad 7 '*answers 503*' -S "$at" show run/plain
url=http://127.0.0.1:$("$plain_python" "$FF_SOURCE/tests/servers/free_port.py")/
storage
bad 7 '*run/plain*' -S "$at" show run/plain

# ---- TLS ----

if command -v openssl >/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1; then
    serve tls=cert.pem,key.pem
    bad 6 '*TLS: *fix: *ca_bundle*' -S "$at" show run/plain
    storage ', "ca_bundle": "'"$work"'/cert.pem"'
    good 'a certificate that is trusted' -S "$at" show run/plain
    url=${url/127.0.0.1/localhost}
    storage ', "ca_bundle": "'"$work"'/cert.pem"'
    bad 6 '*TLS: *' -S "$at" show run/plain
    url=${url/https/http}
    storage
    bad 7 '*' -S "$at" show run/plain
else
    skip 'TLS' 'no openssl to make a certificate'
fi

# ---- waits end ----

serve stall=60
storage ', "timeout_s": 1'
begin=$SECONDS
bad 7 '*' -S "$at" show run/plain
[ $((SECONDS - begin)) -lt 30 ]
result $? 'a server that is silent is given up'
begin=$SECONDS
storage
"$FF" -S "$at" show run/plain >/dev/null 2>&1 &
reader=$!
sleep 1
kill -TERM "$reader"
wait "$reader"
code=$?
[ "$code" -ne 0 ] && [ $((SECONDS - begin)) -lt 10 ]
result $? 'a reader that is stopped stops'
finish
