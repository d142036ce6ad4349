"""``vitviz animate``: a map moving through layers or heads, as a film."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vitviz.cli.choices import add_choices, chosen, said_of_model
from vitviz.cli.options import add_disclosure, counted, disclosure, print_notes, warn_of_model
from vitviz.cli.registers import with_registers
from vitviz.cli.terminal import say, warn
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.errors import PhotoTooLarge, VitvizError
from vitviz.exporting.animation import Along, Animation, alongs, write_animation
from vitviz.exporting.film import Film
from vitviz.exporting.formats import suffixes
from vitviz.methods import METHODS
from vitviz.paths import absolute
from vitviz.session.state import PhotoRef
from vitviz.session.strict import check_map, check_query
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.names import missing_letters

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz animate PHOTO``."""
    parser = commands.add_parser(
        "animate",
        usage="vitviz animate PHOTO [--along layers|heads|depth] [--out FILE] ... (see --help)",
        help="write a film of maps through layers or heads: GIF, APNG, MP4",
        description="Writes a film of a map that moves through the layers, the heads, or the "
        "depth of a rollout, with one range of colours for all frames.",
    )
    add_choices(parser)
    option, film = parser.add_argument, Film()
    option("photo", type=Path, metavar="PHOTO", help="one photo")
    option("--along", choices=get_args(Along),
        help="what moves: layers, heads, or for rollouts depth: the layer up to which attention "
        "is followed (default: what the method has)")  # fmt: skip
    option("--fps", type=float, default=film.frames_per_s, metavar="N",
        help="frames a second, 0.1 to 30 (default: %(default)s)")  # fmt: skip
    option("--hold", type=float, default=film.hold_s, metavar="SECONDS",
        help="how long the last frame stays (default: %(default)s)")  # fmt: skip
    option("--once", action="store_true", help="do not begin again at the end (GIF, APNG)")
    option("--width", type=int, default=Animation().width, metavar="PIXELS",
        help="of the photo in it, at most (default: %(default)s)")  # fmt: skip
    option("--bare", action="store_true", help="no words, no colour bar")
    option("--frame", type=counted, default=0, help="of an animated photo, from 1 (default)")
    option("--large", action="store_true", help="open photos above 100 million pixels too")
    option("--out", type=Path, metavar="FILE",
        help=f"ends in {', '.join(suffixes('animation'))} "
        "(default: PHOTO-METHOD-ALONG.gif here)")  # fmt: skip
    add_disclosure(parser)


def run(options: argparse.Namespace) -> int:
    """Writes the film."""
    ref = PhotoRef(str(absolute(options.photo)), options.frame, options.large)
    session = replace(chosen(options), photos=(ref,))
    along: Along = options.along or alongs(options.method)[0]
    animation = Animation(
        along, max(options.width, 16), words=not options.bare, bar=not options.bare,
        film=Film(options.fps, max(options.hold, 0.0), not options.once),
    )  # fmt: skip
    out = options.out or Path(f"{options.photo.stem}-{options.method}-{along}.gif")
    engine = Engine(said=said_of_model(options))
    try:
        session = with_registers(session, (ref,), engine, options)
        (request,) = plan(session, options.device)
        cell = engine.answer(request)
    except PhotoTooLarge as error:
        raise VitvizError(error.message, "Give --large to open it all the same.") from error
    check_query(METHODS[session.view.method], session.view.query, cell.layout.prefix, cell.geometry)
    check_map(session.view, cell.explanation, cell.outline)
    photo = engine.photos.get(request.photo, request.background)
    say(f"{options.photo}: {caption(describe_map(cell, session.view, session.style))}")
    print_notes(photo)
    warn_of_model(cell.card)
    said = disclosure(options)
    missing = write_animation(out, photo, cell, session, animation, engine.answer, disclosure=said)
    if missing:
        warn(missing_letters(missing))
    say(f"  wrote {out}")
    return 0
