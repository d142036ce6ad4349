"""What goes into a decoder and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from vitviz.errors import PhotoError, PhotoTooLarge
from vitviz.memory import physical_bytes

HARD_LIMIT = physical_bytes() // 32
"""No photo has more pixels than this, whatever the user says: decoding and converting one pixel
takes up to 32 bytes at a time."""

LEAST_FRAME_BYTES = 12
"""No format has a frame in fewer; a file that claims more frames than fit is not believed."""

LONGEST_SIDE = 1_000_000
"""Pixels. Decoders work row by row, and a row of one pixel costs as much as a hundred pixels."""


@dataclass(frozen=True)
class Source:
    """A file to decode, and what is wanted of it.

    Args:
        name: For messages.
        data: The whole file.
        frame: From 0.
        max_pixels: The user's limit; None is ``HARD_LIMIT``.
        edge: Only a picture of this longer side is wanted; a JPEG is then decoded at a fraction of
            its size, which takes as small a fraction of the memory. None: the whole.
    """

    name: str
    data: bytes
    frame: int = 0
    max_pixels: int | None = None
    edge: int | None = None

    def check_size(self, size: tuple[int, int]) -> None:
        """Refuse a width and height that are too large; called before anything is decoded."""
        width, height = size
        pixels = width * height
        if min(size) < 1:
            raise PhotoError(f"{self.name} has no pixels.", "Save it anew in another program.")
        what = f"{self.name} has {width} x {height} pixels ({pixels / 1e6:,.0f} million)"
        if max(size) > LONGEST_SIDE:
            raise PhotoError(
                f"{what}: one side is longer than {LONGEST_SIDE:,}.",
                "Cut a piece out of it in another program.",
            )
        if pixels > HARD_LIMIT:
            raise PhotoError(
                f"{what}, more than fits in this computer's memory.",
                "Make a smaller copy of it in another program.",
            )
        if self.max_pixels is not None and pixels > self.max_pixels:
            raise PhotoTooLarge(
                f"{what}, above the limit of {self.max_pixels / 1e6:,.0f} million.",
                "Open it all the same if it is a photo you trust; it takes memory and time.",
                pixels=pixels,
                limit=self.max_pixels,
            )

    def check_frame(self, frames: int) -> None:
        """Refuse a frame that the file does not have."""
        if not 0 <= self.frame < frames:
            raise PhotoError(
                f"{self.name} has no frame {self.frame + 1}: there are {frames}.",
                "Choose another frame.",
            )


@dataclass(frozen=True)
class DecodedImage:
    """An image as its file has it.

    Args:
        image: Loaded, of any mode.
        frames: Of the file, at least 1.
        orientation: EXIF orientation still to be undone, 1 to 8.
        notes: About decoding, in the user's words.
        whole: Width and height of the photo, where the image is a smaller copy.
    """

    image: Image.Image
    frames: int
    orientation: int
    notes: tuple[str, ...]
    whole: tuple[int, int] | None = None
