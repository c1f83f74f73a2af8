#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Terminals, pipes and colours.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '2,'
"$FF" put wf/a a.npy --inline
for i in $(seq 300); do echo "$i"; done >many
terminal() { # COMMAND: its output on a terminal of its own
    script -qec "$1" /dev/null </dev/null 2>/dev/null | tr -d '\r'
}
plain() { # COMMAND: likewise, without escape sequences
    terminal "$1" | sed 's/\x1b\[[0-9;]*[A-Za-z]//g'
}

check 'no escape sequence in a pipe' bash -c '! "$FF" plugin list | grep -q $'"'\\033'"
if command -v script >/dev/null && [ -n "$(terminal 'echo x')" ]; then
    like 'colour on a terminal' "$(terminal "$FF plugin list")" $'*\033[32mloaded\033[0m*'
    like 'not with NO_COLOR' "$(NO_COLOR=1 terminal "$FF plugin list")" '*loaded *'
    is 'at all' "$(NO_COLOR=1 terminal "$FF plugin list" | tr -dc '\033')" ''
    is 'an empty NO_COLOR means nothing' "$(NO_COLOR='' terminal "$FF plugin list" | tr -dc '\033' | head -c 1)" $'\033'
    is 'not on a dumb terminal' "$(TERM=dumb terminal "$FF plugin list" | tr -dc '\033')" ''
    is 'not with --color never' "$(terminal "$FF --color never plugin list" | tr -dc '\033')" ''
    like 'a summary on a terminal' "$(plain "$FF put wf/a a.npy")" '*saved wf/a*'
    is 'which -q silences' "$(plain "$FF -q put wf/a a.npy")" ''
    like 'bytes are not for a terminal' "$(plain "$FF get wf/a --as npy")" '*npy is not for a terminal*'
    "$FF" put wf/e - --as json <<<'"a\u001b[31mb"'
    like 'escapes in a str are shown' "$(terminal "$FF get wf/e --as text")" '*a\\x1b\[31mb*'
    is 'and go to a pipe as they are' "$("$FF" get wf/e --as text)" $'a\033[31mb'
    like 'escapes in an error are shown' "$(terminal "$FF 'a"$'\033'"b'")" '*\\x1b*'
    {
        printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' \
            "{'descr': '|u1', 'fortran_order': False, 'shape': (16000000,), }"
        head -c 16000000 /dev/zero
    } >long.npy
    "$FF" put wf/long long.npy
    slow() { # ARGUMENT...: ff get of much into a pipe that nobody reads for a while
        terminal "$FF $* get wf/long --as raw | (sleep 1.3; cat >/dev/null)"
    }
    like 'long work has a line, which is wiped' "$(slow)" \
        $'\033\[K*% \[#*\] * of 16.0 MB, */s\033\[Kff: read 4 of 4 chunks*'
    is 'not with -q' "$(slow -q)" ''
    is 'nor on a dumb terminal' "$(TERM=dumb slow | tr -d '\n')" 'ff: read 4 of 4 chunks'
    mkdir -p "store/wf"$'\033'"x"
    is 'no name with an escape reaches a terminal' \
        "$(terminal "$FF --color never ls" | tr -dc '\033')" ''
else
    skip 'terminals' 'there is no script(1), or no terminal that it could give'
fi
run $'a\033b'
is 'an error never holds an escape' "$(tr -dc '\033' <.err)" ''

for i in $(seq 40); do cat many; done >v.txt
{
    echo '['
    sed 's/$/,/' v.txt v.txt v.txt
    echo '0]'
} | "$FF" put wf/long - --as json
"$FF" get wf/long | head -c 1 >/dev/null
is 'a reader that goes away is exit 141' "${PIPESTATUS[0]}" 141
"$FF" get wf/long 2>.err | head -c 1 >/dev/null
is 'and nothing to complain about' "$(cat .err)" ''
finish
