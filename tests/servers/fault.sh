#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fault.sh FOLDER: start the server of faults on a free port of loopback; prints its URL and stays
# until it is stopped.
exec python3 "$(dirname "$0")/fault.py" "${1:?a folder}"
