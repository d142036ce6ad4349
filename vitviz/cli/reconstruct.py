"""``vitviz reconstruct``: what a masked autoencoder makes of a photo with hidden patches."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vitviz.cli.options import INPUTS, counted, fraction, print_notes
from vitviz.cli.terminal import say
from vitviz.engine.answers import Reconstruction
from vitviz.engine.engine import Engine
from vitviz.engine.requests import DecodeRequest
from vitviz.errors import VitvizError
from vitviz.paths import absolute, resolved
from vitviz.session.mask import MaskChoice
from vitviz.session.state import PhotoRef
from vitviz.shapes import UInt8
from vitviz.writing import write_whole

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers

GAP = 8
"""Pixels between two pictures."""

PARTS = ("all", "masked", "reconstruction", "pasted")


def add(commands: Subparsers) -> None:
    """``vitviz reconstruct PHOTO``."""
    parser = commands.add_parser(
        "reconstruct",
        help="hide patches of a photo and write what a masked autoencoder (MAE) makes of the rest",
        description="Writes three pictures beside each other, in the size of the model's input: "
        "the photo with hidden patches grey, what the decoder makes of it (of visible patches, "
        "too, of which it was never asked), and the visible patches with what it made of the "
        "hidden ones.",
    )
    option = parser.add_argument
    option("photo", type=Path, metavar="PHOTO")
    option("--model", required=True, help="a masked autoencoder's checkpoint, with its decoder")
    option("--hidden", type=fraction, default=0.75,
        help="part of the patches that is hidden, 0 to 1 (default: 0.75)")  # fmt: skip
    option("--seed", type=int, default=0, help="which patches those are (default: 0)")
    option("--patches", metavar="R,C ...",
        help='instead: the hidden patches by row and column, from 1: "3,4 3,5 4,4"')  # fmt: skip
    option("--part", choices=PARTS, default="all", help="which picture (default: all three)")
    option("--pixels", choices=("as trained", "normalised", "plain"), default="as trained",
        help="what the decoder predicts, where the checkpoint does not say")  # fmt: skip
    option("--input", choices=INPUTS, default="trained", help="what the model is given")
    option("--frame", type=counted, default=0, help="of an animation, from 1 (default)")
    option("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    option("--out", type=Path, metavar="FILE", help="default: PHOTO-reconstructed.png")


def run(options: argparse.Namespace) -> int:
    """Writes the picture."""
    out = options.out or Path(f"{options.photo.stem}-reconstructed.png")
    if out.suffix.lower() != ".png":
        raise VitvizError(f"{out}: pictures are written as .png.", "Give such a name as --out.")
    if resolved(out) == resolved(options.photo):
        raise VitvizError(f"{out} is the photo, and would be overwritten.", "Give another --out.")
    if not 0 <= options.seed < 1 << 31:
        raise VitvizError(f"{options.seed} is no seed.", "Give a number from 0 to 2,147,483,647.")
    engine, normalised = Engine(), {"normalised": True, "plain": False}.get(options.pixels)
    ref = PhotoRef(str(absolute(options.photo)), options.frame)
    request = DecodeRequest(
        ref, (255, 255, 255), options.model, INPUTS[options.input],
        mask_of(options, engine, ref), normalised=normalised, device=options.device,
    )  # fmt: skip
    found = engine.answer(request)
    say(f"{options.photo}: {described(found)}")
    print_notes(engine.photos.get(ref, (255, 255, 255)))
    for note in found.card.notes:
        say(f"  {note}")
    pixels = picture(found, options.part)
    write_whole(out, png(pixels))
    say(f"  wrote {out}")
    return 0


def mask_of(options: argparse.Namespace, engine: Engine, ref: PhotoRef) -> MaskChoice:
    """Which patches are hidden.

    Raises:
        VitvizError: ``--patches`` names one that there is not.
    """
    if options.patches is None:
        return MaskChoice(options.hidden, options.seed)
    asked = DecodeRequest(ref, (255, 255, 255), options.model, INPUTS[options.input], MaskChoice(),
                          device=options.device)  # fmt: skip
    rows, cols = engine.answer(asked).hidden.shape
    indices = set()
    for text in options.patches.split():
        try:
            row, col = (int(part) for part in text.split(","))
        except ValueError:
            row = col = 0
        if not (1 <= row <= rows and 1 <= col <= cols):
            raise VitvizError(
                f"“{text}” is no patch: there are {rows} rows and {cols} columns.",
                'Give rows and columns from 1: "3,4 3,5".',
            )
        indices.add((row - 1) * cols + col - 1)
    return MaskChoice(painted=tuple(sorted(indices)), grid=(rows, cols))


def described(found: Reconstruction) -> str:
    """What was hidden, in words."""
    hidden, count = int(found.hidden.sum()), found.hidden.size
    how = "as patterns of normalised pixels, undone with each patch's own mean and spread"
    kind = how if found.normalised else "as plain pixels"
    return f"{hidden} of {count} patches hidden · predicted {kind}"


def picture(found: Reconstruction, part: str) -> UInt8[np.ndarray, "height width 3"]:
    """One of the pictures, or all three beside each other."""
    three = {"masked": found.masked, "reconstruction": found.pixels, "pasted": found.pasted}
    if part != "all":
        return three[part]
    gap = np.full((found.pixels.shape[0], GAP, 3), 255, np.uint8)
    first, *rest = three.values()
    return np.concatenate([first, *(piece for one in rest for piece in (gap, one))], axis=1)


def png(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """A picture as a file."""
    import io

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
