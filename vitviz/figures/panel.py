"""What a figure is made of, before anything is measured or drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vitviz.imaging.geometry import Box, Geometry
from vitviz.maps.outliers import OnOutliers
from vitviz.maps.style import Style
from vitviz.shapes import Float32, UInt8

Place = tuple[int, int]
"""Row and column of a panel."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a figure.

    Args:
        photo: sRGB, at its full size.
        geometry: Where patches lie on it.
        values: One number a patch, natural units; None: the photo alone.
        style: How the map looks.
        ends: The range it has by itself; panels that share theirs get a wider one.
        unit: Of the values.
        heading: Above it; "" for none.
        marked: Patches that are framed, in photo pixels: whose attention it is.
        cut: Patches stand apart, and the number of each row's first token is beside it.
        first_token: That of the first row, where it is cut.
        outliers: Its outlier patches, as of ``HeatMap``.
        matches: The patches that match best, as of ``HeatMap``.
    """

    photo: UInt8[np.ndarray, "height width 3"]
    geometry: Geometry
    values: Float32[np.ndarray, "rows cols"] | None = None
    style: Style = field(default_factory=Style)
    ends: tuple[float, float] = (0.0, 1.0)
    unit: str = ""
    heading: str = ""
    marked: tuple[Box, ...] = ()
    cut: bool = False
    first_token: int = 0
    outliers: OnOutliers | None = None
    matches: tuple[tuple[int, int], ...] = ()

    @property
    def aspect(self) -> float:
        """Width by height."""
        height, width = self.photo.shape[:2]
        return float(width / height)


@dataclass(frozen=True)
class Axis:
    """Headings of all rows, or of all columns.

    Args:
        labels: One for each; a number stands with the title, or below it where there is no room.
        title: What the numbers count: "layer".
    """

    labels: tuple[str, ...]
    title: str = ""

    @property
    def long(self) -> tuple[str, ...]:
        """ "layer 3", "mean"."""
        return tuple(
            f"{self.title} {label}" if self.title and label.isdecimal() else label
            for label in self.labels
        )


@dataclass(frozen=True, eq=False)
class Grid:
    """Panels in rows and columns with their words.

    Args:
        panels: Row by row, all rows equally long; None where there is none.
        rows: Headings of the rows.
        columns: Headings of the columns.
        title: Above all; "" for none.
        caption: Below all; "" for none.
    """

    panels: tuple[tuple[Panel | None, ...], ...]
    rows: Axis | None = None
    columns: Axis | None = None
    title: str = ""
    caption: str = ""

    @property
    def shape(self) -> Place:
        """Rows and columns."""
        return len(self.panels), len(self.panels[0])

    @property
    def placed(self) -> tuple[tuple[Place, Panel], ...]:
        """The panels with their places, row by row."""
        return tuple(
            ((r, c), panel)
            for r, row in enumerate(self.panels)
            for c, panel in enumerate(row)
            if panel is not None
        )
