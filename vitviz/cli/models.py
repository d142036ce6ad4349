"""``vitviz models``: which models there are: bundled, on this computer, and to fetch."""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.cli.terminal import say
from vitviz.models.caches import on_this_computer
from vitviz.models.catalogue import CATALOGUE, Known
from vitviz.models.licence_words import is_non_commercial, licence_words
from vitviz.models.loading import bundled
from vitviz.wording.models import shape
from vitviz.wording.numbers import byte_size

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz models``."""
    parser = commands.add_parser(
        "models",
        help="list the models that come with vitviz, those on this computer, and known ones",
        description="Lists the models that come with vitviz, the checkpoints in the caches of "
        "Hugging Face and torch, and well-known ones that vitviz download fetches. Asks no "
        "network.",
    )
    parser.add_argument("--folder", action="append", default=[], type=Path, metavar="FOLDER",
        help="look for checkpoints in there, too; may be repeated")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Lists them."""
    for card in bundled():
        outline, (height, width) = card.outline, card.preprocessing.input_size
        say(f"{card.id}: {card.title}")
        say(f"  {shape(outline)}, {height} x {width}, {outline.parameters:,} parameters, "
              f"{card.classes or 'classes of its own'}")  # fmt: skip
    here = on_this_computer(tuple(map(str, options.folder)))
    if here:
        say("On this computer:")
    for found in here:
        name = found.name or str(found.path)
        say(f"  {name}  ({byte_size(found.bytes)}, {found.where})")
    names = {found.name for found in here}
    say("To fetch with vitviz download NAME:")
    for group, rows in groupby(CATALOGUE, lambda row: row.group):
        say(f"  {group}")
        for row in rows:
            say(f"    {row.name}  ({_facts(row)}{', is here' if row.name in names else ''})")
    say("Any checkpoint in timm, DeiT or torchvision names works too: --model FILE")
    return 0


def _facts(row: Known) -> str:
    """ "about 346.3 MB, CC BY-NC 4.0, no commercial use"."""
    words = [f"about {byte_size(row.bytes)}", licence_words(row.licence)]
    if is_non_commercial(row.licence):
        words.append("no commercial use")
    if row.gated:
        words.append("gated: terms to be accepted on its page")
    return ", ".join(words)
