# SPDX-License-Identifier: Apache-2.0
"""The twin of acme.pieces, on files."""
import io
import os
import shutil

import numpy
from functionfuse.serializers import FILE_PROTOCOL
from functionfuse.serializers.base import generate_name


class Pieces:
    name, version, serializer_class, piece = "acme.pieces", "1.0.0", numpy.ndarray, 1 << 20

    @classmethod
    def pickle(cls, array, protocols):
        name, image = generate_name(), io.BytesIO()
        numpy.save(image, array, allow_pickle=False)
        image = image.getvalue()
        os.makedirs(os.path.join(protocols[FILE_PROTOCOL].path, name))
        for i in range(0, len(image), cls.piece):
            with protocols[FILE_PROTOCOL].open(f"{name}/{i // cls.piece}", "wb") as file:
                file.write(image[i:i + cls.piece])
        return cls.name, (cls.version, name, len(image), cls.piece)

    @classmethod
    def unpickle(cls, pid, protocols):
        _, name, size, piece = pid
        image = b""
        for i in range(-(-size // piece)):
            with protocols[FILE_PROTOCOL].open(f"{name}/{i}", "rb") as file:
                image += file.read()
        return numpy.load(io.BytesIO(image), allow_pickle=False)

    @classmethod
    def remove(cls, pid, protocols):
        shutil.rmtree(os.path.join(protocols[FILE_PROTOCOL].path, pid[1]))
