# SPDX-License-Identifier: Apache-2.0
"""The twin of acme.stack, on files."""
import json
import os
import shutil

import dask.array
import numpy
from functionfuse.serializers import FILE_PROTOCOL
from functionfuse.serializers.base import generate_name


class Stack:
    name, version, serializer_class = "acme.stack", "1.0.0", dask.array.Array

    @classmethod
    def pickle(cls, array, protocols):
        name, rows = generate_name(), max(array.chunksize[0], 1)
        folder = os.path.join(protocols[FILE_PROTOCOL].path, name)
        os.makedirs(folder)
        for i in range(0, array.shape[0], rows):
            numpy.save(f"{folder}/{i // rows}.npy", array[i:i + rows].compute())
        head = {"descr": array.dtype.str, "itemsize": array.dtype.itemsize, "rows": rows,
                "shape": array.shape}
        with open(f"{folder}/head.json", "w") as file:
            json.dump(head, file)
        return cls.name, (cls.version, name)

    @classmethod
    def unpickle(cls, pid, protocols):
        folder = os.path.join(protocols[FILE_PROTOCOL].path, pid[1])
        with open(f"{folder}/head.json") as file:
            head = json.load(file)
        parts = [dask.array.from_array(numpy.load(f"{folder}/{i}.npy", mmap_mode="r"))
                 for i in range(-(-head["shape"][0] // head["rows"]))]
        return dask.array.concatenate(parts) if parts else dask.array.empty(
            head["shape"], head["descr"])

    @classmethod
    def remove(cls, pid, protocols):
        shutil.rmtree(os.path.join(protocols[FILE_PROTOCOL].path, pid[1]))
