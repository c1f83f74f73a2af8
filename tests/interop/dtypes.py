# SPDX-License-Identifier: Apache-2.0
"""Arrays of every dtype, by name: (array, chunks)."""
import numpy

rng = numpy.random.default_rng(7)


def plain(dtype, shape=(7, 5)):
    kind = numpy.dtype(dtype).kind
    size = int(numpy.prod(shape))
    if kind in "iu":
        info = numpy.iinfo(dtype)
        return rng.integers(info.min, info.max, size, dtype=info.dtype.newbyteorder("="),
                            endpoint=True).reshape(shape).astype(dtype)
    if kind == "b":
        return rng.integers(0, 2, size).astype(bool).reshape(shape)
    if kind == "c":
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


KNOWN_TO_BOTH = {name: (plain(name), (3, 2)) for name in
                 ("|b1 |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 >i2 >u2 >i4 >u4 >i8 >u8 "
                  "<f2 <f4 <f8 >f2 >f4 >f8 <c8 <c16 >c16").split()}
KNOWN_TO_BOTH.update({
    "|S5": (numpy.array([b"", b"a", b"abcde", b"x\0y"], "S5"), (3,)),
    "|V3": (numpy.array([b"abc", b"\0\1\2", b"zzz"], "V3"), (2,)),
    "struct": (numpy.array([(1, 2.5, b"xy"), (-3, 4.25, b"")],
                           [("a", "<i4"), ("b", "<f8"), ("c", "S2")]), (1,)),
    "nested struct": (numpy.array([((1, 2), [1, 2, 3]), ((3, 4), [4, 5, 6])],
                                  [("p", [("x", "<i2"), ("y", ">i2")]), ("v", "<f4", (3,))]),
                      (2,)),
    "nan and infinities": (numpy.array([numpy.nan, numpy.inf, -numpy.inf, -0.0, 5e-324]),
                           (2,)),
    "3-d": (plain("<i4", (4, 5, 6)), (3, 2, 6)),
    "one chunk": (plain("<f4", (3, 3)), (3, 3)),
    "0-d": (numpy.array(-2.5, "<f8"), ()),
    "zero-length axis": (plain("<f4", (0, 3)), (1, 3)),
})
# What the original cannot read back, and why.
ORIGINAL_CANNOT_READ = {
    "0-d": "its chunks are None, which it gives to dask.array.from_array",
}
# h5py has no form for these that numpy gives back by itself.
OURS = {
    "<M8[ns]": (numpy.array(["2024-02-29", "NaT", "1969-12-31"], "M8[ns]"), (2,)),
    "<M8[D]": (numpy.array(["2024-02-29", "NaT"], "M8[D]"), (2,)),
    "<m8[us]": (numpy.array([1, -5, 7], "m8[us]"), (2,)),
    "<U4": (numpy.array(["", "a", "äöü€", "\U0001f600"], "<U4"), (3,)),
    ">U2": (numpy.array(["ab", "c"], ">U2"), (1,)),
}
