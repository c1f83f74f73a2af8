# SPDX-License-Identifier: Apache-2.0
"""Pickles of CPython's through a store: put and got back, they are the same bytes, protocol
included."""
import collections
import datetime
import decimal
import fractions
import os
import pathlib
import pickle
import uuid

import numpy

from harness import ORIGINAL, case, end, ff, original, same, scratch, skip
from reader import read_task

HERE = os.path.dirname(os.path.abspath(__file__))
STREAMS = os.path.join(HERE, "..", "data", "pickle")
SHARED = ["shared"]
VALUES = {
    "constants and numbers": [None, True, False, 1, -1, 255, 2**31, 2**70, -2**400, 1.5, 1e300],
    "text and bytes": ["a", "é", "\0", "x" * 300, b"abc", b"\xff" * 300, bytearray(b"q")],
    "containers": ({1: 2}, {3, 4}, frozenset([5]), [], (), (1,), [SHARED, SHARED], {"k": SHARED}),
    "dates": [datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.timezone.utc),
              datetime.date(1, 1, 1), datetime.time(23, 59, fold=1), datetime.timedelta(-1, 2)],
    "other numbers": [decimal.Decimal("1.50"), fractions.Fraction(1, 3), complex(1, -2),
                      range(3), slice(1, None, 2), uuid.UUID(int=7)],
    "collections": [collections.OrderedDict(a=1), collections.defaultdict(list, {1: [2]}),
                    collections.deque([1, 2], 3), collections.Counter("aab")],
    "paths and errors": [pathlib.PurePosixPath("/a/b"), OSError(2, "none")],
    "numpy": {"c": numpy.arange(12.).reshape(3, 4), "f": numpy.asfortranarray(numpy.eye(3)),
              "scalar": numpy.float32(2), "objects": numpy.array([1, "x", None], dtype=object),
              "dates": numpy.array(["2020-01-01", "NaT"], "M8[D]"),
              "rows": numpy.zeros(2, [("a", "<i4"), ("b", "<f4", (2, 3))])},
    "large": {"bytes": b"z" * 200000, "list": list(range(5000))},
}


def check_bytes(store, stream):
    given, taken = (os.path.join(store, name) for name in ("given.pkl", "taken.pkl"))
    with open(given, "wb") as file:
        file.write(stream)
    ff(store, "put", "wf/task", given)
    ff(store, "get", "wf/task", "-o", taken)
    with open(taken, "rb") as file:
        assert file.read() == stream


class Metres(numpy.ndarray):
    pass


# One that is the whole value, and one that is a part of it.
ARRAYS = {
    "array": numpy.arange(6).reshape(2, 3),
    "Fortran": numpy.asfortranarray(numpy.arange(6.).reshape(2, 3)),
    "scalar": numpy.float64(1.5),
    "no axes": numpy.array(7),
    "matrix": numpy.asmatrix(numpy.eye(2)),
    "recarray": numpy.rec.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
    "subclass": numpy.arange(3).view(Metres),
    "objects": numpy.array([[1], "x"], dtype=object),
    "text": numpy.array(["a", "bc"]),
}


def check_part(store, value, protocol):
    """A part has the class, the order and the protocol that it has in the whole."""
    given, taken = (os.path.join(store, name) for name in ("given.pkl", "taken.pkl"))
    with open(given, "wb") as file:
        pickle.dump({"part": value, "other": 1}, file, protocol)
    ff(store, "put", "wf/task", given)
    ff(store, "get", "wf/task#part", "-o", taken)
    with open(taken, "rb") as file:
        stream = file.read()
    assert stream == pickle.dumps(value, protocol), stream


def check_python_reads(store, read, value, protocol):
    given = os.path.join(store, "given.pkl")
    with open(given, "wb") as file:
        pickle.dump(value, file, protocol)
    ff(store, "put", "wf/task", given)
    got = read("wf", "task")
    assert same(value, got), f"{got!r} is not {value!r}"


with scratch() as folder:
    for name, value in VALUES.items():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with case(f"{name}, protocol {protocol}"):
                check_bytes(folder, pickle.dumps(value, protocol))
            with case(f"{name}, protocol {protocol}: ff writes, Python reads"):
                check_python_reads(folder, lambda *task: read_task(folder, *task), value,
                                   protocol)
            if not ORIGINAL:
                skip(f"{name}, protocol {protocol}: ff writes, the original reads",
                     "FUNCTIONFUSE_PYTHON is not set")
                continue
            with case(f"{name}, protocol {protocol}: ff writes, the original reads"):
                check_python_reads(folder, original(folder).read_task, value, protocol)
    for name in sorted(os.listdir(STREAMS)):
        if name.endswith(".pkl"):
            with case(name), open(os.path.join(STREAMS, name), "rb") as file:
                check_bytes(folder, file.read())
    for name, value in ARRAYS.items():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with case(f"numpy {name} at the root, protocol {protocol}"):
                check_bytes(folder, pickle.dumps(value, protocol))
            with case(f"numpy {name} as a part, protocol {protocol}"):
                check_part(folder, value, protocol)
    with case("an ndarray that was put from a file is numpy's own in Python"):
        numpy.save(os.path.join(folder, "a.npy"), VALUES["numpy"]["rows"])
        ff(folder, "put", "wf/rows", os.path.join(folder, "a.npy"), "--inline")
        stream = ff(folder, "get", "wf/rows", "-o", "-", "--as", "pkl")
        assert same(pickle.loads(stream), VALUES["numpy"]["rows"])
end()
