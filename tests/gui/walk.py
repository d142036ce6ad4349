"""Everything that people can read in the window, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QTextEdit,
    QToolTip,
    QWidget,
)

from tests.hostile import TAGS, steering
from vitviz.gui.widgets.text import is_rich

ROLES = (
    Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.StatusTipRole,
    Qt.ItemDataRole.WhatsThisRole, Qt.ItemDataRole.AccessibleTextRole,
)  # fmt: skip

LONGEST = 4000
"""Letters of anything but a dialog that is scrolled."""


def faults(root: QWidget) -> list[str]:
    """What is wrong with a widget and all that is in it, in words; and how much was looked at."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        where = f"{type(widget).__name__} {widget.objectName()}"
        if isinstance(widget, QLabel) and widget.textFormat() != Qt.TextFormat.PlainText:
            found.append(f"{where}: {widget.textFormat()}")
        if isinstance(widget, QTextEdit) and any(tag in markup(widget) for tag in TAGS[:2]):
            found.append(f"{where}: {markup(widget)}")
        for kind, text in texts(widget):
            wrong = steering(text)
            if wrong:
                found.append(f"{where}, {kind}: {wrong!a} in {text!a:.200}")
            if len(text) > LONGEST and not isinstance(widget, QTextEdit):
                found.append(f"{where}, {kind}: {len(text)} letters")
            if kind == "tooltip" and is_rich(text) and any(tag in text for tag in TAGS):
                found.append(f"{where}, {kind}: {text!a:.200}")
    return found


def markup(widget: QTextEdit) -> str:
    """What Qt made of the HTML."""
    return widget.toHtml().partition("<body")[2]


def texts(widget: QWidget) -> Iterator[tuple[str, str]]:
    """What a widget says, with what kind of text it is."""
    yield "tooltip", widget.toolTip()
    yield "status tip", widget.statusTip()
    yield "what's this", widget.whatsThis()
    yield "accessible name", widget.accessibleName()
    yield "accessible description", widget.accessibleDescription()
    yield "title", widget.windowTitle()
    if isinstance(widget, QLabel | QAbstractButton):
        yield "text", widget.text()
    if isinstance(widget, QPlainTextEdit | QTextEdit):
        yield "text", widget.toPlainText()
    for action in widget.actions():
        yield from of_action(action)
    if isinstance(widget, QMenu):
        yield "text", widget.title()
    if isinstance(widget, QComboBox):
        yield "text", widget.currentText()
    if isinstance(widget, QComboBox | QAbstractItemView):
        yield from of_items(widget)


def of_action(action: QAction) -> Iterator[tuple[str, str]]:
    yield "text", action.text()
    yield "tooltip", action.toolTip()
    yield "status tip", action.statusTip()


def of_items(widget: QComboBox | QAbstractItemView) -> Iterator[tuple[str, str]]:
    model = widget.model()
    for row in range(model.rowCount() if model is not None else 0):
        for role in ROLES:
            value = model.index(row, 0).data(role)
            if isinstance(value, str):
                yield "tooltip" if role == Qt.ItemDataRole.ToolTipRole else "item", value


def tip_size(text: str) -> tuple[int, int]:
    """Width and height of a tooltip on the screen."""
    label = QLabel(text)
    label.setFont(QToolTip.font())
    label.setWordWrap(is_rich(text))  # as Qt's own does
    size = label.sizeHint()
    label.deleteLater()
    return size.width(), size.height()
