"""The command palette: anything that can be done or chosen, found by some of its letters."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.fuzzy import Entry, found
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.text import PlainLabel
from vitviz.plain_text import shown_text

ROWS = 12
"""In sight."""

KEY = Qt.ItemDataRole.UserRole + 1
KIND = Qt.ItemDataRole.UserRole + 2

Index = QModelIndex | QPersistentModelIndex


class PaletteDialog(Dialog):
    """Finds commands, methods, colours, inputs, views, classes, photos and preferences.

    Args:
        entries: All of them.
        recent: Ids of those chosen lately, the last first.
    """

    def __init__(
        self, entries: Sequence[Entry], recent: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Command palette")
        self.setMinimumWidth(520)
        self.search = QLineEdit()
        self.search.setPlaceholderText("A command, method, class, photo, colour, preference…")
        self.search.setAccessibleName("What to look for")
        self.found = QListWidget()
        self.found.setObjectName("found")
        self.found.setAccessibleName("Found")
        self.found.setItemDelegate(PaletteRows(self.found))
        self.found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.nothing = PlainLabel("No command matches")
        self.nothing.setProperty("quiet", True)
        self.nothing.setContentsMargins(8, 4, 8, 6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(self.search)
        layout.addWidget(self.found)
        layout.addWidget(self.nothing)
        layout.addStretch(1)
        self._entries, self._recent = list(entries), list(recent)
        self._shown: list[Entry] = []
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._accept)
        self.found.itemActivated.connect(self.accept)
        self.found.itemClicked.connect(self.accept)
        self.search.installEventFilter(self)
        self._filter("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys move through what was found while the cursor stays in the words."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS,
                     Qt.Key.Key_PageUp: -ROWS}  # fmt: skip
            step = steps.get(Qt.Key(event.key()))
            if step is not None and self.found.count():
                row = self.found.currentRow() + step
                self.found.setCurrentRow(min(max(row, 0), self.found.count() - 1))
                return True
        return super().eventFilter(watched, event)

    @property
    def chosen(self) -> Entry | None:
        """What was chosen."""
        row = self.found.currentRow()
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def _accept(self) -> None:
        if self.chosen is not None:
            self.accept()

    def _filter(self, text: str) -> None:
        self._shown = found(self._entries, text, self._recent)
        self.found.clear()
        for entry in self._shown:
            item = QListWidgetItem(shown_text(entry.title))
            item.setData(KEY, entry.key)
            item.setData(KIND, "" if entry.kind == "command" else entry.kind)
            self.found.addItem(item)
        self.found.setCurrentRow(0)
        self.nothing.setVisible(not self._shown)
        self.found.setVisible(bool(self._shown))
        if self._shown:
            row = self.found.sizeHintForRow(0)
            self.found.setFixedHeight(min(len(self._shown), ROWS) * row + 6)
        self.adjustSize()


class PaletteRows(QStyledItemDelegate):
    """A title at the left; at the right what it is, or its shortcut."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        size = super().sizeHint(option, index)
        return QSize(100, max(size.height(), option.fontMetrics.height() + 12))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        right = index.data(KEY) or index.data(KIND) or ""
        room = option.fontMetrics.horizontalAdvance(right) + 24 if right else 0
        place = QStyleOptionViewItem(option)
        self.initStyleOption(place, index)
        place.text = option.fontMetrics.elidedText(
            place.text, Qt.TextElideMode.ElideMiddle, option.rect.width() - room - 16
        )
        option.widget.style().drawControl(
            QStyle.ControlElement.CE_ItemViewItem, place, painter, option.widget
        )
        if not right:
            return
        painter.save()
        painter.setPen(option.palette.placeholderText().color())
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(option.rect.adjusted(0, 0, -10, 0), flags, right)
        painter.restore()
