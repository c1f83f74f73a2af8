#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# each.sh PROGRAM...: run all of them, whatever they say; fail when one does.
code=0
for program in "$@"; do
    "$program" || code=1
done
exit $code
