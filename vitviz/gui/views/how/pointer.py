"""Points at a control: a frame around it, over everything, that takes no click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QScrollArea, QWidget

SETTLED_MS = 150
"""How long a page takes at most until all in it has its place."""

ROOM = 5.0
ARROW = 11.0


class Pointer(QWidget):
    """Lies over a view.

    Args:
        over: The view; what is pointed at is somewhere in it.
    """

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._target: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        over.installEventFilter(self)

    @property
    def target(self) -> QWidget | None:
        """What is pointed at."""
        return self._target

    def point_at(self, target: QWidget | None) -> None:
        """Points at something, which is brought into sight; at nothing with None."""
        if target is not self._target:
            if self._target is not None:
                self._target.removeEventFilter(self)
            self._target = target
            if target is not None:
                target.installEventFilter(self)
                # At once, and when what has just been opened has found its place.
                self._reveal()
                for wait_ms in (0, SETTLED_MS):
                    QTimer.singleShot(wait_ms, self, self._reveal)
        self.setGeometry(self._over.rect())
        self.setVisible(target is not None)
        self.raise_()
        self.update()

    def _reveal(self) -> None:
        """Brings into sight what is pointed at."""
        target = self._target
        above = None if target is None else target.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        if isinstance(above, QScrollArea) and target is not None:
            above.ensureWidgetVisible(target, 20, 30)
            self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        moved = (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide)
        if event.type() in moved:
            self.setGeometry(self._over.rect())
            self.update()
        return False

    def frame(self) -> QRectF:
        """Around what is pointed at; empty where that cannot be seen."""
        target, over = self._target, self._over
        if target is None or not target.isVisible():
            return QRectF()
        corner = target.mapTo(over, QPointF(0, 0))
        box = QRectF(corner, target.size().toSizeF())
        seen = target.visibleRegion().boundingRect()
        if seen.isEmpty():
            return QRectF()
        box = QRectF(corner + QPointF(seen.topLeft()), seen.size().toSizeF()) & box
        return box.adjusted(-ROOM, -ROOM, ROOM, ROOM)

    def paintEvent(self, event: QPaintEvent) -> None:
        box = self.frame()
        if box.isEmpty():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 2.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(box, 7, 7)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        x, y = box.left() - 3, box.center().y()
        if box.left() < 2 * ARROW:  # no room at its left: from above
            x, y = box.center().x(), box.top() - 3
            tip = [
                QPointF(x, y),
                QPointF(x - ARROW / 2, y - ARROW),
                QPointF(x + ARROW / 2, y - ARROW),
            ]
        else:
            tip = [
                QPointF(x, y),
                QPointF(x - ARROW, y - ARROW / 2),
                QPointF(x - ARROW, y + ARROW / 2),
            ]
        painter.drawPolygon(QPolygonF(tip))
        painter.end()
