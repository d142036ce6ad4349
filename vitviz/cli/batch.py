"""``vitviz batch``: maps, values and one table for many photos, resumable, in parts or on Ray."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vitviz.batch import on_ray, spec
from vitviz.batch.commands import MERGE, command, commands_for
from vitviz.batch.job import Batch, BatchStopped, SettingsChanged
from vitviz.batch.merge import merge
from vitviz.batch.progress import BatchProgress
from vitviz.batch.run import Workers
from vitviz.batch.run import run as run_batch
from vitviz.batch.shards import WHOLE
from vitviz.batch.summary import Summary
from vitviz.cli.batch_options import add, batch_of
from vitviz.cli.choices import card_of
from vitviz.cli.interrupts import interrupts
from vitviz.cli.options import warn_of_model
from vitviz.cli.terminal import say, warn, write_over
from vitviz.errors import Cancelled, VitvizError
from vitviz.plurals import count_of
from vitviz.progress import Control
from vitviz.wording.numbers import duration

__all__ = ["add", "run"]

SHOWN_EVERY_S = 0.2
"""On a terminal, where the line is written over."""

LOGGED_EVERY_S = 30.0
"""Elsewhere, where each is a line of its own."""

LISTED = 20
"""Failures named at the end; the table has them all."""


def run(options: argparse.Namespace) -> int:
    """Works through the photos; 1 if one failed, 130 if it was interrupted."""
    if options.results is not None:
        return merged(options)
    batch = batch_of(options)
    if options.write_spec is not None:
        return write_spec(batch, options)
    line = Line(options.quiet)
    again = f"To continue: {command(options.arguments)}"
    try:
        control = Control()
        with engine(batch, options) as workers, interrupts(control.cancel):
            summary = run_batch(batch, line.show, control, restart=options.restart, workers=workers)
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
    if batch.shard != WHOLE and not options.quiet:
        say(f"Part {batch.shard} is done. Once all are: vitviz batch merge {batch.out}")
    return say_outcome(summary, options.quiet)


@contextmanager
def engine(batch: Batch, options: argparse.Namespace) -> Iterator[Workers | None]:
    """Who does the work: nobody else, or Ray, which is left at the end."""
    if options.engine == "ray":
        with on_ray.connected(batch, options.address, options.num_gpus) as workers:
            yield workers
        return
    if options.address or options.num_gpus:
        raise VitvizError("--address and --num-gpus are Ray's.", "Give --engine ray, too.")
    yield None


def write_spec(batch: Batch, options: argparse.Namespace) -> int:
    """Writes the work spec of a batch, and says what can be done with it."""
    card = card_of(batch.session.model, batch.said)
    if not card.sha256:  # of a bundled model's card alone
        raise VitvizError(f"The card of {card.title} has no hash of its weights.")
    spec.save(batch.spec.of_model(card), options.write_spec)
    if not options.quiet:
        say(f"wrote {options.write_spec}")
        columns = {"--image-column": options.image_column, "--key-column": options.key_column}
        more = [word for pair in columns.items() if pair[1] for word in pair]
        for line in commands_for(options.write_spec, batch.source, batch.out, more):
            say(f"  {line}")
    return 0


def merged(options: argparse.Namespace) -> int:
    """Makes the table of the parts in a folder."""
    if str(options.source) != MERGE:
        raise VitvizError(
            f"A batch has one source of photos; {options.results} is a second one.",
            "Name both in a text with a name a line (.txt), or the results with --out.",
        )
    return say_outcome(merge(options.results), options.quiet)


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
    if summary.note:
        warn(summary.note)
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
