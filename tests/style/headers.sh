#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each public header compiles alone, as C and C++ of every age, without a warning; so does the
# example plugin.
# shellcheck source-path=SCRIPTDIR source=style.sh
. "$(dirname "$0")/style.sh"

strict='-Wall -Wextra -Wpedantic -Wpadded -Wundef -Werror -fsyntax-only -Iinclude'

compiles() { # COMPILER LANGUAGE STANDARD, source on standard input: what it says
    # shellcheck disable=SC2086 # a list of words
    "$1" -x "$2" "-std=$3" $strict - 2>&1
}

skip() {
    points=$((points + 1))
    echo "ok $points - $1 # SKIP $2"
}

alone() { # COMPILER LANGUAGE STANDARD...
    local compiler=$1 language=$2 standard header
    shift 2
    if ! command -v "$compiler" >/dev/null; then
        skip "$compiler" "there is no $compiler"
        return
    fi
    for standard in "$@"; do
        for header in include/functionfuse/*.h; do
            none "${header##*/}: $compiler $standard" "$(compiles "$compiler" "$language" "$standard" \
                <<<"#include <functionfuse/${header##*/}>"$'\n''int ff_test_unit;')"
        done
    done
}

for compiler in cc clang; do alone $compiler c c99 c11 c17 c2x; done
for compiler in c++ clang++; do alone $compiler c++ c++11 c++17 c++20; done
both='#include <functionfuse/functionfuse.h>
#include <functionfuse/plugin.h>
int ff_test_unit;'
bites 'padding' "$(compiles cc c c99 <<<'struct padded { char c; long l; };')"
none 'both in one unit' "$(compiles cc c c99 <<<"$both")"
none 'npy.c as C99' "$(compiles cc c c99 <plugins/npy/npy.c)"
none 'npy.c as C17' "$(compiles cc c c17 <plugins/npy/npy.c)"
none 'the program of the README' "$(compiles cc c c17 <docs/examples/readme.c)"
bites 'a warning' "$(compiles cc c c99 <<<'int f(int x) { return 0; }')"
finish
