# SPDX-License-Identifier: Apache-2.0
"""Arrays of every dtype: what ff writes Python reads, and what Python writes ff reads."""
import hashlib
import io
import os
import pickle
import textwrap
import uuid

import dask.array
import h5py
import numpy

from dtypes import KNOWN_TO_BOTH, ORIGINAL_CANNOT_READ, OURS
from harness import case, end, ff, original, same, scratch, skip
from reader import read_task


class Pickler(pickle.Pickler):
    """As the Python package stores them."""

    def __init__(self, file, bigdata):
        super().__init__(file)
        self.bigdata = bigdata

    def persistent_id(self, value):
        if type(value) is not dask.array.Array:
            return None
        name = str(uuid.uuid4())
        with open(os.path.join(self.bigdata, name), "wb+") as file:
            with h5py.File(file, "w") as hdf:
                chunks = value.chunksize if value.shape else None
                data_set = hdf.create_dataset("dask_arrays", value.shape, dtype=value.dtype,
                                              chunks=chunks)
                dask.array.store(value, data_set)
        return "HDFSerializer", ("0.0.0", name)


def save_as_python(store, task, value):
    bigdata = os.path.join(store, "run", "bigdata")
    os.makedirs(bigdata, exist_ok=True)
    stream = io.BytesIO()
    Pickler(stream, bigdata).dump(value)
    data = stream.getvalue()
    with open(os.path.join(store, "run", task), "wb") as file:
        file.write(data + hashlib.sha1(data).digest())


def put(store, task, array, chunks, *more):
    path = os.path.join(store, "in.npy")
    numpy.save(path, array)
    if chunks:
        more = ("--chunks", ",".join(map(str, chunks)), *more)
    ff(store, "put", f"run/{task}", path, *more)


def get(store, address):
    path = os.path.join(store, "out.npy")
    ff(store, "get", address, "-o", path)
    return numpy.load(path)


def check_same(a, b):
    assert same(a, b), f"{numpy.asarray(a)!r} is not {numpy.asarray(b)!r}"


def check_original_reads(store, name, array):
    if name not in ORIGINAL_CANNOT_READ:
        check_same(original(store).read_task("run", "a"), array)
        return
    try:
        got = original(store).read_task("run", "a")
    except Exception:
        return
    raise AssertionError(f"it can be read back, and is no row of the list: {got!r}")


def h5py_data_set(store):
    big = os.path.join(store, "run", "bigdata")
    return h5py.File(os.path.join(big, os.listdir(big)[0]), "r")["dask_arrays"]


def check_info_lines():
    """The lines of Python that ff info prints, run as they stand."""
    for name, shape, chunks in (("plain", (7, 5), (3, 2)), ("odd 'name\\", (9,), (4,)),
                                ("0-d", (), ())):
        with case(f"the lines of ff info run: {name}"), scratch() as folder:
            store = os.path.join(folder, name)
            os.mkdir(store)
            array = numpy.arange(numpy.prod(shape, dtype=int), dtype="<i4").reshape(shape)
            put(store, "a", array, chunks)
            text = ff(store, "info", "run/a").decode()
            variables = {}
            exec(textwrap.dedent(text.split("open with\n")[1]), variables)
            assert isinstance(variables["a"], dask.array.Array)
            check_same(variables["a"].compute(), array)


def main():
    for name, (array, chunks) in {**KNOWN_TO_BOTH, **OURS}.items():
        with case(f"{name}: ff writes and reads"), scratch() as store:
            put(store, "a", array, chunks)
            check_same(get(store, "run/a"), array)
            put(store, "inline", array, None, "--inline")
            check_same(get(store, "run/inline"), array)
            # numpy swaps a plain array to the machine's order when it reads its pickle
            check_same(read_task(store, "run", "inline"), pickle.loads(pickle.dumps(array, 4)))
    for name, (array, chunks) in KNOWN_TO_BOTH.items():
        with case(f"{name}: ff writes, Python reads"), scratch() as store:
            put(store, "a", array, chunks)
            check_same(read_task(store, "run", "a"), array)
        if array.size == 0:
            # dask's chunks are then of length 0, which HDF5 does not have
            skip(f"{name}: Python writes, ff reads", "h5py refuses chunks of length 0")
            continue
        with case(f"{name}: Python writes, ff reads"), scratch() as store:
            save_as_python(store, "a", {"field": dask.array.from_array(array, chunks)})
            check_same(get(store, "run/a#field"), array)
        if original(".") is None:
            skip(f"{name}: ff writes, the original reads", "FUNCTIONFUSE_PYTHON is not set")
            continue
        with case(f"{name}: ff writes, the original reads"), scratch() as store:
            put(store, "a", array, chunks)
            check_original_reads(store, name, array)
        with case(f"{name}: the original writes, ff reads"), scratch() as store:
            storage = original(store)
            storage.new_workflow("run")
            storage.save("run", "a", {"field": dask.array.from_array(array, chunks)})
            check_same(get(store, "run/a#field"), array)
    with case("irregular chunks survive"), scratch() as store:
        array = numpy.arange(100.0)
        save_as_python(store, "a", dask.array.from_array(array, ((30, 50, 20),)))
        check_same(get(store, "run/a"), array)
    for name, (array, _) in OURS.items():
        with case(f"{name}: h5py sees the dtype and the elements"), scratch() as store:
            put(store, "a", array, (2,))
            data_set = h5py_data_set(store)
            assert data_set.dtype == array.dtype, data_set.dtype
            assert data_set.id.get_type().get_tag() == b"NUMPY:" + array.dtype.str.encode()
            descr = {"ff_descr": array.dtype.str.encode()} if array.dtype.kind == "U" else {}
            assert dict(data_set.attrs) == descr, dict(data_set.attrs)
            check_same(data_set[()], array)
    check_info_lines()
    with case("slices are numpy's"), scratch() as store:
        array = numpy.arange(7 * 8 * 9).reshape(7, 8, 9)
        put(store, "a", array, (2, 3, 9))
        for text in ("3", "1:5", "::2", "-1", "2:,1:7:3", "...,4", "0,:,2:4", "5:2"):
            check_same(get(store, f"run/a#[{text}]"), eval(f"array[{text}]"))
    end()


main()
