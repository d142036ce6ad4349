"""Pictures of one photo beside each other, on which patches can be painted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
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
from vitviz.shapes import UInt8

MARGIN = 20
GAP = 16

STEPS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class TitledPicture:
    """A picture and what it shows.

    Args:
        title: Above it.
        pixels: All are of one size.
    """

    title: str
    pixels: UInt8[np.ndarray, "height width 3"]


class MaskPictures(QWidget):
    """Shows the pictures as large as they fit; on the first, patches are hidden and seen again.

    Press on a patch and drag: all patches on the way become what the first one becomes, seen if it
    was hidden and hidden if it was seen. With keys: arrows, then Space.

    Signals:
        painted(frozenset patches, bool hide): Indices row by row, at the end of a stroke.
        chosen(int): The patch that was clicked on another picture, row by row.
    """

    painted = Signal(object, bool)
    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: tuple[TitledPicture, ...] = ()
        self._images: list[QImage] = []
        self._hidden = np.zeros((1, 1), bool)
        self._outlined: tuple[int, ...] = ()
        self._message = ("", "")
        self._cursor: int | None = None
        self._stroke: set[int] = set()
        self._hides: bool | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(200, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Hidden patches")
        self.setAccessibleDescription(
            "Arrow keys go from patch to patch, Space hides a patch or lets it be seen again."
        )

    def show_pictures(
        self,
        pictures: Sequence[TitledPicture],
        hidden: np.ndarray,
        outlined: tuple[int, ...] = (),
    ) -> None:
        """Shows pictures.

        Args:
            pictures: The first one can be painted on.
            hidden: Which patches are hidden: rows x columns.
            outlined: Patches whose attention is shown, row by row.
        """
        self._pictures, self._message = tuple(pictures), ("", "")
        self._images = [photo_image(one.pixels).copy() for one in pictures]
        self._hidden, self._outlined = hidden, outlined
        if self._cursor is not None and self._cursor >= hidden.size:
            self._cursor = None
        self.update()

    def show_message(self, title: str, text: str) -> None:
        """Shows words in the place of pictures."""
        self._pictures, self._images, self._message = (), [], (title, text)
        self._hides, self._stroke = None, set()
        self.update()

    @property
    def pictures(self) -> tuple[TitledPicture, ...]:
        """What it shows."""
        return self._pictures

    # Where things are

    def boxes(self) -> list[QRectF]:
        """Where each picture is: in the arrangement that makes them largest."""
        if not self._images:
            return []
        line = QFontMetricsF(self.font()).height() + 6
        wide, high = self._images[0].width(), self._images[0].height()
        count, best = len(self._images), (0.0, -1)
        for columns in range(1, count + 1):
            rows = math.ceil(count / columns)
            room_x = (self.width() - 2 * MARGIN - (columns - 1) * GAP) / columns
            room_y = (self.height() - 2 * MARGIN - (rows - 1) * GAP) / rows - line
            best = max(best, (min(room_x / wide, room_y / high), -columns))
        scale, columns = max(best[0], 0.01), -best[1]
        rows = math.ceil(count / columns)
        box_x, box_y = scale * wide, scale * high
        left = (self.width() - columns * box_x - (columns - 1) * GAP) / 2
        top = (self.height() - rows * (box_y + line) - (rows - 1) * GAP) / 2
        return [
            QRectF(
                left + (index % columns) * (box_x + GAP),
                top + (index // columns) * (box_y + line + GAP) + line,
                box_x,
                box_y,
            )
            for index in range(count)
        ]

    def patch_box(self, picture: int, patch: int) -> QRectF:
        """Where a patch of a picture is."""
        box, (rows, cols) = self.boxes()[picture], self._hidden.shape
        row, col = divmod(patch, cols)
        wide, high = box.width() / cols, box.height() / rows
        return QRectF(box.left() + col * wide, box.top() + row * high, wide, high)

    def patch_at(self, point: QPointF, picture: int = 0) -> int | None:
        """The patch of a picture at a point; None beside it."""
        boxes = self.boxes()
        if picture >= len(boxes) or not boxes[picture].contains(point):
            return None
        box, (rows, cols) = boxes[picture], self._hidden.shape
        row = min(int((point.y() - box.top()) / box.height() * rows), rows - 1)
        col = min(int((point.x() - box.left()) / box.width() * cols), cols - 1)
        return row * cols + col

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Base))
        if not self._images:
            self._paint_message(painter)
            return
        boxes = self.boxes()
        # Whole patches stay whole however far they are enlarged.
        for box, image, one in zip(boxes, self._images, self._pictures, strict=True):
            smooth = box.width() < image.width()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(box, image)
            title = QFontMetricsF(self.font()).elidedText(
                one.title, Qt.TextElideMode.ElideRight, box.width()
            )
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            painter.drawText(QPointF(box.left(), box.top() - 7), title)
        self._paint_stroke(painter)
        for picture in range(3, len(boxes)):
            for patch in self._outlined:
                accent = palette.color(QPalette.ColorRole.Highlight)
                marks.query_outline(painter, self.patch_box(picture, patch), accent)
        if self._cursor is not None:
            for picture in range(len(boxes)):
                marks.outline(painter, self.patch_box(picture, self._cursor))

    def _paint_message(self, painter: QPainter) -> None:
        title, text = self._message
        room = QRectF(self.rect()).adjusted(MARGIN, 0, -MARGIN, 0)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        middle = room.center().y()
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        painter.setFont(marks.bold(self.font()))
        painter.drawText(
            QRectF(room.left(), middle - 60, room.width(), 56),
            flags | Qt.AlignmentFlag.AlignBottom, title,
        )  # fmt: skip
        painter.setFont(self.font())
        painter.setPen(marks.quiet(self.palette()))
        painter.drawText(QRectF(room.left(), middle + 4, room.width(), 120), flags, text)

    def _paint_stroke(self, painter: QPainter) -> None:
        """The patches of a stroke that has not ended."""
        if self._hides is None:
            return
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        for patch in self._stroke:
            box = self.patch_box(0, patch)
            painter.fillRect(box, marks.translucent(colour, 150 if self._hides else 60))
            marks.outline(painter, box.adjusted(0, 0, -1, -1), width=1)

    # What the user does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        patch = self.patch_at(event.position())
        if patch is not None:
            self._hides, self._stroke = not self._hidden.flat[patch], {patch}
            self.update()
            return
        for picture in range(1, len(self._images)):
            if (patch := self.patch_at(event.position(), picture)) is not None:
                self.chosen.emit(patch)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        under = None
        for picture in range(len(self._images)):
            if (patch := self.patch_at(event.position(), picture)) is not None:
                under = patch
        on_first = self.patch_at(event.position())
        if self._hides is not None and on_first is not None:
            self._stroke.add(on_first)
        if under != self._cursor or self._hides is not None:
            self._cursor = under
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._hides is not None:
            hides, stroke = self._hides, frozenset(self._stroke)
            self._hides, self._stroke = None, set()
            self.painted.emit(stroke, hides)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if not self._images or not plain or key not in (*STEPS, Qt.Key.Key_Space):
            super().keyPressEvent(event)
            return
        rows, cols = self._hidden.shape
        if key in STEPS:
            at = self._cursor if self._cursor is not None else self._hidden.size // 2
            row, col = (a + b for a, b in zip(divmod(at, cols), STEPS[key], strict=True))
            self._cursor = min(max(row, 0), rows - 1) * cols + min(max(col, 0), cols - 1)
        elif self._cursor is not None:
            self.painted.emit(frozenset({self._cursor}), not self._hidden.flat[self._cursor])
        self.update()

    def leaveEvent(self, event: object) -> None:
        if self._hides is None and not self.hasFocus():
            self._cursor = None
            self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._cursor = None
        super().focusOutEvent(event)
        self.update()
