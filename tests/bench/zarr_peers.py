# SPDX-License-Identifier: Apache-2.0
# zarr_peers.py: zarr-python, with its own codec pipeline and with that of zarrs, and TensorStore,
# driven by the benchmark `zarr` through stdin: one line is one thing to do, one line back is how
# long it took. zarr-python reads into memory that is there, as the library does; TensorStore has no
# such call.
import sys
import time
import warnings

import numpy as np
import numcodecs
import tensorstore as ts
import zarr
import zarrs
from zarr.codecs import BloscCodec
from zarr.core.buffer.cpu import NDBuffer

warnings.simplefilter("ignore")
threads = 2
data = dst = None
loaded = None
PIPELINES = {"zarr": "zarr.core.codec_pipeline.BatchedCodecPipeline",
             "zarrs": "zarrs.ZarrsCodecPipeline"}


def zarr_create(path, chunk, shard, blosc):
    more = {}
    if shard:
        more = {"shards": shard, "zarr_format": 3,
                "compressors": BloscCodec(cname="lz4", clevel=5, shuffle="shuffle",
                                          typesize=4) if blosc else None}
    else:
        more = {"zarr_format": 2,
                "compressors": numcodecs.Blosc("lz4", 5, 1) if blosc else None}
    return zarr.create_array(path, shape=data.shape, dtype=data.dtype, chunks=chunk,
                             fill_value=0, **more)


def zarr_write(path, chunk, shard, blosc):
    zarr_create(path, chunk, shard, blosc)[...] = data


def zarr_read(path):
    zarr.open_array(path, mode="r").get_basic_selection(out=NDBuffer(dst))
    return dst


def tensorstore_spec(path, chunk, shard, blosc):
    if shard:
        inner = [{"name": "bytes", "configuration": {"endian": "little"}}]
        if blosc:
            inner.append({"name": "blosc", "configuration": {
                "cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 4}})
        meta = {"shape": list(data.shape), "data_type": "float32", "chunk_grid": {
            "name": "regular", "configuration": {"chunk_shape": list(shard)}}, "codecs": [{
                "name": "sharding_indexed", "configuration": {
                    "chunk_shape": list(chunk), "codecs": inner}}]}
        driver = "zarr3"
    else:
        meta = {"shape": list(data.shape), "chunks": list(chunk), "dtype": "<f4",
                "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}
                if blosc else None}
        driver = "zarr"
    return {"driver": driver, "metadata": meta,
            "kvstore": {"driver": "file", "path": path, "file_io_sync": False}}


context = ts.Context({"cache_pool": {"total_bytes_limit": 0},
                      "data_copy_concurrency": {"limit": threads},
                      "file_io_concurrency": {"limit": 4}})


def tensorstore_write(path, chunk, shard, blosc):
    store = ts.open(tensorstore_spec(path, chunk, shard, blosc), create=True,
                    context=context).result()
    store.write(data).result()


def tensorstore_read(path, chunk, shard, blosc):
    return ts.open(tensorstore_spec(path, chunk, shard, blosc), open=True,
                   context=context).result().read().result()


def answer(words):
    global data, dst, loaded
    who, what, path, source, *numbers = words
    *numbers, blosc = map(int, numbers)
    shape, chunk, shard = (tuple(numbers[i:i + 2]) for i in (0, 2, 4))
    shard = shard if shard[0] else None
    if loaded != (source, shape):
        data = np.fromfile(source, np.float32, shape[0] * shape[1]).reshape(shape)
        dst = np.ones_like(data)
        loaded = (source, shape)
    if who in PIPELINES:
        zarr.config.set({"codec_pipeline.path": PIPELINES[who]})
    if what == "read":
        dst[:] = 0
    begin = time.perf_counter()
    if who == "tensorstore":
        got = (tensorstore_write if what == "write" else tensorstore_read)(
            path, chunk, shard, blosc)
    else:
        got = zarr_write(path, chunk, shard, blosc) if what == "write" else zarr_read(path)
    spent = time.perf_counter() - begin
    if what == "read" and not np.array_equal(got.view(np.uint32), data.view(np.uint32)):
        raise ValueError("read back other elements")
    return f"{spent:.9f}"


print("zarr-python", zarr.__version__, "zarrs", zarrs.__version__, "TensorStore",
      __import__("importlib.metadata").metadata.version("tensorstore"), "numcodecs",
      numcodecs.__version__, "numpy", np.__version__, flush=True)
for line in sys.stdin:
    print(answer(line.split()), flush=True)
