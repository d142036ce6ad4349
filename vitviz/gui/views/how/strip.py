"""The strip of stations: always there, each with a small picture of what it does to the photo."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.engine.station_answers import FirstState, Lens
from vitviz.gui.canvas import marks
from vitviz.gui.canvas.pictures import photo_image
from vitviz.gui.views.how.pieces.barcode import signed_image
from vitviz.gui.views.how.subject import Subject
from vitviz.gui.views.how.words import STOPS, Stop, heading
from vitviz.plain_text import shown_text
from vitviz.wording.numbers import score

HEIGHT = 92
ARROW = 16.0
PAD = 6.0
MOST_CELLS = 12
"""Patches along a side of the small picture; with more it would be all gaps."""


class Strip(QWidget):
    """Photo, patches, tokens, blocks, class.

    With keys: left and right choose, Return opens.

    Signals:
        opened(str): The stop that was chosen.
    """

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.stop: Stop = "story"
        self._subject: Subject | None = None
        self._first: FirstState | None = None
        self._lens: Lens | None = None
        self._photo: QImage | None = None
        self._tokens: QImage | None = None
        self._hovered: int | None = None
        self.setAccessibleName("Stations")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_subject(
        self, subject: Subject | None, stop: Stop, first: FirstState | None, lens: Lens | None
    ) -> None:
        """Shows what is known.

        Args:
            subject: None: nothing.
            stop: Which one is open.
            first: How pixels become tokens.
            lens: The race of classes.
        """
        known = self._subject
        if subject is None or known is None or subject.pixels is not known.pixels:
            self._photo = None if subject is None else photo_image(subject.pixels)
        if first is not self._first or self._tokens is None:
            self._tokens = _tokens_image(first)
        self._subject, self._first, self._lens, self.stop = subject, first, lens, stop
        kind = "attention" if subject is None else subject.kind
        self.setAccessibleDescription(f"{heading(stop, kind).short} is open")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(520, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, HEIGHT)

    def box(self, index: int) -> QRectF:
        """Where a stop is."""
        count = len(STOPS)
        width = (self.width() - 2 * PAD - (count - 1) * ARROW) / count
        return QRectF(PAD + index * (width + ARROW), PAD, width, HEIGHT - 2 * PAD)

    def stop_at(self, point: QPointF) -> int | None:
        """The stop at a point."""
        inside = (i for i in range(len(STOPS)) if self.box(i).contains(point))
        return next(inside, None)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(marks.small(self.font()))
        metrics = QFontMetricsF(painter.font())
        for index, stop in enumerate(STOPS):
            box = self.box(index)
            self._paint_ground(painter, box, index, palette)
            self._paint_title(painter, box, stop, metrics)
            inner = box.adjusted(PAD, PAD - 1, -PAD, -metrics.height() - 5)
            if self._subject is not None:
                self._paint_inside(painter, inner, stop)
            if index:
                self._paint_arrow(painter, box, palette)
        painter.end()

    def _paint_ground(self, painter: QPainter, box: QRectF, index: int, palette: QPalette) -> None:
        is_open, hovered = STOPS[index] == self.stop, index == self._hovered
        role = QPalette.ColorRole.Midlight if hovered else QPalette.ColorRole.Button
        accent = palette.color(QPalette.ColorRole.Highlight)
        marks.panel(painter, box, palette.color(role), accent if is_open else None)
        if is_open:
            marks.frame(painter, box, accent, 2, 6)
            if self.hasFocus():
                marks.frame(painter, box.adjusted(-3, -3, 3, 3), accent, 1, 8)

    def _paint_title(
        self, painter: QPainter, box: QRectF, stop: Stop, metrics: QFontMetricsF
    ) -> None:
        kind = "attention" if self._subject is None else self._subject.kind
        classes = self._subject is None or self._subject.has_classes
        strong = stop == self.stop
        painter.setFont(
            marks.bold(marks.small(self.font())) if strong else marks.small(self.font())
        )
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        below = QRectF(box.left(), box.bottom() - metrics.height() - 4, box.width(),
                       metrics.height() + 2)  # fmt: skip
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, heading(stop, kind, classes).short)
        painter.setFont(marks.small(self.font()))

    def _paint_arrow(self, painter: QPainter, box: QRectF, palette: QPalette) -> None:
        x, y = box.left() - ARROW / 2, box.center().y()
        painter.setPen(QPen(marks.quiet(palette), 1.5))
        painter.drawPolyline(
            QPolygonF([QPointF(x - 2.5, y - 4), QPointF(x + 2, y), QPointF(x - 2.5, y + 4)])
        )

    def _paint_inside(self, painter: QPainter, room: QRectF, stop: Stop) -> None:
        assert self._subject is not None
        if stop == "story" and self._photo is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(_fitted(room, self._photo), self._photo)
        elif stop == "cut":
            self._paint_patches(painter, room)
        elif stop == "place" and self._tokens is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            wide = min(room.width(), 1.7 * room.height())
            painter.drawImage(
                QRectF(room.center().x() - wide / 2, room.top(), wide, room.height()), self._tokens
            )
        elif stop == "blocks":
            self._paint_blocks(painter, room)
        elif stop == "read":
            self._paint_class(painter, room)

    def _paint_patches(self, painter: QPainter, room: QRectF) -> None:
        assert self._subject is not None
        if self._photo is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = _fitted(room, self._photo)
        rows, cols = (min(count, MOST_CELLS) for count in self._subject.geometry.grid)
        rows, cols = (5, 5) if self._subject.kind == "convolutions" else (rows, cols)
        wide, high = area.width() / cols, area.height() / rows
        source = QRectF(0, 0, self._photo.width() / cols, self._photo.height() / rows)
        for row in range(rows):
            for col in range(cols):
                box = QRectF(area.left() + col * wide, area.top() + row * high, wide, high)
                source.moveTo(col * source.width(), row * source.height())
                painter.drawImage(box.adjusted(0.5, 0.5, -0.8, -0.8), self._photo, source)

    def _paint_blocks(self, painter: QPainter, room: QRectF) -> None:
        assert self._subject is not None
        depth, palette = self._subject.outline.depth, self.palette()
        wide = min(room.width() / depth, 9.0)
        left = room.center().x() - depth * wide / 2
        accent = palette.color(QPalette.ColorRole.Highlight)
        for layer in range(depth):
            box = QRectF(left + layer * wide, room.top(), wide - 1.5, room.height())
            painter.fillRect(box, palette.color(QPalette.ColorRole.Mid))
            high = self._share(layer) * box.height()
            painter.fillRect(QRectF(box.left(), box.bottom() - high, box.width(), high), accent)

    def _share(self, layer: int) -> float:
        """How high a layer's bar is: what the winner's share is by then, or how far it can see."""
        subject, lens = self._subject, self._lens
        if lens is not None:
            winner = int(lens.logits[-1].argmax())
            return float(np.clip(lens.shares[layer + 1, winner], 0, 1))
        assert subject is not None
        field = subject.outline.layers[layer].receptive
        if subject.kind != "convolutions" or field is None:
            return 0.0
        return min(field / max(subject.geometry.input_size), 1.0)

    def _paint_class(self, painter: QPainter, room: QRectF) -> None:
        assert self._subject is not None
        cell = self._subject.cell
        metrics = QFontMetricsF(painter.font())
        middle = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        if cell.probabilities is None:
            width = self._subject.outline.layers[-1].width
            painter.drawText(room, middle, f"{width:,} numbers")
            return
        best = int(cell.probabilities.argmax())
        name = shown_text(cell.class_name(best))
        line = QRectF(room.left(), room.center().y() - metrics.height(), room.width(),
                      metrics.height())  # fmt: skip
        cut = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(line, middle, cut)
        painter.setPen(marks.quiet(self.palette()))
        words = score(float(cell.probabilities[best]), cell.outputs)
        painter.drawText(line.translated(0, metrics.height() + 1), middle, words)

    # What the user does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self.stop_at(event.position())
        if at is not None and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(STOPS[at])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self.stop_at(event.position())
        if at != self._hovered:
            self._hovered = at
            self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        at = STOPS.index(self.stop) + step
        self.opened.emit(STOPS[min(max(at, 0), len(STOPS) - 1)])

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()


def _fitted(room: QRectF, image: QImage) -> QRectF:
    """An image as large as it fits, in the middle."""
    scale = min(room.width() / image.width(), room.height() / image.height())
    width, height = scale * image.width(), scale * image.height()
    return QRectF(
        room.center().x() - width / 2, room.center().y() - height / 2, width, height
    )  # fmt: skip


def _tokens_image(first: FirstState | None) -> QImage | None:
    """The first state as an image: a row a token."""
    if first is None or first.embedding is None:
        return None
    state = first.embedding.state
    every = max(1, len(state) // 96)
    some = state[::every, :128]
    return signed_image(some, float(np.percentile(np.abs(some), 98)))
