#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/plugin-guide.md does what it says, from an empty folder to a tested plugin.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
export FF=${FF:-ff}
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=../install/tree.sh
. "$here/../install/tree.sh"
# shellcheck source=doc.sh
. "$here/doc.sh"
guide=$FF_SOURCE/docs/plugin-guide.md

check 'install' install_tree
use_tree
cp "$FF_SOURCE/tests/data/coads_sst.npy" a.npy
cp "$FF_SOURCE"/tests/doubles/wave.c "$FF_SOURCE"/docs/examples/{pieces.c,stack.cpp} .

follow docs/plugin-guide.md

try './program'
is 'a wave comes back' "$out" 'station 7: 1 2 3'
run plugin which numpy.ndarray
like 'the new plugin keeps numpy arrays' "$out" 'acme.npy  *'
run -S ./try put t/a a.npy --inline
run -S ./try info t/a
like 'it kept this one' "$out" '*serializer *acme.npy*'
run -S ./try gc --grace 0s
is 'nothing was left behind' "$out" ''

codes=$(cat "$FF_SOURCE"/core/*.c | tr '\n' ' ' |
    grep -oE '(ff_verdict_set\([^;]{0,40}|settle\([^;]{0,60}|bad_directory[^;]{0,60}|code = )"[a-z-]+"' |
    grep -oE '"[a-z-]+"$' | tr -d '"' | sort -u)
[ -n "$codes" ]
result $? 'codes are found in the sources'
for word in $codes; do
    check "the table has $word" grep -q "^| \`$word\` |" "$guide"
done
finish
