#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An earlier host: this library, told that its version is 0.0.9 and without some of the services of
# this one. Each plugin of this version works on it, without what it lacks, or is refused with what it
# needs; so do those that are kept. earlier.sh STATIC-LIBRARY LIBRARY PLUGIN-DIR DOUBLES-DIR STORY
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
archive=$(realpath "$1") library=$(realpath "$2") own_plugins=$(realpath "$3") doubles=$(realpath "$4")
story=$(realpath "$5")
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=../old-plugins/pairs.sh
. "$here/../old-plugins/pairs.sh"
umask 022

# ---- the host ----

host=$work/host plugins=$work/host/functionfuse/plugins
mkdir -p "$plugins" core objects today && cp "$own_plugins"/{file,http,dask_array,npy}.so "$plugins"
cp "$doubles"/{memory,wave}.so today
services=$FF_SOURCE/core/services.c
grep -vE '^ +\{FF_(NPY|ONCE|SYS)_1, ' "$services" >core/services.c
is 'it lacks three services' "$(($(wc -l <"$services") - $(wc -l <core/services.c)))" 3
cp "$FF_SOURCE/core/error.c" core
mapfile -t libraries < <(objdump -p "$library" | awk '/NEEDED/ { print "-l:" $2 }')
build() {
    (cd objects && ar x "$archive" && rm -f ./*services.c.o ./*core_error.c.o ./error.c.o) || return
    local name
    for name in services error; do
        cc -std=c17 -w -O1 -fPIC -pthread -fvisibility=hidden -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 "-I$FF_SOURCE/include" \
            "-I$FF_SOURCE" '-DFF_VERSION="0.0.9"' -c "core/$name.c" -o "objects/$name.o" || return
    done
    cc -shared -pthread -Wl,-z,now,-soname,libfunctionfuse.so.0 "-Wl,--version-script=$FF_SOURCE/core/functionfuse.map" \
        objects/*.o "${libraries[@]}" -o "$host/libfunctionfuse.so.0"
}
check 'it is built' build
like 'it is the one that runs' "$(LD_LIBRARY_PATH=$host "$FF" version)" '*0.0.9*'

# ---- a plugin that names its version ----

mkdir new
sed 's|"npy"|"new.npy"|; s|{FF_OBJECTS_1,|{"functionfuse/0.1", FF_OBJECTS_1,|' "$FF_SOURCE/plugins/npy/npy.c" >new_npy.c
check 'a plugin names the version that it needs' grep -q '"functionfuse/0.1"' new_npy.c
check 'and is built' cc -shared -fPIC "-I$FF_SOURCE/include" new_npy.c -o new/npy.so

# ---- rows ----

row_of() { # LIBRARY-DIR NAME FOLDER: code, reason and fix
    printf '{"plugins": {"path": ["%s"], "enable": ["%s"]}}' "$3" "$2" >row.json
    LD_LIBRARY_PATH=$1 run --config row.json plugin list --json
    json "next((r['code'] + '; ' + r['reason'] + '; ' + r['fix']).rstrip('; ') for r in d['plugins'] if r['name'] == '$2')"
}
refused() { # NAME FOLDER WHAT-IT-NEEDS [FIX]
    is "$1 is refused, with what it needs" "$(row_of "$host" "$1" "$2")" \
        "needs; it needs $3; ${4:-install a newer functionfuse, or an older version of the plugin}"
}
if [ -z "$plain_python" ]; then
    skip 'rows' 'no python3'
else
    for name in file http HDFSerializer; do
        is "$name is loaded" "$(row_of "$host" "$name" "$plugins")" loaded
    done
    is 'memory is loaded' "$(row_of "$host" memory "$work/today")" loaded
    is 'acme.wave is loaded' "$(row_of "$host" acme.wave "$work/today")" loaded
    refused npy "$plugins" 'ff.npy/1, which functionfuse 0.0.9 does not have'
    refused new.npy "$work/new" 'functionfuse 0.1, and this is 0.0.9' \
        'install functionfuse 0.1 or newer, or an older version of the plugin'
    is 'on this version new.npy is loaded' "$(row_of '' new.npy "$work/new")" loaded
fi

# ---- each way of a value ----

for kind in file memory; do
    tells "HDFSerializer on $kind" "$host" chunked "$kind" "$work/today" -- "$kind"
    tells "wave on $kind" "$host" wave "$kind" "$work/today" -- acme.wave "$kind"
    tells "an array within the value on $kind" "$host" inline "$kind" "$work/today" -- "$kind"
done
is 'who enables npy is told' \
    "$(LD_LIBRARY_PATH=$host "$story" save inline '{"kind": "file", "options": {"path": "'"$work"'/refused"}}' '{"plugins": {"enable": ["npy"]}}' 2>&1 |
        grep -o 'refused (needs): it needs ff.npy/1, which functionfuse 0.0.9')" 'refused (needs): it needs ff.npy/1, which functionfuse 0.0.9'
for folder in $(kept_folders); do
    release=$(basename "$(dirname "$folder")") old=$work/kept-$(basename "$(dirname "$folder")")
    kept_copy "$folder" "$old"
    tells "$release: old.wave on old.memory" "$host" wave old.memory "$old" -- old.wave old.memory
    tells "$release: wave on old.memory" "$host" wave old.memory "$old" "$work/today" -- acme.wave old.memory
    tells "$release: HDFSerializer as zarr on old.memory" "$host" chunked old.memory "$old" -- old.memory
    [ -z "$plain_python" ] || refused old.npy "$old" 'ff.npy/1, which functionfuse 0.0.9 does not have'
done
finish
