#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_signer.sh TEST_S3_SIGN MAKE_SIGV4: 10,000 requests, chosen by $FF_SEED, signed as botocore does.
set -eu
seed=${FF_SEED:-$((RANDOM * 32768 + RANDOM))}
for python in "${FF_PYTHON:-}" python3 /usr/bin/python3; do
    if [ -n "$python" ] && "$python" -c 'import botocore' 2>/dev/null; then
        vectors=$(mktemp)
        trap 'rm -f "$vectors"' EXIT
        echo "FF_SEED=$seed"
        "$python" "$2" 10000 "$seed" >"$vectors"
        [ "$(wc -l <"$vectors")" -eq 10000 ]
        FF_S3_VECTORS=$vectors "$1"
        exit
    fi
done
echo 'no Python with botocore: apt-get install python3-botocore' >&2
exit 77
