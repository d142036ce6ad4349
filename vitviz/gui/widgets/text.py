"""Words from files in the window: never HTML, never wider than there is room.

Qt takes text that looks like HTML for HTML in labels and tooltips, and then reads the pictures that
it names: on Windows a share of somebody else's, who learns the user's password hash by it.
"""

from __future__ import annotations

import html
import re
from typing import Protocol

from PySide6 import QtGui
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QWidget

from vitviz.plain_text import shortened, shown_text

MOST_IN_LABEL = 2000
"""Letters of a label."""

MOST_IN_TIP = 1200
"""Letters of a tooltip."""

TIP_LINES = 24
TIP_WIDTH = 110
"""Letters of a tooltip's line that Qt need not break."""

TIP_WORD = re.compile(r"\S{60}(?=\S)")
"""What is so long without a space is broken, since Qt would widen the tooltip."""

LEAST_WIDTH = 60
"""Of a label on one line that is longer, in pixels: more would widen the window."""

LEAST_COLUMN = 160
"""Of a label whose lines are broken, in pixels, however long its words are."""

PIECE = 12
"""Letters of a long word after which its line may be broken."""

LONGEST_WORD = 64
"""Letters of a word that can be copied, which is shortened rather than broken."""

NO_SPACE = "\u200b"
"""Takes no room, and a line may be broken there."""

PARAGRAPH = '<p style="white-space:pre-wrap">{}</p>'

LONG_WORD = re.compile(rf"[^\s/\\{NO_SPACE}]{{{2 * PIECE},}}")


class PlainLabel(QLabel):
    """A label that shows its text letter by letter, whatever it looks like."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Shows a text; its line breaks are this program's."""
        self._words = shown_text(text, MOST_IN_LABEL, lines=True)
        self._show()

    def text(self) -> str:
        """What can be read."""
        return self._words

    def setWordWrap(self, on: bool) -> None:
        super().setWordWrap(on)
        self._show()

    def setTextInteractionFlags(self, flags: Qt.TextInteractionFlag) -> None:
        super().setTextInteractionFlags(flags)
        self._show()

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        if not self._words:  # a picture
            return hint
        least = LEAST_COLUMN if self.wordWrap() else LEAST_WIDTH
        return QSize(min(hint.width(), least), hint.height())

    def _show(self) -> None:
        words = self._words
        if self.wordWrap():
            copied = bool(
                self.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
            )
            words = LONG_WORD.sub(lambda word: _fitting(word[0], copied), words)
        super().setText(words)


class HasToolTip(Protocol):
    """A widget, an action, or an item of a list or model."""

    def setToolTip(self, tip: str, /) -> object:
        """Qt's."""


def set_tooltip(widget: HasToolTip, text: str) -> None:
    """Says a text where the pointer rests on something.

    Args:
        widget: What it is about.
        text: Its line breaks are this program's; what is too long for a tooltip is left out.
    """
    widget.setToolTip(tooltip_text(text))


def tooltip_text(text: str) -> str:
    """What Qt shows as this text in a tooltip, letter by letter."""
    words = shown_text(text, MOST_IN_TIP, lines=True)
    lines = words.split("\n")
    if len(lines) > TIP_LINES:
        lines = [*lines[: TIP_LINES - 1], "…"]
    words = "\n".join(lines)
    if max(map(len, lines)) > TIP_WIDTH:
        broken = (html.escape(part) for part in TIP_WORD.sub(r"\g<0>\0", words).split("\0"))
        return PARAGRAPH.format("<br>".join(broken))  # Qt breaks lines of HTML only
    return unmarked(words)


def unmarked(text: str) -> str:
    """The text for what takes some for HTML and cannot be told not to: escaped if this one is."""
    return PARAGRAPH.format(html.escape(text)) if is_rich(text) else text


def is_rich(text: str) -> bool:
    """Whether Qt would take it for HTML where nobody tells it."""
    return bool(QtGui.Qt.mightBeRichText(text))


def menu_text(text: str, most: int = 80) -> str:
    """A title of a menu's entry or a button, in which "&" would underline the next letter."""
    return shown_text(text, most).replace("&", "&&")


def window_title(text: str) -> str:
    """A title of a window, in which Qt would take "[*]" for the place of its mark of changes."""
    return shown_text(text).replace("[*]", "[*][*]")


def _fitting(word: str, copied: bool) -> str:
    if copied:
        return shortened(word, LONGEST_WORD)
    return NO_SPACE.join(word[at : at + PIECE] for at in range(0, len(word), PIECE))
