"""The photos that come with the program."""

from __future__ import annotations

from pathlib import Path

from vitviz.bundled import resource

SAMPLES = ("panda.jpg", "bison.jpg", "coffee.jpg", "chelsea.png")
"""File names, the one that the bundled model reads best first.

Source of each, with author and licence: ``resources/samples/README.md``.
"""


def sample_photos() -> tuple[Path, ...]:
    """The sample photos' files, the best first impression first.

    Returns:
        Existing files, installed or in a frozen build alike; never empty.
    """
    return tuple(resource("samples", name) for name in SAMPLES)
