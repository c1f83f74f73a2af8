# SPDX-License-Identifier: Apache-2.0
"""What the interop tests share: ff as a process, equality, TAP."""
import contextlib
import functools
import importlib.util
import os
import subprocess
import sys
import tempfile
import traceback
import types

import dask.array
import numpy

FF = os.environ["FF_BIN"]
ORIGINAL = os.environ.get("FUNCTIONFUSE_PYTHON")
count = failed = 0


def ff(store, *arguments, code=0, data=None, says=()):
    """Run ff on a store; its standard output. `says`: words that standard error has."""
    done = subprocess.run([FF, "-S", store, *arguments], input=data, capture_output=True)
    if done.returncode != code:
        raise AssertionError(f"ff {' '.join(arguments)}: {done.returncode}, not {code}: "
                             f"{done.stderr.decode()}")
    for word in says:
        if word not in done.stderr.decode():
            raise AssertionError(f"ff {' '.join(arguments)}: no {word!r}: {done.stderr.decode()}")
    return done.stdout


def same(a, b):
    """Whether two values are equal, types and elements included."""
    if isinstance(a, dask.array.Array) or isinstance(b, dask.array.Array):
        return same(numpy.asarray(a), numpy.asarray(b))
    if isinstance(a, (numpy.ndarray, numpy.generic)):
        b = numpy.asarray(b)
        a = numpy.asarray(a)
        if a.dtype == object:
            return b.dtype == object and same(a.tolist(), b.tolist())
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, BaseException):
        return same(a.args, b.args)
    if isinstance(a, float):
        return a == b or (a != a and b != b)
    if isinstance(a, (list, tuple)) or type(a).__name__ == "deque":
        if a and a[0] is a:  # the golden store has a list that holds itself
            return b[0] is b
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(),
                                                                    b.values()))
    return a == b


@contextlib.contextmanager
def case(name):
    """One TAP point: fails when its body raises."""
    global count, failed
    count += 1
    try:
        yield
        print(f"ok {count} - {name}", flush=True)
    except Exception:
        failed += 1
        print(f"not ok {count} - {name}", flush=True)
        for line in traceback.format_exc().splitlines():
            print(f"# {line}")


def skip(name, reason):
    global count
    count += 1
    print(f"ok {count} - {name} # SKIP {reason}", flush=True)


def end():
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


def scratch():
    return tempfile.TemporaryDirectory(prefix="ff_interop_")


@functools.cache
def import_original():
    sys.path.insert(0, ORIGINAL)
    if not importlib.util.find_spec("s3fs"):  # which it imports, and uses for buckets alone
        sys.modules["s3fs"] = types.ModuleType("s3fs")


def original(store):
    """The Python package's own storage on this folder, or None."""
    if not ORIGINAL:
        return None
    import_original()
    from functionfuse.serializers.daskarray import DaskArraySerializer
    from functionfuse.storage import storage_factory
    storage = storage_factory({"kind": "file", "options": {"path": store}})
    storage.register_persistent_serializers(DaskArraySerializer)
    return storage
