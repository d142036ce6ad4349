"""Frames as a film: GIF, APNG, and MP4 where PyAV is installed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vitviz.errors import VitvizError
from vitviz.exporting.containers import KEYWORD
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import UInt8

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

CODECS = ("libx264", "libopenh264", "mpeg4")
"""The first one that PyAV has; H.264 plays everywhere."""

MP4_RATE = 30
"""Frames a second of an MP4, whatever the film's: players stumble over fewer; equal frames cost
next to nothing."""

PALETTE_EDGE = 160
"""Longer side of the frames from which a GIF's 256 colours are chosen, in pixels."""

Frames = Sequence[UInt8[np.ndarray, "height width 3"]]


@dataclass(frozen=True)
class Film:
    """How fast, and how often.

    Args:
        frames_per_s: 0.1 to 30.
        hold_s: How long the last frame stays, in seconds; at least as long as every other.
        loop: Begins again at its end. An MP4 leaves this to the player.
    """

    frames_per_s: float = 2.0
    hold_s: float = 1.5
    loop: bool = True

    def durations_ms(self, count: int) -> list[int]:
        """How long each frame stays, in steps of the 10 ms that a GIF has."""
        one = round(100 / self.frames_per_s) * 10
        last = max(one, round(100 * self.hold_s) * 10)
        return [one] * (count - 1) + [last]


def encode(
    suffix: str, frames: Frames, film: Film, provenance: str = "", progress: Progress = silent
) -> bytes:
    """The file.

    Args:
        suffix: ".gif", ".mp4"; else it is an APNG.
        frames: All of one size, at least one.
        film: How fast, and how often.
        provenance: JSON, the comment of a GIF and an MP4, and a text of an APNG.
        progress: Called before each frame.

    Raises:
        VitvizError: It is an MP4, and PyAV is not there.
        Cancelled: ``progress`` said so.
    """
    if not 0.1 <= film.frames_per_s <= MP4_RATE:
        raise VitvizError(
            f"{film.frames_per_s:g} frames a second are not possible.", "Choose 0.1 to 30."
        )
    if suffix == ".gif":
        return _gif(frames, film, provenance, progress)
    if suffix == ".mp4":
        return _mp4(frames, film, provenance, progress)
    return _apng(frames, film, provenance, progress)


def has_video() -> bool:
    """Whether MP4 can be written here."""
    from importlib.util import find_spec

    return find_spec("av") is not None


def _told(frames: Frames, progress: Progress) -> Iterator[Image.Image]:
    for number, pixels in enumerate(frames):
        progress(Stage("writing_frames", number, len(frames)), number / len(frames))
        yield Image.fromarray(pixels)


def _apng(frames: Frames, film: Film, provenance: str, progress: Progress) -> bytes:
    # A list: Pillow looks at them twice.
    images, encoded, info = list(_told(frames, progress)), io.BytesIO(), PngInfo()
    if provenance:
        info.add_itxt(KEYWORD.decode(), provenance)
    images[0].save(
        encoded, "PNG", save_all=True, append_images=images[1:], pnginfo=info,
        duration=film.durations_ms(len(frames)), loop=0 if film.loop else 1,
    )  # fmt: skip
    return encoded.getvalue()


def _gif(frames: Frames, film: Film, comment: str, progress: Progress) -> bytes:
    """One table of colours for all frames, so that what does not move does not flicker."""
    palette = _palette(frames)
    dither = Image.Dither.FLOYDSTEINBERG
    images = (image.quantize(palette=palette, dither=dither) for image in _told(frames, progress))
    options: dict[str, Any] = {"loop": 0} if film.loop else {}
    if comment:
        options["comment"] = comment.encode("ascii")
    encoded = io.BytesIO()
    next(images).save(
        encoded, "GIF", save_all=True, append_images=images, optimize=False,
        duration=film.durations_ms(len(frames)), **options,
    )  # fmt: skip
    return encoded.getvalue()


def _palette(frames: Frames) -> Image.Image:
    height, width = frames[0].shape[:2]
    step = max(1, max(height, width) // PALETTE_EDGE)
    sample = np.concatenate([frame[::step, ::step] for frame in frames])
    return Image.fromarray(np.ascontiguousarray(sample)).quantize(
        256, method=Image.Quantize.MAXCOVERAGE, kmeans=3
    )


def _mp4(frames: Frames, film: Film, comment: str, progress: Progress) -> bytes:
    try:
        import av
    except ImportError as error:
        raise VitvizError(
            "MP4 needs PyAV, which is not installed.",
            "Install it (pip install av), or choose GIF or APNG.",
        ) from error
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="mp4") as container:
        container.metadata["comment"] = comment
        stream = _stream(container, frames[0].shape[:2])
        for image, duration_ms in zip(
            _told(frames, progress), film.durations_ms(len(frames)), strict=True
        ):
            frame = av.VideoFrame.from_ndarray(even(np.asarray(image)), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
            for _ in range(max(1, round(duration_ms * MP4_RATE / 1000))):
                frame.pts = None
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return encoded.getvalue()


def _stream(container: OutputContainer, size: tuple[int, int]) -> VideoStream:
    from av.codec import codecs_available
    from av.video.stream import VideoStream

    name = next(codec for codec in CODECS if codec in codecs_available)
    options = {"crf": "16", "preset": "medium"} if name == "libx264" else {}
    stream = container.add_stream(name, rate=MP4_RATE, options=options)
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = (edge + edge % 2 for edge in size)
    stream.pix_fmt = "yuv420p"  # players know no other
    if not options:
        stream.bit_rate = 8_000_000
    # BT.709, as the frames are; else players guess by the size.
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = 1
    context.color_range = 1
    return stream


def even(pixels: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "tall wide 3"]:
    """With its last row and column once more where their number is odd, as video needs it."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
