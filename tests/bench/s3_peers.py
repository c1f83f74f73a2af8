# SPDX-License-Identifier: Apache-2.0
# s3_peers.py WHO: one of the peers of the benchmark `s3`, driven by it through stdin: a line is one
# thing to do, the line back is how many seconds it took, how many of a processor, and how many MiB
# more than before were resident at most. zarr-python reads into memory that is there, as the library
# does; TensorStore and dask have no such call.
import asyncio
import os
import resource
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")
URL = os.environ["FF_S3_URL"]
KEY, SECRET, BUCKET, THREADS = "ffkey", "ffsecretffsecret", "test", 2
BLOSC = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}
S3FS = {"key": KEY, "secret": SECRET, "endpoint_url": URL}


class Fuse:
    """Python Function Fuse; its own choice of codec: zarr-python 2 has blosc-lz4."""

    def __init__(self):
        import dask
        import zarr
        sys.path.insert(0, os.environ["FUNCTIONFUSE_PYTHON"])
        from functionfuse.serializers.daskarray import DaskArraySerializer
        from functionfuse.storage import storage_factory
        dask.config.set(scheduler="threads", num_workers=THREADS)
        self.storage = storage_factory({"kind": "S3", "options": {
            "path": f"/{BUCKET}/fuse", "s3fs": S3FS}})
        self.storage.register_persistent_serializers(DaskArraySerializer)
        self.says = f"zarr-python {zarr.__version__}, dask {dask.__version__}"

    def write(self, name, data, chunk, blosc):
        import dask.array
        self.storage.save("bench", name, dask.array.from_array(data, chunks=chunk))

    def read(self, name, dst):
        return self.storage.read_task("bench", name).compute()

    def remove(self, name):
        self.storage.remove_task("bench", name)


class Zarr:
    """zarr-python 3 on a store."""

    def __init__(self):
        import zarr
        self.zarr = zarr
        self.says = f"zarr-python {zarr.__version__}"

    def write(self, name, data, chunk, blosc):
        import numcodecs
        codec = numcodecs.Blosc("lz4", 5, 1) if blosc else None
        self.zarr.create_array(self.store(name), shape=data.shape, dtype=data.dtype, chunks=chunk,
                               fill_value=0, zarr_format=2, compressors=codec)[...] = data

    def read(self, name, dst):
        from zarr.core.buffer.cpu import NDBuffer
        z = self.zarr.open_array(self.store(name), mode="r", zarr_format=2)
        z.get_basic_selection(out=NDBuffer(dst))
        return dst

    def remove(self, name):
        asyncio.run(self.store(name).delete_dir(""))


class S3fs(Zarr):
    def __init__(self):
        super().__init__()
        import s3fs
        self.says += f" on s3fs {s3fs.__version__}"

    def store(self, name):
        return self.zarr.storage.FsspecStore.from_url(f"s3://{BUCKET}/s3fs/{name}",
                                                      storage_options=S3FS)

    def remove(self, name):
        import s3fs
        s3fs.S3FileSystem(**S3FS).rm(f"{BUCKET}/s3fs/{name}", recursive=True)


class Obstore(Zarr):
    folder = "obstore"

    def __init__(self):
        super().__init__()
        import obstore
        self.says += f" on obstore {obstore.__version__}"

    def store(self, name):
        from obstore.store import S3Store
        return self.zarr.storage.ObjectStore(S3Store(
            BUCKET, prefix=f"{self.folder}/{name}", endpoint=URL, access_key_id=KEY,
            secret_access_key=SECRET, region="us-east-1", virtual_hosted_style_request=False,
            client_options={"allow_http": True}))


class Zarrs(Obstore):
    folder = "zarrs"

    def __init__(self):
        super().__init__()
        import zarrs
        self.zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
        self.says += f", codecs of zarrs {zarrs.__version__}"


class TensorStore:
    def __init__(self):
        import importlib.metadata
        import tensorstore
        os.environ.update(AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET)
        self.ts = tensorstore
        self.context = tensorstore.Context({"cache_pool": {"total_bytes_limit": 0},
                                            "data_copy_concurrency": {"limit": THREADS}})
        self.says = "TensorStore " + importlib.metadata.version("tensorstore")

    def kvstore(self, name):
        return {"driver": "s3", "bucket": BUCKET, "path": f"tensorstore/{name}/",
                "endpoint": URL, "aws_region": "us-east-1",
                "aws_credentials": {"type": "environment"}}

    def write(self, name, data, chunk, blosc):
        meta = {"shape": list(data.shape), "chunks": list(chunk), "dtype": "<f4",
                "compressor": {k: BLOSC[k] for k in ("id", "cname", "clevel", "shuffle")}
                if blosc else None}
        spec = {"driver": "zarr", "metadata": meta, "kvstore": self.kvstore(name)}
        self.ts.open(spec, create=True, context=self.context).result().write(data).result()

    def read(self, name, dst):
        spec = {"driver": "zarr", "kvstore": self.kvstore(name)}
        return self.ts.open(spec, open=True, context=self.context).result().read().result()

    def remove(self, name):
        store = self.ts.KvStore.open(self.kvstore(name), context=self.context).result()
        store.delete_range(self.ts.KvStore.KeyRange()).result()


def resident(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def processor():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


data = dst = None


def answer(peer, words):
    global data, dst
    what, name, *rest = words
    if what == "remove":
        peer.remove(name)
        return "0 0 0"
    source, *numbers = rest
    *numbers, blosc = map(int, numbers)
    shape, chunk = tuple(numbers[:2]), tuple(numbers[2:])
    if data is None:
        data = np.fromfile(source, np.float32, shape[0] * shape[1]).reshape(shape)
        dst = np.ones_like(data)
    if what == "read":
        dst[:] = 0
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # the peak is what is there now
    memory, cpu, begin = resident("VmRSS"), processor(), time.perf_counter()
    if what == "write":
        peer.write(name, data, chunk, blosc)
    else:
        got = peer.read(name, dst)
    wall, cpu = time.perf_counter() - begin, processor() - cpu
    memory = resident("VmHWM") - memory
    if what == "read" and not np.array_equal(got.view(np.uint32), data.view(np.uint32)):
        raise ValueError("read back other elements")
    return f"{wall:.9f} {cpu:.6f} {memory:.3f}"


peer = {"fuse": Fuse, "s3fs": S3fs, "obstore": Obstore, "zarrs": Zarrs,
        "tensorstore": TensorStore}[sys.argv[1]]()
print(peer.says, flush=True)
for line in sys.stdin:
    print(answer(peer, line.split()), flush=True)
