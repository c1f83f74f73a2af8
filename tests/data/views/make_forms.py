#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes forms.txt: pickles of well-known classes as CPython spells them in each protocol, with
the view and the JSON that is expected. One line a form: name, protocol, view, JSON, pickle in
hex. Run with Python 3.11; lines that need Python 2 are made when python2.7 is on the path."""
import array as arrays, collections, datetime as dt, decimal, enum, fractions, pathlib, pickle
import shutil, subprocess, sys, types, uuid, zoneinfo

Point = collections.namedtuple("Point", "x y")
Color = enum.Enum("Color", [("RED", 1), ("BLUE", "b")])

UTC = dt.timezone.utc
CASES = [
    ("bytes", b"ab\xff\x00", "bytes", '{"$bytes":"YWL/AA=="}', (0, 1, 2)),
    ("bytes_empty", b"", "bytes", '{"$bytes":""}', (0, 1, 2)),
    ("bytearray", bytearray(b"ab\xff"), "bytes", '{"$bytearray":"YWL/"}', (0, 1, 2, 3, 4)),
    ("bytearray_empty", bytearray(), "bytes", '{"$bytearray":""}', (0, 2, 3, 4)),
    ("set", {1}, "set", '{"$set":[1]}', (0, 2, 3)),
    ("frozenset", frozenset(["a"]), "set", '{"$frozenset":["a"]}', (0, 2, 3)),
    ("complex", 1 - 2j, "complex", '{"$complex":[1.0,-2.0]}', (0, 2, 4)),
    ("complex_nan", complex(float("inf"), -0.0), "complex",
     '{"$complex":[{"$float":"inf"},-0.0]}', (2, 4)),
    ("range", range(1, 10, 2), "range", '{"$range":[1,10,2]}', (0, 2, 4)),
    ("slice", slice(1, None, "x"), "slice", '{"$slice":[1,null,"x"]}', (0, 2, 4)),
    ("ordered_dict", collections.OrderedDict([("b", 1), (2, "a")]), "ordered_dict",
     '{"$ordered_dict":[["b",1],[2,"a"]]}', (0, 2, 4)),
    ("default_dict", collections.defaultdict(list, {"a": [1]}), "default_dict",
     '{"$defaultdict":{"factory":{"$global":["builtins","list"]},"items":[["a",[1]]]}}',
     (0, 2, 4)),
    ("default_dict_none", collections.defaultdict(None, {"a": 1}), "default_dict",
     '{"$defaultdict":{"factory":null,"items":[["a",1]]}}', (2, 4)),
    ("deque", collections.deque([1, 2], maxlen=5), "deque",
     '{"$deque":{"maxlen":5,"items":[1,2]}}', (0, 2, 4)),
    ("deque_open", collections.deque([1]), "deque", '{"$deque":{"maxlen":null,"items":[1]}}',
     (0, 2, 4)),
    ("deque_empty", collections.deque(), "deque", '{"$deque":{"maxlen":null,"items":[]}}',
     (2, 4)),
    ("counter", collections.Counter("aab"), "counter", '{"$counter":[["a",2],["b",1]]}',
     (0, 2, 4)),
    ("date", dt.date(2024, 2, 29), "date", '{"$date":"2024-02-29"}', (0, 1, 2, 3, 4)),
    ("date_first", dt.date(1, 1, 1), "date", '{"$date":"0001-01-01"}', (2, 4)),
    ("time", dt.time(1, 2, 3, 4), "time", '{"$time":"01:02:03.000004"}', (0, 2, 4)),
    ("time_zone", dt.time(1, 2, 3, tzinfo=UTC), "time", '{"$time":"01:02:03+00:00"}', (2, 4)),
    ("datetime", dt.datetime(2024, 2, 29, 1, 2, 3, 456789), "datetime",
     '{"$datetime":"2024-02-29T01:02:03.456789"}', (0, 1, 2, 3, 4)),
    ("datetime_zone", dt.datetime(2024, 2, 29, tzinfo=dt.timezone(dt.timedelta(hours=-1, seconds=-5))),
     "datetime", '{"$datetime":"2024-02-29T00:00:00-01:00:05"}', (0, 2, 4)),
    ("timedelta", dt.timedelta(-1, 2, 3), "timedelta", '{"$timedelta":[-1,2,3]}', (0, 2, 4)),
    ("timezone", dt.timezone(dt.timedelta(hours=1, minutes=30)), "timezone",
     '{"$timezone":"+01:30"}', (0, 2, 4)),
    ("decimal", decimal.Decimal("-1.50E+3"), "decimal", '{"$decimal":"-1.50E+3"}', (0, 2, 4)),
    ("decimal_snan", decimal.Decimal("-sNaN12"), "decimal", '{"$decimal":"-sNaN12"}', (2, 4)),
    ("fraction", fractions.Fraction(-1, 3), "fraction", '{"$fraction":"-1/3"}', (0, 2, 4)),
    ("uuid", uuid.UUID(int=0xf2345678123456781234567812345678), "uuid",
     '{"$uuid":"f2345678-1234-5678-1234-567812345678"}', (0, 1, 2, 3, 4)),
    ("path", pathlib.PosixPath("/a/b"), "path", '{"$path":"/a/b"}', (0, 2, 4)),
    ("exception", ValueError("x", 1), "exception",
     '{"$object":{"callable":{"$global":["builtins","ValueError"]},"args":["x",1]}}', (0, 2, 4)),
]
# what is no view, or says more than its text does
OBJECTS = [
    ("time_fold", dt.time(1, 2, 3, fold=1), "time"),
    ("datetime_fold", dt.datetime(2024, 2, 29, 1, 2, 3, fold=1), "datetime"),
    ("timezone_name", dt.timezone(dt.timedelta(hours=1), "X"), "timezone"),
    ("uuid_safe", uuid.UUID(int=7, is_safe=uuid.SafeUUID.safe), "uuid"),
    ("pure_path", pathlib.PureWindowsPath("a", "b"), "path"),
    ("os_error", OSError(2, "nope", "f"), "exception"),
    ("namespace", types.SimpleNamespace(a=1), "none"),
    ("array", arrays.array("i", [1, -2]), "array"),
    ("array_float", arrays.array("f", [1.5]), "array"),
    ("array_large", arrays.array("Q", [2**64 - 1]), "array"),
    ("array_none", arrays.array("d"), "array"),
    ("zone_info", zoneinfo.ZoneInfo("Europe/Berlin"), "zone"),
    ("namedtuple", Point(1, 2), "namedtuple"),
    ("enum", Color.RED, "enum"),
    ("enum_text", Color.BLUE, "enum"),
]


class Call:
    """Pickles as function(*args) with a state, of a module that need not be there."""

    def __init__(self, name, args, state=None):
        module, function = name.rsplit(".", 1)
        parts = module.split(".")
        for i in range(len(parts)):
            sys.modules.setdefault(".".join(parts[: i + 1]), types.ModuleType(parts[i]))
        made = getattr(sys.modules[module], function, None)
        if made is None:
            made = types.FunctionType((lambda: 0).__code__, {}, function)
            made.__module__, made.__qualname__ = module, function
            setattr(sys.modules[module], function, made)
        self.form = (made, tuple(args)) + ((state,) if state is not None else ())

    def __reduce__(self):
        return self.form


def name_of(name):
    return Call(name, ()).form[0]


def dtype(code, *state):
    return Call("numpy.dtype", (code, False, True), tuple(state))


def simple(code, order="<"):
    return dtype(code, 3, order, None, None, None, -1, -1, 0)


def array(module, shape, kind, fortran, data, cls="numpy.ndarray"):
    return Call(module + "._reconstruct", (name_of(cls), (0,), b"b"),
                (1, shape, kind, fortran, data))


ONE, TWO = "numpy.core.multiarray", "numpy._core.multiarray"
I4, F8 = simple("i4"), simple("f8")
O8 = dtype("O8", 3, "|", None, None, None, -1, -1, 63)
PAIR = dtype("V8", 3, "|", None, ("a", "b"), {"a": (simple("i2"), 0), "b": (I4, 4)}, 8, 1, 16)
SUB = dtype("V8", 3, "|", (I4, (2,)), None, None, 8, 4, 0)
NUMPY = [
    ("array_numpy1", array(ONE, (2,), I4, False, b"\1\0\0\0\2\0\0\0"), "ndarray",
     '{"$ndarray":{"dtype":"<i4","shape":[2],"data":"AQAAAAIAAAA="}}', (0, 1, 2, 3, 4, 5)),
    ("array_numpy2", array(TWO, (2,), I4, False, b"\1\0\0\0\2\0\0\0"), "ndarray",
     '{"$ndarray":{"dtype":"<i4","shape":[2],"data":"AQAAAAIAAAA="}}', (0, 2, 4)),
    ("array_umath", array("numpy.core._multiarray_umath", (), I4, False, b"\1\0\0\0"), "ndarray",
     '{"$ndarray":{"dtype":"<i4","shape":[],"data":"AQAAAA=="}}', (2,)),
    ("array_version0", Call(ONE + "._reconstruct", (name_of("numpy.ndarray"), (0,), b"b"),
                            ((1,), I4, 0, b"\1\0\0\0")), "ndarray",
     '{"$ndarray":{"dtype":"<i4","shape":[1],"data":"AQAAAA=="}}', (2,)),
    ("array_fortran", array(ONE, (2, 2), I4, True, bytes(range(16))), "ndarray",
     '{"$ndarray":{"dtype":"<i4","shape":[2,2],"order":"F","data":"AAECAwQFBgcICQoLDA0ODw=="}}',
     (2, 4)),
    ("array_big", array(ONE, (1,), simple("i4", ">"), False, b"\0\0\0\1"), "ndarray",
     '{"$ndarray":{"dtype":">i4","shape":[1],"data":"AAAAAQ=="}}', (4,)),
    ("array_bool", array(ONE, (1,), simple("b1", "|"), False, b"\1"), "ndarray",
     '{"$ndarray":{"dtype":"|b1","shape":[1],"data":"AQ=="}}', (4,)),
    ("array_empty", array(ONE, (0, 3), F8, False, b""), "ndarray",
     '{"$ndarray":{"dtype":"<f8","shape":[0,3],"data":""}}', (0, 2, 4)),
    ("array_text", array(ONE, (1,), dtype("U2", 3, "<", None, None, None, 8, 4, 8), False,
                         b"a\0\0\0\0\0\0\0"), "ndarray",
     '{"$ndarray":{"dtype":"<U2","shape":[1],"data":"YQAAAAAAAAA="}}', (4,)),
    ("array_dates", array(ONE, (1,), dtype("M8", 4, "<", None, None, None, -1, -1, 0,
                                           ({}, (b"us", 25, 1, 1))), False, bytes(8)), "ndarray",
     '{"$ndarray":{"dtype":"<M8[25us]","shape":[1],"data":"AAAAAAAAAAA="}}', (2, 4)),
    ("array_struct", array(ONE, (1,), PAIR, False, bytes(range(8))), "ndarray",
     '{"$ndarray":{"dtype":"[(\'a\', \'<i2\'), (\'\', \'|V2\'), (\'b\', \'<i4\')]",'
     '"shape":[1],"data":"AAECAwQFBgc="}}', (4,)),
    ("buffer_c", Call("numpy.core.numeric._frombuffer", (bytearray(b"\1\0\0\0"), I4, (1,), "C")),
     "ndarray", '{"$ndarray":{"dtype":"<i4","shape":[1],"data":"AQAAAA=="}}', (5,)),
    ("buffer_f", Call("numpy._core.numeric._frombuffer", (bytes(16), I4, (2, 2), "F")),
     "ndarray", '{"$ndarray":{"dtype":"<i4","shape":[2,2],"order":"F","data":"AAAAAAAAAAAAAAAAAAAAAA=="}}',
     (5,)),
    ("scalar", Call(ONE + ".scalar", (F8, b"\0\0\0\0\0\0\xf8?")), "scalar",
     '{"$scalar":{"dtype":"<f8","data":"AAAAAAAA+D8="}}', (0, 2, 4)),
    ("scalar_umath", Call("numpy.core._multiarray_umath.scalar", (I4, bytes(4))), "scalar",
     '{"$scalar":{"dtype":"<i4","data":"AAAAAA=="}}', (2, 4)),
    ("array_umath2", array("numpy._core._multiarray_umath", (1,), I4, False, bytes(4)), "ndarray",
     '{"$ndarray":{"dtype":"<i4","shape":[1],"data":"AAAAAA=="}}', (2, 4)),
    ("dtype", F8, "dtype", '{"$dtype":"<f8"}', (0, 2, 4)),
]
NUMPY_OBJECTS = [
    ("buffer_k", Call("numpy._core.numeric._frombuffer",
                      (bytes(8), I4, (2, 1), "K", (1, 0))), "ndarray"),
    ("buffer_k_axes", Call("numpy._core.numeric._frombuffer",
                           (bytes(8), I4, (2, 1), "K", (0, 0))), "none"),
    ("array_short", array(ONE, (3,), I4, False, bytes(8)), "none"),
    ("array_long", array(ONE, (1,), I4, False, bytes(8)), "none"),
    ("array_huge", array(ONE, (1 << 40, 1 << 40), I4, False, b""), "none"),
    ("array_negative", array(ONE, (-1,), I4, False, b""), "none"),
    ("array_axes", array(ONE, (1,) * 33, I4, False, bytes(4)), "none"),
    ("array_objects", array(ONE, (1,), O8, False, [None]), "object_array"),
    ("array_objects_f", array(TWO, (2, 1), O8, True, ["a", 1]), "object_array"),
    ("array_objects_few", array(ONE, (3,), O8, False, [None]), "none"),
    ("array_objects_huge", array(ONE, (1 << 40, 1 << 40), O8, False, []), "none"),
    ("array_objects_bytes", array(ONE, (1,), O8, False, b"a"), "none"),
    ("array_strings", array(TWO, (1,), Call("numpy._core._internal._convert_to_stringdtype_kwargs",
                                            (True,)), False, ["a"]), "none"),
    ("dtype_0", Call("numpy.dtype", ("i4", 0, 1), ("<", None, None, 4, 4)), "dtype"),
    ("dtype_0_fields", Call("numpy.dtype", ("V4", 0, 1),
                            ("|", None, {"a": (I4, 0), -1: ["a"]}, 4, 1)), "dtype"),
    ("dtype_1", dtype("i4", 1, "<", None, None, -1, -1), "dtype"),
    ("dtype_1_fields", dtype("V4", 1, "|", None, {"a": (I4, 0), -1: ["a"]}, 4, 1), "dtype"),
    ("dtype_1_names", dtype("V4", 1, "|", None, {"a": (I4, 0)}, 4, 1), "none"),
    ("dtype_2", dtype("i4", 2, "<", None, None, None, -1, -1), "dtype"),
    ("dtype_5", dtype("i4", 5, "<", None, None, None, -1, -1, 0, None), "none"),
    ("dtype_not_3", dtype("i4", 4, "<", None, None, None, -1, -1, 0), "none"),
    ("buffer_k_few", Call("numpy._core.numeric._frombuffer",
                          (bytes(8), I4, (2, 1), "K", (0,))), "none"),
    ("buffer_k_none", Call("numpy._core.numeric._frombuffer",
                           (bytes(8), I4, (2, 1), "K", None)), "none"),
    ("machine_utf16", Call("array._array_reconstructor",
                           (arrays.array, "u", 18, bytes(4))), "none"),
    ("machine_short", Call("array._array_reconstructor",
                           (arrays.array, "i", 8, bytes(5))), "none"),
    ("machine_format", Call("array._array_reconstructor",
                            (arrays.array, "i", 22, bytes(4))), "none"),
    ("machine_type", Call("array._array_reconstructor",
                          (arrays.array, "x", 8, bytes(4))), "none"),
    ("machine_class", Call("array._array_reconstructor", (int, "i", 8, bytes(4))), "none"),
    ("numbers_past", Call("array.array", ("b", [128])), "none"),
    ("numbers_mixed", Call("array.array", ("d", [1.0, "a"])), "none"),
    ("numbers_text", Call("array.array", ("u", ["a"])), "none"),
    ("pytz_utc", Call("pytz._UTC", ()), "zone"),
    ("pytz_name", Call("pytz._p", ("Europe/Berlin",)), "zone"),
    ("pytz_state", Call("pytz._p", ("Europe/Berlin", 3600, 0, "CET")), "zone"),
    ("pytz_fixed", Call("pytz.FixedOffset", (-90,)), "zone"),
    ("pytz_far", Call("pytz._p", ("X", 86400, 0, "X")), "none"),
    ("enum_name", Call("builtins.getattr", (Color, "RED")), "enum"),
    ("enum_status", Call("http.HTTPStatus", (200,)), "enum"),
    ("attribute", Call("builtins.getattr", (Color, "Inner")), "none"),
    ("address", Call("ipaddress.IPv4Address", (1,)), "none"),
    ("function_call", Call("acme.make", (1,)), "none"),
    ("cloudpickle", Call("cloudpickle.cloudpickle._builtin_type", ("CodeType",)), "none"),
    ("cloudpickle_class", Call("cloudpickle.cloudpickle.Maker", (1,)), "none"),
    ("array_matrix", array(ONE, (1, 1), I4, False, bytes(4), "numpy.matrix"), "ndarray"),
    ("array_stranger", array(ONE, (1, 1), I4, False, bytes(4), "acme.Array"), "none"),
    ("array_meta", array(ONE, (1,), dtype("f8", 4, "<", None, None, None, -1, -1, 0,
                                          ({"a": 1}, None)), False, bytes(8)), "ndarray"),
    ("array_past", array(ONE, (1,), dtype("V4", 3, "|", None, ("a",), {"a": (I4, 1)}, 4, 1, 16),
                         False, bytes(4)), "none"),
    ("array_overlap", array(ONE, (1,), dtype("V4", 3, "|", None, ("a", "b"),
                                             {"a": (I4, 0), "b": (I4, 0)}, 4, 1, 16),
                            False, bytes(4)), "none"),
    ("array_aligned", array(ONE, (1,), dtype("V4", 3, "|", None, ("a",), {"a": (I4, 0)}, 4, 4,
                                             0x90), False, bytes(4)), "ndarray"),
    ("dtype_sub", SUB, "dtype"),
    ("dtype_struct", PAIR, "dtype"),
    ("dtype_name", dtype("f3", 3, "<", None, None, None, -1, -1, 0), "none"),
    ("dtype_order", dtype("f8", 3, "|", None, None, None, -1, -1, 0), "none"),
    ("dtype_size", dtype("U2", 3, "<", None, None, None, 12, 4, 8), "none"),
    ("scalar_short", Call(ONE + ".scalar", (F8, bytes(7))), "none"),
    ("bytearray_size", Call("builtins.bytearray", (1 << 31,)), "none"),
    ("date_bad", Call("datetime.date", (b"\x07\xe7\x02\x1d",)), "none"),
    ("date_long", Call("datetime.date", (b"\x07\xe7\x02\x1c\0",)), "none"),
    ("datetime_bad", Call("datetime.datetime", (b"\x07\xe8\x01\x02\x18\0\0\0\0\0",)), "none"),
    ("time_bad", Call("datetime.time", (b"\1\2\3\x0f\xff\xff",)), "none"),
    ("timedelta_bad", Call("datetime.timedelta", (0, 86400, 0)), "none"),
    ("timezone_bad", Call("datetime.timezone", (dt.timedelta(1),)), "none"),
    ("decimal_bad", Call("decimal.Decimal", ("1e",)), "none"),
    ("fraction_zero", Call("fractions.Fraction", (1, 0)), "none"),
    ("fraction_negative", Call("fractions.Fraction", (1, -2)), "none"),
    ("range_zero", Call("builtins.range", (1, 2, 0)), "none"),
    ("encode_wide", Call("_codecs.encode", ("\u0100", "latin1")), "none"),
    ("encode_other", Call("_codecs.encode", ("a", "rot13")), "none"),
]
OLD_FRACTION = ("fraction_old", Call("fractions.Fraction", ("1/3",)), "fraction",
                '{"$fraction":"1/3"}', (2, 4))
NEW_PATH = ("path_new", Call("pathlib._local.PosixPath", ("/a/b",)), "path", '{"$path":"/a/b"}',
            (4,))

PYTHON2 = r"""
import collections, datetime, decimal, pickle, cPickle, sys
cases = [
    ("py2_bytearray", bytearray(b"ab\xff"), "bytes", '{"$bytearray":"YWL/"}'),
    ("py2_set", set([1]), "set", '{"$set":[1]}'),
    ("py2_range", xrange(1, 9, 2), "range", '{"$range":[1,9,2]}'),
    ("py2_ordered_dict", collections.OrderedDict([("b", 1)]), "ordered_dict", "*"),
    ("py2_date", datetime.date(2024, 2, 29), "date", '{"$date":"2024-02-29"}'),
    ("py2_datetime", datetime.datetime(2024, 2, 29, 1, 2, 3), "datetime",
     '{"$datetime":"2024-02-29T01:02:03"}'),
    ("py2_timedelta", datetime.timedelta(1, 2, 3), "timedelta", '{"$timedelta":[1,2,3]}'),
    ("py2_decimal", decimal.Decimal("1.5"), "decimal", '{"$decimal":"1.5"}'),
    ("py2_deque", collections.deque([1], 3), "deque", '{"$deque":{"maxlen":3,"items":[1]}}'),
    ("py2_complex", 1 + 2j, "complex", '{"$complex":[1.0,2.0]}'),
    ("py2_exception", ValueError("x"), "exception", "*"),
]
for name, value, view, json in cases:
    for module, mark in ((pickle, ""), (cPickle, "_c")):
        for protocol in (0, 1, 2):
            data = module.dumps(value, protocol)
            if protocol == 0 and name in ("py2_date", "py2_datetime"):
                pass
            print("%s%s\t%d\t%s\t%s\t%s" % (name, mark, protocol, view, json, data.encode("hex")))
"""


def lines():
    for name, value, view, json, protocols in CASES + NUMPY + [OLD_FRACTION, NEW_PATH]:
        for p in protocols:
            yield f"{name}\t{p}\t{view}\t{json}\t{pickle.dumps(value, p).hex()}"
    for name, value, view in OBJECTS + NUMPY_OBJECTS:
        for p in (4,) if name.endswith("_fold") else (2, 4):
            yield f"{name}\t{p}\t{view}\t*\t{pickle.dumps(value, p).hex()}"


FORMS = __file__.rsplit("/", 1)[0] + "/forms.txt"
out = list(lines())
old = subprocess.run(["python2.7", "-c", ""], capture_output=True) if shutil.which("python2.7") else None
if not old or old.returncode:  # its lines stay as they are
    out += [line for line in open(FORMS).read().splitlines() if line.startswith("py2_")]
else:
    out += subprocess.run(["python2.7", "-c", PYTHON2], check=True, capture_output=True,
                          text=True).stdout.splitlines()
with open(FORMS, "w") as f:
    f.write("# name, protocol, view, JSON (* = an object, not looked at), pickle; made by "
            "make_forms.py\n" + "\n".join(out) + "\n")
