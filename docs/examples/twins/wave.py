# SPDX-License-Identifier: Apache-2.0
"""The twin of acme.wave, and what a wave is in Python."""
import struct
from dataclasses import dataclass

import numpy
from functionfuse.serializers import FILE_PROTOCOL
from functionfuse.serializers.base import generate_name


@dataclass
class Wave:
    rate_hz: float
    label: str
    samples: numpy.ndarray


class Waves:
    name, version, serializer_class = "acme.wave", "1.0.0", Wave
    head = struct.Struct("<8sI4xdQ48s")

    @classmethod
    def pickle(cls, wave, protocols):
        name, samples = generate_name(), numpy.asarray(wave.samples, "<f4")
        with protocols[FILE_PROTOCOL].open(name, "wb") as file:
            file.write(cls.head.pack(b"ACMEWAV1", 0x01020304, wave.rate_hz, samples.size,
                                     wave.label.encode()[:47]) + samples.tobytes())
        return cls.name, (cls.version, name)

    @classmethod
    def unpickle(cls, pid, protocols):
        with protocols[FILE_PROTOCOL].open(pid[1], "rb") as file:
            _, _, rate_hz, count, label = cls.head.unpack(file.read(cls.head.size))
            samples = numpy.frombuffer(file.read(4 * count), "<f4")
        return Wave(rate_hz, label.rstrip(b"\0").decode(), samples)

    @classmethod
    def remove(cls, pid, protocols):
        protocols[FILE_PROTOCOL].remove(pid[1])
