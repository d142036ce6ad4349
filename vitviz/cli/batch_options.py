"""What ``vitviz batch`` lets one choose, and the batch that follows from it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vitviz.batch import spec
from vitviz.batch.inputs import photos_of
from vitviz.batch.job import Batch, Columns
from vitviz.batch.shards import WHOLE, Shard, shard_called
from vitviz.batch.spec import FigureFormat, MapFormat, Outputs, ValuesFormat
from vitviz.cli.choices import add_choices, chosen, said_of_model
from vitviz.cli.options import add_disclosure, disclosure
from vitviz.cli.registers import with_registers
from vitviz.engine.engine import Engine
from vitviz.engine.requests import MOST_REGISTER_PHOTOS
from vitviz.errors import VitvizError
from vitviz.imaging.load import MAX_PIXELS
from vitviz.paths import absolute, resolved
from vitviz.session.state import PhotoRef, Session

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz batch SOURCE``."""
    parser = commands.add_parser(
        "batch",
        usage="vitviz batch SOURCE [--out FOLDER] [--map FORMAT] ... (see --help)\n"
        "       vitviz batch merge FOLDER",
        help="maps and a table of predictions for a whole folder of photos",
        description="Works through photos: of a folder and the folders in it, a text with a name a "
        "line (.txt), a tar (.tar) or a Parquet file with a column of images. Writes table.csv "
        "(and table.parquet, if pyarrow is installed) with a line for each photo, and for each "
        "photo the map over it as PHOTO-METHOD.jpg and what else is asked for. The same command "
        "continues where it was ended, and redoes only photos that failed or changed.",
    )
    option = parser.add_argument
    option("source", type=Path, metavar="SOURCE", help="photos; or merge, for parts")
    option("results", type=Path, nargs="?", metavar="FOLDER",
        help="with merge: what the parts (--shard) wrote to")  # fmt: skip
    option("--out", type=Path, metavar="FOLDER",
        help="where to write; new or empty (default: SOURCE-maps, here)")  # fmt: skip
    _add_outputs(parser)
    _add_many(parser)
    option("--large", action="store_true", help="open photos above 100 million pixels too")
    option("--restart", action="store_true",
        help="begin anew, over results of other settings")  # fmt: skip
    option("--quiet", action="store_true", help="say nothing but failures")
    add_choices(parser)
    add_disclosure(parser)
    parser.set_defaults(nothing_chosen=lambda: parser.parse_args(["-"]))


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--map", choices=get_args(MapFormat),
        help="the map over the photo (default: jpg, with --engine none; png takes 15 times as "
        "long)")  # fmt: skip
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
    option("--maps", action="store_true",
        help="table.parquet also has each map, as a list of float16")  # fmt: skip


def _add_many(parser: argparse.ArgumentParser) -> None:
    """What more photos take than one computer can explain."""
    option = parser.add_argument
    option("--image-column", default="", metavar="NAME",
        help="of a Parquet file (default: image, or the only one with bytes)")  # fmt: skip
    option("--key-column", default="", metavar="NAME",
        help="of a Parquet file, with the photos' names (default: the row)")  # fmt: skip
    option("--shard", type=part, default=WHOLE, metavar="I/N",
        help="only one of N parts, on any computer that sees the folders; see merge")  # fmt: skip
    option("--engine", choices=("threads", "ray"), default="threads",
        help="who does the work: this computer (default), or Ray (vitviz[ray])")  # fmt: skip
    option("--address", metavar="ADDRESS",
        help="of a Ray cluster; auto: the one that this computer is of (default: Ray on this "
        "computer)")  # fmt: skip
    option("--num-gpus", type=some_gpus, default=0.0, metavar="G",
        help="GPUs of each of Ray's workers; 0.5: two share one (default: 0)")  # fmt: skip
    option("--spec", type=Path, metavar="FILE",
        help="do what a work spec says; nothing else may be chosen but --model, where its "
        "checkpoint lies elsewhere")  # fmt: skip
    option("--write-spec", type=Path, metavar="FILE",
        help="only write the work spec of what is chosen, for --spec")  # fmt: skip


def batch_of(options: argparse.Namespace) -> Batch:
    """What the options ask for.

    Raises:
        VitvizError: They contradict each other, or what they name is not there.
    """
    work = work_of(options)
    return Batch(
        options.source,
        options.out or Path(f"{resolved(options.source).stem}-maps"),
        work.session,
        work.outputs,
        options.device,
        work.max_pixels,
        work.disclosure,
        said=work.corrections if options.spec else said_of_model(options),
        sha256=work.sha256,
        shard=options.shard,
        columns=Columns(options.image_column, options.key_column),
    )


def work_of(options: argparse.Namespace) -> spec.WorkSpec:
    """What is done on each photo: as a spec says, or as the options do."""
    if options.spec is None:
        pictures: MapFormat = options.map or ("jpg" if options.engine == "threads" else "none")
        outputs = Outputs(pictures, options.values, options.figure, options.side, options.classes,
                          options.trust, options.maps)  # fmt: skip
        session = with_register_of(options, chosen(options))
        return spec.WorkSpec(
            session.model, "", (), (), session.input, session.view, session.background,
            session.style, session.figure, outputs, None if options.large else MAX_PIXELS,
            disclosure(options),
        )  # fmt: skip
    usual = options.nothing_chosen()
    given = [name for name in OF_SPEC if getattr(options, name) != getattr(usual, name)]
    if given:
        words = ", ".join(f"--{WORDS.get(name, name).replace('_', '-')}" for name in given)
        raise VitvizError(f"{words}: the work spec says that.", "Leave it out, or write another.")
    work = spec.read(options.spec)
    if options.model != usual.model:
        work = replace(work, model=options.model)
    return work


def with_register_of(options: argparse.Namespace, choices: Session) -> Session:
    """The choices with the test-time register that is asked for, of the first photos that are not
    in an archive.
    """
    if not options.registers:
        return choices
    columns = Columns(options.image_column, options.key_column)
    files = (
        PhotoRef(str(absolute(item.path)))
        for item in photos_of(options.source, columns)
        if item.problem is None and item.at is None
    )
    refs = list(islice(files, MOST_REGISTER_PHOTOS))
    return with_registers(choices, refs, Engine(said=said_of_model(options)), options)


OF_SPEC = ("map", "side", "values", "figure", "classes", "trust", "maps", "large", "set_model",
           "method", "layer", "head", "query", "direction", "target", "contrast", "set", "input",
           "colours", "opacity", "scaling", "nearest", "outliers", "outline", "reference",
           "registers", "registers_above", "provenance",
           "full_paths")  # fmt: skip
"""What a work spec says instead."""

WORDS = {"target": "class", "contrast": "not"}


def part(text: str) -> Shard:
    """A part of a batch, such as 3/8."""
    try:
        return shard_called(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def some_gpus(text: str) -> float:
    """A number of GPUs: parts of one, or whole ones."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (0 <= number <= 1 or (number <= 64 and number == int(number))):
        raise argparse.ArgumentTypeError(f"“{text}” is neither 0 to 1 nor a whole number of GPUs")
    return number


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
