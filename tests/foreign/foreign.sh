#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plugins and programs that others make, with what is installed and nothing else: each serializer with each
# protocol, as a table; and the twins in Python of the guide's serializers.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
export FF=${FF:-ff}
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=../install/tree.sh
. "$here/../install/tree.sh"
umask 022
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
export CARGO_HOME=${CARGO_HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)/.cargo}
export RUSTUP_HOME=${RUSTUP_HOME:-${CARGO_HOME%/*}/.rustup} CARGO_NET_OFFLINE=true
pids=()
trap 'touch "$work/over"; kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$work"' EXIT

check 'install' install_tree
use_tree

# ---- built only against the installed package ----

flags=$(pkg-config --cflags functionfuse-plugin)
sed 's/"npy"/"acme.npy"/' "$FF_SOURCE/plugins/npy/npy.c" >acme_npy.c
cp "$FF_SOURCE"/tests/doubles/{wave.c,acme_wave.h} "$FF_SOURCE"/docs/examples/{pieces.c,stack.cpp} "$here/story.c" .
# shellcheck disable=SC2086 # words
{
    check 'npy, in C' cc -shared -fPIC -Wl,-z,defs acme_npy.c $flags -o acme_npy.so
    check 'a native struct, in C' cc -shared -fPIC -Wl,-z,defs wave.c $flags -o acme_wave.so
    check 'one with options and pieces, in C' cc -shared -fPIC -Wl,-z,defs pieces.c $flags -o acme_pieces.so
    check 'one of several objects, in C++' c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -shared -fPIC \
        -fvisibility=hidden -Wl,-z,defs stack.cpp $flags -o acme_stack.so
    check 'a protocol, in C' bash -c 'ff plugin new acme.memory --kind protocol --build make && make -C acme.memory'
    check 'a program' cc -std=c17 -Wall -Wextra -Werror story.c $(pkg-config --cflags --libs functionfuse) -o story
}
built=(acme_npy.so acme_wave.so acme_pieces.so acme_stack.so acme.memory/acme_memory.so "$tree"/libexec/functionfuse/check/memory.so)
if command -v cargo >/dev/null && command -v rustc >/dev/null; then
    check 'a serializer, in Rust' bash -c 'ff plugin new acme.rust --lang rust && cd acme.rust && cargo build --release'
    cp acme.rust/target/release/libacme_rust.so acme_rust.so && built+=(acme_rust.so)
else
    skip 'a serializer, in Rust' 'there is no cargo'
fi
for file in "${built[@]}"; do
    run plugin install "$file"
    is "install ${file##*/}" "$code" 0
done
run plugin check acme_stack.so
is 'the one of several objects passes the check' "$code" 0
# shellcheck disable=SC2086
check 'one that lets bad_alloc out' bash -c "sed 's/catch (const std::bad_alloc &)/catch (const int \&)/' stack.cpp >careless.cpp &&
    c++ -std=c++17 -shared -fPIC -fvisibility=hidden careless.cpp $flags -o careless.so"
run plugin check careless.so
is 'does not pass' "$code" 1
like 'for the allocation that fails' "$out" '*not ok * each_allocation_that_fails_is_no_memory*'
run plugin check --options '{"piece_bytes": 1000}' acme_pieces.so
is 'so does the one with pieces' "$code" 0

# ---- who is there ----

for name in acme.npy acme.wave acme.stack acme.pieces acme.memory memory acme.rust npy http; do
    "$FF" plugin enable "$name" >/dev/null 2>&1
done
run plugin list --json
rows() { # KIND: "NAME CLASS" of what is loaded
    json "'\n'.join(sorted(r['name'] + ' ' + (r['classes'] or ['-'])[0] for r in d['plugins'] if r['kind'] == '$1' and r['code'] == 'loaded'))"
}
if [ -z "$plain_python" ]; then
    skip 'the table' 'no python3'
    finish
    exit
fi
mapfile -t serializers < <(rows serializer)
mapfile -t protocols < <(rows protocol | cut -d' ' -f1)
[[ " ${protocols[*]} " == *' file '* ]] && [ ${#serializers[@]} -ge 5 ]
result $? "there are ${#serializers[@]} serializers and ${#protocols[@]} protocols"

value_of() { # CLASS: the story's
    case $1 in
    numpy.ndarray) echo inline ;;
    dask.array.core.Array) echo chunked ;;
    acme.Wave) echo wave ;;
    esac
}

config_of() { # SERIALIZER MORE: it alone, with every protocol
    local row others=''
    for row in "${serializers[@]}"; do
        [ "${row%% *}" = "$1" ] || others+=",\"${row%% *}\""
    done
    printf '{"plugins": {"path": ["%s"], "enable": ["%s"%s], "disable": [%s]%s}}' "$HOME/.local/lib/functionfuse/plugins" \
        "$1" "$(printf ', "%s"' "${protocols[@]}")" "${others#,}" "$2"
}

# ---- media ----

"$FF_SOURCE"/tests/servers/with.sh fault bash -c 'echo "$FF_S3_URL" >s3-url.new && mv s3-url.new s3-url
    until [ -e over ]; do sleep 0.2; done' 2>s3-log &
pids+=($!)
mkdir published
"$plain_python" "$FF_SOURCE/tests/servers/ranged.py" published >http-url 2>http-log &
pids+=($!)
for _ in $(seq 200); do
    [ -s s3-url ] && [ -s http-url ] && break
    sleep 0.05
done

number=0
cell() { # VALUE PROTOCOL CONFIG SERIALIZER: "well", "no server", or what failed
    local storage
    case $2 in
    file) storage="{\"kind\": \"file\", \"options\": {\"path\": \"$work/published/s$number\"}}" ;;
    http)
        storage="{\"kind\": \"file\", \"options\": {\"path\": \"$work/published/s$number\"}}"
        ./story save "$1" "$storage" "$3" >cell 2>&1 || { cat cell && return; }
        ./story read "$1" "{\"kind\": \"http\", \"options\": {\"url\": \"$(cat http-url)s$number\"}}" "$3" "$4" 2>&1
        return
        ;;
    S3)
        [ -s s3-url ] || { echo 'no server' && return; }
        storage="{\"kind\": \"S3\", \"options\": {\"path\": \"/test/s$number\", \"s3fs\": {\"endpoint_url\": \"$(cat s3-url)\",
            \"key\": \"ffkey\", \"secret\": \"ffsecretffsecret\"}}}"
        ;;
    *) storage="{\"kind\": \"$2\", \"options\": {}}" ;;
    esac
    ./story all "$1" "$storage" "$3" "$4" 2>&1
}

# ---- the table ----

export LD_LIBRARY_PATH=$libdir
table="# | serializer |$(printf ' %s |' "${protocols[@]}")"
table_row() { # TITLE NAME CLASS MORE-CONFIGURATION
    local kind got value config line="# | $1 |"
    value=$(value_of "$3") config=$(config_of "$2" "$4")
    [ -n "$value" ]
    result $? "the story has a value for $2"
    for kind in "${protocols[@]}"; do
        number=$((number + 1)) # cell is a process of its own
        got=$(cell "$value" "$kind" "$config" "$2")
        line+=" $got |"
        if [ "$got" = 'no server' ]; then
            skip "$1 on $kind" "$(tail -n 1 s3-log)"
        else
            is "$1 on $kind" "$got" well
        fi
    done
    table+=$'\n'$line
}
for row in "${serializers[@]}"; do
    read -r name class <<<"$row"
    table_row "$name" "$name" "$class" ''
    [ "$name" != HDFSerializer ] || table_row "$name, zarr" "$name" "$class" ', "options": {"HDFSerializer": {"zarr": {}}}'
done
echo "$table"

# ---- twins ----

if ! numpy || ! "$FF_PYTHON" -c 'import dask.array' 2>/dev/null; then
    skip 'the twins in Python' 'FF_PYTHON names no Python with numpy and dask'
    finish
    exit
fi
twin() { # VERB VALUE STORE: by the twin of $name
    "$FF_PYTHON" "$here/twins.py" "$1" "$2" "$3" "$FF_SOURCE/docs/examples/twins/${name#acme.}.py" 2>&1 | tail -n 1
}
for pair in 'inline acme.npy' 'inline acme.pieces' 'wave acme.wave' 'chunked acme.stack'; do
    read -r value name <<<"$pair"
    config=$(config_of "$name" ', "options": {"acme.pieces": {"piece_bytes": 1000}}')
    for store in from-c from-python; do
        at="{\"kind\": \"file\", \"options\": {\"path\": \"$work/$store-$name\"}}"
        if [ $store = from-c ]; then
            is "$name saves" "$(./story save "$value" "$at" "$config" "$name" 2>&1)" well
            is 'its twin reads that' "$(twin read "$value" "$work/$store-$name")" well
            is 'and removes it' "$(twin remove "$value" "$work/$store-$name")" well
        else
            is "the twin of $name saves" "$(twin save "$value" "$work/$store-$name")" well
            is "$name reads that" "$(./story read "$value" "$at" "$config" "$name" 2>&1)" well
        fi
    done
done
finish
