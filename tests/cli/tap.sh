# SPDX-License-Identifier: Apache-2.0
# tap.sh: for the tests of ff, sourced: runs it in a folder of its own and prints TAP.
# shellcheck shell=bash disable=SC2034
# $FF is the command, $FF_SOURCE the tree, $FF_PYTHON (may be missing) a Python with numpy.
set -u

: "${FF:?the command to test}" "${FF_SOURCE:?the tree of the sources}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset FF_CONFIG NO_COLOR
export HOME=$work XDG_CONFIG_HOME=$work/config FF_STORAGE=$work/store LC_ALL=C TERM=xterm
plain_python=$(command -v python3) || plain_python=

points=0 failures=0
out='' err='' code=0 # what `run` found
as=()                # what it puts before ff

result() { # CODE WHAT
    points=$((points + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $points - $2"
    else
        failures=$((failures + 1))
        echo "not ok $points - $2"
        printf '# code %s\n# stdout: %s\n# stderr: %s\n' "$code" "${out:0:2000}" "${err:0:2000}" |
            sed 's/^\([^#]\)/# \1/'
    fi
}

run() { # ARGUMENT...: ff; its output without the last line end
    "${as[@]}" "$FF" "$@" >"$work/.out" 2>"$work/.err" </dev/null
    code=$?
    out=$(tr '\0' '0' <"$work/.out")
    err=$(cat "$work/.err")
}

is() { # WHAT GOT WANT
    [ "$2" = "$3" ]
    result $? "$1"
    [ "$2" = "$3" ] || printf '%s\n' "got  $2" "want $3" | sed 's/^/# /'
}

like() { # WHAT TEXT PATTERN (of [[ ]])
    # shellcheck disable=SC2053 # a pattern
    [[ $2 == $3 ]]
    result $? "$1"
}

good() { # WHAT ARGUMENT...: exits with 0 and says nothing on standard error
    local what=$1
    shift
    run "$@"
    [ "$code" -eq 0 ] && [ -z "$err" ]
    result $? "$what"
}

bad() { # CODE PATTERN-OF-STDERR ARGUMENT...: fails so, with nothing on standard output
    local want=$1 pattern=$2
    shift 2
    run "$@"
    # shellcheck disable=SC2053
    [ "$code" -eq "$want" ] && [ -z "$out" ] && [[ $err == ff:\ $pattern ]]
    result $? "exit $want: ff ${*@Q}"
}

denied() { # CODE PATTERN-OF-STDERR ARGUMENT...: bad, where root has no more rights than files give
    local as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --bounding-set -dac_override,-dac_read_search)
    if "${as[@]}" true 2>/dev/null; then
        bad "$@"
    else
        skip "exit $1: ff ${*:3}" 'root may do it, and cannot give that up here'
    fi
}

check() { # WHAT COMMAND...
    local what=$1
    shift
    "$@" >/dev/null 2>&1
    result $? "$what"
}

skip() { # WHAT REASON
    points=$((points + 1))
    echo "ok $points - $1 # SKIP $2"
}

json() { # EXPRESSION: of the JSON `d` that `run` got, by Python; empty when it is not JSON
    [ -n "$plain_python" ] || return 1
    "$plain_python" -c 'import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
print(eval(sys.argv[2]))' "$work/.out" "$1" 2>&1
}

json_is() { # WHAT EXPRESSION WANT
    if [ -n "$plain_python" ]; then
        is "$1" "$(json "$2")" "$3"
    else
        skip "$1" "no python3"
    fi
}

numpy() { # whether there is a Python with numpy
    [ -n "${FF_PYTHON:-}" ] && "$FF_PYTHON" -c 'import numpy' 2>/dev/null
}

# npy FILE SHAPE: an array <f8 of that shape ("3, 4" or "5,") that counts from 0
npy() {
    local shape=$2 count=1 n i header
    for n in ${shape//,/ }; do count=$((count * n)); done
    header="{'descr': '<f8', 'fortran_order': False, 'shape': ($shape), }"
    printf -v header '%-117s\n' "$header"
    {
        printf '\x93NUMPY\x01\x00\x76\x00%s' "$header"
        for ((i = 0; i < count; i++)); do f8 "$i"; done
    } >"$1"
}

f8() { # N: the eight bytes of a whole number below 2^20 as a double
    local n=$1 e=0 m
    if [ "$n" -eq 0 ]; then
        printf '\0\0\0\0\0\0\0\0'
        return
    fi
    while [ $((n >> (e + 1))) -gt 0 ]; do e=$((e + 1)); done
    m=$(((n << (52 - e)) & ((1 << 52) - 1) | (e + 1023) << 52))
    printf -v m '%016x' "$m"
    # shellcheck disable=SC2059 # escapes are meant
    printf "\\x${m:14:2}\\x${m:12:2}\\x${m:10:2}\\x${m:8:2}\\x${m:6:2}\\x${m:4:2}\\x${m:2:2}\\x${m:0:2}"
}

finish() {
    echo "1..$points"
    [ "$failures" -eq 0 ] # for who does not read TAP
}
