# SPDX-License-Identifier: Apache-2.0
"""Random values of every type that pickle knows a form of, with sharing and cycles."""
import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import pathlib
import random
import types
import uuid

INTEGERS = [0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -2**31, -2**31 - 1,
            2**55, 2**55 - 1, -2**55, -2**55 - 1, 2**63, 2**64, -2**63]
FLOATS = [0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"), 1e16, 1e22,
          123456789012345680.0, 0.0001, 0.00001, 5e-324]
CHARACTERS = [65, 0x20, 0x5c, 10, 0, 13, 26, 0xe9, 0x20ac, 0x1f600, 0xd83d, 0xde00]
SIZES = [0, 1, 5, 100, 255, 256, 300]
BIG_SIZES = [65535, 65536, 70000]
LENGTHS = [0, 1, 2, 3, 4, 5, 8, 9, 12]
BATCH_LENGTHS = [999, 1000, 1001, 2000, 2001]

Pair = collections.namedtuple("Pair", "x y")


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class Plain:
    pass


class Slots:
    __slots__ = ("p", "q")


class SubList(list):
    pass


class SubDict(dict):
    pass


class NewArguments:
    def __new__(cls, first=0, *, key=0):
        return object.__new__(cls)

    def __getnewargs_ex__(self):
        return (1,), {"key": 2}


class Called:
    """Reduced to a call, with items and a state."""

    def __reduce__(self):
        return Called, (), {"state": 1}, iter([1, 2]), iter([("k", 3)])

    def append(self, item):
        pass

    def extend(self, items):
        pass

    def __setitem__(self, key, value):
        pass


def set_state(target, state):
    target.__dict__.update(state)


class WithSetter:
    """Its state is given to a function: a call whose result is dropped."""

    def __reduce__(self):
        return WithSetter, (), {"state": self.__dict__.get("kept")}, None, None, set_state


class Stored:
    """What the pickler gives a persistent id for."""

    def __init__(self, number):
        self.number = number


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pool = []
        self.stored = [Stored(number) for number in range(3)]
        self.makers = [self.a_list, self.a_tuple, self.a_dict, self.a_set, self.a_frozenset,
                       self.ordered, self.deque, self.pair, self.plain, self.slots,
                       self.sub_list, self.sub_dict, self.new_arguments, self.default_dict,
                       self.with_setter, self.loop]
        self.leaves = [self.constant, self.integer, self.floating, self.text, self.binary,
                       self.big, self.named, self.moment, self.number, self.thing]

    def value(self, depth):
        """A new value, or one that is there already."""
        choose = self.random
        if self.pool and choose.random() < .15:
            return choose.choice(self.pool)
        maker = choose.choice(self.makers if depth > 0 else self.leaves)
        made = maker(depth - 1) if depth > 0 else maker()
        if len(self.pool) < 50:
            self.pool.append(made)
        return made

    def only_plain(self):
        """From now on: types that a program in C builds."""
        self.makers = [self.a_list, self.a_tuple, self.a_dict, self.a_set]
        self.leaves = [lambda: self.random.choice([None, True, False]), self.integer,
                       self.floating, self.text,
                       lambda: bytes(self.random.choice(SIZES))]
        return self

    def fresh(self):
        self.pool.clear()
        return self.value(self.random.randrange(1, 5))

    # ---- leaves ----

    def constant(self):
        return self.random.choice([None, True, False, ..., NotImplemented])

    def integer(self):
        bits = self.random.randrange(1, 2100)
        return self.random.choice([*INTEGERS, self.random.getrandbits(bits),
                                   -self.random.getrandbits(bits)])

    def floating(self):
        scale = 10.0 ** self.random.randrange(-300, 300)
        return self.random.choice([*FLOATS, self.random.random() * scale])

    def text(self):
        return "".join(chr(self.random.choice(CHARACTERS))
                       for _ in range(self.random.choice(SIZES)))

    def binary(self):
        data = self.random.randbytes(self.random.choice(SIZES))
        return self.random.choice([bytes, bytearray])(data)

    def big(self):
        size = self.random.choice(BIG_SIZES) if self.random.random() < .03 else 10
        return self.random.choice(["x" * size, b"y" * size, bytearray(size)])

    def named(self):
        return self.random.choice([int, len, Plain, collections.OrderedDict, type(None)])

    def moment(self):
        zone = self.random.choice([None, dt.timezone.utc, dt.timezone(dt.timedelta(hours=1))])
        moment = dt.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=zone, fold=1)
        return self.random.choice([moment, moment.date(), moment.timetz(),
                                   dt.timedelta(1, 2, 3)])

    def number(self):
        return self.random.choice([1 + 2j, range(1, 10, 2), slice(1, None),
                                   decimal.Decimal("1.50"), fractions.Fraction(1, 3),
                                   uuid.UUID(int=self.random.getrandbits(128))])

    def thing(self):
        return self.random.choice([
            pathlib.PurePosixPath("a/b"), Color.RED, array.array("i", [1, 2]),
            ValueError("x", 1), functools.partial(int, base=2),
            types.SimpleNamespace(a=1), Called(), collections.Counter("aab"),
            self.random.choice(self.stored)])

    # ---- containers ----

    def items(self, depth, hashable=False):
        count = self.random.choice(LENGTHS)
        if self.random.random() < .001:
            return [self.random.randrange(10**6)
                    for _ in range(self.random.choice(BATCH_LENGTHS))]
        return [self.key(depth) if hashable else self.value(depth) for _ in range(count)]

    def key(self, depth):
        while True:
            candidate = self.value(depth)
            try:
                hash(candidate)
            except TypeError:
                continue
            return candidate

    def pairs(self, depth):
        return [(key, self.value(depth)) for key in self.items(depth, hashable=True)]

    def kept(self, made):
        """It can be referred to by its own items."""
        self.pool.append(made)
        return made

    def a_list(self, depth):
        made = self.kept([])
        made.extend(self.items(depth))
        return made

    def a_tuple(self, depth):
        return tuple(self.items(depth))

    def a_dict(self, depth):
        made = self.kept({})
        made.update(self.pairs(depth))
        return made

    def a_set(self, depth):
        return set(self.items(depth, hashable=True))

    def a_frozenset(self, depth):
        return frozenset(self.items(depth, hashable=True))

    def ordered(self, depth):
        return collections.OrderedDict(self.pairs(depth))

    def deque(self, depth):
        return collections.deque(self.items(depth), self.random.choice([None, 5000]))

    def pair(self, depth):
        return Pair(self.value(depth), self.value(depth))

    def plain(self, depth):
        made = self.kept(Plain())
        made.a, made.b = self.value(depth), self.value(depth)
        return made

    def slots(self, depth):
        made = Slots()
        made.p = self.value(depth)
        return made

    def sub_list(self, depth):
        made = self.kept(SubList())
        made.extend(self.items(depth))
        made.z = self.value(depth)
        return made

    def sub_dict(self, depth):
        return SubDict(self.pairs(depth))

    def new_arguments(self, depth):
        made = NewArguments()
        made.x = self.value(depth)
        return made

    def default_dict(self, depth):
        made = collections.defaultdict(list)
        made[self.key(depth)] = self.value(depth)
        return made

    def with_setter(self, depth):
        made = WithSetter()
        made.kept = self.value(depth)
        return made

    def loop(self, depth):
        """A container that contains itself, by way of what cannot be changed."""
        inner = self.random.choice([[], {}, Plain()])
        made = self.random.choice([tuple, lambda pair: frozenset([Pair(*pair)])])
        try:
            outer = made((inner, self.value(depth)))
        except TypeError:
            outer = (inner, inner)
        if type(inner) is list:
            inner.append(outer)
        elif type(inner) is dict:
            inner["outer"] = outer
        else:
            inner.outer = outer
        return outer
