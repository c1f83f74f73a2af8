#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff store.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

config=$work/config/functionfuse/config.json
s3='{"kind": "S3", "options": {"path": "/b/p", "s3fs": {"endpoint_url": "http://127.0.0.1:1", "key": "K", "secret": "hush", "config_kwargs": {"retries": {"max_attempts": 1}}}}}'
good 'list of nothing' store list
is 'is nothing' "$out" ''
good 'add a folder' store add here ./lab
is 'says nothing in a pipe' "$out" ''
is 'only its owner reads the file' "$(stat -c %a "$config")" 600
echo "$s3" >s3.json
good 'add what a file says' store add there @s3.json
"$FF" store add hidden - <s3.json
is 'add what standard input says' $? 0
good 'list' store list
is 'has them, and no secret' "$(awk '{ print $1, $2, $3 }' <<<"$out" | sed "s|$work|W|")" \
    $'here file W/lab\nthere S3 /b/p\nhidden S3 /b/p'
good 'list --json' store list --json
json_is 'too' "[(s['name'], s['kind'], s['default']) for s in d['storages']]" \
    "[('here', 'file', False), ('there', 'S3', False), ('hidden', 'S3', False)]"
good 'the name can be used' -S here ls
"$FF" plugin enable http 2>/dev/null
"$FF" store add web '{"kind": "http", "options": {"url": "http://127.0.0.1:9/results/"}}' 2>/dev/null
sed -i 's|http://127.0.0.1:9|http://somebody:hush@127.0.0.1:9|' "$config"
good 'list of a published store' store list
like 'has its URL, and no secret' "$out" '*web * http *http://[*][*][*]@127.0.0.1:9/results/'
good 'list --json' store list --json
json_is 'too' "[(s['name'], s['path'], s['url']) for s in d['storages'] if s['name'] in ('there', 'web')]" \
    "[('there', '/b/p', None), ('web', None, 'http://***@127.0.0.1:9/results/')]"
bad 8 '*here: there is a storage of this name*' store add here ./other
bad 2 '*cannot be the name*' store add a:b ./other
bad 2 '*cannot be the name*' store add ./a ./other
bad 2 '*kind*' store add new '{"path": "/b"}'
bad 2 '*' store add new '{"kind": "file", "options": {"path": "x"'
bad 2 '*' store add new '{"kind": "none", "options": {}}'
bad 2 '*does not take*' store add new
bad 2 '*did you mean ff store list*' store lst
good '-n' store add -n new ./lab
check 'adds nothing' bash -c "! grep -q new '$config'"
sed -i '1s/{/{"default": "here",/' "$config"
good 'list' store list
like 'a star for the default' "$out" 'here\* *'

good 'test' store test here
like 'what it is' "$out" 'kind *file'$'\n''where *'$'\n''write, read, remove *ms, *ms, *ms'
good 'test of the default' -S '' store test
is 'nothing is left' "$(find lab -type f 2>/dev/null | wc -l)" 0
run store test there
is 'a server that is not there' "$code" 7
finish
