#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# old.sh STORY DOUBLES-DIR: the plugins that were built with each release, as binaries, run on this host
# for ever. README.md says how they were built.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
story=$(realpath "$1") doubles=$(realpath "$2")
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=pairs.sh
. "$here/pairs.sh"
umask 022

if [ -z "$(kept_folders)" ]; then
    echo "1..0 # SKIP no plugins are kept for $(uname -m)"
    exit 0
fi
mkdir today && cp "$doubles"/{memory,wave}.so today

for folder in $(kept_folders); do
    release=$(basename "$(dirname "$folder")") old=$work/kept-$(basename "$(dirname "$folder")")
    kept_copy "$folder" "$old"
    run plugin list --json --plugin-path "$old"
    json_is "$release: what they are is known by their notes" \
        "sorted((r['name'], r['kind'], r['code']) for r in d['plugins'] if r['file'].startswith('$old'))" \
        "[('old.memory', 'protocol', 'disabled'), ('old.npy', 'serializer', 'disabled'), ('old.wave', 'serializer', 'disabled')]"
    kept_pairs "$release: this" '' "$old" "$work/today" file memory
    tells "$release: this host, HDFSerializer as zarr on old.memory" '' chunked old.memory "$old" -- old.memory
    tells "$release: this host, wave on old.memory" '' wave old.memory "$old" "$work/today" -- acme.wave old.memory

    # hosts whose structs are larger, with 0xa5 behind the end, and smaller; each call failing in turn
    for name in npy memory; do
        run plugin check "$old/$name.so"
        is "$release: $name.so passes the check of today" "$code" 0
    done

    # a plugin of a later version, on this host
    mkdir "later-$release"
    sed 's|ff\.npy/1|ff.npy/9|' "$old/npy.so" >"later-$release/npy.so"
    chmod go-w "later-$release" "later-$release/npy.so"
    printf '{"plugins": {"path": ["%s"], "enable": ["old.npy"]}}' "$work/later-$release" >later.json
    run --config later.json plugin list --json
    json_is "$release: one that needs more than this host has is refused, and says what" \
        "[(r['code'], r['reason'], r['fix']) for r in d['plugins'] if r['name'] == 'old.npy']" \
        "[('needs', 'it needs ff.npy/9, which functionfuse $("$FF" version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1) does not have', 'install a newer functionfuse, or an older version of the plugin')]"

    mkdir "rebuilt-$release"
    check "$release: their sources can be built with the headers of today" \
        "$here/$release/build.sh" "$FF_SOURCE/include" "rebuilt-$release"
done
finish
