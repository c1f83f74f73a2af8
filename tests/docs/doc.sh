# SPDX-License-Identifier: Apache-2.0
# doc.sh: for the tests of pages, sourced behind tap.sh and tree.sh: follows a page as a reader
# would, in the scratch folder and with an installed tree. What it quotes has to be the file's own
# text; its commands have to succeed, in their order.
# shellcheck shell=bash disable=SC2034
: "${FF_SOURCE:?the tree of the sources}" "${work:?tap.sh comes first}"

quotes() { # BLOCK KIND PATH: a file is quoted as it is, and then is there for the commands
    if [ "$2" = whole ]; then
        check "$3 is quoted as it is" cmp "$1" "$FF_SOURCE/$3"
        cp "$1" "$(basename "$3")"
        case $3 in docs/examples/*.c) cp "$1" program.c ;; esac
    else
        check "a part of $3 is quoted as it is" holds "$FF_SOURCE/$3" "$1"
    fi
}

holds() { # FILE PART: whether the part stands in the file, in one piece
    local whole part
    whole=$(cat "$1") part=$(cat "$2")
    [ -n "$part" ] && [[ $whole == *"$part"* ]]
}

try() { # COMMAND: of the page, as it stands
    case $1 in
    tools/*)
        check "there is ${1%% *}" bash -n "$FF_SOURCE/${1%% *}"
        return
        ;;
    'meson setup '*) set -- "${1/ -D/ $FF_SOURCE -D}" ;; # the tree is not the current folder
    'meson install '*) return ;; # of what is built here already: install_tree
    'export '*PKG_CONFIG_PATH*)
        check "$1: names where it is installed" installs_there "$1"
        use_tree
        return
        ;;
    'export '*) eval "$1" ;;
    esac
    out=$(bash -c "$1" 2>"$work/.err" </dev/null)
    code=$?
    err=$(cat "$work/.err")
    [ "$code" -eq 0 ]
    result $? "$1"
}

installs_there() { # EXPORT: whether its folders are those of build/install
    local paths
    paths=$(meson introspect build/install --installed) || return
    eval "$1"
    [[ $paths == *"\"${PATH%%:*}/ff\""* && $paths == *"\"$PKG_CONFIG_PATH/functionfuse.pc\""* &&
        $paths == *"\"$LD_LIBRARY_PATH/libfunctionfuse.so"* ]]
}

follow() { # PAGE
    local block language kind path line blocks=0
    mkdir -p "$work/blocks"
    while read -r block language kind path; do
        blocks=$((blocks + 1))
        [ "$kind" = - ] || quotes "$block" "$kind" "$path"
        case $language in
        c | cpp | python)
            [ "$kind" != - ]
            result $? "the $language of block $blocks is somebody's text"
            ;;
        sh) while IFS= read -r line; do [ -z "$line" ] || try "$line"; done <"$block" ;;
        console)
            while IFS= read -r line; do
                [[ $line != '$ '* ]] || try "${line#'$ '}"
            done <"$block"
            ;;
        json)
            run config check "$block"
            is "block $blocks is a configuration" "$code $out" "0 $block: ok"
            ;;
        esac
    done < <(awk -v dir="$work/blocks" -f "$FF_SOURCE/tests/docs/blocks.awk" "$FF_SOURCE/$1")
    [ $blocks -gt 0 ]
    result $? "$1 has blocks"
}

zeros() { # FILE ROWS COLUMNS: an array of <f4
    local header="{'descr': '<f4', 'fortran_order': False, 'shape': ($2, $3), }"
    printf -v header '%-117s\n' "$header"
    {
        printf '\x93NUMPY\x01\x00\x76\x00%s' "$header"
        head -c $((4 * $2 * $3)) /dev/zero
    } >"$1"
}
