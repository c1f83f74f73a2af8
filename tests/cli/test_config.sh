#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff config.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

good 'path' config path
is 'the file that would be written' "$out" "$work/config/functionfuse/config.json"
good 'path --json' config path --json
json_is 'the same' "d['version'], d['path'].endswith('/config.json')" '(1, True)'
echo '{"default": "lab", "storages": {"lab": {"kind": "S3", "options": {"path": "/b", "s3fs": {"key": "K", "secret": "hush"}}}}}' >own.json
good '--config names the file' config path --config own.json
like 'its path' "$out" '*own.json'
good 'show' config show --config own.json
like 'what is in force' "$out" '*"lab"*'
is 'without secrets' "$(grep -c hush .out)" 0
json_is 'it is JSON' "'storages' in d" True
good 'show --json' config show --config own.json --json
json_is 'with a version' "d['version'], 'storages' in d['config']" '(1, True)'
good 'check' config check own.json
like 'says ok' "$out" '*own.json: ok'
good 'check --json' config check own.json --json
json_is 'too' "d['ok']" True
good 'check of what is in force' config check
out=$(FF_CONFIG=own.json "$FF" config path)
like 'FF_CONFIG names the file' "$out" '*own.json'

printf '{"default": "lab",\n "plugins": ' >cut.json
echo '{"defualt": "lab"}' >typo.json
echo '{"default": 7}' >type.json
bad 2 '*cut.json*' config check cut.json
like 'with line and column' "$err" '*line*column*'
bad 2 '*typo.json*default*' config check typo.json
bad 2 '*type.json*' config check type.json
bad 2 '*none.json*' config check none.json
bad 2 '*cut.json*' --config cut.json ls
bad 2 '*takes no argument*' config path x
finish
