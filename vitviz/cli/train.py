"""``vitviz train``: makes models, by distilling a teacher or by fine-tuning."""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vitviz.batch.commands import command
from vitviz.cli.interrupts import interrupts
from vitviz.cli.options import fraction
from vitviz.cli.terminal import say, warn, write_over
from vitviz.errors import Cancelled, VitvizError
from vitviz.models.loading import bundled
from vitviz.progress import Stage
from vitviz.training.finetune.divided import parts_of
from vitviz.training.left_out import REFUSED, left_out
from vitviz.training.recipes import (
    DistilOptions,
    FinetuneOptions,
    Report,
    Variety,
)
from vitviz.training.runs import distil, finetune
from vitviz.wording.stages import stage_words

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers

Recipe = TypeVar("Recipe", DistilOptions, FinetuneOptions)

SHOWN_EVERY_S = 0.2
"""On a terminal, where the line is written over."""


def add(commands: Subparsers) -> None:
    """``vitviz train distil`` and ``vitviz train finetune``."""
    parser = commands.add_parser("train", help="make a model: distil a teacher, or fine-tune")
    kinds = parser.add_subparsers(dest="kind", required=True)
    _add_distil(kinds)
    _add_finetune(kinds)


def run(options: argparse.Namespace) -> int:
    """Trains to the end; 130 if it was interrupted, and the same command goes on."""
    line = _Line(options.quiet)
    again = f"To go on: {command(options.arguments)}"
    try:
        wanted = threading.Event()
        with interrupts(wanted.set):

            def progress(stage: Stage, done: float) -> None:
                if wanted.is_set():
                    raise Cancelled
                line.show(stage, done)

            if options.kind == "distil":
                options.photos = tuple(options.photos)
                path = distil(_given(DistilOptions, options), progress, line.report)
            else:
                parts = parts_of(options.folder, options.validation)
                if parts.training != options.folder and not options.quiet:
                    say(parts.words)
                path = finetune(_given(FinetuneOptions, options), progress, line.report)
    except Cancelled:
        line.end()
        warn(f"Stopped; what was learned is kept. {again}")
        _say_left_out(options.out)
        return 130
    except VitvizError as error:
        line.end()
        raise VitvizError(error.message, error.hint) from error
    line.end()
    say(f"wrote {path}")
    say(f"wrote {path.with_suffix('.json')}")
    _say_left_out(options.out)
    return 0


def _say_left_out(out: Path) -> None:
    count = left_out(out)
    if count:
        photos = "1 photo was" if count == 1 else f"{count:,} photos were"
        warn(f"vitviz: {photos} left out: see {out / REFUSED}")


def _add_distil(kinds: Subparsers) -> None:
    parser = kinds.add_parser(
        "distil",
        usage="vitviz train distil TEACHER PHOTOS... --out FOLDER [--steps N] ... (see --help)",
        help="a student learns from random weights what a teacher does, from unlabelled photos",
        description="Writes FOLDER/FOLDER.safetensors and its card. About one photo in ten is "
        "held out to measure on. The same command continues a run; --steps and its stages may be "
        "changed then.",
    )
    parser.add_argument("teacher", metavar="TEACHER", help="a checkpoint, or a bundled model's id")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTOS",
        help="a folder of photos, or a .zip of one")  # fmt: skip
    option = _Option(parser, DistilOptions("", (), Path()))
    option("depth", _number(0), "blocks of the student; divides the teacher's", "as many")
    option("steps", _number(1), "in all")
    option("embedding", _number(0), "first steps, in which only the embedding learns",
        "a tenth, at most 300")  # fmt: skip
    option("end_to_end", _number(0), "last steps, in which the blocks learn together",
        "a fortieth")  # fmt: skip
    option("cool_down", _number(0), "last steps, in which the rate falls to 0", "a third")
    option("full_size", _number(0), "last steps, with inputs of the teacher's own size",
        "a sixtieth")  # fmt: skip
    option("sides", _sides, "of the inputs before that, in pixels, from step to step")
    option("mosaic", fraction, "part of the photos made of four")
    option("measured_on", _number(1), "held-out photos to measure on")
    option("measure_every", _number(1), "steps from one measurement to the next")
    option("save_every", _number(1), "steps from one checkpoint to the next")
    _add_shared(parser, option)


def _add_finetune(kinds: Subparsers) -> None:
    parser = kinds.add_parser(
        "finetune",
        usage="vitviz train finetune FOLDER --out FOLDER [--model MODEL] ... (see --help)",
        help="a model learns to tell the folders of a folder apart",
        description="Every folder in FOLDER is a class, and the photos in it, or below it, show "
        "it; or FOLDER has train and val (and test) with such folders in each. Writes the "
        "classifier of the best epoch and its card into the run's folder; it opens like any "
        "checkpoint. The same command continues a run.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER",
        help="of class folders, or of train and val")  # fmt: skip
    parser.add_argument("--validation", type=Path, metavar="FOLDER",
        help="of the same class folders, to measure on (default: a part is held out)")  # fmt: skip
    option = _Option(parser, FinetuneOptions(bundled()[0].id, Path(), Path()))
    option("model", str, "what to begin with: a checkpoint, or a bundled model's id")
    option("held_out", fraction, "part of each class to measure on")
    option("epochs", _number(1), "at most")
    option("patience", _number(0), "epochs without a better accuracy, then it ends; 0: never")
    option("layer_decay", fraction, "learning rate of a block by the next one's")
    option("smoothing", fraction, "of labels")
    option("stochastic_depth", fraction, "chance of leaving out the last block")
    option("warm_up", fraction, "part of the steps in which the rate rises")
    parser.add_argument("--head-only", dest="freeze", action="store_const",
        const="all but the head", default="nothing",
        help="train only the classifier")  # fmt: skip
    parser.add_argument("--no-snapshots", dest="snapshots", action="store_false",
        help="keep no weights of each epoch")  # fmt: skip
    _add_shared(parser, option)


def _add_shared(parser: argparse.ArgumentParser, option: _Option) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER",
        help="the run's: checkpoints, log, result")  # fmt: skip
    option("batch", _number(1), "photos a step")
    option("rate", _rate, "peak learning rate")
    option("decay", fraction, "of weights")
    option("least_area", fraction, "of a random crop, as a part of the photo")
    option("jitter", fraction, "of brightness, contrast and saturation")
    option("mixed", fraction, "part of the batches with mixup or CutMix")
    option("parts", _number(1), "of a batch, computed side by side on the CPU")
    option("seed", _number(0), "of everything random")
    option("device", str, "auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--quiet", action="store_true", help="say nothing but the result")


class _Option:
    """Declares an option whose default is that of the recipe's field of the same name."""

    def __init__(
        self, parser: argparse.ArgumentParser, defaults: DistilOptions | FinetuneOptions
    ) -> None:
        self._parser = parser
        self._defaults = vars(defaults) | vars(defaults.variety)

    def __call__(
        self, name: str, read: Callable[[str], object], what: str, shown: str = ""
    ) -> None:
        default = self._defaults[name]
        shown = shown or (
            ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
        )
        self._parser.add_argument(
            f"--{name.replace('_', '-')}", type=read, default=default,
            metavar=name.upper().replace("_", "-"), help=f"{what} (default: {shown})",
        )  # fmt: skip


def _given(kind: type[Recipe], options: argparse.Namespace) -> Recipe:
    """The recipe that was chosen."""
    chosen = vars(options)
    names = {field.name for field in fields(Variety)} & chosen.keys()
    variety = replace(Variety(), **{name: chosen[name] for name in names})
    own = {field.name: chosen[field.name] for field in fields(kind) if field.name in chosen}
    return kind(**{**own, "variety": variety})


class _Line:
    """Progress on standard error, written over; reports on standard output, a line each."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._over = sys.stderr.isatty() and not quiet
        self._last = 0.0

    def show(self, stage: Stage, done: float) -> None:
        """Shows where it is, on a terminal."""
        now = time.monotonic()
        if self._over and now - self._last > SHOWN_EVERY_S:
            self._last = now
            width = shutil.get_terminal_size().columns - 1
            words = f"{stage_words(stage)}  {100 * done:.0f} %"
            write_over(words[:width], width)

    def report(self, report: Report) -> None:
        """Says what was measured."""
        if report.measured and not self._quiet:
            self.end()
            what = f"epoch {report.epoch}" if report.epoch else f"step {report.step:,}"
            numbers = ", ".join(f"{name} {value:.3f}" for name, value in report.measured)
            say(f"{what}: {numbers}")

    def end(self) -> None:
        """Clears the line that is written over."""
        if self._over:
            write_over("", shutil.get_terminal_size().columns - 1)


def _number(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"“{text}” is not a whole number from {least}")
        return int(text)

    return read


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number between 0 and 1")
    return value


def _sides(text: str) -> tuple[int, ...]:
    sides = tuple(int(part) if part.isdecimal() else 0 for part in text.split(","))
    if min(sides) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is no list of pixels, such as 128,160,224")
    return sides
