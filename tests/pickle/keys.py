# SPDX-License-Identifier: Apache-2.0
"""Keys of every kind, two by two: the library has those equal that CPython has.

Usage: keys.py PROGRAM. PROGRAM is key_answer.c. FF_SEED repeats a run, FF_LONG makes it long.
For each pair a dict of both, in each protocol, alone and among others: as many entries, the
first key, the last value. And whether the two are equal as values.
"""
import datetime
import decimal
import fractions
import io
import ipaddress
import math
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import time
import uuid

try:
    import zoneinfo
except ImportError:
    zoneinfo = None
try:
    import numpy
except ImportError:
    numpy = None

ZONES = ("UTC", "Europe/Berlin", "America/New_York")
KINDS = {type(None): 1, bool: 2, int: 3, float: 4, str: 5}  # enum ff_kind


class Program:
    """The library behind a pipe."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def number(self):
        return struct.unpack("<i", self.process.stdout.read(4))[0]

    def ask(self, data):
        self.process.stdin.write(struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        code = self.number()
        if code:
            raise ValueError(f"the library does not load it: {code}")

    def equal(self, data):
        self.ask(data)
        return bool(self.number())

    def entries(self, data):
        """The kind of the first key, and all values."""
        self.ask(data)
        count, kind = self.number(), self.number()
        return kind, [self.number() for _ in range(count)]


def dumped(values, protocol, end):
    """The values as one pickler writes them, with one memo, and what makes one of them."""
    out = io.BytesIO()
    pickler = pickle._Pickler(out, protocol)
    out.write(b"\x80" + bytes([protocol]) if protocol >= 2 else b"")
    out.write(b"(")
    for value in values:
        pickler.save(value)
    out.write(end + b".")
    return out.getvalue()


class Keys:
    """Random keys: near to each other, so that many are equal."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.kinds = [self.number, self.number, self.number, self.decimal_of_any_size, self.text,
                      self.data, self.date, self.aware, self.aware, self.clock, self.delta,
                      self.range, self.uuid, self.path, self.address, self.tuple, self.frozenset,
                      self.zone]
        self.zones = []
        for name in ZONES if zoneinfo else ():
            try:
                self.zones.append(zoneinfo.ZoneInfo(name))
            except zoneinfo.ZoneInfoNotFoundError:
                pass
        self.nan = math.nan

    def pair(self):
        """Two keys: of one value, of one kind or of any. numpy compares its scalars with each item of what is
        no number, and fails for some that are."""
        if numpy and self.random.random() < .08:
            return self.scalar(), self.scalar()
        if self.random.random() < .3:
            value = self.value()
            return self.number_of(value), self.number_of(self.near(value))
        kind = self.random.choice(self.kinds)
        other = kind if self.random.random() < .8 else self.random.choice(self.kinds)
        return kind(), other()

    def value(self):
        """A ratio that some of int, float, Decimal and Fraction have exactly."""
        choice = self.random.choice
        return choice([
            fractions.Fraction(choice([0, 1, -1, 2, 7])),
            fractions.Fraction(choice([1, 3, -5]), choice([2, 3, 4, 10, 2 ** 60, 5 ** 30])),
            fractions.Fraction(2) ** choice([53, 54, 55, 56, 63, 64, 1023, 1024, -1074, -1075])
            * choice([1, -1]) + choice([0, 0, 1, -1]),
            fractions.Fraction(10) ** choice([15, 16, 17, 18, 22, 23, 40, 400, 4000, -23])
            * choice([1, -1, 25]),
            fractions.Fraction(choice([.1, 1e300, 5e-324, 2.5, 1e22, 1e23])),
            fractions.Fraction(3 ** choice([40, 41, 300]), 7 ** choice([0, 1, 30, 300]))])

    def near(self, value):
        """Mostly the same; or its neighbour, as an int or as a float."""
        roll = self.random.randrange(6)
        if roll == 0:
            return value + self.random.choice([1, -1])
        if roll == 1:
            try:
                return fractions.Fraction(float(value))
            except OverflowError:
                pass
        return value

    def number(self):
        return self.number_of(self.value())

    def number_of(self, value):
        """The value in a type that has it; or a number that has no such value."""
        roll = self.random.randrange(6)
        whole = value.denominator == 1
        try:
            if roll == 0 and whole:
                return int(value)
            if roll == 1 and float(value) == value:
                return float(value) if value else self.random.choice([0.0, -0.0])
            if roll == 2 and float(value) == value:
                return complex(float(value), self.random.choice([0.0, -0.0, 1.0, math.nan]))
        except OverflowError:
            pass
        if roll == 3:
            text = self.decimal_text(value)
            if text:
                return decimal.Decimal(text)
        if roll == 4:
            return self.random.choice([True, False, self.nan, math.inf, -math.inf, None,
                                       float("nan"), decimal.Decimal("NaN"),
                                       decimal.Decimal("Infinity"), decimal.Decimal("-0E+7"),
                                       decimal.Decimal("-Infinity"), complex(math.inf, 0)])
        return value

    def decimal_text(self, value):
        """Digits and an exponent, with zeros at the end at times; None: it has no end."""
        below, twos, fives = value.denominator, 0, 0
        while below % 2 == 0:
            below, twos = below // 2, twos + 1
        while below % 5 == 0:
            below, fives = below // 5, fives + 1
        if below != 1:
            return None
        places = max(twos, fives)
        digits = value.numerator * 10 ** places // value.denominator
        zeros = self.random.choice([0, 0, 1, 5])
        return f"{digits}{'0' * zeros}E{-places - zeros}"

    def decimal_of_any_size(self):
        choice = self.random.choice
        return choice([decimal.Decimal(f"{choice('17')}{choice(['', '00', '.50'])}"
                                       f"E{choice([0, 2, -2, 6000, 999999, -999999])}"),
                       decimal.Decimal(choice("12") * choice([17, 18, 19, 40, 4400])),
                       10 ** choice([17, 18, 20, 4299]), int("2" * choice([18, 19, 40]))])

    def text(self):
        return self.random.choice(["", "a", "1", "é", "x" * 128, "x" * 129, "\ud800", "latin1"])

    def data(self):
        return self.random.choice([b"", b"a", b"1", b"\xe9", b"\xc3\xa9", b"x" * 128, b"x" * 129,
                                   b"\xff" * 130, "é", "a"])

    def naive(self):
        choice = self.random.choice
        return datetime.datetime(choice([1, 2024, 9999]), choice([1, 3, 12]), choice([1, 31]),
                                 choice([0, 1, 2, 23]), choice([0, 30]), 0, choice([0, 1]),
                                 fold=choice([0, 0, 1]))

    def date(self):
        moment = self.naive()
        return self.random.choice([moment, moment.date(), moment.time()])

    def offset(self):
        choice = self.random.choice
        delta = datetime.timedelta(hours=choice([-1, 0, 0, 1, 2]), minutes=choice([0, 0, 30]),
                                   microseconds=choice([0, 0, 0, 1]))
        return datetime.timezone(delta, *choice([(), (), ("name",)]))

    def zone(self):
        return self.random.choice([self.offset(), datetime.timezone.utc] + self.zones)

    def aware(self):
        zone = self.zone() if self.random.random() < .3 else self.offset()
        return self.naive().replace(tzinfo=zone, year=2024, day=1, minute=0)

    def clock(self):
        # an offset's microseconds are part of a time's hash, and not of its equality
        zone = self.random.choice([None, self.offset()])
        if zone and zone.utcoffset(None).microseconds:
            zone = datetime.timezone.utc
        return self.naive().time().replace(tzinfo=zone)

    def delta(self):
        choice = self.random.choice
        return datetime.timedelta(choice([-1, 0, 1]), choice([0, 86399]), choice([0, 999999]))

    def range(self):
        choice = self.random.choice
        big = choice([0, 0, 0, 2 ** 63 - 5, 3 - 2 ** 63])
        return range(big, big + choice([-3, 0, 1, 2, 3, 4]), choice([1, 2, 3, 100, -1, -2]))

    def uuid(self):
        number = self.random.choice([0, 1, 2 ** 63, 2 ** 128 - 1])
        return uuid.UUID(int=number, is_safe=self.random.choice(list(uuid.SafeUUID)))

    def path(self):
        kind = self.random.choice([pathlib.PosixPath, pathlib.PurePosixPath,
                                   pathlib.PureWindowsPath])
        return kind(self.random.choice(["a", "A", "a/b", "/a/b", "//a/b", "a//b/", "./a", ".", "",
                                        "/", "c:/a", "C:\\a", "c:a", "..", "é"]))

    def address(self):
        return self.random.choice([ipaddress.IPv4Address, ipaddress.IPv6Address])(
            self.random.choice([1, 2, 2 ** 32 - 1]))

    def some(self):
        kinds = self.kinds if self.random.random() < .2 else [self.small]
        return [self.random.choice(kinds)() for _ in range(self.random.choice([0, 1, 2, 3]))]

    def small(self):
        return self.random.choice([1, 1.0, True, 2, "a", b"a", None, self.nan, (), (1,), (1.0,),
                                   fractions.Fraction(2), frozenset([1, 2]), frozenset([2.0, 1])])

    def tuple(self):
        long = self.random.choice([0, 0, 0, 5, 7, 8, 9, 20])
        return tuple(self.some()) + (1,) * long

    def frozenset(self):
        return frozenset(self.some())

    def scalar(self):
        choice = self.random.choice
        return choice([numpy.int8, numpy.int64, numpy.uint64, numpy.float16, numpy.float32,
                       numpy.float64, numpy.complex64, numpy.bool_, int, float, complex])(
                           choice([0, 1, 0, 1, 2, 100]))


def in_named_zone(value):
    """Whether an offset stands in it that only the database of zones knows."""
    if isinstance(value, (tuple, frozenset)):
        return any(in_named_zone(item) for item in value)
    return bool(zoneinfo) and isinstance(getattr(value, "tzinfo", None), zoneinfo.ZoneInfo) \
        and value.tzinfo.key != "UTC"


class Comparison:
    def __init__(self, program):
        self.program = program
        self.streams = self.equal = self.permitted = 0
        self.failures = []

    def fail(self, what, pair, data):
        self.failures.append(what)
        if len(self.failures) <= 20:
            print(f"{what}: {str(pair)[:300]} {data[:300]!r}")

    def compare(self, pair, protocol, others):
        keys = [*others, *pair]
        stream = dumped([part for i, key in enumerate(keys) for part in (key, i)], protocol, b"d")
        expected = pickle.loads(stream)
        kind, values = self.program.entries(stream)
        first = KINDS.get(type(next(iter(expected))), kind)
        self.streams += 1
        self.equal += len(expected) < len(keys)
        if values == list(expected.values()) and kind == first:
            return
        if any(map(in_named_zone, pair)) and len(values) == len(expected) + 1:
            self.permitted += 1
            return
        self.fail(f"protocol {protocol}: {values}, not {list(expected.values())}; the first key "
                  f"is a {kind}, not a {first}", pair, stream)

    def compare_values(self, pair, protocol):
        stream = dumped(pair, protocol, b"t")
        a, b = pickle.loads(stream)
        expected = a is b or bool(a == b)
        if expected and any(map(in_named_zone, pair)):
            return
        self.streams += 1
        if self.program.equal(stream) != expected:
            self.fail(f"protocol {protocol}: equal is {expected}", pair, stream)


UNHASHABLE = [([1], [1.0]), ({1}, frozenset([1])), ({1, 2}, {2, 1}), (bytearray(b"a"), b"a"),
              (bytearray(b"\xff"), bytearray(b"\xff")), (bytearray(), b""), (slice(1), slice(1.0)),
              ([b"\xff"], [bytearray(b"\xff")]), ({1: b"\xff"}, {1.0: b"\xff"}), ([1], (1,)),
              ({(1, b"\xff"): 1}, {(True, b"\xff"): 1}), ({1}, {2}), ([set()], [frozenset()])]


def main():
    seed = int(os.environ.get("FF_SEED") or time.time())
    pairs, seconds = (200_000, 3600) if os.environ.get("FF_LONG") else (4_000, 5)
    print(f"FF_SEED={seed}", flush=True)
    for module in ("numpy",) * (not numpy) + ("zoneinfo",) * (not zoneinfo):
        print(f"no keys of {module}: this Python does not have it")
    keys, comparison = Keys(seed), Comparison(Program(sys.argv[1]))
    for pair in UNHASHABLE:
        for protocol in range(6):
            comparison.compare_values(pair, protocol)
    end, done = time.monotonic() + seconds, 0
    while done < pairs and time.monotonic() < end:
        pair = keys.pair()
        others = keys.random.choice([[], [], range(-30, -20), [f"other {i}" for i in range(20)],
                                     [(i, "other") for i in range(20, 0, -1)]])
        protocol = keys.random.randrange(6)
        comparison.compare(pair, protocol, others)
        comparison.compare_values(pair, protocol)
        done += 1
    print(f"{done} pairs, {comparison.streams} streams: {comparison.equal} dicts with keys that "
          f"are equal, {len(comparison.failures)} different")
    if comparison.permitted:
        print(f"permitted {comparison.permitted} times: the offset of a zone by name is not "
              "known here, so its times equal none of other zones; both keys stay")
    return 1 if comparison.failures or comparison.equal < done // 20 else 0


if __name__ == "__main__":
    sys.exit(main())
