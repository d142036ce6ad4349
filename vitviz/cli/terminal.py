"""Everything that commands print: nothing in a name, title or class steers the terminal."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from vitviz.plain_text import shown_text

MOST = 4000
"""Letters of a line."""


def _plain(text: str, most: int) -> str:
    r"""Bytes of a file name that are no text stay told apart: "\udcff"."""
    return shown_text(text.encode("utf-8", "backslashreplace").decode(), most)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with arguments, which may be names of files that a shell put in."""

    def error(self, message: str) -> NoReturn:
        super().error(_plain(message, MOST))


def say(line: str, most: int = MOST) -> None:
    """One line on standard output."""
    print(_plain(line, most), flush=True)


def warn(line: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"{_plain(line, MOST)}\n")
    sys.stderr.flush()


def write_over(line: str, width: int) -> None:
    """A line on standard error that the next one is written over; "" clears it.

    Args:
        line: In words.
        width: At least so many letters, so that nothing is left of a longer line before.
    """
    sys.stderr.write(f"\r{_plain(line, MOST):<{width}}" + ("" if line else "\r"))
    sys.stderr.flush()
