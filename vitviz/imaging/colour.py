"""Any kind of Pillow image to upright sRGB."""

from __future__ import annotations

import io

import numpy as np
from PIL import ExifTags, Image, ImageCms

from vitviz.imaging.depth import to_eight_bits
from vitviz.shapes import UInt8

_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_KEYED_MODES = ("1", "L", "P", "RGB")

_COLOUR_MODE = {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK", "LAB": "LAB"}
"""The mode that holds an image's colours once its alpha is set aside; "RGB" for all others."""

_PROFILE_MODE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The mode that an ICC profile of a colour space can be applied to."""

_SRGB_NAMES = ("sRGB IEC61966-2.1", "sRGB built-in", "GIMP built-in sRGB", "sRGB", "c2")
"""Profiles that change a level of 255 at most, and would take half a second on a large photo."""

_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation. Source: Exif 2.32, tag 0x0112."""

SIDEWAYS = (5, 6, 7, 8)
"""The orientations in whose files height and width are exchanged."""


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or none that can be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Broken EXIF raises nearly anything, and the photo is fine without it.
        return 1
    return value if isinstance(value, int) and value in _TO_UPRIGHT else 1


def orientation_note(value: int) -> str:
    """What undoing an orientation does, in the user's words; "" for 1."""
    if value == 1:
        return ""
    return "mirrored by EXIF" if value in (2, 4) else "rotated by EXIF"


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image with an EXIF orientation undone."""
    return image.transpose(_TO_UPRIGHT[orientation]) if orientation in _TO_UPRIGHT else image


def to_srgb(
    image: Image.Image, background: tuple[int, int, int]
) -> tuple[Image.Image, tuple[str, ...]]:
    """The image in mode "RGB" and sRGB, and notes about what that took.

    Depth first, then the ICC profile, then transparency, which is laid on ``background``.

    Args:
        image: Loaded, of any mode.
        background: sRGB, 0..255.
    """
    image, depth_note = _eight_bits(image)
    alpha = _alpha(image)
    colour, colour_note = _colours(image)
    alpha_note = ""
    if alpha is not None and alpha.getextrema() != (255, 255):
        canvas = Image.new("RGB", image.size, background)
        canvas.paste(colour, mask=alpha)
        colour, alpha_note = canvas, "transparency laid on the background colour"
        if alpha.getextrema() == (0, 0):
            alpha_note = "wholly transparent: only the background colour is to be seen"
    return colour, tuple(note for note in (depth_note, colour_note, alpha_note) if note)


def _eight_bits(image: Image.Image) -> tuple[Image.Image, str]:
    if image.mode not in _DEEP_MODES:
        return image, ""
    samples = np.asarray(image)
    grey, note = to_eight_bits(samples)
    shallow = Image.fromarray(grey)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        shallow.putalpha(Image.fromarray(_opaque_except(samples, transparent)))
    shallow.info["icc_profile"] = image.info.get("icc_profile")
    return shallow, note


def _opaque_except(samples: np.ndarray, transparent: int) -> UInt8[np.ndarray, "height width"]:
    return np.where(samples == transparent, np.uint8(0), np.uint8(255))


def _alpha(image: Image.Image) -> Image.Image | None:
    keyed = image.mode in _KEYED_MODES and (
        "transparency" in image.info
        or (image.palette is not None and image.palette.mode.endswith("A"))
    )
    if image.mode not in _ALPHA_MODES and not keyed:
        return None
    if image.mode == "La":  # Pillow knows only this one way out of it.
        image = image.convert("LA")
    return image.convert("RGBA").getchannel("A")


def _colours(image: Image.Image) -> tuple[Image.Image, str]:
    """The image without its alpha, in sRGB."""
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert(image.mode.upper())
    profile = image.info.get("icc_profile")
    mode = _COLOUR_MODE.get(image.mode, "RGB")
    colour = _in_mode(image, mode)
    if profile:
        try:
            return _from_profile(colour, profile)
        except Exception:  # littleCMS and Pillow disagree on what a bad profile raises.
            return _in_mode(colour, "RGB"), "colour profile unreadable, colours taken as sRGB"
    note = "CMYK without a colour profile, colours approximate" if mode == "CMYK" else ""
    return _in_mode(colour, "RGB"), note


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Converted; Pillow's own ``convert`` copies even where there is nothing to do."""
    return image if image.mode == mode else image.convert(mode)


def _from_profile(colour: Image.Image, data: bytes) -> tuple[Image.Image, str]:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    mode = _PROFILE_MODE.get(profile.profile.xcolor_space.strip(), "")
    if mode == "RGB" and colour.mode == "L":
        colour = colour.convert("RGB")
    if mode != colour.mode:
        return _in_mode(colour, "RGB"), "colour profile of another kind of image, not used"
    name = (profile.profile.profile_description or "its colour profile").strip("\0 \n")
    if mode == "RGB" and name in _SRGB_NAMES:
        return colour, ""
    srgb = ImageCms.createProfile("sRGB")
    result = ImageCms.profileToProfile(colour, profile, srgb, outputMode="RGB")
    if result is None:
        raise ValueError("no image came back")
    return result, f"colours converted from {name[:60]} to sRGB"
