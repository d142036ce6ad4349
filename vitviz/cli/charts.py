"""``vitviz charts``: numbers of a model's layers and heads, over one photo or many."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.charts.gathering import gather, question
from vitviz.charts.table import CHARTS
from vitviz.cli.choices import said_of_model
from vitviz.cli.interrupts import interrupts
from vitviz.cli.options import (
    INPUTS,
    add_disclosure,
    counted,
    disclosure,
    failed,
    photos_at,
    warn_of_model,
)
from vitviz.cli.terminal import say, warn
from vitviz.engine.engine import Engine
from vitviz.errors import Cancelled, VitvizError
from vitviz.exporting.chart_files import SUFFIXES, Measured, check_chart_file, write_chart
from vitviz.models.loading import bundled
from vitviz.paths import absolute
from vitviz.progress import Control, Stage
from vitviz.session.state import PhotoRef, Session

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz charts PHOTO...``."""
    names = "; ".join(f"{kind.name}: {kind.help.split(':')[0]}" for kind in CHARTS.values())
    parser = commands.add_parser(
        "charts",
        usage="vitviz charts PHOTO... --chart NAME [--out FILE] ... (see --help)",
        help="charts of a model's layers and heads, over one photo or a folder",
        description="Writes a chart as a figure or as a table of its numbers, its means taken over "
        f"all photos. {names}.".replace("%", "%%"),
    )
    option = parser.add_argument
    option("photos", type=Path, nargs="+", metavar="PHOTO", help="photos, or folders of photos")
    option("--chart", required=True, choices=tuple(CHARTS), help="which")
    option("--out", type=Path, metavar="FILE", action="append",
        help=f"{', '.join(SUFFIXES)}; may be repeated (default: CHART.csv)")  # fmt: skip
    option("--model", default=bundled()[0].id,
        help="a checkpoint, a bundled model's id, or the name of what vitviz download fetched "
        "(default: %(default)s)")  # fmt: skip
    option("--set-model", action="append", default=[], metavar="NAME=VALUE",
        help="what its file does not tell, as for vitviz explain")  # fmt: skip
    option("--other", default="", metavar="MODEL",
        help="cka: another model, whose layers these are compared with")  # fmt: skip
    option("--input", choices=INPUTS, default="trained", help="what the model is given")
    option("--frame", type=counted, default=0, help="of an animation, from 1 (default)")
    option("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    add_disclosure(parser)


def run(options: argparse.Namespace) -> int:
    """Writes the chart; returns 1 where photos were left out."""
    kind = CHARTS[options.chart]
    files = options.out or [Path(f"{kind.name}.csv")]
    for file in files:
        check_chart_file(file)
    if options.other and not kind.compares:
        raise VitvizError(f"{kind.title} is of one model.", "Leave --other out.")
    paths = [path for given in options.photos for path in photos_at(given)]
    refs = [PhotoRef(str(absolute(path)), options.frame) for path in paths]
    engine, control = Engine(said=said_of_model(options)), Control()
    session = Session(tuple(refs), model=options.model, input=INPUTS[options.input])
    asked = question(kind, session, refs, options.other, options.device)
    told = Told(len(asked.requests), control)
    try:
        with interrupts(control.cancel):
            found = gather(engine, asked, told)
    except (Cancelled, KeyboardInterrupt):
        return 130
    for card in found.cards:
        warn_of_model(card)
    say(f"{found.chart.title}: {found.chart.caption}")
    code = 0
    for path, error in found.refused:
        code = failed(VitvizError(f"{path}: {error.message}", error.hint))
    settings = {"input": options.input, "other": Path(options.other).name}
    measured = Measured(found.photos, found.cards, settings, session)
    for file in files:
        write_chart(file, found.chart, measured, disclosure(options))
        say(f"  wrote {file}")
    return code


class Told:
    """A ``Progress`` that says now and then how many photos are done.

    Args:
        photos: How many there are.
        control: Cancels the work.
    """

    def __init__(self, photos: int, control: Control) -> None:
        self._photos, self._control, self._done = photos, control, 0

    def __call__(self, stage: Stage, fraction: float) -> None:
        self._control.progress(stage, fraction)
        done = int(fraction * self._photos)
        if done > self._done and self._photos > 1:
            self._done = done
            warn(f"photo {done:,} of {self._photos:,}")
