# SPDX-License-Identifier: Apache-2.0
# pickle_peer.py: CPython's C pickler and unpickler, driven by the benchmark `pickle` through stdin: one
# line is one thing to do, one number back. What is made is freed before the clock stops, as on the
# other side. The values that wait outside are frozen: the collector never looks at them.
import gc
import pickle
import random
import sys
import time

import _pickle
import numpy

MILLION = 10**6
SIZE = {"full": 1, "small": 10}[sys.argv[1] if len(sys.argv) > 1 else "full"]
N = MILLION // SIZE


def shared_str():
    some = ["k%d" % i for i in range(1000)]
    return [some[i % 1000] for i in range(N)]


CASES = {
    "ints31": lambda: [random.randrange(1 << 31) for _ in range(N)],
    "ints8": lambda: [random.randrange(256) for _ in range(N)],
    "ints63": lambda: [random.randrange(1 << 63) for _ in range(N)],
    "floats": lambda: [random.random() for _ in range(N)],
    "str": lambda: ["s%010d" % i for i in range(N)],
    "shared": shared_str,
    "cyrillic": lambda: ["".join(chr(0x430 + (i * 7 + j) % 32) for j in range(10))
                         for i in range(N)],
    "dicts": lambda: {"id%d" % i: {"a": i, "b": i * 0.5, "name": "n%d" % i, "flag": True,
                                   "none": None} for i in range(N // 10)},
    "tuples": lambda: [(i, i * 0.5, "x%d" % i) for i in range(N // 10)],
    "bytes": lambda: bytes(100 * N),
    "lists": lambda: [[] for _ in range(N // 10)],
    "set": lambda: set(range(N)),
    "ints256": lambda: [random.getrandbits(256) for _ in range(N // 10)],
    "ndarray": lambda: numpy.random.default_rng(1).random(100 * N // 8),
}

data = stream = protocol = None


def make(name):
    global data
    gc.unfreeze()
    random.seed(1)
    data = CASES[name]()
    gc.collect()
    gc.freeze()
    return 0


def write(to_protocol, path):
    global protocol, stream
    protocol = int(to_protocol)
    stream = pickle.dumps(data, protocol)
    with open(path, "wb") as f:
        f.write(stream)
    return len(stream)


def timed(collecting, call):
    gc.collect()
    if collecting == "0":
        gc.disable()
    begin = time.perf_counter()
    call()
    spent = time.perf_counter() - begin
    gc.enable()
    return spent


def load(collecting):
    return timed(collecting, lambda: _pickle.loads(stream))


def dump(collecting):
    return timed(collecting, lambda: _pickle.dumps(data, protocol))


print("CPython", sys.version.split()[0], "numpy", numpy.__version__, flush=True)
for line in sys.stdin:
    what, *words = line.split()
    print(f"{ {'make': make, 'write': write, 'load': load, 'dump': dump}[what](*words):.9f}",
          flush=True)
