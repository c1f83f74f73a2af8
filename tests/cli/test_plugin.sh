#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff plugin.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

plugins=$(dirname "$FF")/../core/functionfuse/plugins

good 'list' plugin list
like 'a heading' "$out" 'NAME *KIND *STATE *VERSION *FILE*'
like 'the array serializer' "$out" '*HDFSerializer *serializer *loaded *'
like 'the protocol' "$out" '*file *protocol *loaded *'
good 'list --json' plugin list --json
json_is 'its rows' "d['version'], sorted({k for r in d['plugins'] for k in r})" \
    "(1, ['classes', 'code', 'facts', 'file', 'fix', 'kind', 'name', 'options_schema', 'reason', 'summary', 'version'])"
json_is 'classes are a list' \
    "[r['classes'] for r in d['plugins'] if r['name'] == 'HDFSerializer']" \
    "[['dask.array.core.Array']]"

json_is 'each says which options it takes' \
    "[r['name'] for r in d['plugins'] if r['code'] == 'loaded' and 'type' not in r['options_schema']]" '[]'
bad 2 '*options.path*is of kind int*expected: a string*' -S '{"kind": "file", "options": {"path": 1}}' ls
bad 2 '*unknown option "pth"*did you mean "path"*' -S '{"kind": "file", "options": {"pth": "x"}}' ls
bad 2 '*options.s3fs.config_kwargs.s3.addressing_style*expected: "auto", "path", "virtual", null*' \
    -S '{"kind": "S3", "options": {"path": "/b", "s3fs": {"config_kwargs": {"s3": {"addressing_style": "x"}}}}}' ls

mkdir mine && chmod 700 mine
echo 'no plugin' >mine/text.so
echo 'no plugin' >mine/readme.txt
good 'a folder with a bad file' plugin list --plugin-path mine
like 'has a row' "$out" '*not-elf*mine/text.so*'
like 'with a reason and a fix' "$out" '*'$'\n    '*$'\n    fix: '*
run plugin list --plugin-path mine --json
json_is 'in JSON, too' \
    "[(r['code'], bool(r['reason']), bool(r['fix'])) for r in d['plugins'] if r['file'].endswith('text.so')]" \
    "[('not-elf', True, True)]"

good 'which' plugin which dask.array.core.Array
is 'the serializer, and why' "$out" 'HDFSerializer  the last one that was enabled for the class'
good 'which --json' plugin which dask.array.core.Array --json
json_is 'its row' "d['class'], [(r['name'], r['why']) for r in d['plugins']]" \
    "('dask.array.core.Array', [('HDFSerializer', 'the last one that was enabled for the class')])"
bad 5 '*no loaded serializer keeps no.Such*' plugin which no.Such

# ---- info of what is not loaded: of its note, its libraries, its symbols ----

mkdir plain && chmod 700 plain && cp "$plugins"/dask_array.so plain && chmod 755 plain/dask_array.so
good 'info of the array serializer, elsewhere' plugin info plain/dask_array.so
like 'it is not loaded' "$out" '*state *disabled*'
like 'what it needs' "$out" '*needs *ff.objects/1 ff.values/1 ff.pool/1 ff.lockgroup/1*'
like 'its threads and its lock group' "$out" '*threads *free*lock_group *libhdf5*'
like 'what it offers' "$out" '*offers *ff.push/1 ff.verify/1 ff.explain/1*'
like 'its libraries, with their versions' "$out" '*library *libhdf5*.so.*  /*libhdf5*.so.*.*.*'
like 'and those behind them' "$out" '*library *libcrypto.so.*'
like 'the one function that it exports' "$out" '*symbol *ff_serializer_describe'
is 'and no other' "$(grep -c '^symbol' <<<"$out")" 1
good 'info --json' plugin info plain/dask_array.so --json
json_is 'has all that' \
    "(lambda r: (r['facts']['threads'], r['facts']['offers'][0], r['symbols'], any('libhdf5' in x['file'] for x in r['libraries'])))(d['plugins'][0])" \
    "(['free'], 'ff.push/1', ['ff_serializer_describe'], True)"
note=$(json "d['plugins'][0]['facts']")
run plugin info "$plugins/dask_array.so" --json
json_is 'once it is loaded its descriptor says the same' "d['plugins'][0]['code'], d['plugins'][0]['facts'] == $note" "('loaded', True)"
echo 'void gone(void) {}' >gone.c && cc -shared -fPIC gone.c -o libgone.so
sed 's/"npy"/"acme.gone"/' "$FF_SOURCE/plugins/npy/npy.c" >acme_gone.c
cc -shared -fPIC acme_gone.c "-I$FF_SOURCE/include" -Wl,--no-as-needed -L. -lgone -o plain/gone.so && rm libgone.so
good 'info of one whose library is missing' plugin info plain/gone.so
like 'says which' "$out" '*library *libgone.so  not found*'
printf 'no plugin' >plain/text.so
good 'info of what is refused' plugin info plain/text.so --json
json_is 'shows it to nobody' "d['plugins'][0]['libraries'], d['plugins'][0]['symbols']" '([], [])'
sed 's|"numpy.ndarray");|"numpy.ndarray\\nthreads one");|; s/"npy"/"acme.liar"/' "$FF_SOURCE/plugins/npy/npy.c" >acme_liar.c
check 'a plugin whose note says something else' cc -shared -fPIC acme_liar.c "-I$FF_SOURCE/include" -o plain/liar.so
chmod 755 plain/*.so
echo '{"plugins": {"path": ["'"$work"'/plain"], "enable": ["acme.liar"]}}' >liar.json
run --config liar.json plugin list --json
json_is 'is refused' "[(r['code'], 'threads one' in r['reason']) for r in d['plugins'] if r['name'] == 'acme.liar']" "[('note-differs', True)]"

so=$(find "$plugins" -name '*npy*.so' | head -n 1)
if [ -z "$so" ]; then
    skip 'plugin info, install, enable, disable' 'the plugin npy was not built'
    finish
    exit
fi
cp "$so" mine/copy.so
good 'info of a file elsewhere' plugin info mine/copy.so
like 'its name' "$out" '*name *npy*'
like 'it is not loaded' "$out" '*state *disabled*'
good 'info --json' plugin info mine/copy.so --json
json_is 'its row' "d['plugins'][0]['name'], d['plugins'][0]['code']" "('npy', 'disabled')"
good 'info of what is no plugin' plugin info mine/text.so
like 'says so' "$out" '*not-elf*'
bad 3 '*mine/none.so*fix: ff plugin list*' plugin info mine/none.so
bad 3 'npy: there is no such file*fix: ff plugin info */npy.so' plugin info npy
good 'info of another file' plugin info mine/readme.txt
like 'says so, too' "$out" '*state *suffix*'

good 'install -n' plugin install -n mine/copy.so
check 'does nothing' test ! -e .local/lib/functionfuse
run plugin install mine/copy.so
is 'install' "$code" 0
like 'prints where it went' "$out" "$work/*.so"
check 'it is there' cmp "$out" mine/copy.so
is 'the folder is for its owner' "$(stat -c %a "$(dirname "$out")")" 700
bad 5 '*text.so*' plugin install mine/text.so
bad 3 '*none.so*' plugin install mine/none.so

run plugin enable -n npy
check 'enable -n does nothing' test ! -e config/functionfuse/config.json
like 'but tells' "$err" '*would enable npy*'
run plugin enable npy
is 'enable' "$code" 0
like 'it is in the configuration' "$(cat config/functionfuse/config.json)" '*npy*'
run plugin list --json
json_is 'it is loaded' "'loaded' in [r['code'] for r in d['plugins'] if r['name'] == 'npy']" True
run plugin disable npy
is 'disable' "$code" 0
run plugin list --json
json_is 'it is not loaded' "{r['code'] for r in d['plugins'] if r['name'] == 'npy'} <= {'disabled', 'duplicate'}" True
bad 5 '*HDFSerialiser*did you mean *HDFSerializer*' plugin enable HDFSerialiser
good 'disable the array serializer' plugin disable HDFSerializer
npy a.npy '2, 2'
bad 5 '*wf/a*dask.array.core.Array*ff plugin*' put wf/a a.npy

# ---- which, and the map of classes ----

mkdir two && chmod 700 two
sed 's/"npy"/"acme.npy"/' "$FF_SOURCE/plugins/npy/npy.c" >acme_npy.c
check 'a second serializer for a class' cc -shared -fPIC acme_npy.c "-I$FF_SOURCE/include" -o two/acme_npy.so
chmod 755 two/acme_npy.so
both() { # PLUGINS-MEMBERS
    echo '{"plugins": {"path": ["'"$work"'/two"], "enable": ["acme.npy", "npy"]'"$1"'}}' >both.json
    run --config both.json plugin which numpy.ndarray
}
both ''
is 'the last one enabled is first' "$(awk '{ print $1 }' <<<"$out" | tr '\n' ' ')" 'npy acme.npy '
like 'and why the other is there' "$out" '*acme.npy  asked when those before it decline*'
both ', "classes": {"numpy.ndarray": "acme.npy"}'
is 'the map of classes decides' "$(awk '{ print $1 }' <<<"$out" | tr '\n' ' ')" 'acme.npy npy '
like 'and says so' "$out" 'acme.npy  plugins.classes names it*'
npy n.npy '2, 2'
run --config both.json -S ./mapped put wf/a n.npy --inline
run --config both.json -S ./mapped info wf/a
like 'it is the one that keeps' "$out" '*serializer *acme.npy*'
both ', "classes": {"numpy.ndarray": "HDFSerializer"}'
bad 5 '*plugins.classes names "HDFSerializer" for numpy.ndarray*fix: *' --config both.json -S ./mapped put wf/b n.npy --inline
both ', "disable": ["npy"]'
like 'one that is disabled is last' "$out" '*npy  not loaded (disabled): ff plugin enable npy'
run config check both.json
is 'a map is a configuration' "$code" 0
echo '{"plugins": {"classes": {"a.B": 1}}}' >wrong.json
bad 2 '*/plugins/classes/a.B*a string is expected*' config check wrong.json

# ---- only what a task needs is loaded ----

loads() { # ARGUMENT...: how often the dynamic linker looks for libhdf5
    LD_DEBUG=libs "$FF" -S ./needs "$@" 2>&1 >/dev/null | grep -c 'find library=libhdf5' # of all but the elements
}
rm -f config/functionfuse/config.json
echo '{"a": 1}' >a.json
is 'libhdf5 is not loaded to save a task without arrays' "$(loads put wf/plain a.json)" 0
is 'nor to read it' "$(loads get wf/plain)" 0
is 'nor to list' "$(loads ls wf)" 0
like 'it is to save an array' "$(loads put wf/array a.npy)" '[1-9]*'
is 'not to show where there is one' "$(loads ls wf)" 0

echo '{"plugins": {"options": {"HDFSerializer": {"level": 12}}}}' >level.json
run --config level.json plugin list --json
json_is 'an option that does not fit is told with its place' \
    "[(r['code'], r['reason']) for r in d['plugins'] if r['name'] == 'HDFSerializer']" \
    "[('options', 'options.level: is 12; expected: an integer from 1 to 9')]"
echo '{"plugins": {"options": {"HDFSerializer": {"levle": 2}}}}' >level.json
run --config level.json plugin list --json
json_is 'and one that there is not, with the nearest' \
    "[(r['code'], r['fix']) for r in d['plugins'] if r['name'] == 'HDFSerializer']" \
    "[('options', '\"level\" may be meant')]"
run plugin list --json
dask=$(json "next(r['file'] for r in d['plugins'] if r['name'] == 'HDFSerializer')")
good 'info of a plugin that is loaded' plugin info "$dask"
like 'has its options' "$out" '*option *level  integer  from 1  up to 9  default 4*option *zarr.format *'
finish
