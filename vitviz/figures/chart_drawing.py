"""Charts for print, drawn with matplotlib: the same numbers, ticks and colours as in the window."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from vitviz.figures.chart import ON_DARK, ON_LIGHT, Chart, Inks, Line, Matrix, Plot, Tiles
from vitviz.figures.draw import matplotlib_settings
from vitviz.figures.encode import png
from vitviz.figures.inks import INKS
from vitviz.figures.spec import DEFAULT_FONT, Ground
from vitviz.maps.colour import table
from vitviz.plain_text import shown_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_MM = 160.0
INCH_MM = 25.4
TEXT_PT = 8.0
MOST_NUMBERS = 16 * 16
"""Of a matrix whose cells have their numbers written in them."""

STYLES = {"solid": "-", "dashed": "--", "dotted": ":", "dash-dot": "-."}


def encode_chart(
    chart: Chart, suffix: str, *, width_mm: float = WIDTH_MM, dpi: int = 300,
    ground: Ground = "light", provenance: str = "",
) -> bytes:  # fmt: skip
    """A chart as a file; the same chart gives the same bytes.

    Args:
        chart: What is drawn.
        suffix: ".svg", ".pdf" or ".png".
        width_mm: Of the figure.
        dpi: Of pixels.
        ground: What it is drawn on.
        provenance: JSON, a text of a PNG; other kinds have room for it later.
    """
    out = io.BytesIO()
    with matplotlib_settings():
        figure = _figure(chart, width_mm, ground)
        if suffix == ".svg":
            from matplotlib.backends.backend_svg import FigureCanvasSVG

            said: dict[str, Any] = {"Creator": "vitviz", "Date": None}
            FigureCanvasSVG(figure).print_svg(out, metadata=said)  # type: ignore[no-untyped-call]
        elif suffix == ".pdf":
            from matplotlib.backends.backend_pdf import FigureCanvasPdf

            made: dict[str, Any] = {"Creator": "vitviz", "CreationDate": None}
            FigureCanvasPdf(figure).print_pdf(out, metadata=made)  # type: ignore[no-untyped-call]
        else:
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            figure.set_dpi(dpi)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = np.array(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
            solid = ground != "transparent"
            image = Image.fromarray(pixels[..., :3].copy() if solid else pixels)
            return png(image, (dpi, dpi), provenance)
    return out.getvalue()


def _figure(chart: Chart, width_mm: float, ground: Ground) -> Figure:
    from matplotlib.figure import Figure

    inks, width = INKS[ground], width_mm / INCH_MM
    face = "none" if ground == "transparent" else inks.ground
    figure = Figure((width, width * _height(chart.form)), facecolor=face, layout="constrained")
    axes = figure.add_subplot(facecolor="none")
    text: dict[str, Any] = {"fontfamily": DEFAULT_FONT, "fontsize": TEXT_PT}
    axes.set_title(shown_text(chart.title), loc="left", color=inks.text, fontweight="bold", **text)
    if isinstance(chart.form, Plot):
        _plot(axes, chart.form, ON_DARK if ground == "dark" else ON_LIGHT, inks.text)
    elif isinstance(chart.form, Matrix):
        _matrix(figure, axes, chart.form, inks.text)
    else:
        _tiles(axes, chart.form)
    for spine in axes.spines.values():
        spine.set_color(inks.frame)
        spine.set_linewidth(0.5)
    axes.tick_params(colors=inks.quiet, labelsize=TEXT_PT - 1, width=0.5, length=2.5)
    axes.xaxis.label.set(color=inks.text, **text)
    axes.yaxis.label.set(color=inks.text, **text)
    figure.supxlabel(shown_text(chart.caption, 400), x=0.01, ha="left", color=inks.quiet,
                     fontfamily=DEFAULT_FONT, fontsize=TEXT_PT - 1)  # fmt: skip
    return figure


def _height(form: object) -> float:
    """As a part of the width."""
    if isinstance(form, Plot):
        return 0.55
    if isinstance(form, Matrix):
        rows, columns = form.values.shape
        return float(min(max(0.85 * rows / max(columns, 1), 0.3), 1.2) + 0.08)
    assert isinstance(form, Tiles)
    rows = -(-len(form.images) // max(form.columns, 1))
    return min(max(rows / max(form.columns, 1), 0.2), 1.4) + 0.08


def _plot(axes: Axes, plot: Plot, inks: Inks, ink: tuple[float, float, float]) -> None:
    for line in plot.lines:
        _line(axes, line, inks.lines[line.ink % len(inks.lines)] if line.ink >= 0 else "0.4")
    axes.set_xlim(plot.x.low, plot.x.high)
    axes.set_ylim(plot.y.low, plot.y.high)
    axes.set_xticks(plot.x.ticks, plot.x.labels)
    axes.set_yticks(plot.y.ticks, plot.y.labels)
    axes.set_xlabel(plot.x.title)
    axes.set_ylabel(plot.y.title)
    axes.grid(axis="y", linewidth=0.3, alpha=0.5)
    if any(line.name for line in plot.lines):
        legend = axes.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, borderaxespad=0,
            prop={"family": DEFAULT_FONT, "size": TEXT_PT - 1}, labelcolor=ink,
        )  # fmt: skip
        legend.set_in_layout(True)


def _line(axes: Axes, line: Line, colour: str) -> None:
    named = shown_text(line.name) or None
    if line.low is not None and line.high is not None:
        label = named if line.width == 0 and not line.dots else None
        axes.fill_between(line.xs, line.low, line.high, color=colour, alpha=0.2, linewidth=0,
                          label=label)  # fmt: skip
    if line.width > 0 or line.dots:
        axes.plot(
            line.xs, line.ys, color=colour, label=named, marker="o" if line.dots else None,
            linestyle=STYLES[line.dash] if line.width else "none", linewidth=0.7 * line.width,
            markersize=2.4 if line.width else 3.4, markeredgewidth=0,
        )  # fmt: skip


def _matrix(figure: Figure, axes: Axes, matrix: Matrix, ink: object) -> None:
    from matplotlib.colors import ListedColormap

    colours = ListedColormap(table("coolwarm" if matrix.signed else "viridis") / 255.0)
    low, high = matrix.range
    image = axes.imshow(matrix.values, cmap=colours, vmin=low, vmax=high, aspect="auto",
                        interpolation="nearest")  # fmt: skip
    rows, columns = matrix.values.shape
    for axis, labels, title in (
        (axes.yaxis, matrix.rows, matrix.titles[0]),
        (axes.xaxis, matrix.columns, matrix.titles[1]),
    ):
        step = -(-len(labels) // 24)
        axis.set_ticks(range(0, len(labels), step), labels[::step])
        axis.set_label_text(title)
    bar = figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02)
    bar.set_label(matrix.unit, color=ink, fontsize=TEXT_PT, fontfamily=DEFAULT_FONT)
    bar.ax.tick_params(labelsize=TEXT_PT - 1, colors=ink, width=0.5, length=2.5)
    bar.outline.set_linewidth(0.5)
    if rows * columns <= MOST_NUMBERS:
        for row, column in np.argwhere(np.isfinite(matrix.values)).tolist():
            value = float(matrix.values[row, column])
            shade = colours((value - low) / ((high - low) or 1.0))
            dark = 0.2126 * shade[0] + 0.7152 * shade[1] + 0.0722 * shade[2] < 0.45
            axes.text(column, row, f"{value:.2f}".replace("-", "−"), ha="center", va="center",
                      color="white" if dark else "black", fontsize=TEXT_PT - 2.5,
                      fontfamily=DEFAULT_FONT)  # fmt: skip


def _tiles(axes: Axes, tiles: Tiles) -> None:
    axes.set_axis_off()
    if not tiles.images:
        return
    rows = -(-len(tiles.images) // tiles.columns)
    step = 1 + tiles.gap
    for number, picture in enumerate(tiles.images):
        row, column = divmod(number, tiles.columns)
        left, top = column * step, row * step
        axes.imshow(picture, extent=(left, left + 1, top + 1, top), interpolation="nearest")
    axes.set_xlim(0, tiles.columns * step - tiles.gap)
    axes.set_ylim(rows * step - tiles.gap, 0)
    axes.set_aspect("equal")
