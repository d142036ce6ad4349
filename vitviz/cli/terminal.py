"""Everything that commands print: nothing in a name, title or class steers the terminal."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from vitviz.plain_text import shown_text

MOST = 4000
"""Letters of a line."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with arguments, which may be names of files that a shell put in."""

    def error(self, message: str) -> NoReturn:
        super().error(shown_text(message, MOST))


def say(line: str, most: int = MOST) -> None:
    """One line on standard output."""
    print(shown_text(line, most), flush=True)


def warn(line: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"{shown_text(line, MOST)}\n")
    sys.stderr.flush()


def write_over(line: str, width: int) -> None:
    """A line on standard error that the next one is written over; "" clears it.

    Args:
        line: In words.
        width: At least so many letters, so that nothing is left of a longer line before.
    """
    sys.stderr.write(f"\r{shown_text(line, MOST):<{width}}" + ("" if line else "\r"))
    sys.stderr.flush()
