#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every kind of bad plugin: each has its row, code, reason and fix, the host lives, and nothing of a
# file that is refused runs. hostile.sh PATCH SECURE: the two programs of this folder.
# shellcheck source-path=SCRIPTDIR
here=$(cd "$(dirname "$0")" && pwd)
patch=$(realpath "$1") secure=$(realpath "$2")
# shellcheck source=../cli/tap.sh
. "$here/../cli/tap.sh"
umask 022
dir=$work/plugins marker=$work/marker
mkdir -p "$dir" config/functionfuse built

evil() { # NAME OPTION...: a plugin called test.NAME that leaves the marker
    local name=$1
    shift
    cc -shared -fPIC -O1 -w -D_GNU_SOURCE "-DMARKER=\"$marker\"" "-DNAME=\"test.$name\"" \
        "-DNOTE=FF_PLUGIN_NOTE(\"serializer\",\"test.$name\",\"1.0\",\"test.Good\")" \
        "-I$FF_SOURCE/include" "$here/plugins/evil.c" "$@" -o "$dir/$name.so" 2>"$work/.err" && chmod 755 "$dir/$name.so"
}
patched() { # NAME WHAT
    evil "$1" && "$patch" "$dir/$1.so" "$2"
}

declare -A want reason
names=()
row() { # NAME CODE REASON-PATTERN, after the file was made
    result $? "made: $1"
    names+=("$1") want[$1]=$2 reason[$1]=$3
}

# 1, 2, 3, 4
: >"$dir/empty.so"
row empty not-elf '*no ELF header*'
echo 'hello' >"$dir/text.so"
row text not-elf '*no ELF header*'
printf '#!/bin/sh\ntouch %s\n' "$marker" >"$dir/script.so" && chmod 755 "$dir/script.so"
row script not-elf '*no ELF header*'
mkdir "$dir/folder.so"
row folder not-regular '*a folder*'
ln -s /dev/zero "$dir/device.so"
row device not-regular '*symbolic link*'
mkfifo "$dir/pipe.so"
row pipe not-regular '*a pipe*'
"$patch" "$dir/socket.so" socket
row socket not-regular '*a socket*'
# 7, 8, 9
for what in class endian machine; do
    patched "$what" "$what"
    row "$what" wrong-arch '*another kind of machine*'
done
patched exec exec
row exec not-elf '*not a shared object*'
echo 'int main(void) { return 0; }' >program.c && cc -pie -fPIE program.c -o "$dir/program.so"
row program not-elf '*a program*'
for what in phnum phoff; do
    patched "$what" "$what"
    row "$what" not-elf '*damaged: its program headers*'
done
for what in overlap align memory; do
    patched "$what" "$what"
    row "$what" not-elf '*damaged: its segments overlap*'
done
patched beyond beyond
row beyond not-elf '*damaged: a part of it ends at byte*'
patched nothing nothing
row nothing not-elf '*nothing of it would be loaded*'
patched dynamic dynamic
row dynamic not-elf '*dynamic section*'
# 10, 11
evil nodlopen -Wl,-z,nodlopen
row nodlopen not-elf '*not to be loaded*'
evil relocated -DTEXT_RELOCATION -Wl,-z,notext
row relocated writable-code '*text relocations*'
patched stack stack
row stack writable-code '*executable stack*'
patched nostack no-stack
row nostack writable-code '*executable stack*'
patched wx wx
row wx writable-code '*code and writable*'
# 12, 13, 17, 27: the linker and the symbols; these are enabled
evil tls -DBIG_TLS
row tls dlopen '*static TLS*'
evil missing -DMISSING
row missing dlopen '*undefined symbol: missing_function*'
echo 'void f(void) {}' >f.c && cc -shared -fPIC f.c -o built/libgone.so
evil needed -Lbuild -Lbuilt -Wl,--no-as-needed -lgone
row needed dlopen '*libgone.so: cannot open shared object file*'
# 26, 28
evil origin '-Wl,-rpath,$ORIGIN'
row origin run-path '*no fixed folder*'
evil relative -Wl,-rpath,lib
row relative run-path '*no fixed folder*'
evil rpath -Wl,--disable-new-dtags -Wl,-rpath,"$work/nowhere"
row rpath run-path '*No such file*'
mkdir -m 777 open && chmod 777 open
evil open -Wl,-rpath,"$work/open"
row open run-path '*written by everybody*'
evil libc -Wl,-soname,libc.so.6
row libc soname '*claims to be the library "libc.so.6"*'
evil other -Wl,-soname,"$dir/good.so"
row other soname '*claims to be*'
# 19, 20, 22
evil group && chmod 777 "$dir/group.so"
row group mode '*written by everybody*'
if [ "$(id -u)" -eq 0 ]; then
    evil owner && chown 12345 "$dir/owner.so"
    row owner owner '*belongs to user 12345*'
else
    skip 'the file of somebody else' 'only root can make one'
fi
evil real && mv "$dir/real.so" elsewhere.so && ln -s "$work/elsewhere.so" "$dir/real.so"
row real not-regular '*symbolic link*'
# 25
evil pinned
row pinned pin '*not the file that was pinned*'
# 14, 15, 16: not enabled, so nothing runs
evil exits '-DON_LOAD=_exit(42)'
row exits disabled '*not enabled*'
evil aborts '-DON_LOAD=abort()'
row aborts disabled '*not enabled*'
evil sleeps '-DON_LOAD=pause()'
row sleeps disabled '*not enabled*'
evil ifunc -DIFUNC
row ifunc disabled '*not enabled*'

enabled=''
for name in "${names[@]}"; do
    [ "${want[$name]}" = disabled ] || enabled+="\"test.$name\", \"$name\", "
done
cat >config/functionfuse/config.json <<JSON
{"plugins": {"path": ["$dir"], "enable": [${enabled%, }],
             "pins": {"test.pinned": "$(printf '%064d' 0)"}}}
JSON
run plugin list --json -q
is 'the host lives' "$code" 0
check 'nothing of any of them has run' test ! -e "$marker"
check_rows() { # of what plugin list --json has printed
    if [ -z "$plain_python" ]; then
        skip 'the rows' 'no python3'
        return
    fi
    while IFS=$'\t' read -r file code_is reason_is fix_is; do
        name=${file##*/} name=${name%.so}
        is "$name.so: its code" "$code_is" "${want[$name]}"
        like "$name.so: its reason: $reason_is" "$reason_is" "${reason[$name]}"
        [ "$code_is" = loaded ] || like "$name.so: a fix" "$fix_is" '?*'
        unset "want[$name]"
    done < <(json "'\n'.join('\t'.join((r['file'], r['code'], r['reason'], r['fix']))
        for r in d['plugins'] if r['file'].startswith('$dir/'))")
    is 'each has a row' "${!want[*]}" ''
}
check_rows

# ---- 14, 15, 16 without a note, enabled: tried in a child where the configuration says "probe" ----

rm -rf "${dir:?}" && mkdir "$dir"
names=() && unset want reason && declare -A want reason
probed() { # NAME REASON-PATTERN OPTION...
    local name=$1 pattern=$2
    shift 2
    evil "$name" -DNOTE= "$@"
    row "$name" probe "$pattern"
}
probed exits '*in a child, its code ended the process: exit code 42*' '-DON_LOAD=_exit(42)'
probed ends '*ended the process: exit code 0*' '-DON_LOAD=_exit(0)'
probed aborts '*died of signal 6*' '-DON_LOAD=abort()'
probed sleeps '*had not loaded after 2 s*' '-DON_LOAD=pause()'
probed closes '*had not loaded after 2 s*' '-DON_LOAD=for(int i=3;i<64;i++)close(i);pause()'
probed becomes '*had not loaded after 2 s*' '-DON_LOAD=execl("/bin/sleep","sleep","60",NULL)'
probed leaves '*ended the process: exit code 3*' '-DON_LOAD=exit(3)'
probed real-time '*died of signal * (a real-time signal)*' '-DON_LOAD=raise(SIGRTMIN+3)'
probed hungry '*in a child, its code *' '-DON_LOAD=for(;;)*(volatile char*)sbrk(1<<26)=1'
probed ifunc '*died of signal 11*' -DIFUNC
probed wild-name '*died of signal 11*' '-DNAME=(const char*)16'
probed changes '*something else each time*' -DCHANGES
evil fills -DNOTE= "-DON_LOAD=(void)!write(fd, MARKER, 9)" # in the host it works
row fills loaded ''
evil good -DNOTE=
row good loaded ''
enabled=$(for name in "${names[@]}"; do printf '"%s", "test.%s", ' "$name" "$name"; done)
cat >config/functionfuse/config.json <<JSON
{"plugins": {"path": ["$dir"], "enable": [${enabled%, }], "probe": true}}
JSON
run plugin list --json -q
is 'the host lives with code that ends the process' "$code" 0
check_rows
FF_PLUGIN_DEBUG=1 run plugin list
like 'FF_PLUGIN_DEBUG=1 says that it was tried' "$err" '*good.so: trying it in a child*'
run config show
like 'the configuration shows it' "$out" '*"probe"*true*'
rm -f "$marker"

# ---- 18: descriptors that lie. Their files are good, so they are loaded; no callback is called ----

rm -rf "${dir:?}" && mkdir "$dir"
names=() && unset want reason && declare -A want reason
row_of() { # NAME CODE REASON-PATTERN OPTION...
    local name=$1 code=$2 pattern=$3
    shift 3
    evil "$name" "$@"
    row "$name" "$code" "$pattern"
}
row_of size0 bad-size '*says that it has 0 bytes*' -DSIZE=0
row_of size1 bad-size '*says that it has 1 bytes*' -DSIZE=1
row_of size-huge bad-size '*says that it has 4294967295 bytes*' -DSIZE=0xffffffffu
row_of size-small bad-size '*ABI 1 begins with*' '-DSIZE=FF_SIZE(ff_serializer,version)'
row_of unaligned bad-size '*not on the address of a struct*' -DUNALIGNED
row_of nothing bad-size '*gave nothing*' -DNOTHING
row_of abi0 abi-major '*built for plugin ABI 0*' -DABI=0
row_of abi2 abi-major '*built for plugin ABI 2*' -DABI=2
row_of no-create bad-size '*create, pickle or unpickle*' -DCREATE=NULL
row_of no-class bad-size '*lacks serializer_class*' -DCLASSES=NULL
row_of threads bad-size '*no known `threads`: 99*' -DTHREADS=99
row_of wild-schema bad-size '*options_schema*' '-DBEHIND=.options_schema="{",' \
    '-DSIZE=FF_SIZE(ff_serializer,options_schema)'
row_of endless bad-size '*more than 64 serializers*' '-DNEXT=&whole.known'
row_of many bad-size '*more than 64 serializers*' -DMANY=10000
row_of slash bad-size '*lacks a name*' '-DNAME="test/slash"'
row_of other-name note-differs '*its note says name*' '-DNAME="test.else"'
evil twice1 -UNAME '-DNAME="test.twice"' -UNOTE '-DNOTE=FF_PLUGIN_NOTE("serializer","test.twice","1.0","test.Good")'
row twice1 duplicate '*has the name "test.twice" too*'
cp "$dir/twice1.so" "$dir/twice2.so"
row twice2 duplicate '*has the name "test.twice" too*'
enabled=$(printf '"test.%s", ' "${names[@]}")
cat >config/functionfuse/config.json <<JSON
{"plugins": {"path": ["$dir"], "enable": [$enabled"test.twice", "test/slash"]}}
JSON
run plugin list --json -q
is 'the host lives with descriptors that lie' "$code" 0
check_rows

rm -f "$marker" # they were loaded

# ---- 31 to 36: they misbehave when they are called ----

rm -rf "${dir:?}" && mkdir "$dir"
cc -shared -fPIC -D_GNU_SOURCE "-I$FF_SOURCE/include" "$here/plugins/misdeed_protocol.c" -o "$dir/misdeed.so"
result $? 'made: a protocol that does what it is told'
chmod 755 "$dir/misdeed.so"
echo "{\"plugins\": {\"path\": [\"$dir\"], \"enable\": [\"misdeed\"]}}" >config/functionfuse/config.json
inner="\"inner\": {\"kind\": \"file\", \"options\": {\"path\": \"$work/inner\"}}"
store() { echo "{\"kind\": \"misdeed\", \"options\": {\"misdeed\": \"$1\", $inner}}"; }
echo '{"a": [1, 2, 3]}' >a.json && run -S "$(store '')" put run/task a.json
is 'a task is saved through it' "$code" 0
misdeed() { # WHAT CODE VERB... -- SAID...
    local what=$1 expected=$2
    shift 2
    run -S "$(store "$what")" "${@:1:$#-1}"
    is "$what: its code" "$code" "$expected"
    like "$what: is said of it: $err" "$err" "${*: -1}"
}
misdeed 'says that more came' 5 show run/task '*ff: plugin misbehaves: misdeed: *more bytes came*ff.objects/1:*'
misdeed 'an item returns 5' 5 show run/task '*ff: plugin misbehaves: misdeed: done() returned 5*'
misdeed 'forgets an item' 5 show run/task '*ff: plugin misbehaves: misdeed: run() returned without done()*'
misdeed 'ends an item twice' 0 show run/task '*ff: plugin misbehaves: misdeed: done() was called twice*'
misdeed 'a task without an end' 1 show run/task '*larger than max_bytes*'
misdeed 'bind returns 2' 5 show run/task '*ff: plugin misbehaves: misdeed: bind() returned 2*'
run -S "$(store '')" show run/task
is 'and the task is as it was' "$code" 0

# ---- 5: cut at every 128 bytes ----

rm -rf "${dir:?}" && mkdir "$dir"
evil whole && mv "$dir/whole.so" .
size=$(stat -c %s whole.so) step=128 cuts=0
for ((at = 128; at < size; at += step)); do
    head -c "$at" whole.so >"$dir/cut-$at.so"
    cuts=$((cuts + 1))
done
echo "{\"plugins\": {\"path\": [\"$dir\"], \"enable\": [\"test.whole\"]}}" >config/functionfuse/config.json
run plugin list -q
is 'the host lives with files that were cut' "$code" 0
refused=$(grep -c ' not-elf ' "$work/.out")
loadable=$((cuts - refused))
# behind the last segment only the section headers are missing, which nobody needs
ends=$(readelf -lW whole.so | awk '$1 == "LOAD" { end = strtonum($2) + strtonum($5) } END { print end }' 2>/dev/null)
[ "$refused" -gt 90 ]
result $? "$refused of $cuts cuts are refused${ends:+, up to byte $ends}"
[ "$loadable" -lt $((size / 128 / 4 + 8)) ]
result $? "the others ($loadable) have all that is loaded"
check 'and two that are whole enough refuse each other, so nothing ran' test ! -e "$marker"

# ---- 21: a folder that others can write to ----

rm -rf "${dir:?}" && mkdir -p "$work/shared/plugins" && chmod 777 "$work/shared"
dir=$work/shared/plugins
evil good
run plugin list --plugin-path "$dir"
like 'a folder above it is open' "$out" "* mode *$dir/good.so*shared can be written by everybody*"
check 'it has not run' test ! -e "$marker"
chmod 1777 "$work/shared"
echo '{"plugins": {"enable": ["test.good"]}}' >config/functionfuse/config.json
run plugin list --plugin-path "$dir"
like 'a sticky one above it is not' "$out" "*test.good *serializer *loaded *"
check 'so it runs: the marker works' test -e "$marker"

# ---- 30: the current folder ----

rm -f "$marker" && cd "$dir" && run plugin list
cd "$work" || exit 1
like 'the current folder is not looked into' "$out" '[!g]*'
is 'nor in the list' "$(grep -c good.so <<<"$out")" 0
echo '{"plugins": {"path": ["plugins"], "enable": ["test.good"]}}' >config/functionfuse/config.json
bad 2 '*/plugins/path/0*absolute*' plugin list
echo '{"plugins": {"path": ["~/shared/plugins"], "enable": ["test.good"]}}' >config/functionfuse/config.json
run plugin list
like '~/ is the home folder' "$out" "*test.good *serializer *loaded *$dir/good.so*"

# ---- owners ----

if [ "$(id -u)" -eq 0 ]; then
    chown 12345 "$dir/good.so"
    run plugin list
    like 'a file of user 12345 is refused' "$out" '* owner *belongs to user 12345*'
    echo '{"plugins": {"path": ["~/shared/plugins"], "enable": ["test.good"], "owners": ["12345"]}}' \
        >config/functionfuse/config.json
    run plugin list
    like 'unless the configuration trusts that user' "$out" '*test.good *serializer *loaded *'
else
    skip 'owners' 'only root can give files away'
fi

# ---- pins ----

chown "$(id -u)" "$dir/good.so"
echo '{"plugins": {"path": ["~/shared/plugins"], "enable": ["test.good"]}}' >config/functionfuse/config.json
run plugin pin test.good
is 'pin' "$code" 0
sum=$(sha256sum "$dir/good.so" | cut -d' ' -f1)
like 'its SHA-256 is in the configuration' "$(cat config/functionfuse/config.json)" "*\"test.good\": \"$sum\"*"
rm -f "$marker"
run plugin list
like 'the pinned file is loaded' "$out" '*test.good *serializer *loaded *'
check 'and runs' test -e "$marker"
rm -f "$marker"
printf 'x' >>"$dir/good.so"
run plugin list
like 'another is not' "$out" "* pin *not the file that was pinned*$sum*fix: *ff plugin pin test.good*"
check 'and has not run' test ! -e "$marker"
run plugin unpin test.good
run plugin list
like 'without its pin it is' "$out" '*test.good *serializer *loaded *'
bad 5 '*no.such*' plugin pin no.such
run -q plugin list
FF_PLUGIN_DEBUG=1 run plugin list
like 'FF_PLUGIN_DEBUG=1: where' "$err" "*plugin: looking in $dir*"
like 'FF_PLUGIN_DEBUG=1: what' "$err" '*good.so: serializer "test.good", enabled*"test.good" is loaded*'

# ---- 29: a privileged process ----

if [ "$(id -u)" -eq 0 ] && setpriv --version >/dev/null 2>&1; then
    chmod 755 "$work" && cp "$secure" ./secure && chmod 4755 secure
    echo '{"plugins": {"path": ["/nowhere"]}}' >mine.json
    out=$(FF_CONFIG=$work/mine.json FF_STORAGE=$work/store setpriv --reuid 65534 --regid 65534 --clear-groups ./secure 2>&1)
    is 'a privileged process takes no storage from the environment' "$(grep -c "$work/store" <<<"$out")" 0
    is 'and no configuration' "$(grep -c "$work" <<<"$out")" 0
    like 'which it says' "$out" 'config *'
    out=$(FF_CONFIG=$work/mine.json FF_STORAGE=$work/store ./secure 2>&1)
    like 'another one does' "$out" "*$work/mine.json*$work/store*"
else
    skip 'a privileged process' 'needs root and setpriv'
fi
finish
