"""What commands have in common: option values, the photos that are meant, failures said."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.cli.terminal import say, warn
from vitviz.errors import PhotoError, VitvizError
from vitviz.exporting.provenance import Disclosure
from vitviz.imaging.load import photos_in
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.heat_map import Fusion, Head
from vitviz.models.card import ModelCard
from vitviz.models.hub_names import resolve
from vitviz.paths import is_folder
from vitviz.session.state import Point, Query

if TYPE_CHECKING:  # argparse has no public name for it, and the class takes no arguments
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

MODELS = ("model", "models", "teacher")
"""Options that name models."""

INPUTS = {
    "trained": InputChoice("as trained"),
    "whole": InputChoice("whole photo"),
    **{f"whole{times}": InputChoice("whole photo", times) for times in (2, 3, 4)},
}


def failed(error: VitvizError) -> int:
    """Says what happened and what to do, on standard error."""
    warn(f"vitviz: {error.message}")
    for line in error.hint.splitlines():
        warn(f"  {line.strip()}")
    return 1


def find_models(options: argparse.Namespace) -> None:
    """Puts the files of models in the place of their names on the hub; asks no network.

    Raises:
        CheckpointError: One is not on this computer.
    """
    for field in MODELS:
        said = getattr(options, field, None)
        if isinstance(said, str):
            setattr(options, field, resolve(said))
        elif isinstance(said, list):
            setattr(options, field, list(map(resolve, said)))


def add_disclosure(parser: argparse.ArgumentParser) -> None:
    """The options that say how much is told of where files come from."""
    parser.add_argument(
        "--provenance", action="store_true",
        help="write what made each file also as JSON beside it, not only inside",
    )  # fmt: skip
    parser.add_argument(
        "--full-paths", action="store_true",
        help="name the folders of photos and checkpoints in the provenance, not only their names",
    )  # fmt: skip


def disclosure(options: argparse.Namespace) -> Disclosure:
    """What the options of ``add_disclosure`` say."""
    return Disclosure(options.provenance or None, options.full_paths)


def print_notes(photo: Photo) -> None:
    """What opening a photo changed or left out, a line each."""
    for note in photo.notes:
        say(f"  {note}")
    if photo.frames > 1:
        say("  --frame N takes another one of them")


def warn_of_model(card: ModelCard) -> None:
    """What had to be assumed of a model and what was left out, a line each, on standard error."""
    fields = {assumption.text: assumption.field for assumption in card.assumed}
    for note in card.notes:
        warn(f"  {card.title}: {note}")
    words = sorted({WORDS.get(field, field) for field in fields.values()})
    if words:
        warn(f"  Correct what is assumed with --set-model {', '.join(words)}=VALUE")


WORDS = {"input_size": "grid", "preprocessing": "mean, std, rule, edge"}
"""What ``--set-model`` calls the fields of assumptions, where it calls them otherwise."""


def photos_at(path: Path) -> list[Path]:
    """A photo, or the photos of a folder.

    Raises:
        PhotoError: The folder has none.
    """
    if not is_folder(path):
        return [path]
    found = photos_in(path)
    if not found:
        raise PhotoError(f"There are no photos in the folder {path}.", "Name another.")
    return found


def stems(photos: list[Path]) -> list[str]:
    """A name for each photo without its suffix; equal ones are numbered: bear, bear-2, bear-3."""
    taken, names = {photo.stem.casefold() for photo in photos}, list[str]()
    used: set[str] = set()
    for photo in photos:
        name, number = photo.stem, 1
        while name.casefold() in (taken if number > 1 else used):
            number += 1
            name = f"{photo.stem}-{number}"
        for known in (taken, used):
            known.add(name.casefold())
        names.append(name)
    return names


def counted(text: str) -> int:
    """A number from 1, as an index."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number from 1")
    return int(text) - 1


def layer(text: str) -> int:
    """ "last" or a number from 1, as an index."""
    if text == "last":
        return -1
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is neither a number from 1 nor last")
    return int(text) - 1


def head(text: str) -> Head:
    """A fusion, or a number from 1 as an index."""
    fusions: dict[str, Fusion] = {"mean": "mean", "max": "max", "min": "min"}
    if text in fusions:
        return fusions[text]
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is neither a number from 1 nor mean, max, min")
    return int(text) - 1


def query(text: str) -> Query:
    """The name of a query, a point "X,Y", or several: "X,Y X,Y"."""
    if "," not in text:
        return text.lower()
    points = tuple(map(_point, text.split()))
    return points[0] if len(points) == 1 else points


def _point(text: str) -> Point:
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        x = y = math.nan
    if not math.isfinite(x) or not math.isfinite(y):
        raise argparse.ArgumentTypeError(f"“{text}” is not a point X,Y, such as 320,200")
    return x, y


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number from 0 to 1")
    return value


def number(low: float, high: float) -> Callable[[str], float]:
    """A reader of numbers within limits."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"“{text}” is not a number from {low:g} to {high:g}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers within limits."""

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"“{text}” is not a whole number, {low} to {high}")
        return int(text)

    return read
