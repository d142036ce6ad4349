"""``vitviz batch``: maps, values and one table for a whole folder, resumable."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vitviz.batch.job import (
    Batch,
    BatchStopped,
    FigureFormat,
    MapFormat,
    Outputs,
    SettingsChanged,
    ValuesFormat,
)
from vitviz.batch.listing import photos_below
from vitviz.batch.progress import BatchProgress
from vitviz.batch.run import Summary
from vitviz.batch.run import run as run_batch
from vitviz.cli.choices import add_choices, chosen, said_of_model
from vitviz.cli.interrupts import interrupts
from vitviz.cli.options import add_disclosure, disclosure, warn_of_model
from vitviz.cli.registers import with_registers
from vitviz.cli.terminal import say, warn, write_over
from vitviz.engine.engine import Engine
from vitviz.engine.requests import MOST_REGISTER_PHOTOS
from vitviz.errors import Cancelled, VitvizError
from vitviz.imaging.load import MAX_PIXELS
from vitviz.paths import absolute, resolved
from vitviz.plurals import count_of
from vitviz.progress import Control
from vitviz.session.state import PhotoRef, Session
from vitviz.wording.numbers import duration

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers

SHOWN_EVERY_S = 0.2
"""On a terminal, where the line is written over."""

LOGGED_EVERY_S = 30.0
"""Elsewhere, where each is a line of its own."""

LISTED = 20
"""Failures named at the end; the table has them all."""


def add(commands: Subparsers) -> None:
    """``vitviz batch FOLDER``."""
    parser = commands.add_parser(
        "batch",
        usage="vitviz batch FOLDER [--out FOLDER] [--map FORMAT] ... (see --help)",
        help="maps and a table of predictions for a whole folder of photos",
        description="Works through a folder and the folders in it. Writes table.csv (and "
        "table.parquet, if pyarrow is installed) with a line for each photo, and for each photo "
        "the map over it as PHOTO-METHOD.jpg and what else is asked for. The same command "
        "continues where it was ended, and redoes only photos that failed or changed.",
    )
    option = parser.add_argument
    option("folder", type=Path, metavar="FOLDER", help="photos, also in folders inside it")
    option("--out", type=Path, metavar="FOLDER",
        help="where to write; new or empty (default: FOLDER-maps, here)")  # fmt: skip
    option("--map", choices=get_args(MapFormat), default="jpg",
        help="the map over the photo (default: jpg; png takes 15 times as long)")  # fmt: skip
    option("--side", type=pixels, default=0, metavar="PIXELS",
        help="longer side of these pictures, at most (default: the photo's own size)")  # fmt: skip
    option("--values", choices=get_args(ValuesFormat), default="none",
        help="the map's raw values (default: none)")  # fmt: skip
    option("--figure", choices=get_args(FigureFormat), default="none",
        help="the map as a figure with colour bar and caption (default: none)")  # fmt: skip
    option("--classes", type=some_classes, default=5, metavar="N",
        help="how many of the most probable classes stand in the table (default: 5)")  # fmt: skip
    option("--trust", action="store_true",
        help="the table also says whether each map is better than chance: hundreds of forwards for "
        "each photo")  # fmt: skip
    option("--large", action="store_true", help="open photos above 100 million pixels too")
    option("--restart", action="store_true",
        help="begin anew, over results of other settings")  # fmt: skip
    option("--quiet", action="store_true", help="say nothing but failures")
    add_choices(parser)
    add_disclosure(parser)


def run(options: argparse.Namespace) -> int:
    """Works through the folder; 1 if a photo failed, 130 if it was interrupted."""
    batch = Batch(
        options.folder,
        options.out or Path(f"{resolved(options.folder).name}-maps"),
        with_register_of(options, chosen(options)),
        Outputs(
            options.map,
            options.values,
            options.figure,
            options.side,
            options.classes,
            options.trust,
        ),
        options.device,
        None if options.large else MAX_PIXELS,
        disclosure(options),
        said=said_of_model(options),
    )
    line = Line(options.quiet)
    again = f"To continue: {command(options.arguments)}"
    try:
        control = Control()
        with interrupts(control.cancel):
            summary = run_batch(batch, line.show, control, restart=options.restart)
    except SettingsChanged as error:
        hint = "Give another --out, or --restart to begin anew and overwrite them."
        raise VitvizError(error.message, hint) from error
    except BatchStopped as error:
        line.end()
        raise VitvizError(error.message, f"{error.hint}\n{again}") from error
    except (Cancelled, KeyboardInterrupt):
        line.end()
        warn(f"Stopped; what was finished is kept. {again}")
        return 130
    line.end()
    return say_outcome(summary, options.quiet)


def with_register_of(options: argparse.Namespace, choices: Session) -> Session:
    """The choices with the test-time register that is asked for, of the folder's first photos."""
    if not options.registers:
        return choices
    first = islice(photos_below(options.folder), MOST_REGISTER_PHOTOS)
    refs = [PhotoRef(str(absolute(item.path))) for item in first if item.problem is None]
    return with_registers(choices, refs, Engine(said=said_of_model(options)), options)


def say_outcome(summary: Summary, quiet: bool) -> int:
    """Says what it came to, failures last; returns the exit code."""
    if not quiet:
        before = f" ({summary.before:,} of them before)" if summary.before else ""
        photos = count_of(summary.done, "photo")
        say(f"{photos} in {duration(summary.seconds)}{before}")
        for table in summary.tables:
            say(f"  wrote {table}")
        if summary.card is not None:
            warn_of_model(summary.card)
    if not summary.failed:
        return 0
    warn(f"vitviz: {summary.failed:,} of {summary.done:,} failed:")
    for line in summary.lines(LISTED):
        warn(f"  {line}")
    return 1


class Line:
    """Progress on standard error: one line written over on a terminal, now and then elsewhere.

    Args:
        quiet: Say nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._over = sys.stderr.isatty()
        self._last = time.monotonic() - (SHOWN_EVERY_S if self._over else 0)
        self._width = 0

    def show(self, progress: BatchProgress) -> None:
        """Shows where the batch is, if it is time to."""
        now = time.monotonic()
        if self._quiet or now - self._last < (SHOWN_EVERY_S if self._over else LOGGED_EVERY_S):
            return
        self._last = now
        words = progress.words
        if self._over:
            write_over(words, self._width)
        else:
            warn(words)
        self._width = len(words) if self._over else 0

    def end(self) -> None:
        """Clears the line."""
        if self._over and self._width:
            write_over("", self._width)


def command(arguments: list[str]) -> str:
    """What to type to run the same again."""
    words = ["vitviz", *(word for word in arguments if word != "--restart")]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def pixels(text: str) -> int:
    """A number of pixels, at least 16."""
    if not text.isdecimal() or int(text) < 16:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number of pixels from 16")
    return int(text)


def some_classes(text: str) -> int:
    """A number of classes, 0 to 100."""
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number from 0 to 100")
    return int(text)
