# SPDX-License-Identifier: Apache-2.0
# pairs.sh: for the tests of versions, sourced behind tap.sh: the kept plugins of each release on a host,
# each with each other and with those of today. $story is the program of tests/foreign.
# shellcheck shell=bash disable=SC2034
: "${story:?the program of the story}"
kept=$FF_SOURCE/tests/old-plugins

# The folders of plugins that run on this machine; none where nothing was built for it.
kept_folders() {
    find "$kept" -mindepth 2 -maxdepth 2 -type d -name "$(uname -m)" | sort
}

# A folder for the host, as the checks before loading want it: git keeps no modes.
kept_copy() { # FROM TO
    mkdir -p "$2" && cp "$1"/*.so "$2" && chmod go-w "$2" "$2"/*.so
}

tells() { # WHAT LIBRARY-DIR VALUE PROTOCOL-KIND PLUGIN-DIR... -- NAME...: the story, through these
    local what=$1 library=$2 value=$3 kind=$4 folders=() names=() options='{}' config
    shift 4
    while [ "$1" != -- ]; do folders+=("\"$1\"") && shift; done
    shift
    names=("${@/#/\"}")
    names=("${names[@]/%/\"}")
    [ "$kind" != file ] || options='{"path": "'$work/story-$points'"}'
    config="{\"plugins\": {\"path\": [$(IFS=, && echo "${folders[*]}")], \"enable\": [$(IFS=, && echo "${names[*]}")]}}"
    is "$what" "$(LD_LIBRARY_PATH=$library "$story" all "$value" "{\"kind\": \"$kind\", \"options\": $options}" "$config" 2>&1)" well
}

# Every value through every protocol: what is kept, and what is of today, of those folders.
kept_pairs() { # HOST LIBRARY-DIR KEPT-DIR TODAY-DIR PROTOCOL-OF-TODAY...
    local host=$1 library=$2 old=$3 today=$4 kind
    shift 4
    for kind in "$@"; do
        tells "$host host, old.npy on $kind" "$library" inline "$kind" "$old" "$today" -- old.npy "$kind"
        tells "$host host, old.wave on $kind" "$library" wave "$kind" "$old" "$today" -- old.wave "$kind"
    done
    tells "$host host, old.npy on old.memory" "$library" inline old.memory "$old" -- old.npy old.memory
    tells "$host host, old.wave on old.memory" "$library" wave old.memory "$old" -- old.wave old.memory
    tells "$host host, npy on old.memory" "$library" inline old.memory "$old" "$today" -- npy old.memory
    tells "$host host, no serializer on old.memory" "$library" plain old.memory "$old" -- old.memory
}
