#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The layout of the public headers is the one in layout/: offset and size of every member of every
# struct and every enumerator for each kind of machine; every identifier and every signature for all.
#
# layout.sh --write: what is so now becomes the layout; docs/abi.md says when that may be.
# shellcheck source-path=SCRIPTDIR source=../style/style.sh
export FF_SOURCE=${FF_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$(dirname "$0")/../style/style.sh"
here=tests/abi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Other machines: clang compiles for them; headers of the C library for this one will do, but for a
# file that says which of its functions are stubs.
mkdir "$work/gnu" && : >"$work/gnu/stubs.h"
multiarch=$(cc -print-multiarch 2>/dev/null)
machines='x86_64 lp64
aarch64 lp64
riscv64 lp64
s390x lp64
powerpc64le lp64
i686 ilp32-i386
arm ilp32'

layout() { # COMPILER OPTION...: of this machine, or as the options say
    awk -f $here/members.awk "${headers[@]}" >"$work/members"
    awk -f $here/probe.awk -v headers="${headers[*]##*/}" "$work/members" >"$work/probe.c"
    "$@" -Iinclude -S -O1 -w -o - "$work/probe.c" 2>"$work/said" | sed -n 's/.*@ABI //p'
}

names() {
    awk -f $here/members.awk "${headers[@]}" | grep -E '^(define|calls) '
}

elsewhere() { # MACHINE
    layout clang "--target=$1-linux-gnu" -isystem "$work" ${multiarch:+-isystem "/usr/include/$multiarch"} \
        -isystem /usr/include
}

changes() { # MODEL, a layout on standard input
    diff "$here/layout/$1.txt" - | sed -n 's/^</was:/p; s/^>/is: /p'
}

headers=(include/functionfuse/*.h)
if [ "${1:-}" = --write ]; then
    names >"$here/layout/names.txt"
    for row in 'x86_64 lp64' 'i686 ilp32-i386' 'arm ilp32'; do
        elsewhere "${row% *}" >"$here/layout/${row#* }.txt"
        head -n 20 "$work/said" >&2
    done
    exit
fi

none 'identifiers and signatures' "$(names | changes names)"
native=$(awk -v cpu="$(uname -m)" '$1 == cpu { print $2 }' <<<"$machines")
if [ -n "$native" ]; then
    none "the layout on this $(uname -m)" "$(layout cc | changes "$native")"
else
    points=$((points + 1))
    echo "ok $points - the layout on this machine # SKIP no file for $(uname -m)"
fi
while read -r machine model; do
    if command -v clang >/dev/null; then
        none "the layout on $machine" "$(elsewhere "$machine" | changes "$model")"
    else
        points=$((points + 1))
        echo "ok $points - the layout on $machine # SKIP there is no clang"
    fi
done <<<"$machines"
none 'every struct of the headers is looked at' \
    "$(grep -ohE '^struct ff_[a-z0-9_]+ \{' "${headers[@]}" | awk '{ print $2 }' | sort |
        diff - <(awk '$1 == "struct" { print $2 }' "$work/members" | sort -u) | grep '^[<>]')"

# It bites: each of these edits is found, by the member's name.
bites_on() { # SED-EXPRESSION WHAT
    rm -rf "$work/edited" && mkdir "$work/edited"
    cp -r include/functionfuse "$work/edited"
    sed -i "$1" "$work/edited/functionfuse/plugin.h"
    bites "$2" "$(headers=("$work/edited/functionfuse"/*.h)
        { names | changes names; layout cc "-I$work/edited" | changes "${native:-lp64}"; } |
            grep "^is: .*${2##* }")"
}
bites_on 's/uint32_t width;/uint64_t width;/' 'a member of another size: width'
bites_on 's/const char \*version, \*summary;/const char *summary, *version;/' 'members in another order: summary'
bites_on 's/int32_t is_folder;/int32_t is_folder; int32_t late;/' 'a member that was put in: late'
bites_on 's|"ff.objects/1"|"ff.objects/2"|' 'another name of an interface: "ff.objects/2"'
bites_on 's/void (\*unbind)(void \*bound)/int (*unbind)(void *bound)/' 'another signature: unbind'
echo "# what changed knowingly: tests/abi/layout.sh --write (docs/abi.md)"
finish
