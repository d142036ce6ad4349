"""What a figure for print or a slide is to be: choices only, as a session file holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from vitviz.reading import Within

Content = Literal["map", "layers", "heads", "compare", "compare layers", "patches"]
"""One map; the layers of it; layers x heads; the panes of Compare; each of these panes as a row of
its layers; or the model's input, cut into patches."""

Ground = Literal["light", "dark", "transparent"]

Sharing = Literal["each", "row", "column", "all"]
"""Which panels share a range of colours; those of another unit never do."""

PanelContent = Literal["overlay", "photo", "map"]
"""The map over the photo, or one of both alone."""

Cells = Literal["pixels", "vector"]
"""A map as an image at the figure's resolution, or (in SVG and PDF) as one flat square a patch."""

Across = Literal["layers", "heads"]
"""Which of both goes from left to right in layers x heads."""

DEFAULT_FONT = "DejaVu Sans"
"""Comes with matplotlib, so a figure looks the same on every computer."""

LEAST_WIDTH_MM, MOST_WIDTH_MM = 20.0, 1200.0
LEAST_DPI, MOST_DPI = 50, 1200
LEAST_TEXT_PT, MOST_TEXT_PT = 4.0, 72.0
MOST_WORDS = 256


@dataclass(frozen=True)
class FigureSpec:
    """A figure.

    Args:
        content: What is in it.
        width_mm: Of the whole figure.
        height_mm: Of the whole figure; 0: as much as the content takes at this width, but no
            more than a page has.
        dpi: Pixels per inch: of the file in PNG and TIFF, of the images in it in SVG and PDF.
        text_pt: Size of headings; captions and numbers are a point smaller.
        font: A family that is installed, or comes with matplotlib.
        ground: What is behind it all.
        title: Above it all; "" for none.
        letters: Panels are lettered a, b, c.
        headings: Of panels, rows and columns, made from what differs between them.
        caption: A line below that says what is the same in all panels.
        colour_bar: Scales with their units.
        sharing: Which panels share a range of colours.
        layers: Which ones, from 0; negative ones count from the last; () for all.
        heads: Which heads and fusions; () for the mean and all heads.
        across: What goes from left to right in layers x heads.
        columns: Panels in a row of a strip, or of Compare; 0: what fits best.
        draws: The map over the photo, or one of both.
        cells: How vector formats hold maps.
        grid: The edges of patches as thin lines.
        words: What the author put in the place of headings and the caption: what stands there by
            itself, and what is to stand there, "" for nothing.
    """

    content: Content = "map"
    width_mm: Annotated[float, Within(LEAST_WIDTH_MM, MOST_WIDTH_MM)] = 89.0
    height_mm: Annotated[float, Within(0, MOST_WIDTH_MM)] = 0.0
    dpi: Annotated[int, Within(LEAST_DPI, MOST_DPI)] = 300
    text_pt: Annotated[float, Within(LEAST_TEXT_PT, MOST_TEXT_PT)] = 8.0
    font: str = DEFAULT_FONT
    ground: Ground = "light"
    title: str = ""
    letters: bool = False
    headings: bool = True
    caption: bool = True
    colour_bar: bool = True
    sharing: Sharing = "each"
    layers: tuple[Annotated[int, Within(-1000, 1000)], ...] = ()
    heads: tuple[Annotated[int, Within(0, 1000)] | Literal["mean", "max", "min"], ...] = ()
    across: Across = "heads"
    columns: Annotated[int, Within(0, 1000)] = 0
    draws: PanelContent = "overlay"
    cells: Cells = "pixels"
    grid: bool = False
    words: Annotated[tuple[tuple[str, str], ...], Within(0, MOST_WORDS)] = ()


@dataclass(frozen=True)
class Preset:
    """A size that many ask for.

    Args:
        title: For people.
        width_mm: Of the figure.
        height_mm: Of the figure; 0: what the content takes.
        text_pt: Size of headings.
        dpi: Pixels per inch.
    """

    title: str
    width_mm: float
    height_mm: float = 0.0
    text_pt: float = 8.0
    dpi: int = 300


PRESETS: dict[str, Preset] = {
    "single": Preset("Single column, 89 mm", 89.0),
    "single-narrow": Preset("Single column, 85 mm", 85.0),
    "double": Preset("Double column, 180 mm", 180.0),
    "double-narrow": Preset("Double column, 174 mm", 174.0),
    "slide": Preset("Slide 16:9", 338.7, 190.5, 16.0, 144),
}
"""Widths that Nature (89, 180) and Cell Press and PNAS (85 to 87, 174 to 178) ask for; a slide as
PowerPoint has it, 13.33 x 7.5 inches, at 1920 x 1080 pixels.

Source: the journals' guides for authors.
"""
