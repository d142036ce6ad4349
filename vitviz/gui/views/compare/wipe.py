"""Two maps over one photo, with a slider between them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.views.compare.canvas import CanvasContent, CompareCanvas
from vitviz.gui.views.compare.links import Links
from vitviz.gui.views.compare.words import EXPLANATION
from vitviz.gui.widgets.elided import ElidedLine
from vitviz.gui.widgets.text import PlainLabel

STEP = 0.02
"""Of the width, with an arrow key; five times as much with Shift."""

GRIP = 13.0
"""Radius of the round grip, in widget pixels."""


class Handle(QWidget):
    """The line between both maps, with a grip; moved by mouse and arrow keys.

    Signals:
        moved(float): Where the user wants it, 0..1 of the width.
    """

    moved = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName("Border between both maps")
        self.setToolTip("Drag, or press ← → (Shift: farther; Home, End)")
        self.setFixedWidth(round(2 * GRIP) + 3)
        self.place = 0.5

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.moved.emit(self.mapToParent(event.position()).x() / max(self._over.width(), 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        far = 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        ways = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}
        ends = {Qt.Key.Key_Home: 0.0, Qt.Key.Key_End: 1.0}
        key = Qt.Key(event.key())
        if key in ways and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.moved.emit(self.place + ways[key] * far)
        elif key in ends:
            self.moved.emit(ends[key])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QRectF(self.rect()).center()
        accent = self.palette().color(QPalette.ColorRole.Highlight)
        painter.fillRect(QRectF(middle.x() - 2, 0, 4, self.height()), marks.DARK)
        line = accent if self.hasFocus() else marks.LIGHT
        painter.fillRect(QRectF(middle.x() - 1, 0, 2, self.height()), line)
        painter.setPen(QPen(line, 2))
        painter.setBrush(QColor(20, 20, 22, 225))
        painter.drawEllipse(middle, GRIP, GRIP)
        painter.setPen(QPen(marks.LIGHT, 1.8, c=Qt.PenCapStyle.RoundCap))
        for side in (-1, 1):
            tip = middle + QPointF(side * 7.5, 0)
            for up in (-1, 1):
                painter.drawLine(tip, tip + QPointF(-side * 3.5, up * 3.5))
        painter.end()


class Wipe(QWidget):
    """The first map left of the handle, the second right of it.

    Signals:
        query_chosen(int, object): A patch was clicked, of the first (0) or the second (1); its
            centre on the photo.
        pointed(int, object): The same of the pointer, and its point on the photo; None where it
            left.
    """

    query_chosen = Signal(int, object)
    pointed = Signal(int, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage = QWidget()
        self.first = CompareCanvas(self._stage, bar_at_left=True)
        self._clip = QWidget(self._stage)
        self.second = CompareCanvas(self._clip)
        self.handle = Handle(self._stage)
        self.links = Links(self)
        self.links.set_canvases((self.first, self.second))
        self.numbers = ElidedLine(quiet=True, explanation=EXPLANATION)
        self._agreement = ""
        self._letters = ("a", "b")
        self._arrange()
        self.setFocusProxy(self.handle)
        self.handle.moved.connect(self.move_to)
        self.links.pointed.connect(self._pointed)
        for canvas in (self.first, self.second):
            canvas.clicked.connect(self._clicked)
            canvas.hovered.connect(self._show_numbers)

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(14, 6, 14, 6)
        top.setSpacing(8)
        self._names = (PlainLabel(), PlainLabel())
        self.words = (ElidedLine(), ElidedLine(right=True))
        for name in self._names:
            name.setProperty("strong", True)
        top.addWidget(self._names[0])
        top.addWidget(self.words[0], 1)
        top.addSpacing(24)
        top.addWidget(self.words[1], 1)
        top.addWidget(self._names[1])
        bottom = QHBoxLayout()
        bottom.setContentsMargins(14, 3, 14, 5)
        bottom.addWidget(self.numbers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._stage, 1)
        layout.addLayout(bottom)
        self._stage.installEventFilter(self)
        self._stage.setMinimumSize(120, 100)

    # What is shown

    @property
    def place(self) -> float:
        """Where the handle is, 0..1 of the width."""
        return self.handle.place

    def show_pair(
        self,
        letters: tuple[str, str],
        words: tuple[str, str],
        maps: tuple[CanvasContent, CanvasContent],
    ) -> None:
        """Shows two maps.

        Args:
            letters: Of the panes.
            words: Their headings.
            maps: What they show.
        """
        self._letters = letters
        for name, text in zip(self._names, letters, strict=True):
            name.setText(text)
        for line, text in zip(self.words, words, strict=True):
            line.show_texts(text)
        for canvas, shown in zip((self.first, self.second), maps, strict=True):
            canvas.show_content(shown)
        for canvas in (self.first, self.second):
            canvas.keep_free(left=self.first.bar_room, right=self.second.bar_room)
        self._show_numbers()

    def show_agreement(self, words: str) -> None:
        """How both agree."""
        self._agreement = words
        self._show_numbers()

    @Slot(float)
    def move_to(self, place: float) -> None:
        """Puts the handle somewhere, 0..1 of the width; beyond, at the nearest end."""
        self.handle.place = min(max(place, 0.0), 1.0)
        self.handle.setAccessibleDescription(f"{round(100 * self.place)} %")
        self._place()

    @Slot()
    def _show_numbers(self) -> None:
        values = [canvas.value_words for canvas in (self.first, self.second)]
        pairs = zip(self._letters, values, strict=True)
        told = "   ".join(f"{name}: {value}" for name, value in pairs if value)
        if told:
            self.numbers.show_texts(told, self._agreement, strong=True)
        else:
            self.numbers.show_texts(self._agreement)

    @Slot(object)
    def _clicked(self, patch: tuple[int, int] | None) -> None:
        which = 0 if self.sender() is self.first else 1
        geometry = (self.first, self.second)[which].content.geometry
        if patch is not None and geometry is not None:
            self.query_chosen.emit(which, geometry.patch_box(*patch).centre)

    @Slot(object, object)
    def _pointed(self, canvas: object, point: object) -> None:
        self._show_numbers()
        self.pointed.emit(0 if canvas is self.first else 1, point)

    def _place(self) -> None:
        width, height = self._stage.width(), self._stage.height()
        x = round(self.place * width)
        self.first.setGeometry(0, 0, width, height)
        self._clip.setGeometry(x, 0, width - x, height)
        self.second.setGeometry(-x, 0, width, height)
        self.handle.setGeometry(x - self.handle.width() // 2, 0, self.handle.width(), height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return bool(super().eventFilter(watched, event))
