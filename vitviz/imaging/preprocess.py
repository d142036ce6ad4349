"""From a photo to a model's input, exactly as the model was trained, and two other choices.

``fit`` decides where the photo goes (pure arithmetic, a ``Geometry``), ``model_input`` puts it
there, and ``displayed_input`` shows what the model was given.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from PIL import Image

from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.reading import Within
from vitviz.shapes import Float32, UInt8

ResizeRule = Literal[
    "shortest edge, then centre crop", "squash", "squash, then centre crop",
    "longest edge, then pad",
]  # fmt: skip
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
InputMode = Literal["as trained", "whole photo"]

MOST_TOKENS = 1.12
"""A whole-photo grid has at most this many times the model's own number of patches."""

ASPECT_WEIGHT = 2.0
"""How much worse a wrong shape is than a wrong number of patches, when choosing a grid."""

RESIZED_PIXELS = 1 << 26
"""Above this a resized photo is not made whole: only the window that the model sees."""

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its photos.

    Args:
        input_size: Height and width of the input it was trained on, in pixels.
        patch: Side of a patch in input pixels.
        mean: Per RGB channel, of pixels in 0..1.
        std: Per RGB channel, of pixels in 0..1.
        rule: How the photo becomes ``input_size``.
        edge: The edge that ``rule`` resizes to, in pixels: the shorter one of the input's own shape
            for "squash, then centre crop"; unused by "squash".
        interpolation: Of the resize.
    """

    input_size: tuple[int, int]
    patch: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rule: ResizeRule = "shortest edge, then centre crop"
    edge: int = 256
    interpolation: Interpolation = "bicubic"


@dataclass(frozen=True)
class InputChoice:
    """The user's choice of what the model is given.

    Args:
        mode: "as trained" follows the model's own ``Preprocessing``; "whole photo" squashes the
            whole photo onto a rectangular grid near the model's own token count and the photo's
            own shape. Mean, std and interpolation stay the model's in both.
        fineness: With "whole photo", how many times more patches along each side (1, 2, 3, 4):
            ``fineness ** 2`` times the tokens, positions interpolated.
    """

    mode: InputMode = "as trained"
    fineness: Annotated[int, Within(1, 4)] = 1


def fit(photo_size: tuple[int, int], preprocessing: Preprocessing, choice: InputChoice) -> Geometry:
    """Where a photo of this size goes in the model's input.

    Args:
        photo_size: Height and width of the photo in pixels.
        preprocessing: The model's.
        choice: The user's.

    Source: "shortest edge, then centre crop" is torchvision's ``Resize(edge)`` and
    ``CenterCrop(input_size)``: the long edge is ``int(edge * long / short)``, the crop starts at
    ``int(round((size - crop) / 2.0))``. timm evaluates DeiT and most others with the same two
    steps and its own edge, ``floor(size / crop_pct)``: 248 for 224 at 0.9, where DeiT's authors
    used 256. For inputs that are not square timm rounds the resized edges to nearest instead
    (``ResizeKeepRatio``). "squash, then centre crop" is transformers' ``DeiTImageProcessor``, and
    timm's ``crop_mode="squash"`` with a ``crop_pct`` below 1. "longest edge, then pad" is
    timm's ``crop_mode="border"``.
    """
    if choice.mode == "whole photo":
        own_grid = (
            preprocessing.input_size[0] // preprocessing.patch,
            preprocessing.input_size[1] // preprocessing.patch,
        )
        rows, cols = whole_photo_grid(photo_size, own_grid[0] * own_grid[1])
        step = choice.fineness * preprocessing.patch
        input_size = rows * step, cols * step
        return Geometry(photo_size, input_size, (0, 0), input_size, preprocessing.patch)
    input_size = preprocessing.input_size
    resized = _resized_size(photo_size, preprocessing)
    origin = _centred(resized[0], input_size[0]), _centred(resized[1], input_size[1])
    return Geometry(photo_size, resized, origin, input_size, preprocessing.patch)


@functools.lru_cache(maxsize=64)  # the panels ask for every choice at every refresh
def whole_photo_grid(photo_size: tuple[int, int], patches: int) -> tuple[int, int]:
    """The grid, rows and columns, that suits a photo's shape at about this many patches.

    Least cost among all grids of at most ``MOST_TOKENS * patches`` patches, where the cost is
    ``ASPECT_WEIGHT * |log(grid aspect / photo aspect)| + |log(rows * cols / patches)|``: a photo
    squashed by 1 % costs as much as 2 % more or fewer patches. Of equal costs the smaller grid.

    Args:
        photo_size: Height and width of the photo in pixels.
        patches: The model's own number of patches.
    """
    aspect = photo_size[1] / photo_size[0]
    most = int(MOST_TOKENS * patches)

    def cost(grid: tuple[int, int]) -> tuple[float, int]:
        rows, cols = grid
        wrong_shape = abs(math.log(cols / rows / aspect))
        wrong_count = abs(math.log(rows * cols / patches))
        return ASPECT_WEIGHT * wrong_shape + wrong_count, rows * cols

    # For given rows the cost is convex in log(cols) and, shape weighing more than count, least
    # at the photo's own shape: only the whole numbers beside it need a look.
    grids = (
        (rows, min(max(cols, 1), most // rows))
        for rows in range(1, most + 1)
        for cols in (math.floor(rows * aspect), math.ceil(rows * aspect))
    )
    return min(grids, key=cost)


def model_input(
    photo: Photo, geometry: Geometry, preprocessing: Preprocessing
) -> Float32[np.ndarray, "3 height width"]:
    """The photo as the model wants it: resized, cropped or padded, normalised.

    Bit for bit what torchvision's ``Resize``, ``CenterCrop``, ``ToTensor`` and ``Normalize`` make
    of the same PIL image.

    Args:
        photo: Pixels in 0..255.
        geometry: From ``fit`` for this photo.
        preprocessing: Only its mean, std and interpolation are used.

    Difference from the source: Where the input is padded it is 0 after normalisation, that is,
    the mean colour (torchvision pads with black before it normalises). A photo so long and thin
    that it would become more than ``RESIZED_PIXELS`` is resized in the window only, which can
    differ by one level of 255.
    """
    if photo.size != geometry.photo_size:
        raise ValueError(f"a geometry for {geometry.photo_size} does not fit {photo.size}")
    window = _seen_window(geometry)
    pixels = _resized_window(photo, geometry, window, preprocessing.interpolation)
    mean, std = _per_channel(preprocessing)
    seen = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    top, left = window.top - geometry.window_origin[0], window.left - geometry.window_origin[1]
    height, width = seen.shape[:2]
    result = np.zeros((3, *geometry.input_size), np.float32)
    result[:, top : top + height, left : left + width] = seen.transpose(2, 0, 1)
    return result


def displayed_input(
    model_input: Float32[np.ndarray, "3 height width"], preprocessing: Preprocessing
) -> UInt8[np.ndarray, "height width 3"]:
    """What the model was given, as pixels: the normalisation undone, padding in the mean colour.

    Args:
        model_input: From ``model_input``.
        preprocessing: The one it was made with.
    """
    mean, std = _per_channel(preprocessing)
    unit = model_input.transpose(1, 2, 0) * std + mean
    pixels: UInt8[np.ndarray, "height width 3"] = np.ascontiguousarray(
        np.rint(np.clip(unit, 0, 1) * 255), np.uint8
    )
    return pixels


class _Window(NamedTuple):
    """Whole pixels of the resized photo."""

    left: int
    top: int
    right: int
    bottom: int


def _resized_size(photo_size: tuple[int, int], preprocessing: Preprocessing) -> tuple[int, int]:
    if preprocessing.rule == "squash":
        return preprocessing.input_size
    if preprocessing.rule == "squash, then centre crop":
        rows, cols = preprocessing.input_size
        times = preprocessing.edge / min(rows, cols)
        return round(rows * times), round(cols * times)
    height, width = photo_size
    short, long = min(height, width), max(height, width)
    edge = preprocessing.edge
    if preprocessing.rule == "longest edge, then pad":
        other = max(1, round(short / (long / edge)))
        return (other, edge) if height <= width else (edge, other)
    other = int(edge * long / short)
    return (edge, other) if height <= width else (other, edge)


def _centred(size: int, window: int) -> int:
    """Where a centred window starts; negative where it is the larger one.

    Padding and cropping round half pixels differently, as they do in torchvision.
    """
    return -((window - size) // 2) if window > size else round((size - window) / 2.0)


def _seen_window(geometry: Geometry) -> _Window:
    (top, left), (height, width) = geometry.window_origin, geometry.input_size
    return _Window(
        max(left, 0),
        max(top, 0),
        min(left + width, geometry.resized_size[1]),
        min(top + height, geometry.resized_size[0]),
    )


def _resized_window(
    photo: Photo, geometry: Geometry, window: _Window, interpolation: Interpolation
) -> UInt8[np.ndarray, "height width 3"]:
    image = Image.fromarray(photo.pixels)
    resampling = _RESAMPLING[interpolation]
    height, width = geometry.resized_size
    if height * width <= RESIZED_PIXELS:
        return np.asarray(image.resize((width, height), resampling).crop(window))
    size = window.right - window.left, window.bottom - window.top
    return np.asarray(image.resize(size, resampling, box=geometry.seen))


def _per_channel(preprocessing: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    return np.array(preprocessing.mean, np.float32), np.array(preprocessing.std, np.float32)
