# SPDX-License-Identifier: Apache-2.0
# bash completion of ff: verbs, options, workflows, tasks, plugins and files.

_ff_words() { # WORDS: those that begin with the current word
    local word
    while IFS= read -r word; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$(printf %q "$word")")
    done <<<"$1"
}

_ff_names() { # workflows, or, behind WORKFLOW/, its tasks
    local workflow
    if [[ $cur == */* ]]; then
        workflow=${cur%%/*}
        _ff_words "$("${ff[@]}" ls "$workflow" 2>/dev/null | sed "s|^|${workflow//[|&\\]/}/|")"
    else
        _ff_words "$("${ff[@]}" ls 2>/dev/null | sed 's|$|/|')"
        compopt -o nospace 2>/dev/null
    fi
}

_ff_files() { # [-d]: files, or folders
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "${1:--f}" -- "$cur")
}

_ff() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb='' first='' i
    local ff=("${COMP_WORDS[0]}" -q) options
    local verbs='ls du show info get put diff inspect cp rm mv verify gc plugin store config completion version help'
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -S | --storage | --config | --plugin-path)
            ff+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
            ((i++))
            ;;
        --color | --threads | --memory | --durability | -o | --output | --as | --chunks | \
            --compression | --grace | --assume-lost | --allow | --policy) ((i++)) ;;
        -*) ;;
        *) if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; else first=${first:-${COMP_WORDS[i]}}; fi ;;
        esac
    done
    case $prev in
    --color) _ff_words $'auto\nalways\nnever' && return ;;
    --durability) _ff_words $'full\nnone' && return ;;
    --as) _ff_words $'npy\njson\npkl\nraw\ntext' && return ;;
    --chunks) _ff_words 'auto' && return ;;
    --kind) _ff_words $'serializer\nprotocol' && return ;;
    --lang) _ff_words $'c\nc++\nrust' && return ;;
    --build) _ff_words $'meson\nmake\ncmake\ncargo' && return ;;
    --compression) _ff_words $'deflate\nnone' && return ;;
    --threads | --memory | --grace) return ;;
    --plugin-path) _ff_files -d && return ;;
    --allow | --options) return ;;
    -S | --storage | --config | -o | --output | --policy | --value | --with) _ff_files && return ;;
    esac
    if [[ $cur == -* ]]; then
        options='--storage --config --plugin-path --json --quiet --verbose --dry-run --yes'
        options+=' --color --threads --memory --durability --help --version'
        case $verb in
        get) options+=' --output --as' ;;
        put) options+=' --as --chunks --inline --compression --if-absent' ;;
        inspect) options+=' --opcodes --allow --policy --as' ;;
        cp) options+=' --recursive --replace' ;;
        rm | mv) options+=' --recursive' ;;
        verify) options+=' --deep' ;;
        gc) options+=' --grace --assume-lost' ;;
        plugin) options+=' --options --value --with --kind --lang --build' ;;
        esac
        _ff_words "${options// /$'\n'}"
        return
    fi
    case $verb in
    '' | help) _ff_words "${verbs// /$'\n'}" ;;
    ls | du | show | info | get | cp | rm | mv | verify | gc) _ff_names ;;
    put) if [[ -z $first ]]; then _ff_names; else _ff_files; fi ;;
    inspect) _ff_files ;;
    diff) if [[ $cur == *.* ]]; then _ff_files; else _ff_names; fi ;;
    completion) _ff_words $'bash\nzsh\nfish' ;;
    config)
        if [[ -z $first ]]; then _ff_words $'show\npath\ncheck'; else _ff_files; fi
        ;;
    store)
        case $first in
        '') _ff_words $'list\nadd\ntest' ;;
        test) _ff_words "$("${ff[@]}" store list 2>/dev/null | awk '{ print $1 }')" ;;
        *) _ff_files ;;
        esac
        ;;
    plugin)
        case $first in
        '') _ff_words $'list\ninfo\ninstall\ncheck\nnew\nenable\ndisable\npin\nunpin\nwhich' ;;
        info | install | check) _ff_files ;;
        enable | disable | pin | unpin)
            _ff_words "$("${ff[@]}" plugin list 2>/dev/null | awk 'NR > 1 && !/^ / { print $1 }')"
            ;;
        esac
        ;;
    esac
    return 0
}

complete -F _ff ff
