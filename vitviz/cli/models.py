"""``vitviz models``: which models come with vitviz."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vitviz.cli.terminal import say
from vitviz.models.loading import bundled
from vitviz.wording.models import shape

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz models``."""
    commands.add_parser("models", help="list the models that come with vitviz")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 (every command takes its options)
    """Lists the bundled models."""
    for card in bundled():
        outline, (height, width) = card.outline, card.preprocessing.input_size
        say(f"{card.id}: {card.title}")
        say(f"  {shape(outline)}, {height} x {width}, {outline.parameters:,} parameters, "
              f"{card.classes or 'classes of its own'}")  # fmt: skip
    say("Any checkpoint in timm, DeiT or torchvision names works too: --model FILE")
    return 0
