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
for kind in chunks inline; do
    for file in a i2; do
        if [ $kind = chunks ]; then
            "$FF" put "wf/$file" $file.npy --chunks 3,2,4
        else
            "$FF" put "wf/$file" $file.npy --inline
        fi
        for s in "${slices[@]}"; do
            run get "wf/$file#[$s]" -o got.npy
            check "$kind $file [$s]" "$FF_PYTHON" -c 'import numpy, sys
a, got = numpy.load(sys.argv[1]), numpy.load("got.npy")
want = eval("a[" + sys.argv[2] + "]")
sys.exit(not (got.shape == want.shape and got.dtype == a.dtype and (got == want).all()))' \
                $file.npy "$s"
        done
    done
done
for s in '0' '::2' '...,1' '1:3,2'; do
    run get "wf/a#[$s]"
    check "JSON [$s]" "$FF_PYTHON" -c 'import json, numpy, sys
sys.exit(json.load(open(".out")) != eval("numpy.load(\"a.npy\")[" + sys.argv[1] + "]").tolist())' "$s"
done
for file in zero scalar special f4 f2 b u8 i1 U; do
    "$FF" put "wf/$file" $file.npy --inline
    run get "wf/$file"
    check "$file as JSON" "$FF_PYTHON" -c 'import json, numpy, sys
want = numpy.load(sys.argv[1])
got = json.load(open(".out", encoding="utf-8"))
sys.exit(not numpy.array_equal(numpy.array(got, want.dtype).reshape(want.shape), want))' $file.npy
    if [ $file != zero ]; then
        run get "wf/$file" --as text
        check "$file as text" "$FF_PYTHON" -c 'import numpy, sys
want = numpy.load(sys.argv[1])
text = open(".out", encoding="utf-8").read().split("\n")[0].split(" ")
text = [int(t) if want.dtype.kind in "biu" else t for t in text]
got = numpy.array(text, want.dtype)
sys.exit(not numpy.array_equal(got.reshape(want.shape), want))' $file.npy
    fi
done
"$FF" put wf/zero zero.npy --inline
run get wf/zero
is 'an axis of length zero' "$out" '[[],[],[]]'
"$FF" put wf/c c.npy --inline
run get wf/c
is 'complex numbers as JSON' "$out" '[[1.0,2.0],[-0.5,-1.0]]'
run get wf/c --as text
is 'complex numbers as text' "$out" '1.0+2.0j -0.5-1.0j'
"$FF" put wf/S S.npy --inline
run get wf/S
json_is 'bytes as JSON' 'd' "['a\"b', '', 'xyz']"
"$FF" put wf/M M.npy --inline
run get wf/M
is 'days since 1970 as JSON' "$out" '[18262,null]'
"$FF" put wf/V V.npy --inline
bad 1 '*cannot be text*' get wf/V
finish
