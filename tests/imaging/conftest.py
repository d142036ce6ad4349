"""What the tests of opening photos share."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vitviz.errors import PhotoError
from vitviz.imaging.load import load

Chunk = tuple[bytes, bytes]


@pytest.fixture
def scene() -> np.ndarray:
    """40 x 24 pixels: red and green above blue and white."""
    pixels = np.empty((40, 24, 3), np.uint8)
    pixels[:20, :12], pixels[:20, 12:] = (255, 0, 0), (0, 255, 0)
    pixels[20:, :12], pixels[20:, 12:] = (0, 0, 255), (255, 255, 255)
    return pixels


@pytest.fixture
def refusal() -> Callable[..., PhotoError]:
    """Opens a file that must be refused, and gives the refusal."""

    def refused(path: Path, **options: int | None) -> PhotoError:
        with pytest.raises(PhotoError) as caught:
            load(path, **options)
        assert caught.value.message
        assert caught.value.hint
        return caught.value

    return refused


@pytest.fixture
def make_png() -> Callable[..., bytes]:
    """A PNG of a width, a height and any chunks, however wrong, between header and end."""

    def written(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    def made(width: int, height: int, *chunks: Chunk, depth: int = 8, colour: int = 2) -> bytes:
        header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
        every = ((b"IHDR", header), *chunks, (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(written(*chunk) for chunk in every)

    return made
