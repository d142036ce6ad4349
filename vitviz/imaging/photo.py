"""A photo as vitviz sees it: upright sRGB pixels, and what was done to get there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitviz.shapes import UInt8


@dataclass(frozen=True, eq=False)
class Photo:
    """An opened photo.

    Args:
        pixels: sRGB, read-only, origin at the top left, already upright.
        path: The file it came from, or None (pasted, or made by a program).
        sha256: Of the file's bytes (of the pixels where there is no file).
        notes: What opening changed, in the user's words: "rotated by EXIF",
            "16-bit scaled from 12..4011".
        frame: Which frame of an animation this is, from 0.
        frames: How many there are.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    path: Path | None
    sha256: str
    notes: tuple[str, ...] = ()
    frame: int = 0
    frames: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, eq=False)
class SmallCopy:
    """What a list shows of a photo that is not open.

    Args:
        pixels: sRGB, read-only, upright.
        size: Height and width of the photo itself.
        notes: As of ``Photo``.
        frames: As of ``Photo``.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()
    frames: int = 1
