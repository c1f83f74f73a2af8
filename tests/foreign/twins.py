# SPDX-License-Identifier: Apache-2.0
"""twins.py save|read|remove VALUE STORE TWIN: what story.c does, in Python, with the twins of the guide.

With the Python package itself where $FUNCTIONFUSE_PYTHON names a checkout of it, else with what stands
below, which does the same with the same files.
"""
import hashlib
import importlib.util
import io
import os
import pickle
import sys
import types
import uuid

import dask.array
import numpy

ROWS, COLUMNS, SAMPLES = 61, 50, 1000


class Files:
    def __init__(self, path):
        self.path = path

    def open(self, name, mode):
        return open(os.path.join(self.path, name), mode)

    def remove(self, name):
        os.remove(os.path.join(self.path, name))


class Storage:
    def __init__(self, path):
        self.path, self.twin = path, None

    def register_persistent_serializers(self, twin):
        self.twin = twin

    def new_workflow(self, workflow):
        os.makedirs(os.path.join(self.path, workflow, "bigdata"), exist_ok=True)

    def protocols(self, workflow):
        return {"file_protocol": Files(os.path.join(self.path, workflow, "bigdata"))}

    def save(self, workflow, task, value):
        stream = io.BytesIO()
        pickler = pickle.Pickler(stream)
        twin, protocols = self.twin, self.protocols(workflow)
        pickler.persistent_id = lambda o: (twin.pickle(o, protocols)
                                           if type(o) is twin.serializer_class else None)
        pickler.dump(value)
        data = stream.getvalue()
        with open(os.path.join(self.path, workflow, task), "wb") as file:
            file.write(data + hashlib.sha1(data).digest())

    def load(self, workflow, task, persistent_load):
        with open(os.path.join(self.path, workflow, task), "rb") as file:
            data = file.read()[:-20]
        unpickler = pickle.Unpickler(io.BytesIO(data))
        unpickler.persistent_load = persistent_load
        return unpickler.load()

    def read_task(self, workflow, task):
        def persistent_load(pid):
            assert pid[0] == self.twin.name, pid
            return self.twin.unpickle(pid[1], self.protocols(workflow))
        return self.load(workflow, task, persistent_load)

    def remove_task(self, workflow, task):
        self.load(workflow, task, lambda pid: self.twin.remove(pid[1], self.protocols(workflow)))
        os.remove(os.path.join(self.path, workflow, task))


def stand_in():
    """What the twins import of the package."""
    package = types.ModuleType("functionfuse")
    serializers = types.ModuleType("functionfuse.serializers")
    base = types.ModuleType("functionfuse.serializers.base")
    serializers.FILE_PROTOCOL = base.FILE_PROTOCOL = "file_protocol"
    base.generate_name = lambda: str(uuid.uuid4())
    for module in package, serializers, base:
        sys.modules[module.__name__] = module


def open_storage(path):
    original = os.environ.get("FUNCTIONFUSE_PYTHON")
    if not original:
        stand_in()
        return Storage(path)
    sys.path.insert(0, original)
    from functionfuse.storage import storage_factory
    return storage_factory({"kind": "file", "options": {"path": path}})


def load_twin(path):
    """A module, and the one class in it that is a serializer."""
    spec = importlib.util.spec_from_file_location("twin", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module, next(c for c in vars(module).values() if hasattr(c, "serializer_class"))


def make(module, value):
    elements = numpy.arange(ROWS * COLUMNS, dtype="<f8").reshape(ROWS, COLUMNS) * 0.25
    if value == "wave":
        return module.Wave(100.0, "station 7", numpy.arange(SAMPLES, dtype="<f4") / 8)
    return elements if value == "inline" else dask.array.from_array(elements, chunks=(16, COLUMNS))


def check(expected, got, value):
    if value == "wave":
        assert (got.rate_hz, got.label) == (expected.rate_hz, expected.label), got
        expected, got = expected.samples, got.samples
    elif value == "chunked":
        assert isinstance(got, dask.array.Array) and got.chunksize == expected.chunksize, got
    expected, got = numpy.asarray(expected), numpy.asarray(got)
    assert (expected.dtype, expected.shape) == (got.dtype, got.shape), got
    assert expected.tobytes() == got.tobytes()


verb, value, store, path = sys.argv[1:]
storage = open_storage(store)
module, twin = load_twin(path)
storage.register_persistent_serializers(twin)
if verb == "save":
    storage.new_workflow("wf")
    storage.save("wf", "t", make(module, value))
elif verb == "remove":
    storage.remove_task("wf", "t")
    assert os.listdir(os.path.join(store, "wf", "bigdata")) == []
else:
    check(make(module, value), storage.read_task("wf", "t"), value)
print("well")
