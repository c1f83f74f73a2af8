# SPDX-License-Identifier: Apache-2.0
# style.sh: for the tests of style, sourced: TAP, and which files are ours.
# shellcheck shell=bash disable=SC2034
set -u
: "${FF_SOURCE:?the tree of the sources}"
cd "$FF_SOURCE" || exit 1
export LC_ALL=C
points=0

none() { # WHAT FINDINGS: well when there are none
    points=$((points + 1))
    if [ -z "$2" ]; then
        echo "ok $points - $1"
    else
        echo "not ok $points - $1"
        printf '%s\n' "$2" | sed 's/^/#   /'
    fi
}

bites() { # WHAT FINDINGS: the check before this one, asked about what it has to find
    points=$((points + 1))
    if [ -n "$2" ]; then
        echo "ok $points - it finds $1"
    else
        echo "not ok $points - it finds $1"
    fi
}

finish() {
    echo "1..$points"
}

# files PATTERN...: of the tree, by their names; all of them where git does not know it.
files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -- "$@"
    else
        local pattern
        for pattern in "$@"; do
            find . -name .git -prune -o -path './build*' -prune -o -type f -path "./$pattern" -print
        done | sed 's|^\./||'
    fi | sort -u | while IFS= read -r file; do [ ! -f "$file" ] || echo "$file"; done
}
