# SPDX-License-Identifier: Apache-2.0
"""Arrays as zarr: what ff writes zarr-python reads, and the reverse, in formats 2 and 3."""
import glob
import hashlib
import io
import itertools
import json
import os
import pickle
import shutil
import uuid
import warnings

import dask.array
import numcodecs
import numcodecs.zarr3
import numpy
import zarr
from zarr.codecs import (BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec,
                         TransposeCodec, ZstdCodec)

from dtypes import KNOWN_TO_BOTH, OURS
from harness import case, end, ff, same, scratch

warnings.simplefilter("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "data", "golden")
DATA = os.path.join(HERE, "..", "data", "zarr")
ARRAYS = {**KNOWN_TO_BOTH, **OURS}
plain = numpy.arange(23 * 37, dtype="<i4").reshape(23, 37)


class Pickler(pickle.Pickler):
    """An id instead of each array."""

    def __init__(self, file, name):
        super().__init__(file)
        self.name = name

    def persistent_id(self, value):
        if type(value) is dask.array.Array:
            return "HDFSerializer", ("0.0.0", self.name)
        return None


def group_of(store):
    return os.path.join(store, "run", "bigdata", "dask_arrays")


def new_task(store, task):
    """A task that names a zarr array; where that array shall be."""
    name = str(uuid.uuid4())
    os.makedirs(group_of(store), exist_ok=True)
    stream = io.BytesIO()
    Pickler(stream, name).dump(dask.array.zeros(1))
    data = stream.getvalue()
    with open(os.path.join(store, "run", task), "wb") as file:
        file.write(data + hashlib.sha1(data).digest())
    return os.path.join(group_of(store), name)


def get(store, address):
    path = os.path.join(store, "out.npy")
    ff(store, "get", address, "-o", path)
    return numpy.load(path)


def put(store, task, array, chunks, **options):
    path = os.path.join(store, "in.npy")
    numpy.save(path, array)
    config = {"plugins": {"options": {"HDFSerializer": {"zarr": options}}}}
    with open(os.path.join(store, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    os.environ["FF_CONFIG"] = file.name
    layout = ("--chunks", ",".join(map(str, chunks))) if chunks else ()
    ff(store, "put", f"run/{task}", path, *layout)
    del os.environ["FF_CONFIG"]


def written(store, **more):
    (path,) = glob.glob(os.path.join(group_of(store), "*-*"))
    return zarr.open_array(path, mode="r", **more)


def check_same(a, b):
    assert same(a, b), f"{numpy.asarray(a)!r} is not {numpy.asarray(b)!r}"


def native(array):
    """Format 3 has no byte order of its own: zarr-python keeps and gives the machine's."""
    array = numpy.asarray(array)
    return array if array.dtype.fields else array.astype(array.dtype.newbyteorder("="))


shared = None  # one store for many tasks: they are verified together at the end


def python_writes(name, array, chunks, **more):
    with case(f"{name}: zarr-python writes, ff reads"):
        task = str(len(os.listdir(group_of(shared))))
        z = zarr.create_array(new_task(shared, task), shape=array.shape, dtype=array.dtype,
                              chunks=chunks, **more)
        z[...] = array
        form = native if z.metadata.zarr_format == 3 else numpy.asarray
        check_same(form(get(shared, f"run/{task}")), form(array))


def python_wrote():
    """All of them once more: regions, and every chunk."""
    with case("all that zarr-python wrote verifies"):
        ff(shared, "verify", "run", "--deep")
    for form, shards in ((2, None), (3, None), (3, (10, 16))):
        with case(f"regions, format {form}, shards {shards}"):
            z = zarr.create_array(new_task(shared, f"region{form}{shards is None}"),
                                  shape=plain.shape, chunks=(5, 8), shards=shards,
                                  dtype="<i4", zarr_format=form)
            z[...] = plain
            for text in ("1:20:3,-4:", "3", "...,7", "22:,::9", "5:5"):
                check_same(get(shared, f"run/region{form}{shards is None}#[{text}]"),
                           eval(f"plain[{text}]"))


def dtypes():
    for (name, (array, chunks)), form in itertools.product(ARRAYS.items(), (2, 3)):
        # zarr-python 3.1 has no default for a struct with arrays in it
        nested = array.dtype.fields and any(d.shape for d, *_ in array.dtype.fields.values())
        if array.dtype.kind != "V" or not nested:
            python_writes(f"{name}, format {form}", array, chunks, zarr_format=form)
        if form == 3 and nested:
            continue
        with case(f"{name}, format {form}: ff writes, zarr-python reads"), scratch() as store:
            put(store, "a", array, chunks, format=form)
            check_same(get(store, "run/a"), array)
            if array.dtype.kind == "V" and nested:
                continue  # ff has it; zarr-python 3.1 cannot open it
            got = written(store)[...]
            check_same(got if form == 2 else native(got), array if form == 2 else native(array))


V2_CODECS = {
    "raw": None,
    **{f"blosc {c} {s}": numcodecs.Blosc(c, 5, s) for c in
       ("lz4", "lz4hc", "zstd", "zlib", "blosclz") for s in (0, 1, 2)},
    "zstd": numcodecs.Zstd(3), "zstd checksum": numcodecs.Zstd(1, checksum=True),
    "lz4": numcodecs.LZ4(), "gzip": numcodecs.GZip(1),
    "zlib": numcodecs.Zlib(1), "bz2": numcodecs.BZ2(1), "lzma": numcodecs.LZMA(preset=1),
    "lzma alone": numcodecs.LZMA(format=2, preset=1),
}
V2_FILTERS = {
    "delta": [numcodecs.Delta("<i4")], "delta astype": [numcodecs.Delta("<i4", "<i2")],
    "delta big": [numcodecs.Delta("<i4", ">i8")],
    "shuffle": [numcodecs.Shuffle(4)], "crc32": [numcodecs.CRC32()],
    "fletcher32": [numcodecs.Fletcher32()],
    "crc32c": [numcodecs.checksum32.CRC32C()],
    "three": [numcodecs.Delta("<i4"), numcodecs.Shuffle(4), numcodecs.CRC32()],
}


def codecs2():
    for name, codec in V2_CODECS.items():
        for order in "CF":
            python_writes(f"2 {name} {order}", plain, (10, 16), zarr_format=2,
                          compressors=codec, order=order)
    for name, filters in V2_FILTERS.items():
        python_writes(f"2 filter {name}", plain, (10, 16), zarr_format=2, filters=filters,
                      compressors=numcodecs.Zstd())
        python_writes(f"2 filter {name}, raw", plain, (10, 16), zarr_format=2,
                      filters=filters, compressors=None)
    noise = numpy.random.default_rng(1).random((64, 64))
    python_writes("2 noise", noise, (64, 64), zarr_format=2, compressors=numcodecs.Blosc())
    floats = noise.astype("<f4")
    with case("2 delta of floats"), scratch() as store:
        z = zarr.create_array(new_task(store, "a"), shape=floats.shape, dtype="<f4",
                              chunks=(8, 64), zarr_format=2, filters=[numcodecs.Delta("<f4")],
                              compressors=None)
        z[...] = floats
        check_same(get(store, "run/a"), z[...])
    for separator in "./":
        python_writes(f"2 separator {separator}", plain, (10, 16), zarr_format=2,
                      chunk_key_encoding={"name": "v2", "separator": separator})


def codecs3():
    bare = {
        "raw": None, "zstd": ZstdCodec(level=3, checksum=True), "gzip": GzipCodec(level=1),
        **{f"blosc {s}": BloscCodec(cname="zstd", shuffle=s, typesize=4) for s in
           ("noshuffle", "shuffle", "bitshuffle")},
        "zstd + crc32c": [ZstdCodec(), Crc32cCodec()], "crc32c": [Crc32cCodec()],
        "lz4": numcodecs.zarr3.LZ4(), "zlib": numcodecs.zarr3.Zlib(), "bz2":
        numcodecs.zarr3.BZ2(), "lzma": numcodecs.zarr3.LZMA(),
        "shuffle": [numcodecs.zarr3.Shuffle(elementsize=4), ZstdCodec()],
        "fletcher32": numcodecs.zarr3.Fletcher32(), "crc32": numcodecs.zarr3.CRC32(),
    }
    for name, codec in bare.items():
        python_writes(f"3 {name}", plain, (10, 16), zarr_format=3, compressors=codec)
        python_writes(f"3 {name}, in shards", plain, (5, 8), shards=(10, 16), zarr_format=3,
                      compressors=codec)
    python_writes("3 delta", plain, (10, 16), zarr_format=3, compressors=ZstdCodec(),
                  filters=numcodecs.zarr3.Delta(dtype="<i4", astype="<i4"))
    python_writes("3 transpose", plain, (10, 16), filters=TransposeCodec(order=(1, 0)))
    cube = numpy.arange(5 * 6 * 7, dtype=">u2").reshape(5, 6, 7)
    python_writes("3 transpose of three, big-endian", cube.astype("<u2"), (2, 3, 4),
                  filters=TransposeCodec(order=(2, 0, 1)),
                  serializer=BytesCodec(endian="big"))
    for name, separator in itertools.product(("default", "v2"), "./"):
        python_writes(f"3 keys {name} {separator}", plain, (10, 16), zarr_format=3,
                      chunk_key_encoding={"name": name, "separator": separator})
    for place in ("start", "end"):
        with case(f"3 shard index at {place}, zstd around"), scratch() as store:
            z = zarr.create(store=new_task(store, "a"), shape=(64, 64), dtype="<i4",
                            chunks=(32, 64), zarr_format=3, codecs=[
                                ShardingCodec(chunk_shape=(8, 16), index_location=place,
                                              codecs=[BytesCodec(), BloscCodec()])])
            data = numpy.arange(64 * 64, dtype="<i4").reshape(64, 64)
            z[:40] = data[:40]  # a part of one shard stays empty
            check_same(get(store, "run/a"), z[...])
            check_same(get(store, "run/a#[7:9, 15:18]"), z[7:9, 15:18])
    with case("3 large shards, few chunks wanted"), scratch() as store:
        z = zarr.create_array(new_task(store, "a"), shape=(1024, 1024), dtype="<f4",
                              chunks=(64, 64), shards=(512, 512), compressors=ZstdCodec())
        z[...] = data = numpy.random.default_rng(1).random((1024, 1024), dtype="<f4")
        check_same(get(store, "run/a#[100:140:3, 500:600]"), data[100:140:3, 500:600])
        check_same(get(store, "run/a"), data)


def texts():
    words = numpy.array(["", "a", "äöü€", "\U0001f600 long enough to be the longest"])
    with case("3 string"), scratch() as store:
        z = zarr.create_array(new_task(store, "a"), shape=(6,), dtype=str, chunks=(4,))
        z[:4] = words.astype(object)
        check_same(get(store, "run/a"), numpy.append(words, ["", ""]))
    with case("2 vlen-utf8"), scratch() as store:
        z = zarr.create_array(new_task(store, "a"), shape=(4,), dtype=str, chunks=(3,),
                              zarr_format=2)
        z[:] = words.astype(object)
        check_same(get(store, "run/a"), words)
    with case("2 vlen-bytes"), scratch() as store:
        z = zarr.create_array(new_task(store, "a"), shape=(3,), chunks=(2,), zarr_format=2,
                              dtype=zarr.dtype.VariableLengthBytes())
        z[:] = numpy.array([b"", b"ab", b"abc"], object)
        check_same(get(store, "run/a"), numpy.array([b"", b"ab", b"abc"]))


def fills():
    values = [("<f4", "NaN"), ("<f8", "Infinity"), ("<f8", -0.5), ("<f2", 1.5), ("|b1", True),
              ("<i8", -7), ("<u8", 2**64 - 1), ("<c16", 1 + 2j), ("<M8[s]", "NaT"),
              (">i4", 258), ("<U3", "äb"), ("|S3", b"xyz"), ("<M8[s]", "2024-01-01")]
    for (dtype, value), form in itertools.product(values, (2, 3)):
        with case(f"fill {value!r} of {dtype}, format {form}"), scratch() as store:
            value = numpy.array(value, dtype)[()]
            z = zarr.create_array(new_task(store, "a"), shape=(5, 4), dtype=dtype,
                                  chunks=(2, 2), fill_value=value, zarr_format=form)
            z[0, 0] = value
            check_same(native(get(store, "run/a")), native(z[...]))


def options():
    data = numpy.random.default_rng(3).integers(0, 50, (100, 90)).astype("<i2")
    compressors = ["none", "blosc-lz4", "blosc-lz4hc", "blosc-zstd", "blosc-zlib",
                   "blosc-blosclz", "zstd", "lz4", "gzip", "zlib", "bz2", "lzma"]
    for compressor, form in itertools.product(compressors, (2, 3)):
        for more in ({}, {"shard": [64, 60]}, {"shard": 8192}):
            if form == 2 and more:
                continue
            with case(f"ff writes {compressor}, format {form}, {more}"), scratch() as store:
                put(store, "a", data, (32, 20), format=form, compressor=compressor, **more)
                check_same(get(store, "run/a"), data)
                check_same(written(store)[...], data)
                ff(store, "verify", "run", "--deep")
                check_same(dask.array.from_zarr(written(store)).compute(), data)
    for shuffle in ("none", "byte", "bit"):
        with case(f"ff writes shuffle {shuffle}"), scratch() as store:
            put(store, "a", data, (32, 20), shuffle=shuffle, level=9)
            check_same(written(store)[...], data)
    with case("crc32c of large chunks is zarr-python's"), scratch() as store:
        noise = numpy.random.default_rng(4).random((300, 257))
        put(store, "a", noise, (111, 257), format=3, compressor="none")
        check_same(written(store)[...], noise)
        z = zarr.create_array(new_task(store, "b"), shape=noise.shape, dtype=noise.dtype,
                              chunks=(111, 257), compressors=[Crc32cCodec()])
        z[...] = noise
        check_same(get(store, "run/b"), noise)
    with case("the group's format is kept"), scratch() as store:
        put(store, "a", data, (32, 20), format=3)
        put(store, "b", data, (32, 20), format=2)
        assert not glob.glob(os.path.join(group_of(store), "*", ".zarray"))
    with case("a group of both formats gets both documents"), scratch() as store:
        put(store, "a", data, (32, 20), format=2)
        ff(store, "rm", "run/a")
        zarr.open_group(group_of(store), mode="a", zarr_format=2)
        shutil.copy(os.path.join(group_of(store), ".zgroup"), os.path.join(store, "keep"))
        with open(os.path.join(group_of(store), "zarr.json"), "w", encoding="utf-8") as file:
            json.dump({"zarr_format": 3, "node_type": "group", "attributes": {}}, file)
        put(store, "a", data, (32, 20))
        check_same(written(store, zarr_format=2)[...], data)
        check_same(written(store, zarr_format=3)[...], data)
        check_same(get(store, "run/a"), data)
    with case("0-d, both formats"), scratch() as store:
        for form in (2, 3):
            z = zarr.create_array(new_task(store, f"f{form}"), shape=(), dtype="<f8",
                                  zarr_format=form)
            z[...] = 42.5
            check_same(get(store, f"run/f{form}"), numpy.array(42.5))


def consolidated():
    for form in (2, 3):
        with case(f"consolidated metadata stays true, format {form}"), scratch() as store:
            put(store, "a", plain, (10, 16), format=form)
            zarr.consolidate_metadata(group_of(store), zarr_format=form)
            put(store, "b", plain + 1, (10, 16))
            root = zarr.open_consolidated(group_of(store), mode="r", zarr_format=form)
            assert len(dict(root.arrays())) == 2
            for array in dict(root.arrays()).values():
                assert array[...].sum() in (plain.sum(), (plain + 1).sum())
            ff(store, "rm", "run/a")
            root = zarr.open_consolidated(group_of(store), mode="r", zarr_format=form)
            ((name, array),) = root.arrays()
            check_same(array[...], plain + 1)
            ff(store, "rm", "run/b")
            assert not dict(zarr.open_consolidated(group_of(store), mode="r",
                                                   zarr_format=form).arrays())


def refusals():
    def refused(name, change, code, *words, form=2, **more):
        with case(f"refused: {name}"), scratch() as store:
            path = new_task(store, "a")
            z = zarr.create_array(path, shape=(4, 4), chunks=(2, 2), dtype="<i4",
                                  zarr_format=form, **more)
            z[...] = 1
            document = os.path.join(path, ".zarray" if form == 2 else "zarr.json")
            with open(document, encoding="utf-8") as file:
                meta = json.load(file)
            change(meta)
            with open(document, "w", encoding="utf-8") as file:
                json.dump(meta, file)
            name = os.path.basename(path)  # each refusal says which array, and what it has
            ff(store, "get", "run/a", "-o", os.path.join(store, "out.npy"), code=code,
               says=(name, *words))
    refused("an unknown codec", lambda m: m.update(compressor={"id": "pcodec"}), 1, "'pcodec'")
    refused("pickle", lambda m: m.update(dtype="|O", filters=[{"id": "pickle"}]), 9, "'pickle'")
    refused("msgpack2", lambda m: m.update(dtype="|O", filters=[{"id": "msgpack2"}]), 9,
            "'msgpack2'")
    refused("chunks of nothing", lambda m: m.update(chunks=[0, 2]), 4)
    refused("a huge shape", lambda m: m.update(shape=[2**62, 2**62]), 4)
    refused("a negative shape", lambda m: m.update(shape=[-1, 4]), 4)
    refused("another rank", lambda m: m.update(chunks=[2]), 4)
    refused("an odd order", lambda m: m.update(order="K"), 4)
    refused("an odd separator", lambda m: m.update(dimension_separator="../"), 4)
    refused("an odd fill", lambda m: m.update(fill_value="many"), 4)
    refused("format 4", lambda m: m.update(zarr_format=4), 4)
    refused("an unknown member", lambda m: m.update(extra={"x": 1}), 1, "'extra'", form=3)
    refused("an unknown grid", lambda m: m["chunk_grid"].update(
        name="rectilinear", configuration={"kind": "inline", "chunk_shapes": [[2, 2], [[2, 2]]]}),
            1, "chunk grid 'rectilinear'", form=3)
    refused("shards inside shards", lambda m: m["codecs"][0]["configuration"].update(
        codecs=[json.loads(json.dumps(m["codecs"][0]))]), 1, "sharding_indexed, inside shards",
            form=3, shards=(4, 4))
    refused("an unknown type", lambda m: m.update(data_type="decimal128"), 1, "'decimal128'",
            form=3)
    refused("codecs without bytes", lambda m: m.update(codecs=[{"name": "zstd"}]), 4, form=3)


def golden():
    for name in ("s3-zarr2-numpy1", "s3-zarr2-numpy2"):
        root = os.path.join(GOLDEN, name)
        with open(os.path.join(root, "expected.json"), encoding="utf-8") as file:
            tasks = json.load(file)["tasks"]
        with scratch() as folder:
            store = os.path.join(folder, "store")
            shutil.copytree(os.path.join(root, "objects"), store)
            for task in tasks:
                with case(f"{name}/{task}"):
                    assert ff(store, "show", f"golden/{task}").strip()
                    ff(store, "verify", f"golden/{task}", "--deep")
                    if task.startswith("array_"):
                        wanted = numpy.load(os.path.join(root, "expected", task + ".npy"))
                        check_same(get(store, f"golden/{task}#field"), wanted)


def main():
    global shared
    golden()
    with scratch() as shared:
        os.makedirs(group_of(shared))
        dtypes()
        codecs2()
        codecs3()
        python_wrote()
    texts()
    fills()
    options()
    consolidated()
    refusals()
    end()


main()
