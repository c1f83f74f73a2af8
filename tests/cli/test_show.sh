#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff show and ff info.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

npy a.npy '12, 6'
echo '{"meta": {"units": "degC"}, "field": {"$npy": "a.npy", "chunks": [1, 6]}}' >v.json
"$FF" put climate/sst v.json
"$FF" put climate/inline a.npy --inline

good 'show' show climate/sst
like 'names the dtype and the shape' "$out" '*f8*12*6*'
like 'and the str' "$out" '*degC*'
good 'show a part' show climate/sst#meta.units
like 'only that' "$out" '*degC*'
good 'show a slice' show 'climate/sst#field[0:3]'
like 'with its own shape' "$out" '*3*6*'
good 'show --json' show climate/sst --json
json_is 'it reports' "d['version'], d['kind'], d['length'], 'degC' in d['tree']" "(1, 'dict', 2, True)"
bad 3 'climate/none: no such task*' show climate/none
bad 3 '*' show climate/sst#none

good 'info' info climate/sst
like 'the name comes first' "$out" $'climate/sst\n*'
like 'where the array is' "$out" '*/bigdata/*'
like 'its serializer' "$out" '*HDFSerializer*'
like 'its shape' "$out" '*(12, 6)*'
like 'its chunks' "$out" '*(1, 6)*'
like 'how Python opens it' "$out" '*h5py*dask*'
check 'the file is there' test -f "$(grep -o "$work/[^ ]*/bigdata/[^ ]*" .out | head -n 1)"
good 'info --json' info climate/sst --json
json_is 'it reports' \
    "d['version'], d['task'], d['digest'], d['persistent'][0]['array']['shape']" \
    "(1, 'sst', 'ok', [12, 6])"
good 'info of a slice' info 'climate/sst#field[3:5]' --json
json_is 'what reading it would touch' "d['value']['read'], d['value']['array']['shape']" \
    "({'chunks': 2, 'of': 12}, [2, 6])"
good 'the same for people' info 'climate/sst#field[3:5]'
like 'shows it' "$out" '*chunks*2*of*12*'
good 'info of an inline array' info climate/inline --json
json_is 'nothing lies beside it' "d['persistent']" '[]'
bad 3 '*' info climate/none
bad 3 '*' info climate/sst#none
bad 2 '*' info climate
dd if=/dev/zero of=store/climate/inline bs=1 seek=40 count=1 conv=notrunc 2>/dev/null
bad 4 '*climate/inline*' show climate/inline
finish
