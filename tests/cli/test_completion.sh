#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Completion: the files know what ff knows, and bash completes names.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

folder=$FF_SOURCE/tools/completion
declare -A files=([bash]=ff.bash [zsh]=_ff [fish]=ff.fish)
verbs=$("$FF" help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p')
options=$({ "$FF" help; for verb in $verbs; do "$FF" help "$verb"; done; } |
    grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u)

for shell in bash zsh fish; do
    file=$folder/${files[$shell]}
    run completion $shell
    check "$shell: what is printed is the file" cmp "$file" .out
    for verb in $verbs; do
        check "$shell: $verb" grep -qw -- "$verb" "$file"
    done
    for option in $options; do
        if [ $shell = fish ]; then
            check "$shell: $option" grep -qE -- "-l ${option#--}( |$)" "$file"
        else
            check "$shell: $option" grep -qE -- "$option([^a-z-]|$)" "$file"
        fi
    done
    is "$shell: no other option" \
        "$(grep -oE -- '--[a-z][a-z-]+' "$file" | sort -u | grep -vxF -- "$options")" ''
    if command -v $shell >/dev/null; then
        check "$shell reads it" $shell -n "$file"
    else
        skip "$shell reads it" "there is no $shell"
    fi
done

npy a.npy '2,'
"$FF" put wf/one a.npy --inline
"$FF" put wf/two a.npy --inline
"$FF" -S ./lab put wl/three a.npy --inline
# shellcheck disable=SC1091 # checked by itself
. "$folder/ff.bash"
complete_words() { # WORD...: what bash would offer for the last one
    COMP_WORDS=("$FF" "${@}") COMP_CWORD=$#
    _ff
    echo "${COMPREPLY[*]}"
}
is 'verbs' "$(complete_words ve)" 'verify version'
is 'workflows' "$(complete_words ls '')" 'wf/'
is 'tasks' "$(complete_words show wf/)" 'wf/one wf/two'
is 'tasks that begin so' "$(complete_words get wf/t)" 'wf/two'
is 'of the storage that is meant' "$(complete_words -S ./lab ls '')" 'wl/'
is 'options of the verb' "$(complete_words verify --de)" '--deep'
is 'options of every verb' "$(complete_words verify --st)" '--storage'
is 'formats' "$(complete_words get wf/one --as '')" 'npy json pkl raw text'
is 'files' "$(complete_words put wf/x a.n)" 'a.npy'
is 'what plugin does' "$(complete_words plugin e)" 'enable'
finish
