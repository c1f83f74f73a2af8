#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff inspect: what is safe, what is not, and what is no pickle.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

judged() { # CODE PATTERN-OF-STDERR ARGUMENT...: says what it saw, and fails so
    local want=$1 pattern=$2
    shift 2
    run inspect "$@"
    # shellcheck disable=SC2053 # a pattern
    [ "$code" -eq "$want" ] && [ -n "$out" ] && [[ $err == ff:\ $pattern ]]
    result $? "exit $want: ff inspect ${*@Q}"
}

printf '\x80\x02}X\x01\x00\x00\x00aK\x01s.' >good.pkl
printf 'cos\nsystem\n(Vls\ntR.' >evil.pkl
printf 'cos\nsystem\n(Vls\ntR0N.' >popped.pkl
printf 'cbuiltins\nset\n((lcacme\nWave\natR.' >acme.pkl

good 'a plain pickle' inspect good.pkl
like 'it is safe' "$out" '*protocol 2*verdict: safe*'
judged 9 '*os.system*' evil.pkl
like 'the call is shown' "$out" '*refused*os.system: call*unsafe*'
judged 9 '*os.system*' popped.pkl
judged 9 '*acme.Wave*' acme.pkl
like 'what would allow it is told' "$err" '*fix: *--allow acme.Wave*'
like 'and how it is used' "$out" '*allowed*builtins.set: call*refused*acme.Wave: reference*'
good 'it is allowed' inspect acme.pkl --allow acme.Wave
good 'all of a module is allowed' inspect acme.pkl --allow 'acme.*'
echo '{"allow": ["acme.Wave"]}' >policy.json
good 'a policy allows it' inspect acme.pkl --policy policy.json
printf '\x80\x04\x8c\x04acme\x8c\x09Wave.Part\x93.' >nested.pkl
judged 9 '*fix: *--allow acme:Wave.Part*' nested.pkl
good 'as told it is allowed' inspect nested.pkl --allow acme:Wave.Part
bad 2 '*no.such*' inspect good.pkl --allow no.such.
echo '{"deny": []}' >deny.json
bad 2 '*deny.json*' inspect good.pkl --policy deny.json
bad 2 '*--as*' inspect good.pkl --as npy
bad 3 '*none.pkl*' inspect none.pkl

like 'one is one' "$("$FF" inspect evil.pkl 2>&1)" '*1 call?*1 time?*'
printf hello >none.txt
judged 4 '*none.txt: this is no whole pickle: *' none.txt

good 'opcodes' inspect good.pkl --opcodes
like 'each is a line' "$out" '*BINUNICODE*a*BININT1*1*STOP*'
printf '\x80\x03(G\x3f\xf8\x00\x00\x00\x00\x00\x00J\xff\xff\xff\xffM\xff\xff\x8a\x01\xff\x8a\x02\xff\x00\x8a\x00' >numbers.pkl
printf '\x8a\x09\x01\x00\x00\x00\x00\x00\x00\x00\x80C\x03a\x00\xfft.' >>numbers.pkl
good 'arguments of opcodes' inspect numbers.pkl --opcodes --json
json_is 'are what Python reads in them' "[o['argument'] for o in d['pickles'][0]['opcodes'][2:-2]]" \
    "['1.5', '-1', '65535', '-1', '255', '0', '[9] 0x800000000000000001', '[3] 0x6100ff']"
printf '\x80\x03((X\x03\x00\x00\x00HDFX\x01\x00\x00\x001ttQ0Pplain\n.' >pid.pkl
good 'persistent ids' inspect pid.pkl --json
json_is 'are listed, each with its texts' "d['pickles'][0]['persistent_count'], [p['strings'] for p in d['pickles'][0]['persistent']], [p['offset'] for p in d['pickles'][0]['persistent']]" \
    "(2, [['HDF', '1'], ['plain']], [20, 22])"
good 'and told to people' inspect pid.pkl
like 'by their texts' "$out" '*HDF*plain*'
good '--json' inspect acme.pkl --allow acme.Wave --json
json_is 'it reports' "d['version'], d['verdict'], [(g['module'], g['uses'], g['allowed']) for g in d['pickles'][0]['globals']]" \
    "(1, 'safe', [('builtins', ['call'], True), ('acme', ['reference'], True)])"

head -c 9 good.pkl >cut.pkl
judged 4 '*no STOP*' cut.pkl
: >empty.pkl
judged 4 '*empty*' empty.pkl
cat good.pkl good.pkl >two.pkl
good 'two pickles' inspect two.pkl
is 'both are shown' "$(grep -c '^pickle at' <<<"$out")" 2
{ cat good.pkl && openssl dgst -sha1 -binary good.pkl; } >task
good 'a task' inspect task
like 'its digest is known' "$out" '*SHA-1*'
gzip -kc evil.pkl >evil.pkl.gz
judged 9 '*os.system*' evil.pkl.gz
bzip2 -kc evil.pkl >evil.pkl.bz2 2>/dev/null || printf 'BZh9' >evil.pkl.bz2
bad 1 '*bz2*' inspect evil.pkl.bz2
head -c 20 evil.pkl.gz >cut.gz
bad 4 '*decompress*' inspect cut.gz
python3 - <<'PY'
import zipfile
for name, how in (("stored.pt", zipfile.ZIP_STORED), ("deflated.pt", zipfile.ZIP_DEFLATED)):
    with zipfile.ZipFile(name, "w", how) as z:
        z.writestr("archive/version", "3")
        with z.open("archive/data.pkl", "w", force_zip64=True) as f:
            f.write(open("evil.pkl", "rb").read())
with zipfile.ZipFile("other.zip", "w") as z:
    z.writestr("a", "b")
PY
for file in stored.pt deflated.pt; do
    judged 9 '*os.system*' $file
    like "$file: its member is named" "$out" '*archive/data.pkl*'
done
bad 4 '*holds no*' inspect other.zip
head -c 100 stored.pt >cut.pt
bad 4 '*zip*' inspect cut.pt

for file in "$FF_SOURCE"/tests/data/pickle/*.joblib; do
    good "${file##*/}" inspect "$file"
    like 'it is safe' "$out" '*NumpyArrayWrapper*safe*'
done
judged 4 '*' --as pickle "$FF_SOURCE/tests/data/pickle/joblib-1.6-p4.joblib"
finish
