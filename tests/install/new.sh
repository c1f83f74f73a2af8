#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff plugin new, with what is installed and nothing else: each project that it makes builds, and
# passes what it tests itself with.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
export FF=${FF:-ff}
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
# shellcheck source=tree.sh
. "$here/tree.sh"

# a compiler that a version manager put into the real home
export CARGO_HOME=${CARGO_HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)/.cargo}
export RUSTUP_HOME=${RUSTUP_HOME:-${CARGO_HOME%/*}/.rustup} CARGO_NET_OFFLINE=true
check 'install' install_tree
use_tree
export CMAKE_PREFIX_PATH=$tree CMAKE_LIBRARY_PATH=$libdir

# what each needs, and what its README says
declare -A needs=([c]=cc [c++]=c++ [rust]=rustc)
declare -A tools=([meson]=meson [make]=make [cmake]=cmake [cargo]=cargo)

lacks() { # PROGRAM...: the first that is not there
    local program
    for program; do
        command -v "$program" >/dev/null || { echo "there is no $program" && return; }
    done
}

turn=${FF_SEED:-$RANDOM} # one of the two kinds each, by turns; both with FF_LONG=1
echo "# FF_SEED=$turn"
for pair in 'c meson' 'c make' 'c cmake' 'c++ meson' 'c++ make' 'c++ cmake' 'rust cargo'; do
    read -r lang build <<<"$pair"
    kinds=(serializer protocol)
    turn=$((turn + 1))
    [ -n "${FF_LONG:-}" ] || kinds=("${kinds[turn % 2]}")
    for kind in "${kinds[@]}"; do
        name=acme.$kind-$lang-$build
        name=${name//+/x}
        what="$kind in $lang with $build"
        missing=$(lacks "${needs[$lang]}" "${tools[$build]}" pkg-config)
        if [ -n "$missing" ]; then
            skip "$what" "$missing"
            continue
        fi
        run plugin new "$name" --kind $kind --lang "$lang" --build "$build"
        is "$what: made" "$code $err" '0 '
        is "$what: it says what" "$(sort <<<"$out")" "$(find "$name" -type f | sort)"
        is "$what: nothing is left to fill in" "$(grep -rE '@[A-Z]+@' "$name")" ''
        commands=$(awk '/^```sh/ { on = !done; done = 1; next } /^```/ { on = 0 } on' "$name/README.md")
        out=$(cd "$name" && bash -ec "$commands" 2>&1)
        code=$?
        err=$(tail -n 30 <<<"$out")
        is "$what: builds and passes, as its README says" "$code" 0
        file=$(sed -n 's/^ff plugin install //p' "$name/README.md")
        run plugin info "$name/$file"
        like "$what: is the plugin" "$out" "*name *$name*kind *$kind*"
    done
done

bad 2 '*--lang rust with --build make*fix: *--lang rust with --build cargo*' plugin new acme.x --lang rust --build make
bad 2 '*--lang c with --build cargo*' plugin new acme.x --build cargo
bad 2 '*--lang fortran*' plugin new acme.x --lang fortran
bad 2 '*kind thing*' plugin new acme.x --kind thing
bad 2 '*not a name*' plugin new ../x
bad 2 '*not a name*' plugin new 9x
is 'nothing was made' "$(ls -d acme.x 9x ../x 2>/dev/null)" ''
run plugin new -n acme.x --build make
is '-n says what would be made' "$(sort <<<"$out")" $'acme.x/Makefile\nacme.x/README.md\nacme.x/acme_x.c'
is 'and makes nothing' "$(ls -d acme.x 2>/dev/null)" ''
run plugin new acme.x --build make --json
json_is 'JSON says the same' "d['folder'], sorted(d['files'])" \
    "('acme.x', ['acme.x/Makefile', 'acme.x/README.md', 'acme.x/acme_x.c'])"
bad 8 '*acme.x*is there already*' plugin new acme.x
finish
