"""``vitviz explain``: maps over photos, without a window."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vitviz.cli.choices import add_choices, chosen, said_of_model
from vitviz.cli.options import (
    add_disclosure,
    counted,
    disclosure,
    failed,
    photos_at,
    print_notes,
    stems,
    warn_of_model,
)
from vitviz.cli.registers import with_registers
from vitviz.cli.terminal import say
from vitviz.engine.answers import top_classes, top_of_each_head
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.errors import CheckpointError, PhotoError, PhotoTooLarge, VitvizError
from vitviz.exporting.formats import CONTAINERS, Format, formats, suffixes
from vitviz.exporting.map_files import write_map, write_values
from vitviz.exporting.values import Resolution, ValuesOptions
from vitviz.methods import METHODS
from vitviz.models.card import ModelCard
from vitviz.paths import absolute, is_folder, is_there, resolved
from vitviz.session.state import PhotoRef, Session
from vitviz.session.strict import check_map, check_query
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.numbers import score

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def _of_values(row: Format) -> tuple[str, str]:
    """Name and ending of a file of values; a TIFF is one of a picture, unless it is said."""
    name = row.suffix[1:]
    return (f"values-{name}", f"-values.{name}") if "map" in row.titles else (name, row.suffix)


PICTURES = {row.suffix[1:]: row.suffix for row in formats("map")}
VALUES = dict(map(_of_values, formats("values")))
"""Ends of the names of files by what ``--format`` calls them."""

ANY = suffixes("map", "values")


def add(commands: Subparsers) -> None:
    """``vitviz explain PHOTO...``."""
    parser = commands.add_parser(
        "explain",
        usage="vitviz explain PHOTO... [--out PATH] [--method NAME] ... (see --help)",
        help="write maps over photos, without a window",
        description="Writes, for every photo, PHOTO-METHOD.png (the map over the photo at its "
        "full size) and PHOTO-METHOD.npy (the raw values, rows x columns), or what "
        "--format says.",
    )
    option = parser.add_argument
    option("photos", nargs="+", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    add_choices(parser)
    option("--frame", type=counted, default=0, help="of an animation, from 1 (default)")
    option("--large", action="store_true", help="open photos above 100 million pixels too")
    add_outputs(parser)


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """The options that say which files are written."""
    option = parser.add_argument
    option("--out", type=Path, metavar="PATH",
        help="a folder (default: this one), or for one photo a file "
        f"({', '.join(ANY)})")  # fmt: skip
    option("--format", action="append", choices=PICTURES | VALUES,
        help=f"{', '.join(PICTURES)}: the map over the photo; {', '.join(VALUES)} (32-bit floats): "
        "the values; may be repeated")  # fmt: skip
    option("--all", action="store_true", help="files of values hold all layers and heads")
    option("--resolution", choices=get_args(Resolution), default="patches",
        help="of values-tiff: a value for each patch (default), or for each pixel")  # fmt: skip
    add_disclosure(parser)


def run(options: argparse.Namespace) -> int:
    """Explains every photo; goes on after a failure, and says so with the exit code."""
    choices = chosen(options)
    photos = [photo for path in options.photos for photo in photos_at(path)]
    files = targets(photos, options.method, options.out, options.format or ["png", "npy"])
    engine, code = Engine(said=said_of_model(options)), 0
    refs = [PhotoRef(str(absolute(photo)), options.frame, options.large) for photo in photos]
    choices = with_registers(choices, refs, engine, options)
    warned = False
    for photo, photo_files in zip(photos, files, strict=True):
        try:
            card = explain_one(engine, photo, photo_files, choices, options)
            if not warned:
                warn_of_model(card)
            warned = True
        except CheckpointError:  # which no other photo will change
            raise
        except PhotoTooLarge as error:
            code = failed(VitvizError(error.message, "Give --large to open it all the same."))
        except PhotoError as error:
            code = failed(error)
        except VitvizError as error:
            code = failed(VitvizError(f"{photo}: {error.message}", error.hint))
    return code


def explain_one(
    engine: Engine, path: Path, files: list[Path], choices: Session, options: argparse.Namespace
) -> ModelCard:
    """Writes the maps of one photo, prints what they are, and gives the model's card."""
    ref = PhotoRef(str(absolute(path)), options.frame, options.large)
    session, view = replace(choices, photos=(ref,)), choices.view
    (request,) = plan(session, options.device)
    cell = engine.answer(request)
    there = cell.query_geometry or cell.geometry
    check_query(METHODS[view.method], view.query, cell.layout.prefix, there)
    check_map(view, cell.explanation, cell.outline)
    photo = engine.photos.get(request.photo, request.background)
    say(f"{path}: {caption(describe_map(cell, view, session.style))}")
    print_notes(photo)
    for name, number in top_classes(cell, 3):
        say(f"  {score(number, cell.outputs):>7}  {name}")
    for token, name, number in top_of_each_head(cell):
        say(f"  {score(number, cell.outputs):>7}  {name} (by the head of {token} alone)")
    said = disclosure(options)
    if said.beside is None and any(file.suffix.lower() in CONTAINERS for file in files):
        said = replace(said, beside=False)  # one of the files says it for all
    wanted = ValuesOptions(options.all, options.resolution, session.style.smooth)
    for file in files:
        if holds_values(file, options.format or []):
            write_values(file, cell, session, wanted, said)
        else:
            write_map(file, photo, cell, session, said)
        say(f"  wrote {file}")
    return cell.card


def holds_values(file: Path, format_names: list[str]) -> bool:
    """Whether a file is to hold values; a TIFF holds a picture unless ``format_names`` say so."""
    suffix = file.suffix.lower()
    name = next((row.suffix[1:] for row in formats("map") if suffix in row.suffixes), None)
    if f"values-{name}" in format_names:
        return name not in format_names or file.stem.endswith("-values")
    return name is None


def targets(
    photos: list[Path], method: str, out: Path | None, format_names: list[str]
) -> list[list[Path]]:
    """The files to write for each photo, in a folder that is there.

    Args:
        photos: No two of them share a file, and none of them is one.
        method: Part of their names.
        out: A folder, a file for a single photo, or None for the current folder.
        format_names: Names that ``--format`` has, for files in a folder.

    Raises:
        VitvizError: There can be no such files.
    """
    if out is not None and out.suffix.lower() in ANY and not is_folder(out):
        if len(photos) > 1:
            raise VitvizError(
                f"{out} is one file, but there are {len(photos)} photos.", "Give a folder as --out."
            )
        files = [[out]]
    else:
        folder = output_folder(out or Path())
        names = [f"{stem}-{method}" for stem in stems(photos)]
        endings = [(PICTURES | VALUES)[name] for name in dict.fromkeys(format_names)]
        files = [[folder / f"{name}{ending}" for ending in endings] for name in names]
    inputs = set(map(resolved, photos))
    for file in (file for of_one in files for file in of_one):
        if resolved(file) in inputs:
            raise VitvizError(
                f"{file} is one of the photos, and would be overwritten.", "Give another --out."
            )
    return files


def output_folder(folder: Path) -> Path:
    """The folder, made now if it is not there.

    Raises:
        VitvizError: It cannot be made, or looks like a file of a kind that maps are not.
    """
    if folder.suffix and not is_there(folder):
        raise VitvizError(
            f"{folder}: maps cannot be written as {folder.suffix}.",
            f"Use one of {', '.join(ANY)}, or the name of a folder.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"The folder {folder} cannot be made: {getattr(error, 'strerror', None) or error}.",
            "Give another --out.",
        ) from error
    return folder
