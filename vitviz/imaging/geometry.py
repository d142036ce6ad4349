"""Where every patch lies on the photo: the exact inverse of the preprocessing.

Preprocessing is always the same two steps, whatever its name: resize the whole photo to
``resized_size``, then look at it through a window of ``input_size`` whose top-left corner lies at
``window_origin`` (negative, or reaching past the far edge, where the input is padded). Squash,
"shortest edge, then centre crop" and padding differ only in these numbers, so one formula
inverts them all.

Conventions: sizes are ``(height, width)``; grids ``(row, col)``; points ``(x, y)`` in photo pixels
with the origin at the outer corner of the top-left pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in photo pixels: left, top, right, bottom; not rounded to whole pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Geometry:
    """The way from photo pixels to patches and back.

    Args:
        photo_size: Height and width of the photo.
        resized_size: Height and width the whole photo is resized to.
        window_origin: Top and left of the model's input inside the resized photo; negative where
            the input is padded.
        input_size: Height and width of the model's input.
        patch: Side of a patch in input pixels, which is how far its centre is from the next one's.
        offset: Top and left of the first patch in input pixels. Convolutions with a stride put the
            centres of their patches elsewhere than in the middle of even tiles.
        cells: Rows and columns of patches; None: as many as it takes to cover the input from its
            top-left corner.

    Every point of the input is of the patch whose centre is nearest: the first and the last row and
    column begin and end at its edges, whether their squares reach past these or not as far.
    """

    photo_size: tuple[int, int]
    resized_size: tuple[int, int]
    window_origin: tuple[int, int]
    input_size: tuple[int, int]
    patch: int
    offset: tuple[float, float] = (0.0, 0.0)
    cells: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        sizes = (*self.photo_size, *self.resized_size, *self.input_size, *self.grid)
        if min(*sizes, self.patch) < 1:
            raise ValueError(f"sizes must be positive: {self}")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.cells or covering(self.input_size, self.patch)

    @property
    def extent(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where the input begins and ends, in patches from the first one's top and left edge."""
        (top, left), (height, width) = self.offset, self.input_size
        return (
            (-top / self.patch, (height - top) / self.patch),
            (-left / self.patch, (width - left) / self.patch),
        )

    @property
    def edges(self) -> tuple[list[float], list[float]]:
        """Where rows and columns of patches begin, and the last ones end, in input pixels."""
        rows, cols = (
            [0.0, *(first + i * self.patch for i in range(1, count)), float(size)]
            for first, count, size in zip(self.offset, self.grid, self.input_size, strict=True)
        )
        return rows, cols

    @property
    def scale(self) -> tuple[float, float]:
        """Photo pixels per input pixel, (vertical, horizontal)."""
        return (
            self.photo_size[0] / self.resized_size[0],
            self.photo_size[1] / self.resized_size[1],
        )

    def to_photo(self, x: float, y: float) -> tuple[float, float]:
        """The photo point of a point (x, y) of the model's input."""
        (top, left), (height, width) = self.window_origin, self.resized_size
        # Divided last, so that the far edges of the resized photo are exactly those of the photo.
        return (left + x) * self.photo_size[1] / width, (top + y) * self.photo_size[0] / height

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """The input point of a point (x, y) of the photo; may lie outside the input."""
        (top, left), (height, width) = self.window_origin, self.resized_size
        return x * width / self.photo_size[1] - left, y * height / self.photo_size[0] - top

    @property
    def window(self) -> Box:
        """The model's whole input on the photo; reaches past the photo where it is padded."""
        return Box(*self.to_photo(0, 0), *self.to_photo(self.input_size[1], self.input_size[0]))

    @property
    def seen(self) -> Box:
        """The part of the photo that the model saw."""
        window, (height, width) = self.window, self.photo_size
        return Box(
            max(window.left, 0.0),
            max(window.top, 0.0),
            min(window.right, float(width)),
            min(window.bottom, float(height)),
        )

    def patch_box(self, row: int, col: int) -> Box:
        """The box of one patch in photo pixels.

        Raises:
            IndexError: The grid has no such patch.
        """
        rows, cols = self.grid
        if not (0 <= row < rows and 0 <= col < cols):
            raise IndexError(f"no patch ({row}, {col}) on a grid of {rows} x {cols}")
        (top, bottom), (left, right) = (
            (
                0.0 if at == 0 else first + at * self.patch,
                float(size) if at == count - 1 else first + (at + 1) * self.patch,
            )
            for at, first, count, size in zip(
                (row, col), self.offset, self.grid, self.input_size, strict=True
            )
        )
        return Box(*self.to_photo(left, top), *self.to_photo(right, bottom))

    def around(self, row: int, col: int, side: float) -> Box:
        """The square of so many input pixels around the centre of a patch, in photo pixels; it may
        reach past the photo.
        """
        x, y = (
            first + (at + 0.5) * self.patch
            for first, at in ((self.offset[1], col), (self.offset[0], row))
        )
        half = side / 2
        return Box(*self.to_photo(x - half, y - half), *self.to_photo(x + half, y + half))

    def patch_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of the patch over a photo point, or None where the model saw nothing."""
        input_x, input_y = self.to_input(x, y)
        height, width = self.input_size
        if not (0 <= input_y < height and 0 <= input_x < width):
            return None
        return self._patch_of(input_x, input_y)

    def nearest_patch(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the patch over a photo point, or nearest to it."""
        return self._patch_of(*self.to_input(x, y))

    def _patch_of(self, input_x: float, input_y: float) -> tuple[int, int]:
        (rows, cols), (top, left) = self.grid, self.offset
        row = math.floor((input_y - top) / self.patch)
        col = math.floor((input_x - left) / self.patch)
        return min(max(row, 0), rows - 1), min(max(col, 0), cols - 1)


def covering(input_size: tuple[int, int], patch: int) -> tuple[int, int]:
    """Rows and columns of patches, from the top-left corner, that cover an input."""
    return -(-input_size[0] // patch), -(-input_size[1] // patch)
