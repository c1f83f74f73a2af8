# SPDX-License-Identifier: Apache-2.0
"""An independent reader of stores: pickle, h5py and dask, nothing of ours."""
import hashlib
import io
import os
import pickle

import dask.array
import h5py


class Unpickler(pickle.Unpickler):
    def __init__(self, data, bigdata):
        super().__init__(io.BytesIO(data))
        self.bigdata = bigdata

    def persistent_load(self, pid):
        name, (version, uuid) = pid
        if (name, version) != ("HDFSerializer", "0.0.0"):
            raise pickle.UnpicklingError(f"no reader for {name} {version}")
        data_set = h5py.File(os.path.join(self.bigdata, uuid), "r")["dask_arrays"]
        if data_set.shape == ():
            return data_set[()]
        return dask.array.from_array(data_set, chunks=data_set.chunks)


def read_task(store, workflow, task):
    folder = os.path.join(store, workflow)
    with open(os.path.join(folder, task), "rb") as file:
        data = file.read()
    if hashlib.sha1(data[:-20]).digest() != data[-20:]:
        raise pickle.UnpicklingError("the digest does not match")
    return Unpickler(data[:-20], os.path.join(folder, "bigdata")).load()
