#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Old and new together: each of the host, a protocol and a serializer is of this version or of a later
# one, whose structs have members more, and each pair works. The later host is built only with
# FF_LONG=1. versions.sh LIBRARY PLUGIN-DIR STORY
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
library=$(realpath "$1") own_plugins=$(realpath "$2") story=$(realpath "$3")
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=../old-plugins/pairs.sh
. "$here/../old-plugins/pairs.sh"
umask 022

# ---- a later version of everything ----

mkdir later && cp -r "$FF_SOURCE"/{include,core,protocols,plugins,tests} later
find later -name '*.[ch]' | while read -r file; do
    awk -f "$here/later.awk" "$file" >changed && mv changed "$file"
done
grep -q 'uint64_t later' later/include/functionfuse/plugin.h
result $? 'the later version has members more'
is 'and its plugins say so' "$(grep -c 'struct_size = FF_SIZE(ff_serializer, later)' later/plugins/npy/npy.c)" 1

flags='-std=c17 -w -g -O0 -fPIC -pthread -fvisibility=hidden -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude -I.'
build() { # OUTPUT SOURCE...: a shared object of the later version
    local output=$1 source objects=()
    shift
    for source in "$@"; do objects+=("${source//\//_}.o"); done
    # shellcheck disable=SC2086 # lists of words
    printf '%s\n' "$@" | xargs -P 2 -I@ sh -c 'cc '"$flags"' -DFF_VERSION=\"9.0.0\" -DFF_FOLDER_KIND=\"file\" \
        -DFF_DEFAULT_PLUGINS="\"file S3 HDFSerializer\"" -c "$1" -o "$(echo "$1" | tr / _).o"' cc @ &&
        cc -shared -pthread -Wl,-z,now "${objects[@]}" -o "$output" $libs
}
base=(core/base/*.c)
mkdir -p later/out old && cp "$own_plugins"/{file,npy}.so old
cd later || exit 1
base=(core/base/*.c) libs=-lcrypto
check 'a later file protocol is built' build out/file.so protocols/file/*.c "${base[@]}"
check 'a later npy is built' build out/npy.so plugins/npy/npy.c
cd ..

npy a.npy '3, 4'
works() { # WHAT PROTOCOL-FROM SERIALIZER-FROM: the way of a value through them
    local folder=store-$points config=config-$points.json
    rm -rf mixed && mkdir mixed && cp "$2/file.so" "$3/npy.so" mixed && chmod go-w mixed
    echo '{"plugins": {"path": ["'"$work"'/mixed"], "enable": ["file", "npy"]}}' >"$config"
    local ff=(--config "$config" -S "./$folder")
    {
        "$FF" "${ff[@]}" plugin list --json >list.json &&
            grep -qF "$work/mixed/npy.so" list.json &&
            "$FF" "${ff[@]}" put wf/a a.npy --inline &&
            "$FF" "${ff[@]}" info wf/a | grep -q 'serializer *npy' &&
            "$FF" "${ff[@]}" verify --deep &&
            "$FF" "${ff[@]}" get wf/a -o b.npy && cmp a.npy b.npy &&
            "$FF" "${ff[@]}" put wf/a a.npy --inline && "$FF" "${ff[@]}" rm wf/a
    } >"$work/.out" 2>"$work/.err"
    code=$? out=$(cat "$work/.out") err=$(cat "$work/.err")
    [ "$code" -eq 0 ] && ! "$FF" "${ff[@]}" get wf/a >/dev/null 2>"$work/.err" &&
        grep -q 'wf/a' "$work/.err" && [ -z "$("$FF" "${ff[@]}" gc --grace 0s)" ]
    result $? "$1"
}
all_pairs() { # HOST
    works "$1 host, old protocol, old serializer" old old
    works "$1 host, old protocol, later serializer" old later/out
    works "$1 host, later protocol, old serializer" later/out old
    works "$1 host, later protocol, later serializer" later/out later/out
}
all_pairs 'this'

# ---- programs, on the edge of a page ----

# shellcheck disable=SC2086
check 'a program is built' cc -std=c17 -D_GNU_SOURCE "-I$FF_SOURCE/include" "$here/program.c" "$library" -o program
# shellcheck disable=SC2086
check 'the program of a later version' cc -std=c17 -w -D_GNU_SOURCE -Ilater/include "later/tests/abi/program.c" \
    "$library" -o later-program
enabled() { # PLUGINS
    echo '{"plugins": {"path": ["'"$1"'"], "enable": ["file"]}}'
}
programs() { # HOST LIBRARY-DIR
    local plugins
    for plugins in old later/out; do
        is "$1 host, a program of this version, $plugins plugins" \
            "$(LD_LIBRARY_PATH=$2 ./program "./p-$points" "$(enabled "$work/$plugins")" 2>&1)" well
        is "$1 host, a later program, $plugins plugins" \
            "$(LD_LIBRARY_PATH=$2 ./later-program "./p-$points" "$(enabled "$work/$plugins")" 2>&1)" well
    done
}
programs this "$(dirname "$library")"

# ---- a later host ----

if [ -z "${FF_LONG:-}" ]; then
    skip 'a later host' 'FF_LONG=1 builds it'
    finish
    exit
fi
mkdir -p host/functionfuse/plugins && cp old/*.so host/functionfuse/plugins
cd later || exit 1
libs='-Wl,-soname,libfunctionfuse.so.0 -Wl,--version-script=core/functionfuse.map '$(objdump -p "$library" | awk '/NEEDED/ { printf " -l:%s", $2 }')
check 'a later host is built' build ../host/libfunctionfuse.so.0 $(find core -name '*.c')
cd ..
export LD_LIBRARY_PATH=$work/host
like 'it is the one that runs' "$("$FF" version)" '*9.0.0*'
all_pairs 'later'
programs later "$work/host"
for folder in $(kept_folders); do
    release=$(basename "$(dirname "$folder")")
    kept_copy "$folder" "kept-$release"
    kept_pairs "$release: later" "$work/host" "$work/kept-$release" "$work/later/out" file
done
finish
