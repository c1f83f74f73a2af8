#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# exports.sh HEADER LIBRARY: what the library exports is what the header marks with FF_API.
set -eu
wanted=$(mktemp)
there=$(mktemp)
trap 'rm -f "$wanted" "$there"' EXIT
cat "$1" "${1%/*}/pickle.h" "${1%/*}/diff.h" "${1%/*}/fill.h" "${1%/*}/view.h" | tr "\n" " " | sed 's/FF_API/\nFF_API/g' | sed -n 's/^FF_API [^(]*\(ff_[a-z0-9_]*\)(.*/\1/p' |
    sort -u >"$wanted"
nm -D --defined-only "$2" | sed -n 's/.* T \(ff_[a-z0-9_]*\).*/\1/p' | sort -u >"$there"
[ -s "$wanted" ] || { echo "no function was found in $1"; exit 1; }
diff "$wanted" "$there" || { echo "< is only in the header, > only in the library"; exit 1; }
others=$(nm -D --defined-only "$2" | grep -v -e ' T ff_' -e ' A FF_' || true)
[ -z "$others" ] || { echo "exported, but not ours: $others"; exit 1; }
