#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may include what: the table of docs/architecture.md.
# shellcheck source-path=SCRIPTDIR source=style.sh
. "$(dirname "$0")/style.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# includes FILE...: lines "FILE what", what with its quotes or brackets
includes() {
    grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]*[>"]' "$@" </dev/null |
        sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/ /'
}

# judge: of such lines those that break the rules
judge() {
    local file what name part
    while read -r file what; do
        name=${what:1:${#what}-2}
        case $file in
        include/functionfuse/pickle.h | include/functionfuse/diff.h | include/functionfuse/fill.h | include/functionfuse/view.h) [ "$name" = functionfuse.h ] || bad ;;
        include/*)
            case $name in
            array.h | error.h | value.h | stdarg.h | stddef.h | stdint.h | stdio.h | stdlib.h | string.h) ;;
            *) bad ;;
            esac
            ;;
        core/base/*)
            case $what in
            '<functionfuse/'*) bad ;;
            \"core/base/*) ;;
            \"*/*) bad ;;
            *) third_party ;;
            esac
            ;;
        core/*)
            case $what in
            '<functionfuse/'* | \"core/*) ;;
            \"*/*) bad ;;
            *) third_party ;;
            esac
            ;;
        plugins/* | protocols/*)
            part=$(cut -d/ -f1,2 <<<"$file")
            case $what in
            '<functionfuse/plugin.h>' | '<functionfuse/value.h>' | '<functionfuse/array.h>' | '<functionfuse/error.h>') ;;
            '<functionfuse/'*) bad ;;
            \"core/base/*) ;;
            \"*) [ -f "$part/$name" ] || bad ;;
            *) third_party ;;
            esac
            ;;
        tools/*)
            case $what in
            '<functionfuse/functionfuse.h>' | '<functionfuse/pickle.h>' | '<functionfuse/diff.h>' | '<functionfuse/fill.h>' | '<functionfuse/view.h>' | '<functionfuse/value.h>' | '<functionfuse/array.h>' | '<functionfuse/error.h>') ;;
            '<functionfuse/'* | \"*/*) bad ;;
            \"*.inc\") ;;
            \"*) [ -f "tools/$name" ] || bad ;;
            *) third_party ;;
            esac
            ;;
        docs/* | tests/*) ;;
        *) third_party ;;
        esac
    done
}

bad() {
    echo "$file includes $what"
}

# A library stands behind one file or folder.
third_party() {
    case $what in
    '<jansson.h>') [[ $file = core/config.c || $file = core/config_edit.c ]] || bad ;;
    '<ltdl.h>') [ "$file" = core/loader.c ] || bad ;;
    '<openssl/'*) [ "$file" = core/base/digest.c ] || bad ;;
    '<hdf5.h>' | '<H5'*) [[ $file = plugins/dask_array/* ]] || bad ;;
    '<zlib.h>') [[ $file = plugins/dask_array/* || $file = core/pickle_file.c ]] || bad ;;
    '<blosc.h>' | '<bzlib.h>' | '<lz4.h>' | '<lzma.h>' | '<zstd.h>' | '<zstd_errors.h>')
        [[ $file = plugins/dask_array/zarr/* ]] || bad
        ;;
    '<emmintrin.h>') [ "$file" = core/base/region_copy.c ] || bad ;;
    '<curl/curl.h>') [[ $file = protocols/s3/* || $file = protocols/http/* ]] || bad ;;
    '<netinet/'*) [[ $file = protocols/s3/* ]] || bad ;;
    '<expat.h>') [ "$file" = protocols/s3/xml.c ] || bad ;;
    '<spawn.h>') [[ $file = protocols/s3/spawn.c || $file = tools/plugin_links.c ]] || bad ;;
    '<check.h>') bad ;;
    '<'*) system_header || bad ;;
    esac
}

system_header() {
    case $name in
    linux/* | sys/*) ;;
    ctype.h | dirent.h | dlfcn.h | elf.h | errno.h | fcntl.h | float.h | grp.h | inttypes.h) ;;
    limits.h | link.h | locale.h | math.h | poll.h | pthread.h | pwd.h | sched.h | signal.h) ;;
    stdarg.h | stdatomic.h | stdbool.h | stddef.h | stdint.h | stdio.h | stdio_ext.h | stdlib.h) ;;
    string.h | strings.h | time.h | unistd.h) ;;
    *) return 1 ;;
    esac
}

mapfile -t sources < <(files '*.c' '*.h')
none 'each layer includes what it may' "$(includes "${sources[@]}" | judge)"

# The rules bite.
while IFS='|' read -r line; do
    bites "${line}" "$(judge <<<"$line")"
done <<'END'
core/storage.c "plugins/dask_array/hdf.h"
core/storage.c <hdf5.h>
core/host.c <jansson.h>
core/registry.c <ltdl.h>
core/gc.c <openssl/evp.h>
core/base/buf.c "core/host.h"
core/base/buf.c <functionfuse/value.h>
plugins/npy/npy.c <functionfuse/functionfuse.h>
plugins/npy/npy.c "core/doc.h"
plugins/npy/npy.c "plugins/dask_array/hdf.h"
plugins/npy/npy.c "hdf.h"
plugins/npy/npy.c <zlib.h>
plugins/dask_array/read.c <zstd.h>
plugins/npy/npy.c "zarr/zarr.h"
protocols/file/file.c <curl/curl.h>
tools/ls.c "core/host.h"
tools/ls.c <functionfuse/plugin.h>
include/functionfuse/value.h <unistd.h>
include/functionfuse/value.h "core/base/buf.h"
END

# The build gives each layer no other folder to look in.
none 'plugins link nothing of the library' "$(grep -nE 'functionfuse_dep|core_dep\b|core_static' \
    plugins/*/meson.build protocols/*/meson.build </dev/null)"
none 'tools see the public headers only' "$(grep -nE 'base_inc|core_dep|base_dep' tools/meson.build)"
finish
