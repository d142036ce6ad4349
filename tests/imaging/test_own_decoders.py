"""PBM, PGM, PPM and QOI: the same as Pillow reads, and as their descriptions say."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import PhotoError
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.depth import to_eight_bits
from vitviz.imaging.load import from_source

WIDTH, HEIGHT = 37, 23


def body(kind: int, top: int, values: np.ndarray) -> bytes:
    if kind == 1:
        return "".join(map(str, values)).encode()
    if kind in (2, 3):
        return "\n#x 3\n".join(" ".join(map(str, part)) for part in np.split(values, 1)).encode()
    if kind == 4:
        return np.packbits(values.reshape(HEIGHT, WIDTH).astype(np.uint8), axis=1).tobytes()
    return values.astype(">u2" if top > 255 else np.uint8).tobytes()


@pytest.mark.parametrize("kind", range(1, 7))
@pytest.mark.parametrize("top", [1, 7, 255, 1023, 65535])
def test_netpbm_is_what_pillow_reads(kind, top):
    if kind in (1, 4) and top > 1:
        pytest.skip("bits have no depth")
    channels = 3 if kind in (3, 6) else 1
    values = np.random.default_rng(kind).integers(0, top + 1, WIDTH * HEIGHT * channels)
    depth = b"" if kind in (1, 4) else b"\n%d" % top
    data = b"P%d\n# 5 6\n%d #x\n %d%b\n" % (kind, WIDTH, HEIGHT, depth) + body(kind, top, values)
    image = Image.open(io.BytesIO(data))
    expected = (
        np.dstack([to_eight_bits(np.asarray(image))[0]] * 3)
        if image.mode == "I"
        else np.asarray(image.convert("RGB"))
    )
    np.testing.assert_array_equal(from_source(Source("x", data)).pixels, expected)


def test_a_comment_may_be_as_long_as_a_file():
    data = b"P3\n" + b"#" + b"x" * 1_000_000 + b"\n2 1 255 1 2 3 " + b"# y\n" * 1000 + b"4 5 6"
    assert from_source(Source("x", data)).pixels.tolist() == [[[1, 2, 3], [4, 5, 6]]]


@pytest.mark.parametrize(
    "data",
    [
        b"P1 2 2 0 1 2 0", b"P2 2 2 255 1 2 3", b"P2 2 2 255 1 2 -3 4", b"P5 2 2 255\n123",
        b"P4 9 2\n123", b"P6 2 2 0\n" + bytes(12), b"P6 2 2 70000\n" + bytes(24),
        b"P5 0 2 255\n1234", b"P3 2 2 255 x y z", b"P6 99999999 99999999 255\n123",
    ],
)  # fmt: skip
def test_netpbm_that_is_not_whole_is_refused(data):
    with pytest.raises(PhotoError):
        from_source(Source("x", data))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("levels", [2, 3, 17, 256])
def test_qoi_keeps_every_pixel(channels, levels):
    steps = np.random.default_rng(levels).integers(0, levels, (HEIGHT, WIDTH, channels))
    pixels = np.repeat(steps * (255 // (levels - 1)), 2, axis=1).astype(np.uint8)
    if channels == 4:
        pixels[:5] |= np.uint8(3)
    buffer, background = io.BytesIO(), (9, 8, 7)
    Image.fromarray(pixels).save(buffer, "QOI")
    lossless = io.BytesIO()
    Image.fromarray(pixels).save(lossless, "PNG")
    expected = from_source(Source("x", lossless.getvalue()), background).pixels
    found = from_source(Source("x", buffer.getvalue()), background)
    np.testing.assert_array_equal(found.pixels, expected)


@pytest.mark.parametrize("left", [14, 15, 17, 60])
def test_a_qoi_cut_short_is_damaged(left):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    Image.fromarray(noise).save(buffer, "QOI")
    with pytest.raises(PhotoError, match="damaged or cut short"):
        from_source(Source("x", buffer.getvalue()[:left]))
