"""Small copies of photos for lists: they look like the photos, and cost a fraction of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import PhotoError, PhotoTooLarge
from vitviz.imaging import load as load_module
from vitviz.imaging.decoding.decode import decode
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.load import load, load_small, thumbnail

EDGE = 120


def picture(width: int = 1500, height: int = 900) -> Image.Image:
    rough = np.random.default_rng(3).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image, **how: object) -> Path:
    image.save(path, **how)
    return path


KINDS = {
    "photo.jpg": ("RGB", {"quality": 95}),
    "progressive.jpg": ("RGB", {"quality": 95, "progressive": True}),
    "grey.jpg": ("L", {"quality": 95}),
    "cmyk.jpg": ("CMYK", {"quality": 95}),
    "plain.png": ("RGB", {}),
    "seen-through.png": ("RGBA", {}),
    "palette.gif": ("P", {}),
    "photo.webp": ("RGB", {"lossless": True}),
    "photo.tiff": ("RGB", {}),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("turned", [1, 6])
def test_it_is_what_shrinking_the_open_photo_gives(tmp_path: Path, name: str, turned: int) -> None:
    mode, how = KINDS[name]
    image = picture().convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if name.endswith((".jpg", ".png", ".webp", ".tiff")) and turned != 1:
        exif = Image.Exif()
        exif[0x0112] = turned
        how = {**how, "exif": exif}
    path = save(tmp_path / name, image, **how)
    photo, small = (
        load(path, background=(9, 90, 200)),
        load_small(path, EDGE, background=(9, 90, 200)),
    )
    assert (small.size, small.frames, small.notes) == (photo.size, photo.frames, photo.notes)
    expected = thumbnail(photo, EDGE)
    assert small.pixels.shape == expected.shape
    assert not small.pixels.flags.writeable
    difference = np.abs(small.pixels.astype(int) - expected.astype(int))
    assert (difference.mean(), np.quantile(difference, 0.99)) < (2.5, 12)


def test_a_jpeg_is_decoded_at_a_fraction_of_its_size(tmp_path: Path) -> None:
    path = save(tmp_path / "camera.jpg", picture(4000, 3000))
    decoded = decode(Source("camera.jpg", path.read_bytes(), edge=EDGE))
    assert decoded.whole == (4000, 3000)
    assert max(decoded.image.size) <= 8 * EDGE
    assert decode(Source("camera.jpg", path.read_bytes())).image.size == (4000, 3000)


def test_small_photos_stay_as_they_are(tmp_path: Path) -> None:
    path = save(tmp_path / "tiny.png", picture(31, 17))
    assert np.array_equal(load_small(path, EDGE).pixels, load(path).pixels)


def test_what_is_refused_whole_is_refused_small(tmp_path: Path) -> None:
    path = save(tmp_path / "large.jpg", picture())
    with pytest.raises(PhotoTooLarge) as refused:
        load_small(path, EDGE, max_pixels=1000)
    assert refused.value.pixels == 1500 * 900
    data = path.read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(PhotoError, match=r"cut\.jpg"):
        load_small(tmp_path / "cut.jpg", EDGE)


def test_slow_ones_come_small_from_a_process_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "slow.png", picture(900, 500))
    here = load_small(path, EDGE)
    monkeypatch.setattr(load_module, "QUICK", 1)
    monkeypatch.setattr(load_module, "open_small", None)
    there = load_small(path, EDGE)
    assert (there.size, there.frames, there.notes) == (here.size, here.frames, here.notes)
    assert np.array_equal(there.pixels, here.pixels)
    (tmp_path / "none.png").write_bytes(path.read_bytes()[:200])
    with pytest.raises(PhotoError):
        load_small(tmp_path / "none.png", EDGE)
