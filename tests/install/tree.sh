# SPDX-License-Identifier: Apache-2.0
# tree.sh: for the tests that need an installed Function Fuse, sourced behind tap.sh: installs what
# is built in $FF_BUILD below $work, moves it elsewhere, and uses it from there.
# shellcheck shell=bash disable=SC2034
: "${FF_BUILD:?the folder that Meson builds in}" "${work:?tap.sh comes first}"

tree=$work/elsewhere/functionfuse

# Installed as whoever runs this, below a folder of his own; then moved.
install_tree() {
    local header
    meson install -C "$FF_BUILD" --no-rebuild --destdir "$work/staged" >"$work/.out" 2>&1 || return
    header=$(find "$work/staged" -path '*/include/functionfuse/functionfuse.h') || return
    mkdir "$work/elsewhere" && mv "${header%/include/functionfuse/functionfuse.h}" "$tree"
}

use_tree() {
    local library
    library=$(find "$tree" -name libfunctionfuse.so)
    libdir=$(dirname "$library")
    FF=$tree/bin/ff
    export PATH=$tree/bin:$PATH PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
}
