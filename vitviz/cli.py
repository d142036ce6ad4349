"""The command line: the same core as the window, without Qt."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from vitviz.errors import VitvizError
from vitviz.figures.style import ColourMap, Style
from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.methods.base import Fusion, Head, ParameterValue
from vitviz.models.loading import bundled
from vitviz.session.caption import caption
from vitviz.session.engine import Cell, Engine, top_classes
from vitviz.session.export import write_map
from vitviz.session.plan import plan
from vitviz.session.state import PhotoRef, Query, Session, View


def main(arguments: list[str]) -> int:
    """Runs a subcommand; returns the exit code: 0, 1 if something failed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="vitviz")
    commands = parser.add_subparsers(dest="command", required=True)
    for add, _ in COMMANDS.values():
        add(commands)
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command][1](options)
    except VitvizError as error:
        return failed(error)
    except KeyboardInterrupt:
        return 130


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
        help="write maps over photos, without a window",
        description="Writes, for every photo, PHOTO-METHOD.png (the map over the photo at its "
        "full size) and PHOTO-METHOD.npy (the raw values, rows x columns).",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("--model", default=bundled()[0].id,
                        help="a checkpoint, or a bundled model's id (default: %(default)s)")  # fmt: skip
    parser.add_argument("--method", choices=tuple(METHODS), default="rollout")
    parser.add_argument("--layer", default="last", type=layer,
                        help="from 1, or 'last' (default)")  # fmt: skip
    parser.add_argument("--head", default="mean", type=head,
                        help="from 1, or mean (default), max, min")  # fmt: skip
    parser.add_argument("--query", default="cls", type=query,
                        help="cls (default), dist, ..., or X,Y in photo pixels")  # fmt: skip
    parser.add_argument("--direction", choices=("of", "to"), default="of",
                        help="attention of the query, or to it")  # fmt: skip
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="a parameter of the method, such as discard=0.9")  # fmt: skip
    parser.add_argument("--input", choices=("trained", "whole", "whole2", "whole3", "whole4"),
                        default="trained", help="what the model is given of the photo")  # fmt: skip
    parser.add_argument("--colours", choices=get_args(ColourMap), default="inferno")
    parser.add_argument("--opacity", type=fraction, default=Style().opacity, help="0 to 1")
    parser.add_argument("--nearest", action="store_true", help="flat patches, not smoothed")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--out", type=Path, metavar="PATH",
                        help="a folder, or for one photo a file (.png, .jpg, .tiff, .npy)")  # fmt: skip


def explain(options: argparse.Namespace) -> int:
    """Explains every photo; goes on after a failure, and says so with the exit code."""
    if options.out is not None and options.out.suffix and len(options.photos) > 1:
        raise VitvizError(
            f"{options.out} is one file, but there are {len(options.photos)} photos.",
            "Give a folder as --out.",
        )
    engine, code = Engine(), 0
    for path in options.photos:
        try:
            explain_one(engine, path, options)
        except VitvizError as error:
            code = failed(error)
    return code


def explain_one(engine: Engine, path: Path, options: argparse.Namespace) -> None:
    """Writes the maps of one photo, and prints what they are."""
    method = METHODS[options.method]
    session = Session(
        photos=(PhotoRef(str(path)),),
        model=options.model,
        input=InputChoice("as trained") if options.input == "trained"
        else InputChoice("whole photo", int(options.input[5:] or 1)),
        view=View(options.method, parameters(options.method, options.set), options.layer,
                  options.head, options.query, options.direction),
        style=Style(options.colours, options.opacity, smooth=not options.nearest, grid=False),
    )  # fmt: skip
    if options.direction not in method.directions:
        raise VitvizError(f"{method.title} has no direction “{options.direction}”.",
                          f"Use {' or '.join(method.directions)}.")  # fmt: skip
    (request,) = plan(session, options.device)
    cell = engine.answer(request)
    check_exists(cell, session.view)
    photo = engine.photos.get(request.photo, request.background)
    print(f"{path}: {caption(cell, session.view)}")
    for name, probability in top_classes(cell, 3):
        print(f"  {100 * probability:5.1f} %  {name}")
    for target in targets(path, options):
        write_map(target, photo, cell, session.view, session.style)
        print(f"  wrote {target}")


def check_exists(cell: Cell, view: View) -> None:
    """The window goes to the nearest layer and head; a script must not be given another."""
    config = cell.card.config
    if not -config.depth <= view.layer < config.depth:
        raise VitvizError(f"{cell.card.title} has {config.depth} layers, not {view.layer + 1}.",
                          "Give --layer from 1, or 'last'.")  # fmt: skip
    if isinstance(view.head, int) and view.head >= config.heads:
        raise VitvizError(f"{cell.card.title} has {config.heads} heads, not {view.head + 1}.",
                          "Give --head from 1, or mean, max, min.")  # fmt: skip
    if isinstance(view.query, str) and view.query not in cell.layout.prefix:
        known = ", ".join(cell.layout.prefix) or "none"
        raise VitvizError(f"{cell.card.title} has no token “{view.query}” (it has: {known}).",
                          "Give one of those, or a point X,Y of the photo.")  # fmt: skip


def targets(photo: Path, options: argparse.Namespace) -> list[Path]:
    """The files to write for one photo."""
    out: Path | None = options.out
    if out is not None and out.suffix:
        return [out]
    folder = out or Path()
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{photo.stem}-{options.method}"
    return [folder / f"{stem}.png", folder / f"{stem}.npy"]


def parameters(method: str, given: list[str]) -> tuple[tuple[str, ParameterValue], ...]:
    """The values of ``--set``, each of its parameter's type.

    Raises:
        VitvizError: No such parameter, or not such a value.
    """
    known = {parameter.name: parameter for parameter in METHODS[method].parameters}
    values: dict[str, ParameterValue] = {}
    for assignment in given:
        name, _, text = assignment.partition("=")
        if name not in known:
            raise VitvizError(f"{METHODS[method].title} has no parameter “{name}”.",
                              f"It has: {', '.join(known) or 'none'}.")  # fmt: skip
        kind = type(known[name].default)
        try:
            values[name] = text.lower() in ("1", "true", "yes") if kind is bool else kind(text)
        except ValueError as error:
            raise VitvizError(f"“{text}” is not a value of {name}.",
                              f"Its default is {known[name].default}.") from error  # fmt: skip
    return tuple(sorted(values.items()))


def layer(text: str) -> int:
    """ "last" or a number from 1, as an index."""
    if text == "last":
        return -1
    if int(text) < 1:
        raise ValueError(text)
    return int(text) - 1


def head(text: str) -> Head:
    """A fusion, or a number from 1 as an index."""
    for fusion in get_args(Fusion):
        if text == fusion:
            return str(fusion)  # type: ignore[return-value]
    if int(text) < 1:
        raise ValueError(text)
    return int(text) - 1


def query(text: str) -> Query:
    """A prefix token's name, or a point "X,Y"."""
    if "," not in text:
        return text
    x, y = text.split(",")
    return float(x), float(y)


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
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
    commands.add_parser("check", help="check the numbers, and report versions and devices")


def check(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Prints every self-check with its outcome; 1 if one failed."""
    from vitviz.session.checks import environment, outcomes

    for name, value in environment():
        print(f"{name}: {value}")
    code = 0
    for outcome in outcomes():
        print(f"{'ok    ' if outcome.passed else 'FAILED'}  {outcome.name}: {outcome.measured}")
        code = code if outcome.passed else 1
    print("All checks passed." if code == 0 else "Some checks failed: the maps may be wrong here.")
    return code


Adds = Callable[["Subparsers[argparse.ArgumentParser]"], None]

COMMANDS: dict[str, tuple[Adds, Callable[[argparse.Namespace], int]]] = {
    "explain": (add_explain, explain),
    "models": (add_models, models),
    "check": (add_check, check),
}
