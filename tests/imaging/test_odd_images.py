"""A thousand odd files: each opens, or is refused once and clearly, in bounded time."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from vitviz.errors import PhotoError
from vitviz.imaging.load import load, thumbnail
from vitviz.imaging.photo import Photo

# As in the root conftest; here too, since tests are named before fixtures exist.
SHARED = Path(os.environ.get("VITVIZ_SHARED", Path(__file__).resolve().parents[3] / "shared"))
FOLDER = SHARED / "data" / "images-odd"
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())
SAME_SCENE = (
    "bmp dcx dds gif im jpg pnm psd pxr qoi ras rgb sgi tif webp xpm fli Lab.tif"  # hopper.*
)

pytestmark = pytest.mark.shared


def opened(path: Path) -> Photo | PhotoError:
    try:
        return load(path)
    except PhotoError as refusal:
        return refusal


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", FILES)
def test_it_opens_or_is_refused_clearly(shared, name, capfd):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = opened(shared / "data" / "images-odd" / name)
    assert [str(warning.message) for warning in seen] == []
    assert capfd.readouterr() == ("", "")
    if isinstance(result, PhotoError):
        assert result.message.startswith(Path(name).name)
        assert result.hint
        return
    assert result.pixels.dtype == np.uint8
    assert result.pixels.shape[2] == 3
    assert result.pixels.size > 0
    assert result.pixels.flags.c_contiguous
    assert not result.pixels.flags.writeable


@pytest.mark.parametrize("orientation", range(9))
@pytest.mark.parametrize(
    ("aspect", "size"), [("Landscape", (1200, 1800)), ("Portrait", (1800, 1200))]
)
def test_every_exif_orientation_shows_the_same_scene_upright(shared, aspect, size, orientation):
    folder = shared / "data" / "images-odd" / "exif-orientation"
    photo = load(folder / f"{aspect}_{orientation}.jpg")
    assert photo.size == size
    scene = thumbnail(load(folder / f"{aspect}_0.jpg"), 90).astype(int)
    assert abs(thumbnail(photo, 90) - scene).mean() < 5


@pytest.mark.parametrize("suffix", SAME_SCENE.split())
def test_every_format_shows_the_same_portrait(shared, suffix):
    folder = shared / "data" / "images-odd" / "pillow"
    scene = load(folder / "hopper.ppm").pixels.astype(int)
    assert abs(load(folder / f"hopper.{suffix}").pixels - scene).mean() < 8


@pytest.mark.parametrize(
    "name", ["hopper_16bit.pgm", "hopper.pfm", "hopper.fits", "hopper_gray.jpg"]
)
def test_greys_of_every_depth_show_the_same_portrait(shared, name):
    folder = shared / "data" / "images-odd" / "pillow"
    scene = load(folder / "hopper_8bit.pgm").pixels.astype(int)
    assert abs(load(folder / name).pixels - scene).mean() < 3


def test_heic_opens(shared):
    pytest.importorskip("pi_heif")
    folder = shared / "data" / "images-odd" / "pillow"
    scene = load(folder / "hopper.ppm").pixels.astype(int)
    assert abs(load(folder / "avif" / "hopper.heif").pixels - scene).mean() < 12
