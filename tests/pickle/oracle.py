# SPDX-License-Identifier: Apache-2.0
"""What CPython's C unpickler makes of a pickle, without importing or calling anything.

Every global is a recorder: it notes how it was called and what was done to the result. The
tree that is printed has the words of tree.c, so that both can be compared as texts.
"""
import array
import copyreg
import hashlib
import io
import pickle
import struct

EXTENSIONS = {code: ("extension", f"e{code}") for code in (1, 2, 255, 256, 65535, 65536)}
for code, (module, name) in EXTENSIONS.items():
    copyreg.add_extension(module, name, code)
CODES = {names: code for code, names in EXTENSIONS.items()}


class Ambiguous(Exception):
    """Two items of a set that the order cannot tell apart."""


class Log:
    """The recorders of one load, in the order in which they were made."""
    made = []    # objects
    things = []  # globals, persistent objects, buffers
    clock = 0


class Meta(type):
    """Recorders are classes themselves: whatever a stream makes may be called again."""

    def __call__(cls, *args, **kwargs):
        return record("call", cls, args, kwargs)

    def note(cls, what, *values):
        Log.clock += 1
        cls.ops.append((Log.clock, what, values))

    def append(cls, item):
        cls.note("append", item)

    def extend(cls, items):
        for item in items:
            cls.note("append", item)

    def add(cls, item):
        cls.note("add", item)

    def __setitem__(cls, key, value):
        cls.note("setitem", key, value)

    def __setstate__(cls, state):
        cls.note("build", state)


class Recorder(metaclass=Meta):
    """The base, for __new__ only."""

    def __new__(cls, *args, **kwargs):
        return record("new", cls, args, kwargs)


def record(kind, target, args, kwargs):
    Log.clock += 1
    made = type.__new__(Meta, "recorder", (Recorder,),
                        {"kind": kind, "target": target, "args": args, "kwargs": kwargs,
                         "ops": [], "when": Log.clock})
    (Log.made if kind in ("call", "new") else Log.things).append(made)
    return made


class Buffer(array.array):
    """An out-of-band buffer with its number, and what was done to it."""

    def note(self, what, *values):
        Log.clock += 1
        self.ops.append((Log.clock, what, values))

    append, extend, add = Meta.append, Meta.extend, Meta.add
    __setitem__, __setstate__ = Meta.__setitem__, Meta.__setstate__


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return record("global", (module, name), (), {})

    def persistent_load(self, pid):
        return record("persistent", pid, (), {})


def buffers():
    for number in range(1 << 20):
        buffer = Buffer("B", bytes(8))
        buffer.number, buffer.ops = number, []
        Log.things.append(buffer)
        yield buffer


def load(data, encoding="bytes"):
    """The value, the objects and the other recorders that were made."""
    Log.made, Log.things = [], []
    copyreg.clear_extension_cache()
    value = Unpickler(io.BytesIO(data), encoding=encoding, buffers=buffers()).load()
    return value, Log.made, Log.things


def is_recorder(value):
    return type(value) is Meta


def is_object(value):
    return is_recorder(value) and value.kind in ("call", "new")


# ---- lines ----

def plain(kind, data):
    if all(0x20 <= byte < 0x7f for byte in data):
        return kind + " '" + data.decode()
    return kind + " x" + data.hex()


def leaf(value):
    """The line of what has no children, or None."""
    kind = type(value)
    if value is None:
        return "none"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return f"int {'-' if value < 0 else ''}0x{abs(value):x}"
    if kind is float:
        return "float " + struct.pack(">d", value).hex()
    if kind is str:
        return plain("str", value.encode("utf-8", "surrogatepass"))
    if kind is bytes:
        return plain("bytes", value)
    if kind is bytearray:
        return plain("bytearray", value)
    if kind is Buffer:
        return f"buffer {value.number}"
    if kind is memoryview:
        if type(value.obj) is Buffer:
            return f"buffer {value.obj.number} readonly"
        return plain("bytearray", bytes(value))
    if is_recorder(value) and value.kind == "global":
        if value.target in CODES:
            return f"extension {CODES[value.target]}"
        module, name = (part.encode("utf-8", "surrogatepass") for part in value.target)
        return plain("global", module) + plain("", name)
    return None


def has_identity(value):
    """Whether CPython keeps the identity of a leaf: it has one object for short ones."""
    if type(value) is str:
        return len(value) > 1 or (len(value) == 1 and ord(value) > 0xff)
    if type(value) is bytes:
        return len(value) > 1
    return type(value) in (bytearray, memoryview) and not (
        type(value) is memoryview and type(value.obj) is Buffer)


# ---- the order of sets ----

def digest_of(data):
    return int.from_bytes(hashlib.sha1(data).digest()[:8], "big") or 1


def describe(value):
    parts = [leaf(part) or "?" for part in (value.target, *value.args)]
    return "object " + " ".join(parts)


def digest(root):
    """Of a key, through tuples and frozensets; iterative."""
    known = {}

    def get(value):
        if id(value) in known:
            return known[id(value)]
        if type(value) in (tuple, frozenset):
            return None
        line = describe(value) if is_object(value) else leaf(value) or "?"
        return digest_of(line.encode())

    waiting = [root]
    while waiting:
        value = waiting[-1]
        if get(value) is not None:
            waiting.pop()
            continue
        missing = [item for item in value if get(item) is None]
        if missing:
            waiting.extend(missing)
            continue
        items = [get(item) for item in value]
        if type(value) is frozenset:
            items.sort()
        items.insert(0, int(type(value) is frozenset))
        known[id(value)] = digest_of(struct.pack(f"<{len(items)}Q", *items))
        waiting.pop()
    return get(root)


def in_order(items):
    keyed = sorted(((digest(item), item) for item in items), key=lambda pair: pair[0])
    for (first, _), (second, _) in zip(keyed, keyed[1:]):
        if first == second:
            raise Ambiguous
    return [item for _, item in keyed]


# ---- trees ----

class Word(str):
    """A line of its own, not a value."""


def object_parts(value):
    """What stands below an object, in order."""
    yield value.target
    yield Word("args")
    yield from value.args
    for key, item in value.kwargs.items():
        yield Word("keyword")
        yield key
        yield item
    yield from op_parts(value.ops)
    yield Word("end")


def op_parts(ops):
    for _, what, values in sorted(ops, key=lambda op: op[0]):
        yield Word(what)
        yield from values


def parts(value):
    """The first line of a container or object, and what stands below it."""
    kind = type(value)
    if kind in (list, tuple):
        return f"{kind.__name__} {len(value)}", list(value)
    if kind is dict:
        return f"dict {len(value)}", [part for item in value.items() for part in item]
    if kind in (set, frozenset):
        return f"{kind.__name__} {len(value)}", in_order(value)
    return value.kind, list(object_parts(value))


class Printer:
    def __init__(self):
        self.seen = {}    # id -> number
        self.reached = {}  # id -> object, over all texts

    def text(self, *values):
        """Lines of values by themselves."""
        self.seen = {}
        self.lines = []
        todo = list(reversed(values))
        while todo:
            self.print_one(todo.pop(), todo)
        return "".join(f"{line}\n" for line in self.lines)

    def met(self, value):
        number = self.seen.get(id(value))
        if number:
            self.lines.append(f"ref #{number}")
            return True
        self.seen[id(value)] = len(self.seen) + 1
        self.reached[id(value)] = value
        return False

    def print_one(self, value, todo):
        if type(value) is Word:
            self.lines.append(value)
        elif value == () and type(value) is tuple:
            self.lines.append("tuple 0")
        elif has_identity(value):
            if not self.met(value):
                self.lines.append(f"{leaf(value)} #{len(self.seen)}")
        elif (line := leaf(value)) is not None:
            self.reached[id(value)] = value
            self.lines.append(line)
        elif is_recorder(value) and value.kind == "persistent":
            self.reached[id(value)] = value
            self.lines.append("persistent")
            todo.append(value.target)
        elif not self.met(value):
            number = len(self.seen)
            line, below = parts(value)
            self.lines.append(f"{line} #{number}")
            todo.extend(reversed(below))


def lost(made, printer, later):
    """What is no part of what was printed, the outermost first; what is in `later` last."""
    for passed in (later, ()):
        for value in reversed(made):
            if id(value) not in printer.reached and id(value) not in passed:
                yield value
                printer.text(value)


def is_setter(value):
    """setter(object, state): when its result is in nobody's hands, a part of the object."""
    return (value.kind == "call" and not value.ops and not value.kwargs
            and len(value.args) == 2 and is_object(value.args[0]))


def thing_effects(things, printer):
    """What was done to what is no object: to globals, persistent objects and buffers."""
    return [printer.text(thing, Word(what), *values)
            for thing in things for _, what, values in thing.ops]


def attach_setters(value, made, things):
    """What is left; and what is held by the objects that have a setter now."""
    printer, below = Printer(), Printer()
    printer.text(value)
    thing_effects(things, printer)
    setters = [other for other in lost(made, printer, ()) if is_setter(other)]
    for setter in setters:
        target, state = setter.args
        target.ops.append((setter.when, "setter", (setter.target, state)))
    targets = {id(setter.args[0]) for setter in setters}
    for setter in setters:
        below.text(setter.args[0])
    return ([other for other in made if other not in setters],
            {key for key in below.reached if key not in targets})


def tree(data, encoding="bytes"):
    """As tree_print() of tree.c."""
    value, made, things = load(data, encoding)
    made, later = attach_setters(value, made, things)
    printer = Printer()
    root = printer.text(value)
    effects = thing_effects(things, printer)
    effects.extend([printer.text(other) for other in lost(made, printer, later)])
    return root + "".join(f"effect\n{text}" for text in sorted(effects))
