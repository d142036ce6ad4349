"""The note beside the patch under the pointer, and other short texts over the canvas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette

from vitviz.gui.canvas.marks import bold, panel, quiet, sized, small, translucent
from vitviz.imaging.geometry import Box, Geometry
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.ticks import number
from vitviz.wording.names import patch_name

GAP = 10
"""Widget pixels between a patch and its note."""

PADDING = 10


@dataclass(frozen=True)
class Note:
    """A title and lines of text in two colours.

    Args:
        title: Bold.
        lines: Each of parts that are quiet (labels) or plain (values): (text, is a value).
    """

    title: str
    lines: tuple[tuple[tuple[str, bool], ...], ...] = ()

    @property
    def text(self) -> str:
        """All of it, for screen readers and tests."""
        return "\n".join([self.title, *(" ".join(text for text, _ in line) for line in self.lines)])


def place_text(box: Box) -> str:
    """A box in whole photo pixels: "488, 183 – 518, 213"."""
    left, top, right, bottom = (round(edge) for edge in box)
    return f"{left}, {top} – {right}, {bottom}"


def patch_note(
    patch: tuple[int, int],
    geometry: Geometry,
    heat_map: HeatMap | None,
    receptive: float | None = None,
) -> Note:
    """What is known about one patch: where it is, its value and rank, its box on the photo.

    Args:
        patch: Row and column.
        geometry: Of the map.
        heat_map: The map.
        receptive: Side of what the patch can see, in input pixels; None leaves it unsaid.
    """
    row, col = patch
    photo = (("photo", False), (place_text(geometry.patch_box(row, col)), True))
    title = patch_name(row, col)
    seen = () if receptive is None else (_seen_line(patch, geometry, receptive),)
    if heat_map is None:
        return Note(title, (photo, *seen))
    value: tuple[tuple[str, bool], ...] = ((value_words(heat_map, patch), True),)
    if not (heat_map.is_coloured or left_out(heat_map, patch)):
        value = (
            (heat_map.unit, False),
            *value,
            (" rank", False),
            (f"{heat_map.rank(row, col)} of {heat_map.known}", True),
        )
    return Note(title, (value, photo, *seen))


LEFT_OUT = "outlier patch, left out"


def value_words(heat_map: HeatMap, patch: tuple[int, int]) -> str:
    """The value of a patch: "0.0123"; of colours "0.2 red, 0.71 green, 0.4 blue"."""
    if left_out(heat_map, patch):
        return LEFT_OUT
    if heat_map.is_coloured:
        named = zip(heat_map.values[patch], ("red", "green", "blue"), strict=True)
        return ", ".join(f"{value:.2g} {name}" for value, name in named)
    return number(float(heat_map.values[patch]))


def left_out(heat_map: HeatMap, patch: tuple[int, int]) -> bool:
    """Whether a patch has no value in a map since it is an outlier."""
    on = heat_map.outliers
    return on is not None and on.choice == "exclude" and bool(on.patches[patch])


def _seen_line(
    patch: tuple[int, int], geometry: Geometry, receptive: float
) -> tuple[tuple[str, bool], ...]:
    if sees_all(patch, geometry, receptive):
        return (("can see", False), ("all of the input", True))
    side = f"{receptive:.0f}"
    return (("can see", False), (f"{side} × {side} pixels", True), ("of the input", False))


def sees_all(patch: tuple[int, int], geometry: Geometry, receptive: float) -> bool:
    """Whether what a patch can see, a square of so many input pixels, is all of the input."""
    return math.isinf(receptive) or contains(geometry.around(*patch, receptive), geometry.window)


def contains(outer: Box, inner: Box) -> bool:
    """Whether a box lies in another, or is it."""
    return (
        outer.left <= inner.left and outer.top <= inner.top
        and outer.right >= inner.right and outer.bottom >= inner.bottom
    )  # fmt: skip


def unseen_note(x: float, y: float) -> Note:
    """What is known about a point of the photo that no patch covers."""
    return Note("not seen by the model", ((("photo", False), (f"{int(x)}, {int(y)}", True)),))


def _space(font: QFont) -> float:
    return QFontMetricsF(font).horizontalAdvance(" ") * 1.2


def note_size(note: Note, font: QFont) -> QSizeF:
    """How large the note will be, in widget pixels."""
    title, body = bold(font), font
    metrics = QFontMetricsF(body)
    width = QFontMetricsF(title).horizontalAdvance(note.title)
    for line in note.lines:
        words = sum(metrics.horizontalAdvance(text) for text, _ in line)
        width = max(width, words + _space(body) * (len(line) - 1))
    height = QFontMetricsF(title).height() + len(note.lines) * (metrics.height() + 2)
    return QSizeF(width + 2 * PADDING, height + 2 * PADDING - 4)


def note_place(size: QSizeF, patch: QRectF, area: QRectF) -> QRectF:
    """Where the note goes: right of the patch, else left of it, else above or below; never cut.

    Args:
        size: Of the note.
        patch: What it is about.
        area: What it stays in.
    """
    y = min(max(patch.top() - PADDING, area.top()), area.bottom() - size.height())
    for x in (patch.right() + GAP, patch.left() - GAP - size.width()):
        if area.left() <= x and x + size.width() <= area.right():
            return QRectF(QPointF(x, max(y, area.top())), size)
    x = min(max(patch.left(), area.left()), area.right() - size.width())
    above, below = patch.top() - GAP - size.height(), patch.bottom() + GAP
    y = above if above >= area.top() else min(below, area.bottom() - size.height())
    return QRectF(QPointF(max(x, area.left()), max(y, area.top())), size)


def paint_note(
    painter: QPainter, note: Note, patch: QRectF, area: QRectF, palette: QPalette
) -> QRectF:
    """Draws the note beside a patch; returns where.

    Args:
        painter: Its font is the note's font.
        note: The text.
        patch: What it is about, on the widget.
        area: What it stays in.
        palette: Window, Mid and the texts.
    """
    font = painter.font()
    box = note_place(note_size(note, font), patch, area)
    painter.save()
    _ground(painter, box, palette)
    x, y = box.left() + PADDING, box.top() + PADDING - 2
    painter.setFont(bold(font))
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    y += QFontMetricsF(painter.font()).ascent()
    painter.drawText(QPointF(x, y), note.title)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    for line in note.lines:
        y += metrics.height() + 2
        at = x
        for text, is_value in line:
            painter.setPen(palette.color(QPalette.ColorRole.Text) if is_value else quiet(palette))
            painter.drawText(QPointF(at, y), text)
            at += metrics.horizontalAdvance(text) + _space(font)
    painter.restore()
    return box


def _ground(painter: QPainter, box: QRectF, palette: QPalette) -> None:
    fill = translucent(palette.color(QPalette.ColorRole.Window), 244)
    panel(painter, box, fill, palette.color(QPalette.ColorRole.Mid))


def paint_message(
    painter: QPainter, area: QRectF, title: str, text: str, palette: QPalette, *, on_ground: bool
) -> None:
    """Quiet text in the middle of an area, on a panel where there is something behind it.

    Args:
        painter: Its font is the text's font.
        area: Of the widget.
        title: One line, larger.
        text: May be long; wrapped.
        palette: Window, Mid and the texts.
        on_ground: Draw a panel behind it.
    """
    font = painter.font()
    large = bold(sized(font, 1.25))
    width = max(min(area.width() - 48, 460.0), 40.0)
    flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap)
    room = QRectF(0, 0, width, 10_000)
    heights = [
        QFontMetricsF(face).boundingRect(room, flags, words).height() if words else 0.0
        for face, words in ((large, title), (font, text))
    ]
    gap = 8.0 if title and text else 0.0
    box = QRectF(0, 0, width, sum(heights) + gap)
    box.moveCenter(area.center())
    painter.save()
    if on_ground:
        _ground(painter, box.adjusted(-20, -16, 20, 16), palette)
    painter.setFont(large)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    painter.drawText(QRectF(box.left(), box.top(), width, heights[0] + 2), flags, title)
    painter.setFont(font)
    painter.setPen(quiet(palette))
    below = box.top() + heights[0] + gap
    painter.drawText(QRectF(box.left(), below, width, heights[1] + 2), flags, text)
    painter.restore()


def paint_chip(painter: QPainter, corner: QPointF, text: str, palette: QPalette) -> None:
    """A short text on a small panel: what is going on just now.

    Args:
        painter: Its font is the text's font.
        corner: Top left, on the widget.
        text: One line.
        palette: Window, Mid and Text.
    """
    painter.save()
    painter.setFont(small(painter.font()))
    metrics = QFontMetricsF(painter.font())
    box = QRectF(corner, QSizeF(metrics.horizontalAdvance(text) + 20, metrics.height() + 10))
    _ground(painter, box, palette)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
