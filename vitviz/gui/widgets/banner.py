"""What went wrong, or must be asked, said in place instead of in a pop-up."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QWidget,
)

from vitviz.errors import VitvizError
from vitviz.gui.reports import report
from vitviz.gui.scene import Scene
from vitviz.gui.widgets.text import PlainLabel
from vitviz.plain_text import shown_text

LEAST_TEXT = 340
"""Room for the words beside the buttons, in pixels, below which the buttons move."""

MOST_LETTERS = 900
"""Of a message: more would leave no room for the photo."""

Choices = tuple[tuple[str, Callable[[], None]], ...]


class Banner(QFrame):
    """One message above the photo, with what can be done about it.

    Signals:
        closed(): The user has read it.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setAccessibleName("Message")
        self.text = PlainLabel()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._row = QHBoxLayout()
        self._row.addStretch(1)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._layout.addWidget(self.text, 1)
        self._layout.addLayout(self._row)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(12, 7, 7, 7)
        outer.addLayout(self._layout, 1)
        self._buttons: list[QPushButton] = []
        close = QToolButton()
        close.setText("✕")
        close.setAccessibleName("Close message")
        close.clicked.connect(self.dismiss)
        outer.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._details = ""
        self._until_map = False
        self.hide()

    def show_error(self, error: BaseException, before: str = "") -> None:
        """Says what happened and what to do; an unexpected error can be copied whole."""
        if isinstance(error, VitvizError):
            self.say(" ".join(filter(None, (before, error.message, error.hint))))
            return
        self._details = report(error, before)
        what = " ".join(str(error).split())
        self.say(
            f"{before} Something unexpected happened ({type(error).__name__}: {what}). "
            "What was open is still open.",
            (("Copy report", self._copy),),
        )

    def say(self, text: str, choices: Choices = (), *, until_map: bool = False) -> None:
        """Shows a message; each choice is a button that also closes it.

        Args:
            text: What happened, or what is asked.
            choices: Title of each button, and what it does.
            until_map: It holds for as long as there is no map.
        """
        self._until_map = until_map
        for button in self._buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
        self.text.setText(shown_text(text.strip(), MOST_LETTERS))
        self.setProperty("kind", "question" if len(choices) > 1 else "error")
        self.style().unpolish(self)
        self.style().polish(self)
        for title, does in choices:
            button = QPushButton(title)
            button.clicked.connect(self.dismiss)
            button.clicked.connect(lambda _=False, does=does: does())
            self._row.addWidget(button)
            self._buttons.append(button)
        self._arrange()
        self.show()

    def show_scene(self, scene: Scene) -> None:
        """Takes back what is not true any more."""
        if self._until_map and scene.cell is not None:
            self._until_map = False
            self.dismiss()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """The buttons beside the words, or below them where that would leave them too narrow."""
        buttons = sum(button.sizeHint().width() + 8 for button in self._buttons)
        narrow = bool(buttons) and self.width() - buttons < LEAST_TEXT
        direction = QBoxLayout.Direction
        self._layout.setDirection(direction.TopToBottom if narrow else direction.LeftToRight)

    @property
    def buttons(self) -> list[QPushButton]:
        """The buttons of the choices, in order."""
        return self._buttons

    def dismiss(self) -> None:
        self.hide()
        self.closed.emit()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
