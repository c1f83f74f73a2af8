# SPDX-License-Identifier: Apache-2.0
"""in_python.py ORDER LIBRARY FOLDER: the library inside Python, by ctypes, beside h5py, whose wheel has a libhdf5
of its own. Each reads what the other wrote, with a file of h5py open all the while. Prints "well", or what failed.

ORDER: "h5py-first", "library-first", or "global": h5py first, and its libhdf5 visible to all that is loaded later.
"""

import ctypes
import glob
import os
import sys
from ctypes import POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_uint32, c_uint64, c_void_p

order, library, folder = sys.argv[1:4]
FF_E_PLUGIN = -5


class Error(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("code", c_int32), ("flags", c_uint32), ("os_errno", c_int32),
                ("http_status", c_int32), ("lib_code", c_int32), ("place", c_char * 256), ("message", c_char * 512),
                ("fix", c_char * 256)]


class Value(ctypes.Structure):
    _fields_ = [("doc", c_void_p), ("cell", c_uint64)]


SIGNATURES = {
    "ff_host_open": (c_void_p, [c_void_p, POINTER(Error)]),
    "ff_host_close": (None, [c_void_p]),
    "ff_storage_open": (c_void_p, [c_void_p, c_char_p, POINTER(Error)]),
    "ff_storage_close": (None, [c_void_p]),
    "ff_new_workflow": (c_int32, [c_void_p, c_char_p, POINTER(Error)]),
    "ff_doc_new": (c_void_p, [POINTER(Error)]),
    "ff_doc_free": (None, [c_void_p]),
    "ff_doc_root": (Value, [c_void_p]),
    "ff_array_from_memory": (c_void_p, [c_char_p, c_int32, POINTER(c_int64), c_void_p, POINTER(Error)]),
    "ff_new_array_take": (Value, [c_void_p, c_void_p, POINTER(Error)]),
    "ff_save": (c_int32, [c_void_p, c_char_p, c_char_p, Value, c_void_p, POINTER(Error)]),
    "ff_read_task": (c_void_p, [c_void_p, c_char_p, c_char_p, c_void_p, POINTER(Error)]),
    "ff_array": (c_void_p, [Value, POINTER(Error)]),
    "ff_array_read": (c_int32, [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(Error)]),
}


def load_library():
    ff = ctypes.CDLL(library)
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(ff, name)
        function.restype, function.argtypes = result, arguments
    return ff


def load_h5py():
    flags = sys.getdlopenflags()
    if order == "global":
        sys.setdlopenflags(flags | os.RTLD_GLOBAL)
    import h5py
    sys.setdlopenflags(flags)
    return h5py


def check(ok, what, error=None):
    if not ok:
        said = f": {error.place.decode()}: {error.message.decode()} ({error.code})" if error and error.code else ""
        sys.exit(what + said)


def save(ff, storage, task, array, error):
    """Saves a numpy array as a chunked one: HDFSerializer's."""
    doc = ff.ff_doc_new(byref(error))
    shape = (c_int64 * array.ndim)(*array.shape)
    elements = ff.ff_array_from_memory(b"<f8", array.ndim, shape, array.ctypes.data, byref(error))
    value = ff.ff_new_array_take(doc, elements, byref(error))
    ff.ff_save(storage, b"wf", task, value, None, byref(error))
    ff.ff_doc_free(doc)


def read(ff, storage, task, into, error):
    doc = ff.ff_read_task(storage, b"wf", task, None, byref(error))
    ff.ff_array_read(ff.ff_array(ff.ff_doc_root(doc), byref(error)), None, into.ctypes.data, None, None, byref(error))
    ff.ff_doc_free(doc)


def copies_of_hdf5():
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split(None, 5)[5].strip() for line in maps if "/" in line}
    return sorted(path for path in paths if os.path.basename(path).startswith(("libhdf5-", "libhdf5_serial.", "libhdf5.")))


if order == "library-first":
    ff = load_library()
    host = ff.ff_host_open(None, byref(Error(struct_size=ctypes.sizeof(Error))))
    h5py = load_h5py()
else:
    h5py = load_h5py()
    ff = load_library()
    host = ff.ff_host_open(None, byref(Error(struct_size=ctypes.sizeof(Error))))

import numpy  # noqa: E402: h5py brings it, in its turn

error = Error(struct_size=ctypes.sizeof(Error))
storage = ff.ff_storage_open(host, os.path.join(folder, "store").encode(), byref(error))
ff.ff_new_workflow(storage, b"wf", byref(error))
check(storage and not error.code, "no storage", error)
written = numpy.random.default_rng(1).random((300, 70))
beside = h5py.File(os.path.join(folder, "beside.h5"), "w")  # open all the while
beside["first"] = written
save(ff, storage, b"array", written, error)
if order == "global":  # what our plugin was built for is hidden behind h5py's: told, not used
    check(error.code == FF_E_PLUGIN and b"built for libhdf5" in error.message, "not refused", error)
    check(numpy.array_equal(beside["first"][:], written), "h5py: its own file")
    print("refused, and why")
    sys.exit()
check(not error.code, "save", error)
check(len(copies_of_hdf5()) == 2, f"one libhdf5 each was expected: {copies_of_hdf5()}")

back = numpy.zeros_like(written)
read(ff, storage, b"array", back, error)
check(not error.code and numpy.array_equal(back, written), "what was read is not what was saved", error)
[big] = glob.glob(os.path.join(folder, "store", "wf", "bigdata", "*"))
with h5py.File(big) as stored:
    check(numpy.array_equal(stored["dask_arrays"][:], written), "h5py reads something else")
beside["second"] = back
with h5py.File(big, "r+") as stored:
    stored["dask_arrays"][7] = -1.5
read(ff, storage, b"array", back, error)
check(not error.code and (back[7] == -1.5).all(), "what h5py wrote is not read", error)

try:  # the errors of each are its own
    h5py.File(os.path.join(folder, "none.h5"))
    check(False, "h5py opens what is not there")
except FileNotFoundError:
    pass
with open(big, "wb") as damaged:
    damaged.write(b"no HDF5 file")
read(ff, storage, b"array", back, error)
check(error.code and b"wf/array" in error.place, "what is damaged is read", error)
error = Error(struct_size=ctypes.sizeof(Error))
save(ff, storage, b"array", written, error)
check(not error.code, "save again", error)
ff.ff_storage_close(storage)
ff.ff_host_close(host)
check(numpy.array_equal(beside["second"][:6], written[:6]), "h5py: its own file, at the end")
beside.close()
print("well")
