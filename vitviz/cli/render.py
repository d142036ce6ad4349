"""``vitviz render``: the figure of a saved session, without a window."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vitviz.cli.figure import add_looks, with_looks
from vitviz.cli.options import add_disclosure, disclosure
from vitviz.cli.terminal import say, warn
from vitviz.engine.engine import Engine
from vitviz.errors import PhotoTooLarge, VitvizError
from vitviz.exporting.figure_files import write_figure
from vitviz.exporting.formats import suffixes
from vitviz.figures import spec
from vitviz.paths import is_elsewhere
from vitviz.session import session_file
from vitviz.wording.names import missing_letters

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz render SESSION``."""
    parser = commands.add_parser(
        "render",
        usage="vitviz render SESSION --out FILE ... (see --help)",
        help="write the figure of a saved session",
        description="Writes the figure that a session describes: the same bytes as Export Figure "
        "in the window. Options change what the session says.",
    )
    option = parser.add_argument
    option("session", type=Path, metavar="SESSION", help="a file that vitviz saved")
    option("--out", type=Path, metavar="FILE", required=True,
        help=f"ends in {', '.join(suffixes('figure'))}")  # fmt: skip
    option("--content", choices=get_args(spec.Content), help="what is shown")
    option("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    option("--elsewhere", action="store_true",
        help="also read what the session names on other computers")  # fmt: skip
    add_looks(parser)
    add_disclosure(parser)


def run(options: argparse.Namespace) -> int:
    """Writes the figure."""
    session = session_file.read(options.session)
    far = sorted(filter(is_elsewhere, session.files))
    if far and not options.elsewhere:  # Windows tells that computer who asks
        raise VitvizError(
            f"{options.session} names what is on another computer, or no file: {far[0]}.",
            "Give --elsewhere if you know where it comes from.",
        )
    figure = with_looks(options, session.figure)
    if options.content is not None:
        figure = replace(figure, content=options.content)
    try:
        missing = write_figure(
            options.out, replace(session, figure=figure), Engine(), options.device,
            disclosure=disclosure(options),
        )  # fmt: skip
    except PhotoTooLarge as error:
        raise VitvizError(error.message, "Open it in the window, and save the session.") from error
    if missing:
        warn(missing_letters(missing))
    say(f"wrote {options.out}")
    return 0
