#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What no file holds: things left to do, places of a machine, a missing licence line.
# shellcheck source-path=SCRIPTDIR source=style.sh
. "$(dirname "$0")/style.sh"

mapfile -t texts < <(files '*' | grep -vE '^tests/data/|^LICENSE$|^\.gitignore$')
left='(TO''DO|FIX''ME|XX''X)'
none 'nothing is left to do' "$(grep -nIwE "$left" "${texts[@]}")"
# people's folders, build folders, workplaces; names in tests are not places
place='(^|[^A-Za-z0-9_.$}/-])/(root|work|Users|builds?|home/[a-z]+/|tmp/build)[/-]'
none 'no place of a machine' "$(grep -nIE "$place" "${texts[@]}")"
bites 'a place' "$(grep -E "$place" <<<'see /ro''ot/x')"
marker='^(<<<<<<<|>>>>>>>) '
none 'no side of a merge is left' "$(grep -nIE "$marker" "${texts[@]}")"
bites 'a side of a merge' "$(grep -E "$marker" <<<'<<<''<<<< HEAD')"
none 'no line ends in blanks' "$(grep -nIE '[[:blank:]]$' "${texts[@]}" | grep -v '^README.md')"
mapfile -t sources < <(files '*.c' '*.h' '*.sh' '*.awk' 'tools/*' '*.py' |
    grep -E '\.(c|h|sh|awk|py)$|^tools/(check|demo|deps|tally)$' | grep -vx docs/examples/readme.c)
none 'each source has its licence line' \
    "$(for file in "${sources[@]}"; do head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file"; done)"
mapfile -t scripts < <(files '*.sh' 'tools/*' '.ci/*' 'tests/*' | grep -E '\.sh$|^tools/[a-z]+$|^\.ci/run$')
none 'a script with a shebang can be run, and no other' "$(for file in "${scripts[@]}"; do
    first=$(head -c 2 "$file")
    [ "$first" = '#!' ] && [ ! -x "$file" ] && echo "$file is not executable"
    [ "$first" != '#!' ] && [ -x "$file" ] && echo "$file has no shebang"
done)"
finish
