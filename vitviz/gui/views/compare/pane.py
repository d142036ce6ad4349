"""One pane of the Compare view: a heading, a photo with its map, and a line of numbers."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QFocusEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from vitviz.gui.canvas import marks
from vitviz.gui.canvas.photo_view import BY_KEYBOARD
from vitviz.gui.canvas.still_layer import StillLayer
from vitviz.gui.views.compare.canvas import CanvasContent, CompareCanvas
from vitviz.gui.views.compare.overlay import DropHint
from vitviz.gui.views.compare.words import EXPLANATION
from vitviz.gui.widgets import drops
from vitviz.gui.widgets.elided import ElidedLine
from vitviz.gui.widgets.problem import Problem
from vitviz.gui.widgets.text import PlainLabel

FRAME = 3
"""Around a pane, where the ring of the current one is drawn, in widget pixels."""


class Heading(QWidget):
    """The letter and what tells the pane apart; the pane is dragged by it.

    Signals:
        pressed(): Somebody pressed it.
        dragged(): Somebody drags it away.
    """

    pressed = Signal()
    dragged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.letter = PlainLabel()
        self.letter.setProperty("strong", True)
        self.words = ElidedLine()
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Delete does the same
        self.close_button.setToolTip("Remove this pane (Delete)")
        self.close_button.setAccessibleName("Remove pane")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(9, 2, 2, 2)
        layout.setSpacing(8)
        layout.addWidget(self.letter)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.close_button)
        self.setFixedHeight(self.close_button.sizeHint().height() + 4)  # with or without it
        self._press: QPoint | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position().toPoint()
            self.pressed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            return
        way = event.position().toPoint() - self._press
        if way.manhattanLength() >= QApplication.startDragDistance():
            self._press = None
            self.dragged.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._press = None


class ComparePane(QWidget):
    """One pane.

    Signals:
        focused(int): The user turned to this pane.
        removed(int): They want it gone.
        query_chosen(int, object): They clicked a patch of the current pane; its centre on the
            photo. In another pane the first click only makes it the current one.
        retried(int): They want a failure tried again.
        drag_entered(): Something that it takes is dragged over it.
        drag_left(): It is not over it any more.
        dropped(int, object): A ``PaneDrop`` was dropped on it.
        pane_dropped(int, int): That pane (first) was dropped on this one (second).

    Args:
        index: Of the pane; -1 for the difference, which cannot be current, removed or dropped on.
        parent: Qt's.
    """

    focused = Signal(int)
    removed = Signal(int)
    query_chosen = Signal(int, object)
    retried = Signal(int)
    drag_entered = Signal()
    drag_left = Signal()
    dropped = Signal(int, object)
    pane_dropped = Signal(int, int)

    def __init__(self, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.index = index
        self.setObjectName("pane")
        self.heading = Heading()
        self.canvas = CompareCanvas(flat=True)
        self.numbers = ElidedLine(quiet=True, explanation=EXPLANATION)
        self.problem = Problem(self.canvas)
        self._hint = DropHint(self)
        self._is_current = False
        self._agreement, self._trust = "", ""
        bottom = QHBoxLayout()
        bottom.setContentsMargins(9, 3, 9, 4)
        bottom.addWidget(self.numbers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FRAME, FRAME, FRAME, FRAME)
        layout.setSpacing(0)
        layout.addWidget(self.heading)
        layout.addWidget(self.canvas, 1)
        layout.addLayout(bottom)
        self.setAcceptDrops(index >= 0)
        self.setFocusProxy(self.canvas)
        self._connect()

    def _connect(self) -> None:
        self.heading.pressed.connect(self._turn_to)
        self.heading.dragged.connect(self._drag)
        self.heading.close_button.clicked.connect(self._remove)
        self.canvas.clicked.connect(self._clicked)
        self.canvas.hovered.connect(self.show_numbers)
        self.problem.button.clicked.connect(self._retry)
        self.canvas.installEventFilter(self)

    # What is shown

    def share_pictures(self, still: StillLayer) -> None:
        """Draws grids with the same layer as other panes."""
        self.canvas.share_pictures(still)

    def show_frame(self, letter: str, words: str, *, current: bool, removable: bool) -> None:
        """The heading, and whether this is the current one of several panes."""
        self.heading.letter.setText(letter)
        self.heading.letter.setVisible(bool(letter))
        self.heading.words.show_texts(words)
        self.heading.close_button.setVisible(removable)
        self.canvas.setAccessibleName(f"Pane {letter}: {words}")
        if current != self._is_current:
            self._is_current = current
            self.update()

    def show_map(self, shown: CanvasContent) -> None:
        """Shows a photo and its map; draws again only what changed."""
        self.canvas.show_content(shown)
        self.show_numbers()

    def show_state(self, message: str, busy: str, error: BaseException | None) -> None:
        """What is missing, what is going on, and what went wrong.

        Args:
            message: In the middle, where there is nothing to see.
            busy: In the corner.
            error: With a button to try again.
        """
        if self.canvas.message != ("", message):
            self.canvas.set_message("", message)
        self.canvas.set_busy(busy)
        self.problem.show_error(error)

    def show_agreement(self, words: str) -> None:
        """The line below: how it agrees with another pane."""
        self._agreement = words
        self.show_numbers()

    def show_trust(self, words: str) -> None:
        """The line below, too: whether its map is better than chance."""
        if words != self._trust:
            self._trust = words
            self.show_numbers()

    @Slot()
    def show_numbers(self) -> None:
        """Value and rank of the patch under the cursor, the trust in the map, the agreement."""
        value = self.canvas.value_words
        if value:
            self.numbers.show_texts(value, self._agreement or self._trust, strong=True)
        elif self._trust:
            self.numbers.show_texts(self._trust, self._agreement)
        else:
            self.numbers.show_texts(self._agreement)

    # What the user does

    @Slot()
    def _turn_to(self) -> None:
        self.canvas.setFocus(Qt.FocusReason.MouseFocusReason)
        self.focused.emit(self.index)

    @Slot()
    def _remove(self) -> None:
        self.removed.emit(self.index)

    @Slot()
    def _retry(self) -> None:
        self.retried.emit(self.index)

    @Slot(object)
    def _clicked(self, patch: tuple[int, int] | None) -> None:
        if not self._is_current and self.index >= 0:
            self.focused.emit(self.index)
        elif patch is not None and self.index >= 0:
            geometry = self.canvas.content.geometry
            assert geometry is not None
            self.query_chosen.emit(self.index, geometry.patch_box(*patch).centre)

    @Slot()
    def _drag(self) -> None:
        if self.index >= 0 and self.heading.close_button.isVisible():
            drops.drag(self, drops.pane_data(self.index), self.grab())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        by_key = (
            isinstance(event, QFocusEvent) and event.gotFocus() and event.reason() in BY_KEYBOARD
        )
        if by_key and self.index >= 0 and not self._is_current:
            self.focused.emit(self.index)
        return bool(super().eventFilter(watched, event))

    # Drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        drop, pane = drops.dropped(event.mimeData()), drops.dropped_pane(event.mimeData())
        if drop is not None:
            words = drops.words(drop)
            self._hint.say(f"Show {words} here", words)
        elif pane is None:
            return
        elif pane != self.index:
            self._hint.say("Move here")
        drops.accept(event)
        self.drag_entered.emit()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._hint.hide()
        self.drag_left.emit()

    def dropEvent(self, event: QDropEvent) -> None:
        self._hint.hide()
        self.drag_left.emit()
        drop, pane = drops.dropped(event.mimeData()), drops.dropped_pane(event.mimeData())
        if drop is not None:
            self.dropped.emit(self.index, drop)
        elif pane is not None:
            self.pane_dropped.emit(pane, self.index)
        drops.accept(event)

    # Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint.setGeometry(self.rect())
        self.show_numbers()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette, area = self.palette(), QRectF(self.rect())
        ground = palette.color(QPalette.ColorRole.Window)
        if area.adjusted(FRAME, FRAME, -FRAME, -FRAME).contains(QRectF(event.rect())):
            painter.fillRect(event.rect(), ground)  # behind the numbers, each time they change
        else:
            marks.panel(painter, area, ground, palette.color(QPalette.ColorRole.Mid))
            if self._is_current:
                marks.frame(painter, area, palette.color(QPalette.ColorRole.Highlight), 2, 6)
        painter.end()
