#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh HEADERS OUTPUT-DIR: how the plugins of this folder were built. HEADERS: the folder that
# functionfuse/plugin.h is in.
set -eu
headers=$(realpath "$1") output=$(realpath "$2")
cd "$(dirname "$0")"
for name in npy wave memory; do
    ${CC:-cc} -std=gnu11 -Os -s -shared -fPIC -fvisibility=hidden -pthread -Wl,-z,defs -Wl,-z,now -Wl,-z,relro \
        -Wl,-z,noseparate-code -Wl,--build-id=none -I"$headers" "$name.c" -o "$output/$name.so"
done
