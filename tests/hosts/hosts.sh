#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that the library is a guest in, built with what is installed and nothing else: Python beside
# h5py, one that uses HDF5 and libcurl itself, one that is linked statically.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
export FF=${FF:-ff}
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=../install/tree.sh
. "$here/../install/tree.sh"
umask 022
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$work"' EXIT

check 'install' install_tree
use_tree

# ---- inside Python, beside h5py with a libhdf5 of its own ----

in_python() { # ORDER
    mkdir "python-$1"
    "$FF_PYTHON" "$here/in_python.py" "$1" "$libdir/libfunctionfuse.so" "$work/python-$1" 2>&1
}
if numpy && "$FF_PYTHON" -c 'import h5py' 2>/dev/null; then
    is 'in Python, h5py loaded first' "$(in_python h5py-first)" well
    is 'in Python, the library loaded first' "$(in_python library-first)" well
    is 'in Python, with the libhdf5 of h5py before everybody'\''s' "$(in_python global)" 'refused, and why'
else
    skip 'in Python' 'FF_PYTHON names no Python with numpy and h5py'
fi

# ---- a program with HDF5 and libcurl of its own ----

if [ -z "$plain_python" ]; then
    skip 'a published store' 'no python3'
    url=
else
    mkdir -p published
    "$plain_python" "$FF_SOURCE/tests/servers/ranged.py" published >http-url 2>http-log &
    server=$!
    for _ in $(seq 200); do
        [ -s http-url ] && break
        sleep 0.05
    done
    url=$(cat http-url)
fi
# shellcheck disable=SC2046 # words
check 'a program with HDF5 and libcurl is built' cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -pthread "$here/own_libraries.c" \
    $(pkg-config --cflags --libs functionfuse hdf5 libcurl) -o own-libraries
for way in beside ends late threads; do
    out=$(./own-libraries $way "$work" '{"plugins": {"enable": ["http"]}}' "$url" 2>&1)
    code=$?
    if [ "$out" = 'not thread-safe' ]; then
        skip "with HDF5 and libcurl: $way" 'this libhdf5 is not thread-safe'
        continue
    fi
    is "with HDF5 and libcurl: $way" "$code $out" '0 well'
    rm -rf published/store
done
mkdir -p published
libraries=$(LD_DEBUG=libs ./own-libraries beside "$work" '{}' '' 2>&1 | grep -o 'calling init: .*/libhdf5[^/]*' | sort -u | wc -l)
is 'there is one libhdf5 for both' "$libraries" 1

# ---- a program that is linked statically, libc and all ----

echo 'int main(void) { return 0; }' >nothing.c
if ! cc -static nothing.c -o nothing 2>/dev/null; then
    skip 'a static program' 'there is no static libc'
    finish
    exit
fi
static_program() {
    local includes=("-I$FF_SOURCE" "-I$tree/include")
    mkdir file && cd file && cc -std=c17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 "${includes[@]}" -Dff_protocol_describe=file_describe \
        -c "$FF_SOURCE"/protocols/file/*.c && cd .. &&
        cc -std=c17 "${includes[@]}" -Dff_serializer_describe=npy_describe -c "$FF_SOURCE/plugins/npy/npy.c" &&
        cc -std=c17 -Wall -Wextra -Werror "${includes[@]}" -c "$here/whole.c" &&
        cc -static whole.o npy.o file/*.o $(pkg-config --static --libs functionfuse) -o whole
}
check 'a static program is built' static_program
is 'it needs no other file' "$(readelf -lW whole | grep -c INTERP) $(readelf -dW whole 2>&1 | grep -c NEEDED)" '0 0'
folder=$libdir/functionfuse/plugins
is 'it saves and reads with the plugins that it has in it' "$(./whole ./whole-store '{}')" $'file loaded\nnpy loaded\nwell'
cannot='this program is linked statically, and can load nothing'
out=$(./whole ./whole-store '{"plugins": {"path": ["'"$folder"'"], "enable": ["HDFSerializer", "S3"], "disable": ["http"]}}')
is 'plugins of a folder are refused, and why' "$(grep -E '^(HDFSerializer|S3) ' <<<"$out" | sort)" \
    "HDFSerializer dlopen: $cannot"$'\n'"S3 dlopen: $cannot"
is 'the others work on' "$(grep -xE '(file|npy) loaded|well' <<<"$out")" $'file loaded\nnpy loaded\nwell'
finish
