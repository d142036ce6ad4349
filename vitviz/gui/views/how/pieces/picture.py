"""A picture in patches, which can be pointed at, chosen, brushed and taken apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.canvas.pictures import photo_image
from vitviz.imaging.geometry import Box, Geometry
from vitviz.shapes import Bool, UInt8

STEPS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip

LINES_FROM = 6.0
"""Widget pixels per patch from which its grid is drawn."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What is shown; everything lies in the pixels of the model's input.

    Args:
        pixels: sRGB.
        geometry: Of the patches, on the input itself.
        chosen: The patch that all is about, row by row; None: none.
        gap: How far the patches are apart, in patches.
        removed: Patches that are gone.
        boxes: Squares that are outlined: windows, and what a place can see.
        dashed: Others, dashed.
        lines: The grid is drawn.
        stretched: It fills its place, whatever its own shape.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    geometry: Geometry
    chosen: int | None = None
    gap: float = 0.0
    removed: Bool[np.ndarray, "rows cols"] | None = None
    boxes: tuple[Box, ...] = ()
    dashed: tuple[Box, ...] = ()
    lines: bool = False
    stretched: bool = False


class PatchPicture(QWidget):
    """Shows a picture as large as it fits, with a title above and a line below it.

    With keys: arrows move the cursor, Return chooses, Space brushes.

    Signals:
        pointed(int): The patch under the pointer or the cursor, row by row; -1 for none.
        chosen(int): The patch that was clicked.
        brushed(int, bool): A patch that the brush went over, and whether it goes.
    """

    pointed = Signal(int)
    chosen = Signal(int)
    brushed = Signal(int, bool)

    def __init__(self, name: str, size: int = 150, *, choosing: bool = True) -> None:
        super().__init__()
        self._side = size
        self._choosing = choosing
        self.picture: Picture | None = None
        self._image: QImage | None = None
        self.title, self.caption = "", ""
        self.brushing = False
        self._erases: bool | None = None
        self.pointer: int | None = None
        self.is_current = False
        policy = QSizePolicy.Policy.Preferred
        self.setSizePolicy(policy, policy)
        self.setAccessibleName(name)
        if choosing:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.setMouseTracking(True)

    def show_picture(self, picture: Picture | None, title: str = "", caption: str = "") -> None:
        """Shows another one.

        Args:
            picture: None for an empty place.
            title: Above it.
            caption: Below it.
        """
        before = self.picture
        if picture is None or before is None or picture.pixels is not before.pixels:
            self._image = None if picture is None else photo_image(picture.pixels)
        self.picture, self.title, self.caption = picture, title, caption
        self.setAccessibleDescription(f"{title}. {caption}" if caption else title)
        if picture is not None and self.pointer is not None and self.pointer >= self._patches:
            self.pointer = None
        self.update()

    @property
    def _patches(self) -> int:
        assert self.picture is not None
        rows, cols = self.picture.geometry.grid
        return rows * cols

    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side + self._margins[0] + self._margins[1])

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self._side, 84), min(self._side, 84) + sum(self._margins))

    @property
    def _margins(self) -> tuple[int, int]:
        """Room for the title and the line below."""
        line = int(QFontMetricsF(marks.small(self.font())).height()) + 4
        return (line if self.title else 2), (line if self.caption else 2)

    def area(self) -> QRectF:
        """Where the picture is."""
        top, bottom = self._margins
        room = QRectF(self.rect()).adjusted(2, top, -2, -bottom)
        if self.picture is None:
            return room
        height, width = self.picture.geometry.input_size
        if self.picture.stretched:
            side = min(room.width(), room.height())
            return QRectF(room.left() + (room.width() - side) / 2, room.top(), side, side)
        scale = min(room.width() / width, room.height() / height)
        return QRectF(
            room.left() + (room.width() - scale * width) / 2, room.top(), scale * width,
            scale * height,
        )  # fmt: skip

    def on_widget(self, box: Box) -> QRectF:
        """A box of the input on the widget, where nothing is taken apart."""
        assert self.picture is not None
        area, (height, width) = self.area(), self.picture.geometry.input_size
        across, down = area.width() / width, area.height() / height
        return QRectF(
            area.left() + box.left * across, area.top() + box.top * down, box.width * across,
            box.height * down,
        )  # fmt: skip

    def patch_rect(self, patch: int) -> QRectF:
        """Where a patch is, on the widget."""
        assert self.picture is not None
        geometry, gap, area = self.picture.geometry, self.picture.gap, self.area()
        row, col = divmod(patch, geometry.grid[1])
        box = self.on_widget(geometry.patch_box(row, col))
        if gap <= 0:
            return box
        rows, cols = geometry.grid
        # All of them and the gaps between fill the same area.
        wide, high = 1 + gap * (cols - 1) / cols, 1 + gap * (rows - 1) / rows
        step_x, step_y = area.width() / (cols * wide), area.height() / (rows * high)
        return QRectF(
            area.left() + col * step_x * (1 + gap), area.top() + row * step_y * (1 + gap),
            step_x, step_y,
        )  # fmt: skip

    def patch_at(self, point: QPointF) -> int | None:
        """The patch at a point; None beside the picture."""
        area = self.area()
        if self.picture is None or not area.contains(point):
            return None
        geometry = self.picture.geometry
        height, width = geometry.input_size
        x = (point.x() - area.left()) / area.width() * width
        y = (point.y() - area.top()) / area.height() * height
        found = geometry.patch_at(min(x, width - 1e-3), min(y, height - 1e-3))
        return None if found is None else found[0] * geometry.grid[1] + found[1]

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.setFont(marks.small(self.font()))
        metrics = QFontMetricsF(painter.font())
        area = self.area()
        room = QRectF(self.rect()).adjusted(2, 0, -2, 0)
        centred = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        if self.title:
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            words = metrics.elidedText(self.title, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(QRectF(room.left(), 0, room.width(), area.top() - 2), centred, words)
        if self.picture is None or self._image is None:
            marks.panel(painter, area, palette.color(QPalette.ColorRole.Button))
            painter.end()
            return
        if self.caption:
            painter.setPen(marks.quiet(palette))
            words = metrics.elidedText(self.caption, Qt.TextElideMode.ElideRight, room.width())
            below = QRectF(room.left(), area.bottom() + 1, room.width(), metrics.height() + 2)
            painter.drawText(below, centred, words)
        self._paint_picture(painter, area)
        self._paint_marks(painter, area)
        if self.is_current:
            marks.frame(painter, area.adjusted(-2, -2, 2, 2),
                        palette.color(QPalette.ColorRole.Highlight), 2, 3)  # fmt: skip
        painter.end()

    def _paint_picture(self, painter: QPainter, area: QRectF) -> None:
        assert self.picture is not None
        assert self._image is not None
        ratio, image = self.devicePixelRatioF(), self._image
        smooth = min(area.width() / image.width(), area.height() / image.height()) * ratio < 2
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        if self.picture.gap <= 0:
            painter.drawImage(area, self._image)
            return
        cols = self.picture.geometry.grid[1]
        for patch in range(self._patches):
            box = self.picture.geometry.patch_box(*divmod(patch, cols))
            source = QRectF(box.left, box.top, box.width, box.height)
            painter.drawImage(self.patch_rect(patch), self._image, source)

    def _paint_marks(self, painter: QPainter, area: QRectF) -> None:
        picture, palette = self.picture, self.palette()
        assert picture is not None
        cols = picture.geometry.grid[1]
        if picture.lines and picture.gap <= 0 and area.width() / cols >= LINES_FROM:
            self._paint_lines(painter, picture.geometry)
        if picture.removed is not None:
            for patch in np.flatnonzero(picture.removed).tolist():
                marks.removed(painter, self.patch_rect(patch))
        self._paint_boxes(painter, area, picture)
        if picture.chosen is not None and picture.chosen < self._patches:
            accent = palette.color(QPalette.ColorRole.Highlight)
            marks.query_outline(painter, self.patch_rect(picture.chosen), accent)
        if self.pointer is not None and self._choosing:
            marks.outline(painter, self.patch_rect(self.pointer), width=1.5)

    def _paint_lines(self, painter: QPainter, geometry: Geometry) -> None:
        painter.setPen(QColor(255, 255, 255, 90))
        (ys, xs), (height, width) = geometry.edges, geometry.input_size
        lines = [Box(0, y, width, y) for y in ys[1:-1]] + [Box(x, 0, x, height) for x in xs[1:-1]]
        boxes = (self.on_widget(line) for line in lines)
        # All at once: each call by itself took as long as the whole picture.
        painter.drawLines([QLineF(box.topLeft(), box.bottomRight()) for box in boxes])

    def _paint_boxes(self, painter: QPainter, area: QRectF, picture: Picture) -> None:
        painter.save()
        painter.setClipRect(area.adjusted(-1, -1, 1, 1))
        for box in picture.boxes:
            marks.outline(painter, self.on_widget(box), width=1.5)
        for box in picture.dashed:
            marks.dashes(painter, self.on_widget(box))
        painter.restore()

    # What the user does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        patch = self.patch_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or patch is None or not self._choosing:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self.brushing:
            self._begin_stroke(patch)
        else:
            self.chosen.emit(patch)

    def _begin_stroke(self, patch: int) -> None:
        assert self.picture is not None
        gone = self.picture.removed
        self._erases = gone is None or not bool(gone.flat[patch])
        self.brushed.emit(patch, self._erases)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        patch = self.patch_at(event.position())
        if self._erases is not None and patch is not None and patch != self.pointer:
            self.brushed.emit(patch, self._erases)
        self._move_cursor(patch)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._erases = None

    def _move_cursor(self, patch: int | None) -> None:
        if patch != self.pointer:
            self.pointer = patch
            self.pointed.emit(-1 if patch is None else patch)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        does = (*STEPS, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if self.picture is None or not plain or key not in does:
            super().keyPressEvent(event)
            return
        rows, cols = self.picture.geometry.grid
        first = self.picture.chosen if self.picture.chosen is not None else self._patches // 2
        at = first if self.pointer is None else self.pointer
        if key in STEPS:
            row, col = (a + b for a, b in zip(divmod(at, cols), STEPS[key], strict=True))
            self._move_cursor(min(max(row, 0), rows - 1) * cols + min(max(col, 0), cols - 1))
        elif self.brushing:
            self._begin_stroke(at)
            self._erases = None
        else:
            self.chosen.emit(at)

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self._move_cursor(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._move_cursor(None)
