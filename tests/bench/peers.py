# SPDX-License-Identifier: Apache-2.0
# peers.py: h5py alone, and dask on h5py as the Python package Function Fuse uses it, driven by the
# benchmark `arrays` through stdin: one line is one thing to do, one line back is how long it took.
import os
import sys
import time

import dask
import dask.array as da
import h5py
import numpy as np

data = dst = deflated = None
FILTERS = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


def elements(shape, deflate):
    if not deflate:
        return np.random.default_rng(1).random(shape, dtype=np.float32)
    # what deflate makes less of: the same elements as arrays.c has
    count = np.arange(shape[0] * shape[1], dtype=np.uint32)
    return ((count * np.uint32(2654435761)) >> 20).astype(np.float32).reshape(shape)


def h5py_write(path, chunk, sync, filters):
    with open(path, "xb") as made:  # so that there is something to sync
        # h5py's fast way: newest format, nothing filled in, one call for all elements.
        with h5py.File(path, "w", libver="latest") as f:
            d = f.create_dataset("dask_arrays", data.shape, data.dtype, chunks=chunk,
                                 fill_time="never", **filters)
            d.write_direct(data)
        if sync:
            os.fsync(made.fileno())


def h5py_read(path, chunk):
    with h5py.File(path, "r") as f:
        f["dask_arrays"].read_direct(dst)
    return dst


def dask_write(path, chunk, sync, _):
    # functionfuse/serializers/daskarray.py, pickle()
    x = da.from_array(data, chunks=chunk)
    f = open(path, "wb")
    hdf = h5py.File(f, mode="w")
    dset = hdf.create_dataset("dask_arrays", x.shape, dtype=x.dtype, chunks=x.chunksize)
    da.store(x, dset)
    hdf.close()
    if sync:
        f.flush()
        os.fsync(f.fileno())
    f.close()


def dask_read(path, chunk):
    # the same file, unpickle(); then what its user does
    with open(path, "rb") as f, h5py.File(f, mode="r") as hdf:
        dset = hdf["dask_arrays"]
        return da.from_array(dset, chunks=dset.chunks).compute()


def answer(words):
    global data, dst, deflated
    who, what, path, rows, columns, chunk_rows, chunk_columns, sync, deflate = words
    filters = FILTERS if deflate == "1" else {}
    shape, chunk = (int(rows), int(columns)), (int(chunk_rows), int(chunk_columns))
    if data is None or data.shape != shape or deflated != deflate:
        data, deflated = elements(shape, deflate == "1"), deflate
        dst = np.ones_like(data)
    if what == "read":
        dst[:] = 0
    call = globals()[f"{who}_{what}"]
    begin = time.perf_counter()
    got = call(path, chunk, sync == "1", filters) if what == "write" else call(path, chunk)
    spent = time.perf_counter() - begin
    if what == "read" and not np.array_equal(got, data):
        raise ValueError("read back other elements")
    return f"{spent:.9f}"


print("h5py", h5py.__version__, "HDF5", h5py.version.hdf5_version, "dask",
      dask.__version__,
      "numpy", np.__version__, flush=True)
for line in sys.stdin:
    print(answer(line.split()), flush=True)
