"""What went wrong, or must be asked, said in place instead of in a pop-up."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
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

MOST_SEEN = 3
"""Messages at once, for the same reason; the newest ones, and the others can be asked for."""

READ_S = 3.0
"""Nobody has read a message sooner, so the next step of the user does not take it away."""

Choices = tuple[tuple[str, Callable[[], object]], ...]
Until = Callable[[Scene], bool]


class Message(QFrame):
    """One message, with what can be done about it.

    Signals:
        closed(): The user has read or answered it.

    Args:
        text: What happened, or what is asked.
        choices: Title of each button, and what it does.
        about: Another message about the same takes its place.
        until: Whether it has ceased to be true.
        said_at: When, in seconds of the banner's clock.
    """

    closed = Signal()

    def __init__(
        self, text: str, choices: Choices, about: str, until: Until | None, said_at: float
    ) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.about, self.until, self.said_at = about, until, said_at
        self.setProperty("kind", "question" if len(choices) > 1 else "error")
        self.text = PlainLabel(shown_text(text.strip(), MOST_LETTERS))
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
        self.buttons: list[QPushButton] = []
        for title, does in choices:
            button = QPushButton(title)
            button.clicked.connect(self.closed)
            button.clicked.connect(lambda _=False, does=does: does())
            self._row.addWidget(button)
            self.buttons.append(button)
        close = QToolButton()
        close.setText("✕")
        close.setAccessibleName("Close message")
        close.clicked.connect(self.closed)
        outer.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)

    @property
    def passes(self) -> bool:
        """Whether it is only about what was done just now: nothing is asked, and nothing says how
        long it holds.
        """
        return self.until is None and not self.buttons

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """The buttons beside the words, or below them where that would leave them too narrow."""
        buttons = sum(button.sizeHint().width() + 8 for button in self.buttons)
        narrow = bool(buttons) and self.width() - buttons < LEAST_TEXT
        direction = QBoxLayout.Direction
        self._layout.setDirection(direction.TopToBottom if narrow else direction.LeftToRight)


class Banner(QWidget):
    """The messages above the photo, the newest on top.

    Each stays until it is closed or answered, until what it says is not true any more, or, where
    it is only about what was just done, until the user's next step.

    Signals:
        closed(): The last one is gone.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Messages")
        self.messages: list[Message] = []
        self.clock: Callable[[], float] = time.monotonic
        self._shows_all = False
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(1)
        self._more = QPushButton()
        self._more.setProperty("flat", True)
        self._more.clicked.connect(self._show_all)
        self._rows.addWidget(self._more)
        self._details = ""
        self.hide()

    def show_error(self, error: BaseException, before: str = "", about: str = "") -> None:
        """Says what happened and what to do; an unexpected error can be copied whole."""
        if isinstance(error, VitvizError):
            self.say(" ".join(filter(None, (before, error.message, error.hint))), about=about)
            return
        self._details = report(error, before)
        what = " ".join(str(error).split())
        self.say(
            f"{before} Something unexpected happened ({type(error).__name__}: {what}). "
            "What was open is still open.",
            (("Copy report", self._copy),),
        )

    def say(
        self, text: str, choices: Choices = (), *, about: str = "", until: Until | None = None
    ) -> None:
        """Shows a message above those that are there.

        Args:
            text: What happened, or what is asked.
            choices: Title of each button, and what it does; it also closes the message.
            about: Takes the place of the message about the same, and of one with the same words.
            until: Tells from the scene that it is not true any more, which takes it away.
        """
        message = Message(text, choices, about, until, self.clock())
        words = message.text.text()
        for old in [*self.messages]:
            if (about and old.about == about) or old.text.text() == words:
                self._remove(old)
        message.closed.connect(lambda: self._close(message))
        self.messages.insert(0, message)
        self._rows.insertWidget(0, message)
        self._arrange()

    @property
    def text(self) -> PlainLabel:
        """The words of the newest message."""
        return self.messages[0].text if self.messages else PlainLabel()

    @property
    def words(self) -> str:
        """All that is said, the newest first."""
        return "\n".join(message.text.text() for message in self.messages)

    @property
    def buttons(self) -> list[QPushButton]:
        """The buttons of the choices, in order, those of the newest message first."""
        return [button for message in self.messages for button in message.buttons]

    def show_scene(self, scene: Scene) -> None:
        """Takes back what is not true any more."""
        ended = [m for m in self.messages if m.until is not None and m.until(scene)]
        self._take_away(ended)

    def pass_on(self) -> None:
        """The user has gone on: takes away what was only about what was done before."""
        now = self.clock()
        self._take_away([m for m in self.messages if m.passes and now - m.said_at >= READ_S])

    def says(self, about: str) -> bool:
        """Whether there is a message about something."""
        return any(message.about == about for message in self.messages)

    def take_back(self, about: str) -> None:
        """Takes away what was said about something."""
        self._take_away([m for m in self.messages if m.about == about])

    def clear(self) -> None:
        """Takes away all but what goes by itself: something else is being opened."""
        self._take_away([m for m in self.messages if m.until is None])

    def dismiss(self) -> None:
        """Takes away everything."""
        self._take_away([*self.messages])

    def _close(self, message: Message) -> None:
        if message in self.messages:
            self._take_away([message])

    def _take_away(self, messages: list[Message]) -> None:
        for message in messages:
            self._remove(message)
        if messages:
            self._arrange()
            if not self.messages:
                self.closed.emit()

    def _remove(self, message: Message) -> None:
        self.messages.remove(message)
        self._rows.removeWidget(message)
        message.hide()
        message.deleteLater()

    def _arrange(self) -> None:
        self._shows_all &= len(self.messages) > MOST_SEEN
        for number, message in enumerate(self.messages):
            message.setVisible(self._shows_all or number < MOST_SEEN)
            message.arrange()
        hidden = 0 if self._shows_all else len(self.messages) - MOST_SEEN
        self._more.setVisible(hidden > 0)
        self._more.setText(f"Show {hidden} more" if hidden > 0 else "")
        self.setVisible(bool(self.messages))

    def _show_all(self) -> None:
        self._shows_all = True
        self._arrange()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
