"""Marks drawn over photos and beside them.

A mark over a photo has a dark and a light line, so that it can be seen on anything; everything
else takes its colours from the palette.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen

from vitviz.maps.overlay import AMBER, UNSEEN_COLOUR, UNSEEN_SHARE

DARK = QColor(0, 0, 0, 190)
LIGHT = QColor(255, 255, 255)

SMALL = 0.85
"""Of the widget's font size: labels and secondary text."""

LABELS_FROM = 28.0
"""Widget pixels per patch from which rows and columns are numbered."""

LINES_FROM = 7.0
"""Widget pixels per patch from which the grid is drawn, first very faintly."""

HATCH_STEP = 14
"""Widget pixels between the lines over what the model did not see."""

HEADER = 20
"""Height of the strip of column numbers, in widget pixels."""


def small(font: QFont) -> QFont:
    """The font for labels and secondary text."""
    return sized(font, SMALL)


def sized(font: QFont, factor: float) -> QFont:
    """The font at another size, however its size was given."""
    other = QFont(font)
    if font.pointSizeF() > 0:
        other.setPointSizeF(font.pointSizeF() * factor)
    else:
        other.setPixelSize(max(round(font.pixelSize() * factor), 1))
    return other


def bold(font: QFont) -> QFont:
    """The font for titles."""
    other = QFont(font)
    other.setWeight(QFont.Weight.DemiBold)
    return other


def quiet(palette: QPalette) -> QColor:
    """The colour of secondary text."""
    return palette.color(QPalette.ColorRole.PlaceholderText)


def translucent(colour: QColor, alpha: int) -> QColor:
    """The colour with an alpha of 0..255."""
    other = QColor(colour)
    other.setAlpha(alpha)
    return other


def outline(painter: QPainter, box: QRectF, colour: QColor = LIGHT, width: float = 2.0) -> None:
    """A rectangle that shows on any photo: a line with darker lines on both sides."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour_of_line, line_width in ((DARK, width + 2), (colour, width)):
        pen = QPen(colour_of_line, line_width)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(box)
    painter.restore()


def lines(painter: QPainter, boxes: Sequence[QRectF], width: float = 2.0) -> None:
    """Upright and level lines that show on any photo.

    Args:
        painter: Of the widget.
        boxes: Each without width or without height.
        width: Of the bright part, in the painter's pixels.
    """
    for colour, half in ((DARK, width / 2 + 1), (LIGHT, width / 2)):
        for box in boxes:
            painter.fillRect(box.adjusted(-half, -half, half, half), colour)


def strokes(painter: QPainter, lines: Sequence[QLineF], width: float = 1.5) -> None:
    """Lines that mark outlier patches, to be seen on any photo."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, wide in ((DARK, width + 1.5), (QColor(*AMBER), width)):
        painter.setPen(QPen(colour, wide))
        painter.drawLines(lines)
    painter.restore()


def dashes(painter: QPainter, box: QRectF) -> None:
    """A dashed rectangle that shows on any photo."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(DARK, 2))
    painter.drawRect(box)
    painter.setPen(QPen(LIGHT, 2, Qt.PenStyle.DashLine))
    painter.drawRect(box)
    painter.restore()


def query_outline(painter: QPainter, box: QRectF, accent: QColor) -> None:
    """The outline of the patch that is asked about: the accent between light and dark lines."""
    outline(painter, box, LIGHT, 4.0)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(accent, 2)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.drawRect(box)
    painter.restore()


def frame(painter: QPainter, box: QRectF, colour: QColor, width: float, radius: float) -> None:
    """A rounded frame just inside a box: a selection, or the keyboard's focus."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, width))
    inset = width / 2
    painter.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), radius, radius)
    painter.restore()


def panel(painter: QPainter, box: QRectF, fill: QColor, border: QColor | None = None) -> None:
    """A rounded ground for text over a photo."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(border, 1) if border is not None else Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    painter.restore()


def _beside(photo: QRectF, seen: QRectF) -> list[QRectF]:
    """What of the photo is above, below, left and right of what was seen."""
    parts = (
        QRectF(photo.topLeft(), QPointF(photo.right(), seen.top())),
        QRectF(QPointF(photo.left(), seen.bottom()), photo.bottomRight()),
        QRectF(QPointF(photo.left(), seen.top()), QPointF(seen.left(), seen.bottom())),
        QRectF(QPointF(seen.right(), seen.top()), QPointF(photo.right(), seen.bottom())),
    )
    return [part for part in parts if part.width() > 0.5 and part.height() > 0.5]


def dim(painter: QPainter, photo: QRectF, seen: QRectF) -> None:
    """Darkens what the model never saw of a photo, as ``figures.overlay.composite`` does."""
    colour = QColor(UNSEEN_COLOUR, UNSEEN_COLOUR, UNSEEN_COLOUR, round(255 * UNSEEN_SHARE))
    for part in _beside(photo, seen):
        painter.fillRect(part, colour)


def unseen(painter: QPainter, photo: QRectF, seen: QRectF) -> None:
    """Darkens and hatches what the model never saw, and draws where it begins."""
    dim(painter, photo, seen)
    for part in _beside(photo, seen):
        _hatch(painter, part, photo.topLeft())
    _edge(painter, photo, seen)


def _hatch(painter: QPainter, box: QRectF, origin: QPointF) -> None:
    """Rising lines where x + y, from the origin, is a multiple of the step."""
    shown = box & painter.clipBoundingRect()
    if shown.isEmpty():
        return
    painter.save()
    painter.setClipRect(shown, Qt.ClipOperation.IntersectClip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(255, 255, 255, 26), 1))
    zero = origin.x() + origin.y()
    first = math.floor((shown.left() + shown.top() - zero) / HATCH_STEP)
    last = math.ceil((shown.right() + shown.bottom() - zero) / HATCH_STEP)
    sums = [zero + k * HATCH_STEP for k in range(first, last + 1)]
    top, bottom = shown.top(), shown.bottom()
    painter.drawLines([QLineF(total - bottom, bottom, total - top, top) for total in sums])
    painter.restore()


def removed(painter: QPainter, box: QRectF) -> None:
    """A patch that the model does without: dark, and hatched as what it never saw."""
    painter.save()
    painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
    painter.fillRect(box, QColor(UNSEEN_COLOUR, UNSEEN_COLOUR, UNSEEN_COLOUR, 215))
    _hatch(painter, box, QPointF(0, 0))
    painter.restore()


def _edge(painter: QPainter, photo: QRectF, seen: QRectF) -> None:
    """The border of what the model saw, where that is not the photo's own border."""
    lines = [
        (seen.top() > photo.top() + 0.5, QLineF(seen.topLeft(), seen.topRight())),
        (seen.bottom() < photo.bottom() - 0.5, QLineF(seen.bottomLeft(), seen.bottomRight())),
        (seen.left() > photo.left() + 0.5, QLineF(seen.topLeft(), seen.bottomLeft())),
        (seen.right() < photo.right() - 0.5, QLineF(seen.topRight(), seen.bottomRight())),
    ]
    shown = [line for wanted, line in lines if wanted]
    for colour, width in ((QColor(0, 0, 0, 150), 3), (QColor(255, 255, 255, 200), 1)):
        painter.setPen(QPen(colour, width))
        painter.drawLines(shown)


@dataclass(frozen=True)
class GridOnScreen:
    """The patch grid on a widget.

    Args:
        xs: Left edges of the columns, and the last one's right edge; may run out of sight.
        ys: The same for rows.
        shown: The part of the widget where the grid is drawn.
        photo: Where the photo lies, of which the grid may cover a part only.
    """

    xs: Sequence[float]
    ys: Sequence[float]
    shown: QRectF
    photo: QRectF

    @property
    def patch(self) -> float:
        """The shorter side of a patch, in widget pixels."""
        return min(self.xs[1] - self.xs[0], self.ys[1] - self.ys[0])


def grid_lines(painter: QPainter, grid: GridOnScreen) -> None:
    """Faint lines between the patches, fainter where the patches are small."""
    strength = min(max((grid.patch - LINES_FROM) / (LABELS_FROM - LINES_FROM), 0.0), 1.0)
    if strength == 0:
        return
    shown = grid.shown
    # Filled rectangles: Qt takes several times longer to stroke translucent lines.
    lines = [QRectF(x - 1, shown.top(), 1, shown.height()) for x in grid.xs[1:-1]]
    lines += [QRectF(shown.left(), y - 1, shown.width(), 1) for y in grid.ys[1:-1]]
    painter.save()
    painter.setClipRect(shown, Qt.ClipOperation.IntersectClip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for colour, shift in ((QColor(0, 0, 0), 0), (QColor(255, 255, 255), 1)):
        faint = translucent(colour, round(30 * strength))
        for line in lines:
            painter.fillRect(line.translated(shift, shift), faint)
    painter.restore()


def strips(grid: GridOnScreen, area: QRectF, font: QFont) -> tuple[QRectF, QRectF]:
    """Where the column numbers and the row numbers go.

    Args:
        grid: What is numbered.
        area: The widget's; the strips stay in it.
        font: Of the numbers.
    """
    digits = QFontMetricsF(font).horizontalAdvance(str(len(grid.ys) - 1))
    wide = max(digits + 10, float(HEADER))
    top = max(grid.shown.top() - HEADER, area.top())
    left = max(grid.shown.left() - wide, area.left())
    across = QRectF(grid.shown.left(), top, grid.shown.width(), HEADER)
    down = QRectF(left, grid.shown.top(), wide, grid.shown.height())
    if across.bottom() > grid.shown.top() + 1:
        down.setTop(across.bottom())
    if down.right() > grid.shown.left() + 1:
        across.setLeft(down.right())
    return across, down


def grid_headers(painter: QPainter, grid: GridOnScreen, area: QRectF, palette: QPalette) -> None:
    """Row and column numbers (from 1) beside the grid, or along the area's edges when it is larger.

    Args:
        painter: Its font is the labels' font.
        grid: What is numbered.
        area: The widget's; headers stay in it.
        palette: For text and backdrop.
    """
    if grid.patch < LABELS_FROM or grid.shown.isEmpty():
        return
    across, down = strips(grid, area, painter.font())
    corner = QRectF(down.left(), across.top(), down.width(), across.height())
    for strip in (across, down, corner):
        if strip.adjusted(1, 1, -1, -1).intersects(grid.photo):
            painter.fillRect(strip, translucent(palette.color(QPalette.ColorRole.Window), 238))
    painter.setPen(quiet(palette))
    _numbers(painter, across, grid.xs, range(len(grid.xs) - 1), horizontal=True)
    _numbers(painter, down, grid.ys, range(len(grid.ys) - 1), horizontal=False)


def marked_headers(
    painter: QPainter,
    grid: GridOnScreen,
    area: QRectF,
    palette: QPalette,
    patch: tuple[int, int],
) -> None:
    """The numbers of one patch's row and column, stressed; see ``grid_headers``."""
    if grid.patch < LABELS_FROM or grid.shown.isEmpty():
        return
    across, down = strips(grid, area, painter.font())
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    _numbers(painter, across, grid.xs, [patch[1]], horizontal=True)
    _numbers(painter, down, grid.ys, [patch[0]], horizontal=False)


def _numbers(
    painter: QPainter,
    strip: QRectF,
    edges: Sequence[float],
    shown: Iterable[int],
    *,
    horizontal: bool,
) -> None:
    painter.save()
    painter.setClipRect(strip, Qt.ClipOperation.IntersectClip)
    for number in shown:
        start, length = edges[number], edges[number + 1] - edges[number]
        if horizontal:
            cell = QRectF(start, strip.top(), length, strip.height())
        else:
            cell = QRectF(strip.left(), start, strip.width(), length)
        if cell.intersects(strip):
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, str(number + 1))
    painter.restore()


def missing(painter: QPainter, area: QRectF, colour: QColor) -> None:
    """A dashed frame with a question mark in it: what would be here is not there."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1.5, Qt.PenStyle.DashLine))
    painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 5, 5)
    painter.setFont(sized(painter.font(), min(2.2, max(1.0, area.height() / 40))))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "?")
    painter.restore()
