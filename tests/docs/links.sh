#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each link between pages leads to a file, and each page is reached by one.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
export FF=${FF:-ff}
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"

cd "$FF_SOURCE" || exit 1
for page in README.md docs/*.md; do
    while read -r link; do
        check "$page: $link" test -e "$(dirname "$page")/${link%%#*}"
    done < <(awk '/^```/ { code = !code } !code' "$page" | grep -oE '\]\([^)#][^)]*\)' | sed 's/^](//; s/)$//' | grep -v '://')
done
for page in docs/*.md; do
    check "$page is reached" grep -qE "\]\((docs/)?${page##*/}[)#]" README.md docs/*.md
done
finish
