#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What meson install gives: a tree that can be moved, and from which programs and plugins are built.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
export FF=${FF:-ff}
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=tree.sh
. "$here/tree.sh"

unset LD_LIBRARY_PATH
check 'install below a folder, without root' install_tree
use_tree
unset LD_LIBRARY_PATH
is 'nothing stays where it was' "$(find "$work/staged" ! -type d)" ''

has() { # WHAT PATTERN: just one file
    is "there is $1" "$(find "$tree" -path "$tree/$2" | wc -l)" 1
}
is 'the headers, and nothing else' "$(cd "$tree/include" && find . -type f | sort)" \
    "$(cd "$FF_SOURCE/include" && find . -name '*.h' | sort)"
has 'the library by its full name' 'lib*/libfunctionfuse.so.[0-9]*.[0-9]*.[0-9]*'
like 'its soname' "$(objdump -p "$libdir/libfunctionfuse.so" | grep SONAME)" '*libfunctionfuse.so.[0-9]'
has 'the library for programs that are linked statically' 'lib*/libfunctionfuse.a'
has 'a link of the soname' 'lib*/libfunctionfuse.so.[0-9]'
for file in $FF_PLUGIN_FILES; do
    has "$file" "lib*/functionfuse/plugins/$file"
done
has 'the man page' 'share/man/man1/ff.1'
has 'completion for bash' 'share/bash-completion/completions/ff'
has 'completion for zsh' 'share/zsh/site-functions/_ff'
has 'completion for fish' 'share/fish/vendor_completions.d/ff.fish'
has 'functionfuse.pc' 'lib*/pkgconfig/functionfuse.pc'
has 'functionfuse-plugin.pc' 'lib*/pkgconfig/functionfuse-plugin.pc'
is 'it knows no folder of the build' "$(grep -rlF -e "$FF_BUILD" -e "$work/staged" "$tree" |
    while read -r file; do
        # debug information names sources; strip it, and see
        objcopy --strip-debug "$file" stripped 2>/dev/null || cp "$file" stripped
        grep -qF -e "$FF_BUILD" -e "$work/staged" stripped && echo "$file"
    done)" ''

# ---- used from there ----

good 'ff starts' version
for file in memory fault front; do
    has "what plugins are checked with: $file.so" "libexec/functionfuse/check/$file.so"
done
good 'an installed plugin is checked by what is installed' plugin check --json "$libdir/functionfuse/plugins/npy.so"
json_is 'and passes' "d['failed'], d['passed'] > 15, len(d['cases']) == d['passed'] + d['skipped'], 'fail' in [c['result'] for c in d['cases']]" \
    '(0, True, True, False)'
run plugin list --json
json_is 'the plugins beside the library are found' \
    "' '.join(sorted(r['name'] for r in d['plugins'] if r['file'].startswith('$libdir/functionfuse/plugins/')))" \
    "$FF_PLUGIN_NAMES"
json_is 'ours are loaded' \
    "[r['code'] for r in d['plugins'] if r['name'] in ('file', 'HDFSerializer')]" "['loaded', 'loaded']"

read -r place name <<<"$(pkg-config --libs functionfuse)"
is 'pkg-config finds the library' "$name in $(realpath "${place#-L}")" "-lfunctionfuse in $libdir"
like 'and where plugins are' "$(realpath "$(pkg-config --variable=plugindir functionfuse-plugin)")" "$libdir/functionfuse/plugins"
is 'a plugin links nothing' "$(pkg-config --libs functionfuse-plugin)" ''
is 'both are of this version' "$(pkg-config --modversion functionfuse functionfuse-plugin | sort -u)" \
    "$("$FF" version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)"

# shellcheck disable=SC2046 # words
check 'a program is built' cc "$FF_SOURCE/docs/examples/readme.c" \
    $(pkg-config --cflags --libs functionfuse) -o program
out=$(LD_LIBRARY_PATH=$libdir ./program 2>&1)
is 'and runs' "$out" 'run7/field: read back'
# shellcheck disable=SC2046
check 'one linked with a run path' cc "$FF_SOURCE/docs/examples/readme.c" \
    $(pkg-config --cflags --libs functionfuse) "-Wl,-rpath,$libdir" -o program
is 'needs no variable' "$(./program 2>&1)" 'run7/field: read back'

header() { # NAME: its number in the header
    sed -nE "s/^#define $1 +([0-9]+)u.*/\\1/p; /^#define $1 +\\\\$/{n;s/^ *([0-9]+)u.*/\\1/p}" "$tree/include/functionfuse/plugin.h"
}
is 'pkg-config knows the ABI of the header' \
    "$(pkg-config --variable=abi_major functionfuse-plugin).$(pkg-config --variable=abi_minor functionfuse-plugin)" \
    "$(header FF_ABI).$(header FF_ABI_MINOR)"
if command -v cmake >/dev/null; then
    mkdir cmake && sed 's/"npy"/"cmake.npy"/' "$FF_SOURCE/plugins/npy/npy.c" >cmake/cmake_npy.c
    cat >cmake/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(cmake_npy C)
find_package(FunctionFusePlugin 0.1 REQUIRED)
add_library(cmake_npy MODULE cmake_npy.c)
set_target_properties(cmake_npy PROPERTIES PREFIX "")
target_link_libraries(cmake_npy PRIVATE FunctionFuse::plugin)
message(STATUS "abi ${FunctionFusePlugin_ABI_MAJOR}.${FunctionFusePlugin_ABI_MINOR} in ${FunctionFusePlugin_PLUGINDIR}")
CMAKE
    said=$(cmake -S cmake -B cmake/build "-DCMAKE_PREFIX_PATH=$tree" "-DCMAKE_LIBRARY_PATH=$libdir" 2>&1)
    like 'CMake finds the package, the ABI and the folder' "$said" \
        "*abi $(header FF_ABI).$(header FF_ABI_MINOR) in $libdir/functionfuse/plugins*"
    check 'and builds a plugin' cmake --build cmake/build
    is 'which exports one function' "$(nm -D --defined-only cmake/build/cmake_npy.so | awk '{ print $3 }')" ff_serializer_describe
    good 'and which is one' plugin info cmake/build/cmake_npy.so
    like 'by its note' "$out" '*name *cmake.npy*state *disabled*'
else
    skip 'the CMake package' 'there is no cmake'
fi
sed 's/"npy"/"acme.npy"/' "$FF_SOURCE/plugins/npy/npy.c" >acme_npy.c
# shellcheck disable=SC2046
check 'a plugin is built' cc -shared -fPIC -Wl,-z,defs acme_npy.c \
    $(pkg-config --cflags functionfuse-plugin) -o acme_npy.so
run plugin install acme_npy.so
is 'and installed' "$out" "$HOME/.local/lib/functionfuse/plugins/acme_npy.so"
run plugin enable acme.npy
is 'and enabled' "$code" 0
run plugin list --json
json_is 'and loaded' "[r['code'] for r in d['plugins'] if r['name'] == 'acme.npy']" "['loaded']"
npy a.npy '3, 4'
run put wf/a a.npy --inline
run info wf/a
like 'and used' "$out" '*serializer *acme.npy*'
good 'and reads' get wf/a -o b.npy
check 'what it wrote' cmp a.npy b.npy

# ---- a part is taken away ----

rm "$libdir/functionfuse/plugins/dask_array.so"
npy c.npy '4, 4'
bad 5 '*wf/c*no enabled serializer*dask.array.core.Array*fix: *' put wf/c c.npy
good 'the rest works on' get wf/a -o b.npy
rm "$libdir/functionfuse/plugins/file.so"
bad 2 '*no kind of storage is called "file"*' ls
finish
