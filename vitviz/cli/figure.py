"""``vitviz figure``: maps as a figure for print or a slide."""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vitviz.cli.choices import add_choices, chosen, said_of_model
from vitviz.cli.options import (
    add_disclosure,
    counted,
    disclosure,
    head,
    number,
    photos_at,
    print_notes,
    warn_of_model,
    whole,
)
from vitviz.cli.registers import with_registers
from vitviz.cli.terminal import say, warn
from vitviz.engine.engine import Engine
from vitviz.errors import PhotoTooLarge, VitvizError
from vitviz.exporting.figure_files import write_figure
from vitviz.exporting.formats import suffixes
from vitviz.figures import spec
from vitviz.figures.spec import PRESETS, FigureSpec
from vitviz.methods import METHODS
from vitviz.paths import absolute, is_file, resolved
from vitviz.session import session_file
from vitviz.session.state import MOST_PANES, Pane, PhotoRef, Session, with_panes
from vitviz.wording.names import missing_letters

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz figure PHOTO...``."""
    parser = commands.add_parser(
        "figure",
        usage="vitviz figure PHOTO... [--out FILE] [--layers LIST] [--heads LIST] ... (see --help)",
        help="write a figure for print or a slide: PNG, TIFF, SVG, PDF",
        description="Writes a figure with headings, colour bars and a caption. One photo gives "
        "its map; with --layers a strip of layers, with --heads layers x heads. Several photos, "
        "--models, --methods or --classes give panels side by side; with --layers each is a row of "
        "layers.",
    )
    option = parser.add_argument
    option("photos", nargs="+", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    add_choices(parser)
    option("--layers", type=layers, metavar="LIST", help="such as 3,6,9,12, or all")
    option("--heads", type=heads, metavar="LIST", help="such as mean,1,2,3, or all")
    option("--models", nargs="+", default=[], metavar="MODEL",
        help="several, one panel each, instead of --model")  # fmt: skip
    option("--methods", nargs="+", choices=tuple(METHODS), default=[], metavar="METHOD",
        help="several, one panel each, instead of --method")  # fmt: skip
    option("--classes", nargs="+", default=[], metavar="CLASS",
        help="several, one panel each, instead of --class")  # fmt: skip
    option("--patches", action="store_true", help="the model's input, cut into its patches")
    option("--frame", type=counted, default=0, help="of an animation, from 1 (default)")
    option("--large", action="store_true", help="open photos above 100 million pixels too")
    option("--out", type=Path, default=Path("figure.pdf"), metavar="FILE",
        help=f"ends in {', '.join(suffixes('figure'))} (default: %(default)s)")  # fmt: skip
    option("--session", type=Path, metavar="FILE",
        help="also save the choices, for the window and for vitviz render")  # fmt: skip
    add_looks(parser)
    add_disclosure(parser)


def add_looks(parser: argparse.ArgumentParser) -> None:
    """The options that ``with_looks`` reads; none of them has a default."""
    option = parser.add_argument
    option("--preset", choices=tuple(PRESETS),
        help="; ".join(f"{name}: {preset.title}" for name, preset in PRESETS.items()))  # fmt: skip
    for name, kind, words in (
        ("width-mm", number(spec.LEAST_WIDTH_MM, spec.MOST_WIDTH_MM), "of the whole figure"),
        ("height-mm", number(0, spec.MOST_WIDTH_MM), "of the whole figure (default: as it needs)"),
        ("text-pt", number(spec.LEAST_TEXT_PT, spec.MOST_TEXT_PT), "size of headings"),
        ("dpi", whole(spec.LEAST_DPI, spec.MOST_DPI), "pixels per inch"),
        ("columns", whole(0, 1000), "panels in a row (default: what fits best)"),
    ):
        option(f"--{name}", type=kind, metavar="N", help=words)
    for name, kinds, words in (
        ("ground", spec.Ground, "behind it all"),
        ("sharing", spec.Sharing, "which panels share a range of colours"),
        ("across", spec.Across, "what goes from left to right in layers x heads"),
        ("draws", spec.PanelContent, "the map over the photo, or one of both alone"),
        ("cells", spec.Cells, "maps in SVG and PDF: an image, or a square for each patch"),
    ):
        option(f"--{name}", choices=get_args(kinds), help=words)
    option("--font", help="a family that is installed")
    option("--title", help="above it all")
    for name, words in (
        ("letters", "a, b, c at the panels"), ("headings", "what tells panels apart"),
        ("caption", "what is the same in all panels"), ("colour-bar", "what colours stand for"),
        ("grid", "the edges of patches"),
    ):  # fmt: skip
        option(f"--{name}", action=argparse.BooleanOptionalAction, help=words)


def with_looks(options: argparse.Namespace, figure: FigureSpec) -> FigureSpec:
    """The figure with what the options of ``add_looks`` change."""
    changes: dict[str, Any] = {}
    if options.preset:
        preset = PRESETS[options.preset]
        changes = {
            "width_mm": preset.width_mm, "height_mm": preset.height_mm,
            "text_pt": preset.text_pt, "dpi": preset.dpi,
        }  # fmt: skip
    for name in (
        "width_mm", "height_mm", "text_pt", "dpi", "columns", "ground", "sharing", "across",
        "draws", "cells", "font", "title", "letters", "headings", "caption", "colour_bar", "grid",
    ):  # fmt: skip
        value = getattr(options, name)
        if value is not None:
            changes[name] = value
    return replace(figure, **changes)


def run(options: argparse.Namespace) -> int:
    """Writes the figure."""
    photos = [photo for path in options.photos for photo in photos_at(path)]
    session = panes(options, photos)
    session = replace(session, figure=with_looks(options, content(options, session)))
    if resolved(options.out) in set(map(resolved, photos)):
        raise VitvizError(
            f"{options.out} is one of the photos, and would be overwritten.", "Give another --out."
        )
    engine = Engine(said=said_of_model(options))
    try:
        session = with_registers(session, session.photos, engine, options)
        missing = write_figure(options.out, session, engine, options.device,
                     disclosure=disclosure(options), strict=True)  # fmt: skip
    except PhotoTooLarge as error:
        raise VitvizError(error.message, "Give --large to open it all the same.") from error
    for ref in dict.fromkeys(pane.photo for pane in session.panes if pane.photo):
        photo = engine.photos.get(ref, session.background)
        if photo.notes:
            say(f"{Path(ref.path).name}:")
            print_notes(photo)
    for model in dict.fromkeys(pane.model for pane in session.panes):
        warn_of_model(engine.model(model, options.device).card)
    if missing:
        warn(missing_letters(missing))
    say(f"wrote {options.out}")
    if options.session is not None:
        session_file.save(session, options.session)
        say(f"wrote {options.session}")
    return 0


def panes(options: argparse.Namespace, photos: list[Path]) -> Session:
    """A session with a pane for each photo, model, method and class.

    Raises:
        VitvizError: They are too many, or one is not as asked for.
    """
    refs = [PhotoRef(str(absolute(path)), options.frame, options.large) for path in photos]
    sessions = []
    models, methods = options.models or [options.model], options.methods or [options.method]
    for model, method, target in product(models, methods, options.classes or [options.target]):
        options.model, options.method, options.target = _absolute(model), method, target
        sessions.append(chosen(options))
    panes = [
        Pane(ref, session.model, session.input, session.view)
        for ref, session in product(refs, sessions)
    ]
    if len(panes) > MOST_PANES:
        raise VitvizError(
            f"These are {len(panes)} panels side by side; {MOST_PANES} are the most.",
            "Name fewer photos, models, methods or classes.",
        )
    return with_panes(replace(sessions[0], photos=tuple(dict.fromkeys(refs))), tuple(panes), 0)


def content(options: argparse.Namespace, session: Session) -> FigureSpec:
    """What the figure shows, as the options imply.

    Raises:
        VitvizError: They contradict each other.
    """
    several = len(session.panes) > 1
    if several and (options.heads is not None or options.patches):
        raise VitvizError(
            "Heads and patches are of one photo, model, method and class.", "Name one of each."
        )
    kind: spec.Content = "compare" if several else "map"
    if options.patches:
        kind = "patches"
    elif options.heads is not None:
        kind = "heads"
    elif options.layers is not None:
        kind = "compare layers" if several else "layers"
    last = (session.view.layer,) if kind == "heads" and options.layers is None else ()
    return FigureSpec(kind, layers=options.layers or last, heads=options.heads or ())


def layers(text: str) -> tuple[int, ...]:
    """Numbers from 1, "last" and "all", as indices; () for all."""
    return () if text == "all" else tuple(
        -1 if part == "last" else counted(part) for part in text.split(",")
    )  # fmt: skip


def heads(text: str) -> tuple[int | str, ...]:
    """Fusions, numbers from 1 as indices; () for "all"."""
    return () if text == "all" else tuple(head(part) for part in text.split(","))


def _absolute(model: str) -> str:
    """A checkpoint's path as a session can keep it; ids stay."""
    return str(absolute(model)) if is_file(model) else model
