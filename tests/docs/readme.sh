#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# README.md does what it says: each command runs, each listing is a file that compiles and runs.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
export FF=${FF:-ff}
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=../install/tree.sh
. "$here/../install/tree.sh"
# shellcheck source=doc.sh
. "$here/doc.sh"
readme=$FF_SOURCE/README.md

check 'install' install_tree
use_tree
zeros field.npy 2000 1100
printf '\200\004}.' >model.pkl # an empty dict
unset FF_STORAGE

follow README.md

check 'its program compiles under any warning' \
    cc -std=c17 -Wall -Wextra -Wpedantic -Werror program.c \
    "-I$tree/include" "-L$libdir" -lfunctionfuse -o strict
try ./program
is 'its program says so' "$out" 'run7/field: read back'
try "ff -S ./results show run7/field"
like 'its array is in chunks' "$out" 'array <f4 (365, 1000) chunks *'
body=$(awk '/^{$/ { n = 0; next } /^}$/ { exit } NF { n++ } END { print n }' program.c)
[ "$body" -le 18 ]
result $? "its program is short: $body lines"
run plugin list --json
json_is 'its plugin is loaded' \
    "[r['code'] for r in d['plugins'] if r['file'].startswith('$HOME/.local')]" "['loaded']"

verbs=$("$FF" help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p' | tr '\n' ' ')
# shellcheck disable=SC2016 # of Markdown
is 'its verbs are those of ff help' "$(grep -oE '^`ls [a-z ]+`' "$readme" | tr -d '`')" "${verbs% }"

check 'its demo builds what is its own' grep -q 'ninja -C build command$' "$FF_SOURCE/tools/demo"
parts=$(ninja -C "$FF_BUILD" -t query command)
for name in $FF_PLUGIN_FILES; do
    like "$name among it" "$parts" "*/${name%.so}.copied*"
done
sources=$(ninja -C "$FF_BUILD" -t inputs command)
like 'and the command' "$sources" '*/tools/main.c*'
is 'but no test' "$(grep -E 'tests/(unit|pickle|cli|torture|hostile)/' <<<"$sources")" ''

while read -r path _; do
    check "its map: there is $path" test -e "$FF_SOURCE/$path"
done < <(awk '/^## The tree/ { on = 1 } on && /^[a-z]+\// { print $1 }' "$readme")
for path in $(cd "$FF_SOURCE" && git ls-files 2>/dev/null | grep / | cut -d/ -f1 | sort -u | grep -v '^\.'); do
    check "its map has $path/" grep -q "^$path/" "$readme"
done
finish
