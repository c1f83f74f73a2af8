# SPDX-License-Identifier: Apache-2.0
"""The twin of acme.npy: register_persistent_serializers(Npy)."""
import numpy
from functionfuse.serializers import FILE_PROTOCOL
from functionfuse.serializers.base import generate_name


class Npy:
    name, version, serializer_class = "acme.npy", "1.0.0", numpy.ndarray

    @classmethod
    def pickle(cls, array, protocols):
        name = generate_name()
        with protocols[FILE_PROTOCOL].open(name, "wb") as file:
            numpy.save(file, array, allow_pickle=False)
        return cls.name, (cls.version, name)

    @classmethod
    def unpickle(cls, pid, protocols):
        with protocols[FILE_PROTOCOL].open(pid[1], "rb") as file:
            return numpy.load(file, allow_pickle=False)

    @classmethod
    def remove(cls, pid, protocols):
        protocols[FILE_PROTOCOL].remove(pid[1])
