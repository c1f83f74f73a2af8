# SPDX-License-Identifier: Apache-2.0
"""Random values and random opcode streams: CPython and the library see the same in them.

Usage: differential.py PROGRAM. PROGRAM is answer.c. FF_SEED repeats a run, FF_LONG makes it
long. For each stream the verdict and the tree are compared with the oracle's, and so is what
the library dumps, in the canonical and in the compact mode. A stream of the C pickler comes
back byte for byte.
"""
import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import time

import oracle
import streams
import values

OWN_PROTOCOL = 255
LAX, REBUILT = 1, 2
ENCODINGS = {"ASCII": 0, "latin1": 1, "utf-8": 2, "bytes": 3}
MEMORY_BYTES = 1 << 30
LIMIT = -18  # FF_E_LIMIT

# Where the verdicts may differ, and why: (who takes it, the exception's text, the reason).
PERMITTED = [
    ("ours", "unregistered extension code",
     "a code that nobody registered stays an extension code in the value"),
    ("ours", "keywords must be strings",
     "only the call in Python fails; the arguments are kept as they are"),
    ("ours", "multiple values for keyword argument", "as above"),
    ("ours", "must be str, not", "state of a recorder: an attribute's name is Python's matter"),
    ("ours", "Memo key", "an index below 0 that Python's dict takes"),
]


class Program:
    """The library behind a pipe."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, data, encoding="bytes", protocol=OWN_PROTOCOL, how=LAX):
        """Code, tree or message, canonical dump, compact dump."""
        head = bytes([ENCODINGS[encoding], how, protocol]) + struct.pack("<I", len(data))
        self.process.stdin.write(head + data)
        self.process.stdin.flush()
        code, = struct.unpack("<i", self.process.stdout.read(4))
        return (code, *(self.read_text() for _ in range(3)))

    def read_text(self):
        size, = struct.unpack("<I", self.process.stdout.read(4))
        return self.process.stdout.read(size)


class CPickler(pickle.Pickler):
    def persistent_id(self, value):
        return persistent_id(value)


class PythonPickler(pickle._Pickler):
    def persistent_id(self, value):
        return persistent_id(value)


def persistent_id(value):
    if type(value) is values.Stored:
        return "Serializer", ("0.0.0", f"name-{value.number}")
    return None


def dump(pickler, value, protocol):
    out = io.BytesIO()
    pickler(out, protocol).dump(value)
    return out.getvalue()


def same(ours, expected):
    """Values exactly. Calls that are no part of the value: none of their names, arguments and
    states is missing; which of them holds another can be told in more than one way, and what
    contains itself is begun and dropped when it is written. tests/unit/test_pickle_odd.c has
    the ways that the library tells it."""
    if ours == expected:
        return True
    ours, expected = ours.split("effect\n"), expected.split("effect\n")
    more = words_of(ours[1:]) ^ words_of(expected[1:])
    return ours[0] == expected[0] and more <= words_of(ours[:1])


def words_of(effects):
    lines = {line.split(" #")[0] for effect in effects for line in effect.splitlines()}
    return lines - {"call", "new", "setter", "args", "end", "ref"}


class Comparison:
    def __init__(self, program):
        self.program = program
        self.streams = self.rejected = self.ambiguous = self.exhausted = 0
        self.permitted = {reason: 0 for *_, reason in PERMITTED}
        self.failures = []

    def fail(self, what, data, detail=""):
        self.failures.append(what)
        if len(self.failures) <= 10:
            print(f"{what}: {data[:400]!r}{detail}")

    def verdicts_differ(self, data, who, text):
        for permitted, part, reason in PERMITTED:
            if permitted == who and part in text:
                self.permitted[reason] += 1
                return
        self.fail(f"only {who} takes it ({text})", data)

    def compare(self, data, encoding="bytes", exact=False, protocol=OWN_PROTOCOL):
        self.streams += 1
        code, tree, canonical, compact = self.program.ask(data, encoding, protocol)
        try:
            expected = oracle.tree(data, encoding)
        except oracle.Ambiguous:
            self.ambiguous += 1
            return
        except (MemoryError, RecursionError):
            self.exhausted += 1
            return
        except Exception as error:  # any: the stream decides which
            self.rejected += 1
            if code == 0:
                self.verdicts_differ(data, "ours", str(error))
            return
        if code == LIMIT:
            self.exhausted += 1
        elif code:
            self.verdicts_differ(data, "Python", tree.decode())
        elif not same(tree.decode(), expected):
            self.fail("the trees differ", data, f"\n--- ours\n{tree.decode()[:1500]}"
                                                f"--- Python\n{expected[:1500]}")
        else:
            self.compare_dumps(data, expected, canonical, compact, exact, encoding)

    def compare_dumps(self, data, expected, canonical, compact, exact, encoding):
        if exact and canonical != data:
            self.fail("not the same bytes", data, f" became {canonical[:400]!r}")
        for mode, dumped in (("canonical", canonical), ("compact", compact)):
            if dumped == data:
                continue
            try:
                again = oracle.tree(dumped, encoding)
            except oracle.Ambiguous:
                continue
            except Exception as error:
                self.fail(f"{mode}: Python does not load it ({error})", data,
                          f" became {dumped[:400]!r}")
                continue
            if not same(again, expected):
                self.fail(f"{mode}: another tree", data, f" became {dumped[:400]!r}")


def compare_values(comparison, generator, seconds, count):
    """Each value in every protocol, by both picklers."""
    end = time.monotonic() + seconds
    goal = comparison.streams + count
    while comparison.streams < goal and time.monotonic() < end:
        value = generator.fresh()
        for protocol in range(6):
            for pickler in (CPickler, PythonPickler):
                try:
                    data = dump(pickler, value, protocol)
                except (pickle.PicklingError, TypeError, RecursionError):
                    continue  # not every value has a form in every protocol
                if len(data) < 1_000_000:
                    comparison.compare(data, exact=pickler is CPickler)


def compare_built(comparison, generator, count):
    """What the builders make of a value has the bytes that CPython gives for it."""
    for _ in range(count):
        generator.pool.clear()
        value = generator.value(generator.random.randrange(1, 4))
        protocol = generator.random.randrange(6)
        data = dump(CPickler, value, protocol)
        code, tree, built, _ = comparison.program.ask(dump(CPickler, value, 4), "bytes",
                                                      protocol, REBUILT)
        if code or built != data:
            comparison.fail(f"built, protocol {protocol}: not the same bytes", data,
                            f" became {built[:400]!r} {tree[:200] if code else ''}")


def compare_streams(comparison, generator, seconds, count):
    end = time.monotonic() + seconds
    goal = comparison.streams + count
    while comparison.streams < goal and time.monotonic() < end:
        # some opcodes are newer than the protocol they stand in: the newest one has them all
        comparison.compare(generator.fresh(), generator.random.choice(["bytes", "latin1"]),
                           protocol=pickle.HIGHEST_PROTOCOL)


def quiet(kind, error, trace):
    """CPython prints this when its collector takes a memoryview after its bytearray."""
    if "exported buffers" not in str(error):
        sys.__excepthook__(kind, error, trace)


def main():
    sys.excepthook = quiet
    program = Program(sys.argv[1])
    # of CPython alone: the library has budgets, and sanitizers need terabytes of addresses
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    seed = int(os.environ.get("FF_SEED") or time.time())
    long = bool(os.environ.get("FF_LONG"))
    count, seconds = (60_000, 7200) if long else (2_600, 180)
    print(f"FF_SEED={seed}", flush=True)
    comparison = Comparison(program)
    compare_values(comparison, values.Generator(seed), seconds, count)
    of_values = comparison.streams
    built = count // 6
    compare_built(comparison, values.Generator(seed).only_plain(), built)
    compare_streams(comparison, streams.Streams(seed), seconds, count)
    print(f"{of_values} streams of values, {built} values built, {comparison.streams - of_values} of opcodes: "
          f"{comparison.rejected} rejected, {comparison.ambiguous} with sets in no order, "
          f"{comparison.exhausted} too big, {len(comparison.failures)} different")
    for reason, times in comparison.permitted.items():
        if times:
            print(f"permitted {times} times: {reason}")
    if comparison.streams < 2 * count:
        print(f"failed: only {comparison.streams} of {2 * count} in {2 * seconds} s")
    return 1 if comparison.failures or comparison.streams < 2 * count else 0


if __name__ == "__main__":
    sys.exit(main())
