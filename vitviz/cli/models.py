"""``vitviz models``: which models come with vitviz."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vitviz.models.loading import bundled

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz models``."""
    commands.add_parser("models", help="list the models that come with vitviz")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 (every command takes its options)
    """Lists the bundled models."""
    for card in bundled():
        config = card.config
        print(f"{card.id}: {card.title}")
        print(f"  {config.depth} layers, {config.heads} heads, width {config.width}, "
              f"patch {config.patch}, {config.input_size[0]} x {config.input_size[1]}, "
              f"{config.parameters:,} parameters, "
              f"{card.classes or 'classes of its own'}")  # fmt: skip
    print("Any checkpoint in timm, DeiT or torchvision names works too: --model FILE")
    return 0
