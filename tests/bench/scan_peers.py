# SPDX-License-Identifier: Apache-2.0
# scan_peers.py: makes the pickles of the benchmark `scan`, and walks them with what Python has for that.
# Driven through stdin: one line is one thing to do, one number back: seconds, or -1 where the scanner is
# not installed.
import fractions
import os
import pickle
import pickletools
import random
import sys
import time

try:
    import picklescan.scanner
except ImportError:
    picklescan = None
try:
    import fickling.fickle
except ImportError:
    fickling = None

N = {"full": 100000, "small": 10000}[sys.argv[1] if len(sys.argv) > 1 else "full"]
random.seed(1)
CASES = {
    "mixed": lambda: [{"id": i, "name": "sample-%d" % i, "x": i * 0.5, "tags": ["a%d" % i, "b"],
                       "pos": (i, i * 0.25), "raw": bytes(64), "ok": i % 2 == 0} for i in range(N)],
    "ints": lambda: [random.randrange(1 << 31) for _ in range(10 * N)],
    "floats": lambda: [random.random() for _ in range(10 * N)],
    "str": lambda: ["s%010d" % i for i in range(10 * N)],
    "dicts": lambda: [{"a": i, "b": i * 0.5, "name": "n%d" % i} for i in range(N)],
    "tuples": lambda: [(i, i * 0.5, "x%d" % i) for i in range(N)],
    "objects": lambda: [fractions.Fraction(i, 7) for i in range(N)],
    "bytes": lambda: [random.randbytes(4096) for _ in range(N // 10)],
}


def make(name, path):
    """PATH, and a twentieth of the same values in PATH.part for what is too slow for all."""
    value = CASES[name]()
    for suffix, what in (("", value), (".part", value[:len(value) // 20])):
        with open(path + suffix, "wb") as f:
            f.write(pickle.dumps(what, 4))


def genops(path):
    with open(path, "rb") as f:
        data = f.read()
    begin = time.perf_counter()
    for _ in pickletools.genops(data):
        pass
    return time.perf_counter() - begin


def scan(path):
    if not picklescan:
        return -1
    begin = time.perf_counter()
    picklescan.scanner.scan_file_path(path)
    return time.perf_counter() - begin


def fickle(path):
    """Of a twentieth, as if it were all."""
    if not fickling:
        return -1
    with open(path + ".part", "rb") as f:
        part = f.read()
    begin = time.perf_counter()
    fickling.fickle.Pickled.load(part)
    spent = time.perf_counter() - begin
    return spent * os.path.getsize(path) / len(part)


WORK = {"make": make, "genops": genops, "picklescan": scan, "fickling": fickle}
print("genops of %s, picklescan: %s, fickling: %s" % (
    sys.version.split()[0], "there" if picklescan else "not installed",
    "there" if fickling else "not installed"), flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "end":
        break
    print(WORK[words[0]](*words[1:]) or 0, flush=True)
