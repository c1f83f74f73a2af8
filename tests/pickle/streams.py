# SPDX-License-Identifier: Apache-2.0
"""Random streams of opcodes: mostly valid, with what no pickler writes; and mutations."""
import random
import struct

CLASSES = [b"cm\nC\n", b"cm\nf\n", b"\x8c\x01m\x8c\x01C\x93", b"\x82\x01", b"\x83\x00\x01"]
SCALARS = [b"N", b"\x88", b"\x89", b"I01\n", b"I5\n", b"L77L\n", b"F1.5\n", b"K\x05",
           b"M\x00\x02", b"J\xff\xff\xff\xff", b"\x8a\x09" + b"\xff" * 8 + b"\x7f",
           b"\x8a\x00", b"G" + struct.pack(">d", 2.5), b"Vab\\u1234\n", b"S'ab\\x00'\n",
           b"U\x02xy", b"T\x02\x00\x00\x00zz", b"X\x02\x00\x00\x00hi", b"\x8c\x03key",
           b"\x8c\x03\xed\xa0\x80", b"C\x02ab", b"B\x03\x00\x00\x00abc", b")", b"Ptext\n",
           b"\x96\x02" + bytes(7) + b"ab", b"\x97", b"\x97\x98"]
MAKERS = [b"]", b"}", b"\x8f"]


class Streams:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def fresh(self):
        """One stream."""
        self.memo = 0
        # A setter whose object is itself dropped can be told in two ways: not in one stream.
        self.setters = self.random.random() < .3
        out = [b"\x80" + bytes([self.random.randrange(6)])] if self.random.random() < .7 else []
        for _ in range(0 if self.setters else self.random.choice([0, 0, 1, 3])):
            out.append(self.value(2) + self.random.choice([b"", b"0"]))
        out.append(self.value(self.random.randrange(1, 5)))
        stream = b"".join(out) + b"."
        if not self.setters and self.random.random() < .4:
            stream = self.mutated(stream)
        return stream

    def put(self):
        """Perhaps into the memo."""
        choice = self.random.random()
        if choice < .6 or self.memo > 250:
            return b""
        index = self.memo
        self.memo += 1
        return self.random.choice([b"q" + bytes([index]), b"r" + struct.pack("<I", index),
                                   b"p%d\n" % index, b"\x94"])

    def get(self):
        index = self.random.randrange(self.memo)
        return self.random.choice([b"h" + bytes([index]), b"j" + struct.pack("<I", index),
                                   b"g%d\n" % index])

    def value(self, depth):
        roll = self.random.random()
        if self.memo and roll < .12:
            return self.get()
        if roll < .14:
            drop = b"\x86" if self.setters else b"0"
            return self.value(depth) + b"2" + self.random.choice([drop, b"\x86"])
        if depth <= 0 or roll < .25:
            return self.random.choice(SCALARS) + self.put()
        make = self.random.choice([self.container, self.tuple, self.marked, self.call,
                                   self.call, self.old_instance, self.changed,
                                   self.persistent, self.global_changed, self.setter])
        return make(depth - 1)

    def values(self, depth):
        return [self.value(depth) for _ in range(self.random.randrange(4))]

    def container(self, depth):
        kind = self.random.choice(MAKERS)
        out = [kind, self.put()]
        for _ in range(self.random.randrange(3)):
            if kind == b"]":
                out += self.random.choice([[b"(", *self.values(depth), b"e"],
                                           [self.value(depth), b"a"]])
            elif kind == b"}":
                out += self.random.choice([[b"(", self.key(), self.value(depth), b"u"],
                                           [self.key(), self.value(depth), b"s"]])
            else:
                out += [b"(", self.key(), self.key(), b"\x90"]
        return b"".join(out)

    def key(self):
        return self.random.choice(SCALARS[:21] + [b"K\x01K\x02\x86", b"(K\x01\x91"])

    def tuple(self, depth):
        count = self.random.randrange(1, 4)
        items = b"".join(self.value(depth) for _ in range(count))
        return items + bytes([0x84 + count]) + self.put()

    def marked(self, depth):
        opcode = self.random.choice([b"t", b"l", b"\x91"])
        items = [self.key()] if opcode == b"\x91" else self.values(depth)
        return b"(" + b"".join(items) + opcode + self.put()

    def arguments(self, depth):
        return b"(" + b"".join(self.values(depth)) + b"t"

    def call(self, depth):
        opcode = self.random.choice([b"R", b"R", b"\x81", b"\x92"])
        words = b"}" + (b"\x8c\x01kK\x01s" if self.random.random() < .5 else b"")
        return (self.random.choice(CLASSES) + self.arguments(depth)
                + (words if opcode == b"\x92" else b"") + opcode + self.put())

    def old_instance(self, depth):
        items = b"".join(self.values(depth))
        if self.random.random() < .5:
            return b"(" + items + b"im\nC\n" + self.put()
        return b"(" + self.random.choice(CLASSES) + items + b"o" + self.put()

    def changed(self, depth):
        """An object to which things are done, in any order."""
        return self.call(depth) + self.changes(depth)

    def changes(self, depth):
        out = []
        for _ in range(self.random.randrange(1, 4)):
            out += self.random.choice([
                [self.value(depth), b"b"], [self.value(depth), b"a"],
                [b"(", *self.values(depth), b"e"], [self.key(), self.value(depth), b"s"],
                [b"(", self.key(), self.value(depth), self.key(), self.value(depth), b"u"],
                [b"(", self.key(), b"\x90"]])
        return b"".join(out)

    def persistent(self, depth):
        return self.value(depth) + b"Q" + self.put()

    def global_changed(self, depth):
        return self.random.choice(CLASSES) + self.changes(depth)

    def setter(self, depth):
        """An object, and a call with it whose result is dropped at once."""
        if self.memo > 250 or not self.setters:
            return b"N"
        arguments = self.arguments(depth)
        index = bytes([self.memo])
        self.memo += 1
        return (b"cm\nC\n" + arguments + b"Rq" + index + b"cm\nf\nh" + index
                + self.value(0) + b"\x86R0")

    def mutated(self, stream):
        """A few bytes changed, dropped or doubled."""
        data = bytearray(stream)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(data))
            kind = self.random.randrange(3)
            if kind == 0:
                data[at] = self.random.randrange(256)
            elif kind == 1:
                del data[at]
            else:
                data[at:at] = data[at:at + self.random.randrange(1, 9)]
            if not data:
                data = bytearray(b".")
        return bytes(data)
