# SPDX-License-Identifier: Apache-2.0
"""Make codecs.vectors, the corpus of tests/fuzz/fuzz_zarr.c: documents and chunks as
zarr-python 3.1 and numcodecs write them. The first byte says what reads an input."""
import json
import os
import struct
import tempfile
import warnings

import numcodecs
import numpy
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec

warnings.simplefilter("ignore")
META2, META3, INDEX, VLEN, FIRST = range(5)
vectors = []


def add(what, data):
    vectors.append(bytes([what]) + data)


def documents():
    struct_type = numpy.dtype([("a", "<i4"), ("b", ">f8"), ("c", "S2")])
    kinds = ["<i4", ">f8", "|b1", "<c16", "<M8[10us]", "<U3", "|S3", "|V3", struct_type]
    for number, (kind, form) in enumerate((k, f) for k in kinds for f in (2, 3)):
        with tempfile.TemporaryDirectory() as folder:
            more = {"filters": [numcodecs.Delta("<i4"), numcodecs.CRC32()],
                    "order": "F"} if form == 2 and kind == "<i4" else {}
            zarr.create_array(folder, shape=(5, 7), chunks=(2, 3), dtype=kind,
                              zarr_format=form, attributes={"ff_chunks": [[5], [3, [2, 2]]]},
                              **more)
            path = os.path.join(folder, ".zarray" if form == 2 else "zarr.json")
            with open(path, encoding="utf-8") as file:
                add(META2 if form == 2 else META3, json.dumps(json.load(file)).encode())
    with tempfile.TemporaryDirectory() as folder:
        z = zarr.create(store=folder, shape=(8, 8), dtype="<i4", chunks=(4, 8), codecs=[
            ShardingCodec(chunk_shape=(2, 4), codecs=[BytesCodec(), BloscCodec()]),
            ZstdCodec(), Crc32cCodec()], zarr_format=3)
        with open(os.path.join(folder, "zarr.json"), encoding="utf-8") as file:
            add(META3, json.dumps(json.load(file)).encode())
        del z


def chunks():
    plain = (numpy.arange(300, dtype="<i4") // 3).tobytes()
    size = struct.pack("<H", len(plain))
    codecs = [[numcodecs.Blosc(c, 5, s) for c in ("lz4", "lz4hc", "zstd", "zlib", "blosclz")
               for s in (0, 1, 2)],
              [numcodecs.Zstd(), numcodecs.Zstd(checksum=True)], [numcodecs.LZ4()],
              [numcodecs.GZip()], [numcodecs.Zlib()], [numcodecs.BZ2()],
              [numcodecs.LZMA(), numcodecs.LZMA(format=2)],
              [numcodecs.Delta("<i4", "<i2")], [numcodecs.Shuffle(4)], [numcodecs.CRC32()],
              [numcodecs.checksum32.CRC32C()], [numcodecs.Fletcher32()]]
    for number, of_kind in enumerate(codecs):
        for codec in of_kind:
            data = numpy.frombuffer(plain, "<i4") if number == 7 else plain
            encoded = codec.encode(data)
            add(FIRST + number, size + numpy.asarray(encoded).tobytes()
                if not isinstance(encoded, bytes) else size + encoded)
    index = struct.pack("<6Q", 0, 100, 100, 50, 2**64 - 1, 2**64 - 1)
    crc = numcodecs.checksum32.CRC32C().encode(index)
    add(INDEX, bytes([1, 0]) + index)
    add(INDEX, bytes([1, 1]) + bytes(crc))
    words = numpy.array(["", "a", "äöü€", "\U0001f600"], object)
    add(VLEN, bytes([4]) + bytes(numcodecs.VLenUTF8().encode(words)))
    words = numpy.array([b"", b"a", b"\0b"], object)
    add(VLEN, bytes([3]) + bytes(numcodecs.VLenBytes().encode(words)))


documents()
chunks()
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "codecs.vectors"),
          "wb") as file:
    for vector in vectors:
        file.write(b"\0" + struct.pack("<I", len(vector)) + vector)
print(len(vectors), "vectors")
