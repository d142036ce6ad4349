"""A short tour of the window: five places, each framed, with a sentence beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from vitviz.gui.widgets.text import PlainLabel

WIDTH = 320
GAP = 12


@dataclass(frozen=True)
class Stop:
    """A place of the tour.

    Args:
        place: Gives the widget that it is about.
        title: What it is.
        text: What can be done there.
    """

    place: Callable[[], QWidget]
    title: str
    text: str


class Tour(QFrame):
    """Goes from stop to stop; keys: Right and Enter, Left, Esc.

    Args:
        window: That is shown; the tour lies over it and leaves it usable.
        stops: Those whose widget is hidden are left out.
    """

    def __init__(self, window: QWidget, stops: Sequence[Stop]) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self.setAutoFillBackground(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._window = window
        self.stops = [stop for stop in stops if stop.place().isVisible()]
        self.at = 0
        self.frame = Frame(window)
        self.title, self.text, self.number = PlainLabel(), PlainLabel(), PlainLabel()
        self.title.setProperty("strong", True)
        self.number.setProperty("quiet", True)
        self.text.setWordWrap(True)
        self.text.setFixedWidth(WIDTH - 32)
        self.back, self.next, self.end = (QPushButton(t) for t in ("Back", "Next", "End"))
        self.next.setProperty("primary", True)
        self.back.clicked.connect(lambda: self.go(-1))
        self.next.clicked.connect(lambda: self.go(1))
        self.end.clicked.connect(self.finish)
        row = QHBoxLayout()
        row.addWidget(self.number, 1)
        for button in (self.end, self.back, self.next):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addSpacing(4)
        layout.addLayout(row)
        window.installEventFilter(self)

    def begin(self) -> None:
        """Shows the first stop."""
        if not self.stops:
            return
        self.show()
        self.frame.show()
        self._show_stop()
        self.setFocus()

    def go(self, step: int) -> None:
        """To the next stop, or the one before; after the last one the tour ends."""
        self.at = max(0, self.at + step)
        if self.at >= len(self.stops):
            self.finish()
        else:
            self._show_stop()

    def finish(self) -> None:
        self._window.removeEventFilter(self)
        self.hide()
        self.frame.hide()
        self.frame.deleteLater()
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._show_stop()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()  # else the key is a command of the window
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Return: 1, Qt.Key.Key_Left: -1}
        if event.key() == Qt.Key.Key_Escape:
            self.finish()
        elif Qt.Key(event.key()) in steps:
            self.go(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _show_stop(self) -> None:
        stop = self.stops[self.at]
        self.title.setText(stop.title)
        self.text.setText(stop.text)
        self.number.setText(f"{self.at + 1} of {len(self.stops)}")
        self.back.setEnabled(self.at > 0)
        self.next.setText("Done" if self.at == len(self.stops) - 1 else "Next")
        place = stop.place()
        box = QRect(place.mapTo(self._window, QPoint(0, 0)), place.size())
        self.frame.show_box(box)
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        self.move(beside(box, self.sizeHint().expandedTo(self.size()), self._window.size()))
        self.raise_()


class Frame(QWidget):
    """What is talked about, framed; lets everything through to it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_box(self, box: QRect) -> None:
        self.setGeometry(box)
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 3))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 6, 6)
        painter.end()


def beside(box: QRect, size: QSize, room: QSize) -> QPoint:
    """Where something of a size goes beside a box: right, left, below or above it, inside the room;
    in the box's middle where there is no place beside it.
    """
    right = QPoint(box.right() + GAP, box.top())
    left = QPoint(box.left() - GAP - size.width(), box.top())
    below = QPoint(box.left(), box.bottom() + GAP)
    above = QPoint(box.left(), box.top() - GAP - size.height())
    whole = QRect(QPoint(0, 0), room)
    for point in (right, left, below, above):
        fitting = QPoint(
            min(max(point.x(), 0), room.width() - size.width()),
            min(max(point.y(), 0), room.height() - size.height()),
        )
        place = QRect(fitting, size)
        if whole.contains(place) and not place.intersects(box):
            return fitting
    middle = box.center() - QPoint(size.width() // 2, size.height() // 2)
    return QPoint(max(0, middle.x()), max(0, middle.y()))
