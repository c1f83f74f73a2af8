#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# symbols.sh LIBRARY PLUGIN...: what is exported. The library: what its headers mark with FF_API,
# and functionfuse.map says the same. A plugin: its one describe function.
# shellcheck source-path=SCRIPTDIR source=style.sh
here=$PWD
. "$(dirname "$0")/style.sh"

exported() {
    nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

difference() { # LEFT RIGHT NAME-OF-LEFT NAME-OF-RIGHT
    comm -3 <(echo "$1") <(echo "$2") | sed "s/^\t/only in $4: /; t; s/^/only in $3: /"
}

cd "$here" && library=$(realpath "$1")
shift
mapfile -t plugins < <(realpath "$@")
cd "$FF_SOURCE" || exit 1
headers=(include/functionfuse/functionfuse.h include/functionfuse/pickle.h include/functionfuse/diff.h include/functionfuse/fill.h include/functionfuse/view.h)
marked=$(cat "${headers[@]}" | tr '\n' ' ' | grep -oE 'FF_API [^;(]*ff_[a-z0-9_]+\(' | grep -oE 'ff_[a-z0-9_]+\($' | tr -d '(' | sort -u)
mapped=$(grep -oE '^ +ff_[a-z0-9_]+;$' core/functionfuse.map | tr -d ' ;' | sort -u)
none 'functions are found' "$([ "$(wc -l <<<"$marked")" -gt 50 ] || echo "$marked")"
none 'the header and the map say the same' "$(difference "$marked" "$mapped" header map)"
none 'the library exports what the map says' "$(difference "$mapped" "$(exported "$library")" map library)"
none 'the map hides all else' "$(grep -qE '^local: \*;|^ +\*;$' core/functionfuse.map || echo 'no "local: *"')"
for plugin in "${plugins[@]}"; do
    none "${plugin##*/} exports its describe function, nothing else" \
        "$(exported "$plugin" | grep -c . | grep -vx 1; exported "$plugin" | grep -vxE 'ff_(serializer|protocol)_describe')"
    none "${plugin##*/} needs no library of ours" "$(objdump -p "$plugin" | grep -E 'NEEDED +libfunctionfuse')"
    none "${plugin##*/} says what it is in a note" \
        "$(readelf -n "$plugin" 2>/dev/null | grep -q FuncFuse || echo 'no note FuncFuse')"
done
finish
