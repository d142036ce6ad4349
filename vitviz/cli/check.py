"""``vitviz check``: whether the numbers and the window are right on this computer."""

from __future__ import annotations

import argparse
from itertools import chain
from typing import TYPE_CHECKING

from vitviz.cli.terminal import say

if TYPE_CHECKING:
    from vitviz.cli.options import Subparsers


def add(commands: Subparsers) -> None:
    """``vitviz check``."""
    commands.add_parser(
        "check", help="check the numbers and the window; report versions and devices"
    )


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Prints every self-check with its outcome; 1 if one failed."""
    from vitviz.selfcheck.environment import environment
    from vitviz.selfcheck.numbers import outcomes
    from vitviz.selfcheck.program import program_outcomes

    for name, value in environment():
        say(f"{name}: {value}")
    code = 0
    for outcome in chain(outcomes(), program_outcomes()):
        word = "ok    " if outcome.passed else "FAILED"
        say(f"{word}  {outcome.name}: {outcome.detail}")
        code = code if outcome.passed else 1
    say("All checks passed." if code == 0 else "Some checks failed: do not trust what failed here.")
    return code
