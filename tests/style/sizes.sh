#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files of at most 500 lines, functions of at most 100; those over 60 are named.
# shellcheck source-path=SCRIPTDIR source=style.sh
. "$(dirname "$0")/style.sh"

# Longer for a reason.
longer() {
    case $1 in
    include/functionfuse/plugin.h | include/functionfuse/functionfuse.h) ;; # the whole contract on one page
    # one state each, that all of its functions share
    tests/torture/power.c | tests/torture/torture_race.c | tests/unit/hdf_stub.c) ;;
    *) return 1 ;;
    esac
}

# functions FILE...: "FILE:LINE name LINES" of each body, which begins and ends in column 1
functions() {
    awk 'FNR == 1 { start = 0 }
        /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
        /^\{/ { start = FNR }
        /^\}/ && start { print FILENAME ":" start " " name " " FNR - start + 1; start = 0 }' "$@"
}

mapfile -t sources < <(files '*.c' '*.h' '*.sh' '*.py' 'tools/*' 'tests/*' |
    grep -E '\.(c|h|sh|py|awk)$|^tools/(check|demo|deps|tally)$')
none 'files have at most 500 lines' "$(wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 500 { print $2, $1 }' |
    while read -r file lines; do longer "$file" || echo "$file has $lines"; done)"
mapfile -t sources < <(files '*.c' '*.h')
sizes=$(functions "${sources[@]}")
none 'functions are found' "$([ "$(wc -l <<<"$sizes")" -gt 500 ] || echo 'too few')"
none 'functions have at most 100 lines' "$(awk '$3 > 100' <<<"$sizes")"
awk '$3 > 60 { print "# over 60 lines: " $0 }' <<<"$sizes"
bites 'a long function' "$({ echo 'int f(int x)'; echo '{'; yes '    x++;' | head -n 100; echo '}'; } | functions /dev/stdin | awk '$3 > 100')"
none 'the example plugin has at most 60' "$(wc -l <plugins/npy/npy.c | awk '$1 > 60')"
none 'and is 90 wide' "$(awk 'length > 90' plugins/npy/npy.c)"
finish
