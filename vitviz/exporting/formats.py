"""Kinds of files that are exported: one row each.

A new one is a row here and its encoder: refusals, the choices and filters of dialogs, the help of
the command line, and where provenance goes follow from the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vitviz.errors import VitvizError
from vitviz.exporting import containers
from vitviz.exporting.containers import Container

Content = Literal["map", "values", "figure", "animation"]
"""A map over its photo, its numbers, maps as a figure, maps as a film."""

PLURALS: dict[Content, str] = {
    "map": "maps", "values": "values", "figure": "figures", "animation": "animations",
}  # fmt: skip


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Args:
        suffixes: Of its files; dialogs and the command line write the first.
        titles: For people, by what it can hold.
        container: Where it has room for its provenance; None: that is written beside it.
    """

    suffixes: tuple[str, ...]
    titles: Mapping[Content, str]
    container: Container | None

    @property
    def suffix(self) -> str:
        """The first one."""
        return self.suffixes[0]


FORMATS = (
    Format((".pdf",), {"figure": "PDF"}, containers.PDF),
    Format((".svg",), {"figure": "SVG"}, containers.SVG),
    Format((".gif",), {"animation": "GIF"}, containers.GIF),
    Format((".png",), {"map": "PNG", "figure": "PNG"}, containers.PNG),
    # Most programs know an APNG under the name of a PNG only.
    Format((".png", ".apng"), {"animation": "APNG, lossless"}, containers.PNG),
    Format((".jpg", ".jpeg"), {"map": "JPEG"}, containers.JPEG),
    Format((".npz",), {"values": "NumPy archive, with geometry (.npz)"}, containers.NPZ),
    Format((".npy",), {"values": "NumPy array (.npy)"}, None),
    Format((".csv",), {"values": "Table, one row a patch (.csv)"}, containers.CSV),
    Format(
        (".tiff", ".tif"),
        {"map": "TIFF", "figure": "TIFF", "values": "32-bit floating-point TIFF (.tiff)"},
        containers.TIFF,
    ),
    Format((".mp4",), {"animation": "MP4 video"}, containers.MP4),
)
"""In the order in which dialogs offer them: the first is what is chosen at first."""

CONTAINERS = {suffix: row.container for row in FORMATS if row.container for suffix in row.suffixes}
"""By suffix, of the files that hold their provenance themselves."""


def formats(*contents: Content) -> tuple[Format, ...]:
    """The rows that can hold any of these."""
    return tuple(row for row in FORMATS if not row.titles.keys().isdisjoint(contents))


def suffixes(*contents: Content) -> tuple[str, ...]:
    """Of files that can hold any of these, in lower case."""
    return tuple(dict.fromkeys(suffix for row in formats(*contents) for suffix in row.suffixes))


def choices(content: Content) -> tuple[tuple[str, str], ...]:
    """Title and suffix of each kind of file for it."""
    return tuple((row.titles[content], row.suffix) for row in formats(content))


def check_suffix(path: Path, *contents: Content) -> None:
    """Refuses what none of these can be written as.

    Args:
        path: Of a file.
        contents: What can be meant; the first gives its name to the refusal.

    Raises:
        VitvizError: No such kind of file has this suffix.
    """
    if path.suffix.lower() not in suffixes(*contents):
        raise VitvizError(
            f"{path.name}: {PLURALS[contents[0]]} cannot be written as "
            f"{path.suffix or 'a file without suffix'}.",
            f"Use one of {', '.join(suffixes(*contents))}.",
        )
