"""The command line: the same core as the window, without Qt."""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import get_args

from vitviz.errors import CheckpointError, PhotoError, PhotoTooLarge, VitvizError
from vitviz.figures.style import ColourMap, Style
from vitviz.imaging.load import photos_in
from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.methods.base import Fusion, Head
from vitviz.models.loading import bundled
from vitviz.session.caption import caption
from vitviz.session.engine import Engine, top_classes
from vitviz.session.export import SUFFIXES, write_map
from vitviz.session.plan import plan
from vitviz.session.state import PhotoRef, Query, Session, View
from vitviz.session.strict import check_direction, check_map, check_query, read_parameter


def main(arguments: list[str]) -> int:
    """Runs a subcommand; returns the exit code: 0, 1 if something failed, 2 for wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names and captions hold any character
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="vitviz")
    commands = parser.add_subparsers(dest="command", required=True)
    for add, _ in COMMANDS.values():
        add(commands)
    options = parser.parse_args(arguments)
    try:
        code = COMMANDS[options.command][1](options)
        sys.stdout.flush()
    except VitvizError as error:
        return failed(error)
    except BrokenPipeError:
        # Whoever read this has seen enough; so that Python does not complain when it ends:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def failed(error: VitvizError) -> int:
    """Says what happened and what to do, on standard error."""
    sys.stderr.write(f"vitviz: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"  {error.hint}\n")
    return 1


Subparsers = argparse._SubParsersAction  # argparse has no public name for it


def add_explain(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """``vitviz explain PHOTO...``."""
    parser = commands.add_parser(
        "explain",
        usage="vitviz explain PHOTO... [--out PATH] [--method NAME] ... (see --help)",
        help="write maps over photos, without a window",
        description="Writes, for every photo, PHOTO-METHOD.png (the map over the photo at its "
        "full size) and PHOTO-METHOD.npy (the raw values, rows x columns).",
    )
    add = parser.add_argument
    add("photos", nargs="+", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    add("--model", default=bundled()[0].id,
        help="a checkpoint, or a bundled model's id (default: %(default)s)")  # fmt: skip
    add("--method", choices=tuple(METHODS), default="rollout", help="default: %(default)s")
    add("--layer", default="last", type=layer, help="from 1, or last (default)")
    add("--head", default="mean", type=head, help="from 1, or mean (default), max, min")
    add("--query", default="cls", type=query,
        help="cls (default), dist, ..., or X,Y in photo pixels")  # fmt: skip
    add("--direction", choices=("of", "to"), default="of",
        help="attention of the query (default), or to it")  # fmt: skip
    add("--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of the method, such as discard=0.9; may be repeated")  # fmt: skip
    add("--input", choices=tuple(INPUTS), default="trained",
        help="what the model is given: the photo resized and cropped as it was trained (default), "
        "the whole photo, or that with 2 to 4 times the patches along each side")  # fmt: skip
    add("--frame", type=counted, default=0, help="of an animation, from 1 (default)")
    add("--large", action="store_true", help="open photos above 100 million pixels too")
    add("--colours", choices=get_args(ColourMap), default="inferno", help="default: %(default)s")
    add("--opacity", type=fraction, default=Style().opacity, help="0 to 1 (default: %(default)s)")
    add("--nearest", action="store_true", help="flat patches, not smoothed")
    add("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    add("--out", type=Path, metavar="PATH",
        help="a folder (default: this one), or for one photo a file "
        f"({', '.join(SUFFIXES)})")  # fmt: skip


INPUTS = {
    "trained": InputChoice("as trained"),
    "whole": InputChoice("whole photo"),
    **{f"whole{times}": InputChoice("whole photo", times) for times in (2, 3, 4)},
}


def explain(options: argparse.Namespace) -> int:
    """Explains every photo; goes on after a failure, and says so with the exit code."""
    check_direction(METHODS[options.method], options.direction)
    params = [read_parameter(METHODS[options.method], text) for text in options.set]
    view = View(options.method, tuple(sorted(dict(params).items())), options.layer,
                options.head, options.query, options.direction)  # fmt: skip
    photos = [photo for path in options.photos for photo in photos_at(path)]
    files = targets(photos, options.method, options.out)
    engine, code = Engine(), 0
    for photo, photo_files in zip(photos, files, strict=True):
        try:
            explain_one(engine, photo, photo_files, view, options)
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
    engine: Engine, path: Path, files: list[Path], view: View, options: argparse.Namespace
) -> None:
    """Writes the maps of one photo, and prints what they are."""
    session = Session(
        photos=(PhotoRef(str(path.absolute()), options.frame, options.large),),
        model=options.model,
        input=INPUTS[options.input],
        view=view,
        style=Style(options.colours, options.opacity, smooth=not options.nearest),
    )
    (request,) = plan(session, options.device)
    cell = engine.answer(request)
    check_query(view.query, cell.layout.prefix, cell.geometry)
    check_map(view, cell.explanation, cell.card.config.heads)
    photo = engine.photos.get(request.photo, request.background)
    print(f"{path}: {caption(cell, view)}")
    for note in photo.notes:
        print(f"  {note}")
    for name, probability in top_classes(cell, 3):
        print(f"  {100 * probability:5.1f} %  {name}")
    for file in files:
        write_map(file, photo, cell, view, session.style)
        print(f"  wrote {file}")


def photos_at(path: Path) -> list[Path]:
    """A photo, or the photos of a folder.

    Raises:
        PhotoError: The folder has none.
    """
    if not path.is_dir():
        return [path]
    found = photos_in(path)
    if not found:
        raise PhotoError(f"There are no photos in the folder {path}.", "Name another.")
    return found


def targets(photos: list[Path], method: str, out: Path | None) -> list[list[Path]]:
    """The files to write for each photo, in a folder that is there.

    Args:
        photos: No two of them share a file, and none of them is one.
        method: Part of their names.
        out: A folder, a file for a single photo, or None for the current folder.

    Raises:
        VitvizError: There can be no such files.
    """
    if out is not None and out.suffix.lower() in SUFFIXES and not out.is_dir():
        if len(photos) > 1:
            raise VitvizError(
                f"{out} is one file, but there are {len(photos)} photos.", "Give a folder as --out."
            )
        files = [[out]]
    else:
        folder = made(out or Path())
        names = [f"{stem}-{method}" for stem in stems(photos)]
        files = [[folder / f"{name}.png", folder / f"{name}.npy"] for name in names]
    inputs = {photo.resolve() for photo in photos}
    for file in (file for of_one in files for file in of_one):
        if file.resolve() in inputs:
            raise VitvizError(
                f"{file} is one of the photos, and would be overwritten.", "Give another --out."
            )
    return files


def made(folder: Path) -> Path:
    """The folder, made now if it is not there.

    Raises:
        VitvizError: It cannot be made, or looks like a file of a kind that maps are not.
    """
    if folder.suffix and not folder.exists():
        raise VitvizError(
            f"{folder}: maps cannot be written as {folder.suffix}.",
            f"Use one of {', '.join(SUFFIXES)}, or the name of a folder.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VitvizError(
            f"The folder {folder} cannot be made: {error.strerror or error}.",
            "Give another --out.",
        ) from error
    return folder


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
    """A prefix token's name, or a point "X,Y"."""
    if "," not in text:
        return text.lower()
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


def add_models(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """``vitviz models``."""
    commands.add_parser("models", help="list the models that come with vitviz")


def models(options: argparse.Namespace) -> int:  # noqa: ARG001 (every command takes its options)
    """Lists the bundled models."""
    for card in bundled():
        config = card.config
        print(f"{card.id}: {card.title}")
        print(f"  {config.depth} layers, {config.heads} heads, width {config.width}, "
              f"patch {config.patch}, {config.input_size[0]} x {config.input_size[1]}, "
              f"{config.parameters:,} parameters, {card.classes or 'no class names'}")  # fmt: skip
    print("Any checkpoint in timm, DeiT or torchvision names works too: --model FILE")
    return 0


def add_check(commands: Subparsers[argparse.ArgumentParser]) -> None:
    """``vitviz check``."""
    commands.add_parser(
        "check", help="check the numbers and the window; report versions and devices"
    )


def check(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Prints every self-check with its outcome; 1 if one failed."""
    from vitviz.session.checks import environment, outcomes
    from vitviz.session.program_checks import program_outcomes

    for name, value in environment():
        print(f"{name}: {value}")
    code = 0
    for outcome in chain(outcomes(), program_outcomes()):
        word = "ok    " if outcome.passed else "FAILED"
        print(f"{word}  {outcome.name}: {outcome.measured}", flush=True)
        code = code if outcome.passed else 1
    print(
        "All checks passed." if code == 0 else "Some checks failed: do not trust what failed here."
    )
    return code


Adds = Callable[["Subparsers[argparse.ArgumentParser]"], None]

COMMANDS: dict[str, tuple[Adds, Callable[[argparse.Namespace], int]]] = {
    "explain": (add_explain, explain),
    "models": (add_models, models),
    "check": (add_check, check),
}
