"""What is looked at as one picture, or as text: for the clipboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from vitviz.engine.engine import Engine
from vitviz.exporting.figure_files import PaneMap, compose
from vitviz.exporting.lettering import missing_in
from vitviz.exporting.plate import Plate, Words, sheet
from vitviz.figures.spec import Content, FigureSpec
from vitviz.maps.bar import bar_of
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import ExplainedMap, Look, ranges, style_for
from vitviz.maps.style import Style
from vitviz.progress import Progress, Stage, silent
from vitviz.session.state import Session
from vitviz.shapes import UInt8
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.headings import headings, letter

WIDE_MM, WIDE_DPI = 300.0, 200
"""Of a picture of many maps: 2,362 pixels wide."""

PANE_EDGE = 2048
"""Longer side of each photo where there are several, in pixels, at most."""


@dataclass(frozen=True)
class Picture:
    """What is copied.

    Args:
        pixels: Red, green, blue.
        missing: Letters in it that no installed font has: a box stands for each.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    missing: str = ""


def picture(shown: Sequence[PaneMap], style: Style, shared: bool) -> Picture:
    """The maps over their photos with colour bars and captions.

    One photo stands at its full size; of several, the longer sides are made equal.

    Args:
        shown: At least one.
        style: How the maps look.
        shared: Maps with the same unit share one range of colours.
    """
    maps = [one.cell.heat_map(one.pane.view) for one in shown]
    found = [
        ExplainedMap(heat_map, one.cell.explained(one.pane.view))
        for heat_map, one in zip(maps, shown, strict=True)
    ]
    words, edge = _words(shown, style), _edge(shown)
    plates = []
    for one, heat_map, ends, said in zip(
        shown, maps, ranges(found, style.range, shared), words, strict=True
    ):
        assert ends is not None
        pixels = _resized(one.photo.pixels, edge)
        how = Look(style_for(style, heat_map.quantity), ends.low, ends.high)
        picture = drawn(pixels, heat_map, how)
        letters = ", ".join(map(letter, ends.shared_by))
        note = (f"shared by {letters}",) if letters else ()
        bar = bar_of((ends.low, ends.high), heat_map.quantity, how.style, note)
        plates.append(Plate(pixels.shape[:2], bar, words).draw(picture, said))
    columns = math.ceil(math.sqrt(len(plates)))
    missing = missing_in(*(text for said in words for text in (said.heading, said.caption)))
    return Picture(sheet(plates, columns) if len(plates) > 1 else plates[0], missing)


def figure_picture(
    session: Session,
    content: Content,
    engine: Engine,
    device: str = "auto",
    progress: Progress = silent,
) -> Picture:
    """What a view shows, drawn as a figure.

    Args:
        session: The choices.
        content: "heads", "patches", or "compare", which has the difference too.
        engine: Computes what is not computed yet.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        progress: Where the work is.
    """
    from vitviz.figures.draw import Drawing

    compared = content == "compare"
    spec = FigureSpec(
        content, WIDE_MM, dpi=WIDE_DPI, text_pt=10.0, letters=compared,
        sharing="all" if compared and session.compare.shared else "each",
    )  # fmt: skip
    composed = compose(replace(session, figure=spec), engine, device, progress)
    progress(Stage("drawing_figure"), 0.5)
    drawing = Drawing(composed.grid, spec)
    return Picture(np.ascontiguousarray(drawing.pixels()[..., :3]), drawing.layout.missing)


def values_text(heat_map: HeatMap, separator: str) -> str:
    """The map's values as rows and columns, as spreadsheets take them."""
    rows = heat_map.values.reshape(len(heat_map.values), -1)  # of colours three numbers a patch
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def values_table(heat_map: HeatMap, separator: str) -> str:
    """The same under the numbers of the columns, each row behind its own, from 1."""
    rows = heat_map.values.reshape(len(heat_map.values), -1)
    depth = rows.shape[1] // heat_map.values.shape[1]
    names = ("", "red", "green", "blue") if depth > 1 else ("",)
    columns = [
        f"{number + 1} {name}".strip()
        for number in range(heat_map.values.shape[1]) for name in names[-depth:]
    ]  # fmt: skip
    lines = [["row", *columns], *([str(at + 1), *map(str, row)] for at, row in enumerate(rows))]
    return "".join(separator.join(line) + "\n" for line in lines)


def _words(shown: Sequence[PaneMap], style: Style) -> list[Words]:
    captions = [caption(describe_map(one.cell, one.pane.view, style)) for one in shown]
    if len(shown) == 1:
        return [Words("", captions[0])]
    titles = headings([one.pane for one in shown], [one.cell for one in shown])
    return [
        Words(f"{letter(i)}   {title}", text)
        for i, (title, text) in enumerate(zip(titles, captions, strict=True))
    ]


def _edge(shown: Sequence[PaneMap]) -> int:
    """The longer side that all photos get; 0 where one stands as it is."""
    return min(PANE_EDGE, max(max(one.photo.size) for one in shown)) if len(shown) > 1 else 0


def _resized(
    pixels: UInt8[np.ndarray, "height width 3"], edge: int
) -> UInt8[np.ndarray, "tall wide 3"]:
    longest = max(pixels.shape[:2])
    if not edge or longest == edge:
        return pixels
    height, width = (max(1, round(side * edge / longest)) for side in pixels.shape[:2])
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0))
