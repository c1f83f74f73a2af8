#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Slices give what numpy gives for the same text: from chunks, and from an inline array.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

slices=('0' '-1' ':' '...' '2' '-7' '1:3' '::2' '1::3' '-3:-1' ':0' '5:2' '9:' '::100'
    '0,0' '0,0,0' '-1,-2,-3' ':,1' '...,0' '0,...' '0,...,1' ':,:,::2' '1:6:2,1:4,::3'
    '2:,3:,4:' '...,1:1' '3:3' '6,4' '::7,::5,::3' '-100:100' '0:7,0:5,0:4')

if ! numpy; then
    skip 'slices against numpy' 'FF_PYTHON names no Python with numpy'
    finish
    exit
fi
"$FF_PYTHON" - <<'END'
import numpy
a = numpy.arange(7 * 5 * 4, dtype="<f4").reshape(7, 5, 4)
numpy.save("a.npy", a)
numpy.save("i2.npy", a.astype(">i2"))
numpy.save("zero.npy", numpy.zeros((3, 0, 2)))
numpy.save("scalar.npy", numpy.array(2.5))
numpy.save("special.npy", numpy.array([0.1, -1e300, 5e-324, 3.0, 1e16]))
numpy.save("f4.npy", numpy.array([0.1, 3.4e38, 1e-45, 16777216], "f4"))
numpy.save("f2.npy", numpy.array([0.1, 65504, 6e-8, 1], "f2"))
numpy.save("c.npy", numpy.array([1 + 2j, -0.5 - 1j]))
numpy.save("b.npy", numpy.array([True, False]))
numpy.save("u8.npy", numpy.array([0, 2**64 - 1], "u8"))
numpy.save("i1.npy", numpy.array([-128, 127], "i1"))
numpy.save("S.npy", numpy.array([b"a\"b", b"", b"xyz"]))
numpy.save("U.npy", numpy.array(["h\u00e9", "\U0001f600", ""]))
numpy.save("M.npy", numpy.array(["2020-01-01", "NaT"], "M8[D]"))
numpy.save("V.npy", numpy.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]))
END
# Each is read by ff; then one Python compares: "NUMBER EXPRESSION" gives "0" or "1" a line.
verdicts=() names=()
compare() { # WHAT EXPRESSION: of `a` and what ff gave, `got` in the file NUMBER
    names+=("$1")
    verdicts+=("$2")
    mv .out "got.${#names[@]}"
}
for kind in chunks inline; do
    for file in a i2; do
        if [ $kind = chunks ]; then
            "$FF" put "wf/$file" $file.npy --chunks 3,2,4
        else
            "$FF" put "wf/$file" $file.npy --inline
        fi
        for s in "${slices[@]}"; do
            run get "wf/$file#[$s]" --as npy
            compare "$kind $file [$s]" "same(npy(), load('$file')[$s], load('$file').dtype)"
        done
    done
done
for s in '0' '::2' '...,1' '1:3,2'; do
    run get "wf/a#[$s]"
    compare "JSON [$s]" "json() == load('a')[$s].tolist()"
done
for file in zero scalar special f4 f2 b u8 i1 U; do
    "$FF" put "wf/$file" $file.npy --inline
    run get "wf/$file#[...]"
    compare "$file as JSON" "same(typed(json(), load('$file')), load('$file'))"
    if [ $file != zero ]; then
        run get "wf/$file" --as text
        compare "$file as text" "same(typed(text(load('$file')), load('$file')), load('$file'))"
    fi
done
printf '%s\n' "${verdicts[@]}" >expressions
"$FF_PYTHON" - >verdicts <<'END'
import io, json as parser, numpy
load = lambda name: numpy.load(name + ".npy")
data = lambda: open(f"got.{number}", "rb").read()
npy = lambda: numpy.load(io.BytesIO(data()))
json = lambda: parser.loads(data())
typed = lambda items, want: numpy.array(items, want.dtype).reshape(want.shape)

def text(want):
    words = data().decode().split("\n")[0].split(" ")
    return [int(word) if want.dtype.kind in "biu" else word for word in words]

def same(got, want, dtype=None):
    return got.shape == want.shape and got.dtype == (dtype or want.dtype) and (got == want).all()

for number, expression in enumerate(open("expressions"), 1):
    try:
        print(int(not eval(expression)))
    except Exception as error:
        print("1", error)
END
mapfile -t verdicts <verdicts
for i in "${!names[@]}"; do
    is "${names[i]}" "${verdicts[i]-nothing}" 0
done
"$FF" put wf/zero zero.npy --inline
run get 'wf/zero#[...]'
is 'an axis of length zero' "$out" '[[],[],[]]'
"$FF" put wf/c c.npy --inline
run get 'wf/c#[...]'
is 'complex numbers as JSON' "$out" '[[1.0,2.0],[-0.5,-1.0]]'
run get wf/c --as text
is 'complex numbers as text' "$out" '1.0+2.0j -0.5-1.0j'
"$FF" put wf/S S.npy --inline
run get 'wf/S#[...]'
json_is 'bytes as JSON' 'd' "['a\"b', '', 'xyz']"
"$FF" put wf/M M.npy --inline
run get 'wf/M#[...]'
is 'days since 1970 as JSON' "$out" '[18262,null]'
"$FF" put wf/V V.npy --inline
bad 1 '*cannot be text*' get 'wf/V#[...]'
finish
