#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The man page has every verb and every option that ff has, and no other.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

page=$FF_SOURCE/docs/man/ff.1
verbs=$("$FF" help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')
options_of() { # HELP on standard input: its options, long ones
    grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u
}
in_page() { # PART of the page on standard input: the options that it explains
    sed -n '/^\.It Fl/p' | grep -oE 'Fl \\&-[a-z-]+' | sed 's/Fl \\&-/--/' | sort -u
}

check 'there are verbs' test "$(wc -w <<<"$verbs")" -gt 10
is 'the page has the verbs of the help' \
    "$(sed -n 's/^\.It Nm Cm \([a-z]*\).*/\1/p' "$page" | uniq)" "$verbs"
is 'the page has the options of every verb' \
    "$(sed -n '/^\.Ss Options/,/^\.Sh VERBS/p' "$page" | in_page)" "$("$FF" help | options_of)"
for verb in $verbs; do
    is "the page has the options of $verb" \
        "$(awk -v v="$verb" '/^\.Sh/ { on = 0 } /^\.It Nm Cm/ { on = $4 == v } on' "$page" | in_page)" \
        "$("$FF" help "$verb" | options_of)"
done
for code in 0 1 2 3 4 5 6 7 8 9 130 141; do
    check "the page has exit code $code" grep -qx "\.It $code" "$page"
done
for name in FF_STORAGE FF_CONFIG XDG_CONFIG_HOME NO_COLOR TERM; do
    check "the page has $name" grep -q "Ev $name" "$page"
done
if command -v groff >/dev/null; then
    is 'groff has nothing to complain about' "$(groff -mdoc -Tutf8 -ww "$page" 2>&1 >/dev/null)" ''
else
    skip 'groff has nothing to complain about' 'there is no groff'
fi
finish
