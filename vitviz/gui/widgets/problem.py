"""Why there is no map, over what would show it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from vitviz.errors import VitvizError
from vitviz.gui.scene import FileMissing
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.plain_text import shown_text

WIDEST = 360
"""Of a message, in widget pixels."""


class Problem(QFrame):
    """Why there is no map, in the middle of what it covers, with a button to do something about it.

    Args:
        over: What it covers.
    """

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setObjectName("card")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.what = PlainLabel()
        self.hint = PlainLabel()
        self.hint.setProperty("quiet", True)
        for label in (self.what, self.hint):
            label.setWordWrap(True)
        self.button = QPushButton("Try again")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(6)
        layout.addWidget(self.what)
        layout.addWidget(self.hint)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self._over, self._layout = over, layout
        over.installEventFilter(self)
        self.hide()

    def show_error(self, error: BaseException | None) -> None:
        """Says what happened and what to do; None takes it away."""
        if error is None:
            self.hide()
            return
        if isinstance(error, VitvizError):
            what, hint = error.message, error.hint
        else:
            what, hint = f"Something unexpected happened ({type(error).__name__}: {error}).", ""
        what, hint = shown_text(what), shown_text(hint)
        self.what.setText(what)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.button.setText("Locate…" if isinstance(error, FileMissing) else "Try again")
        set_tooltip(self, f"{what} {hint}".strip())
        self._place()
        self.show()

    def _place(self) -> None:
        over = self._over
        width = max(min(WIDEST, over.width() - 20), 80)
        height = min(self._layout.totalHeightForWidth(width), over.height() - 12)
        left, top = (over.width() - width) // 2, (over.height() - height) // 2
        self.setGeometry(left, top, width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return bool(super().eventFilter(watched, event))
