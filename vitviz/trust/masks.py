"""Masks that people have: pictures that are black outside, and COCO's polygons.

They come from anybody. A picture is opened as any photo is, in its bounds; a JSON file is bounded,
too, and so is the time that its polygons may take.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from vitviz.errors import VitvizError
from vitviz.imaging.load import load
from vitviz.paths import is_something_else
from vitviz.progress import Progress, silent
from vitviz.reading import parse
from vitviz.shapes import Bool, Float64

MAX_BYTES = 16 << 20
"""Of a JSON file: tens of thousands of polygons. The annotations of a whole data set are larger."""

MOST_POLYGONS = 20_000
MOST_POINTS = 1_000_000
MOST_WORK = 500_000_000
"""Corners times rows of their polygon, and pixels within its box: a second or two of drawing."""

FARTHEST = 1e7
"""Pixels; a corner farther out belongs to no photo."""

Polygon = list[tuple[float, float]]


def read_mask(
    path: Path, photo_size: tuple[int, int], photo_name: str = "", progress: Progress = silent
) -> Bool[np.ndarray, "height width"]:
    """A mask in photo pixels, true inside.

    Args:
        path: A picture, in which all that is not black is inside; or COCO's JSON.
        photo_size: Height and width of the photo.
        photo_name: Its file's name, by which a COCO file of several photos knows it.
        progress: Told while a large picture is opened; may raise ``Cancelled``.

    Raises:
        VitvizError: It cannot be read, is of another size, or nothing or everything is inside.
    """
    mask: Bool[np.ndarray, "height width"]
    if path.suffix.lower() == ".json":
        mask = _from_coco(path, photo_size, photo_name)
    else:
        # Black behind what is transparent: outside.
        picture = load(path, background=(0, 0, 0), progress=progress)
        _require_size(path, picture.size, photo_size)
        mask = picture.pixels.max(2) > 0
    if not mask.any() or mask.all():
        what = "Nothing" if not mask.any() else "Everything"
        raise VitvizError(
            f"{what} is inside the mask {path.name}.",
            "Choose one in which the thing is white and the rest is black.",
        )
    mask.flags.writeable = False
    return mask


def _require_size(path: Path, size: tuple[int, int], photo_size: tuple[int, int]) -> None:
    if size != photo_size:
        raise VitvizError(
            f"The mask {path.name} has {size[1]} x {size[0]} pixels, the photo has "
            f"{photo_size[1]} x {photo_size[0]}.",
            "Choose the mask of this very photo, in its size.",
        )


def _from_coco(
    path: Path, photo_size: tuple[int, int], photo_name: str
) -> Bool[np.ndarray, "height width"]:
    try:
        data = parse(_text(path), MAX_BYTES)
        annotations = _of_photo(data, path, photo_size, photo_name)
        polygons = _polygons(annotations)
        if sum(_work(polygon, photo_size) for polygon in polygons) > MOST_WORK:
            raise ValueError("its polygons would take minutes to draw")
    except ValueError as error:
        raise VitvizError(
            f"{path.name} holds no polygons as COCO writes them ({str(error)[:200]}).",
            "Save the annotations of this photo alone, as polygons.",
        ) from error
    mask = np.zeros(photo_size, bool)
    for polygon in polygons:
        _fill(mask, np.array(polygon, np.float64))
    return mask


def _text(path: Path) -> str:
    try:
        if is_something_else(path):  # reading from a pipe would wait for ever
            raise ValueError("it is no file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    return content.decode("utf-8")  # UnicodeDecodeError is a ValueError


def _of_photo(
    data: Any, path: Path, photo_size: tuple[int, int], photo_name: str
) -> list[dict[str, Any]]:
    """The annotations of one photo: the file's only one, or the one of this name."""
    if not isinstance(data, dict) or not isinstance(data.get("annotations"), list):
        raise ValueError('it has no list "annotations"')
    annotations = [_object(one, "an annotation") for one in data["annotations"]]
    images = [_object(one, "an image") for one in _list(data.get("images", []), "images")]
    if len(images) > 1:
        images = [one for one in images if Path(str(one.get("file_name"))).name == photo_name]
        if len(images) != 1:
            raise ValueError(f"it has {len(images) or 'no'} images of the photo's name")
    for image in images:
        if (size := (image.get("height"), image.get("width"))) != (None, None):
            if not all(type(side) is int for side in size):
                raise ValueError("the size of an image must be whole numbers")
            _require_size(path, (size[0], size[1]), photo_size)  # type: ignore[arg-type]
        annotations = [one for one in annotations if one.get("image_id") == image.get("id")]
    return annotations


def _polygons(annotations: list[dict[str, Any]]) -> list[Polygon]:
    found: list[Polygon] = []
    points = 0
    for annotation in annotations:
        parts = annotation.get("segmentation")
        if isinstance(parts, dict):
            raise ValueError("it holds run lengths, not polygons")
        for part in _list(parts, "segmentation"):
            found.append(_polygon(_list(part, "segmentation")))
            points += len(found[-1])
            if len(found) > MOST_POLYGONS or points > MOST_POINTS:
                raise ValueError("it has too many polygons")
    if not found:
        raise ValueError("there is none of this photo")
    return found


def _polygon(numbers: list[Any]) -> Polygon:
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError("a polygon needs three corners, of two numbers each")
    for number in numbers:
        if type(number) not in (int, float) or not math.isfinite(number) or abs(number) > FARTHEST:
            raise ValueError("a corner of a polygon must be two numbers of pixels")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _fill(
    mask: Bool[np.ndarray, "height width"], corners: Float64[np.ndarray, "corners 2"]
) -> None:
    """Sets the pixels whose centres lie inside a polygon: left of an odd number of its edges."""
    x, y = corners.T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    first, last = (int(np.clip(np.ceil(end - 0.5), 0, len(mask))) for end in (y.min(), y.max()))
    for row in range(first, last):
        centre = row + 0.5
        crossed = (y <= centre) != (next_y <= centre)
        part = (centre - y[crossed]) / (next_y - y)[crossed]
        at = np.sort(x[crossed] + part * (next_x - x)[crossed])
        columns = np.clip(np.ceil(at - 0.5), 0, mask.shape[1]).astype(int)
        for start, stop in zip(columns[::2], columns[1::2], strict=True):
            mask[row, start:stop] = True


def _work(polygon: Polygon, photo_size: tuple[int, int]) -> float:
    """What filling a polygon takes: every corner is looked at for each of its rows."""
    spans = [
        min(max(axis), size) - max(min(axis), 0)
        for axis, size in zip(zip(*polygon, strict=True), photo_size[::-1], strict=True)
    ]
    across, down = (max(float(span), 1.0) for span in spans)
    return down * (len(polygon) + across)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f'"{what}" must be a list')
    return value
