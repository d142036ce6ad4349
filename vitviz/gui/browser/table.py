"""The rows of the model browser as a table in three sections."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from vitviz.gui.browser.rows import TITLES, Row, Section
from vitviz.gui.widgets.text import tooltip_text
from vitviz.plain_text import shown_text
from vitviz.wording.numbers import byte_size

NOTHING: dict[Section, str] = {
    "bundled": "",
    "here": "Nothing in the caches of Hugging Face and torch. Add a folder of your own below.",
    "known": "",
}

LOOKING = "Looking…"

ROW = Qt.ItemDataRole.UserRole

HEIGHT = 26
"""Of a row, in pixels."""


class ModelTable(QTreeWidget):
    """Models by section; arrow keys go from model to model, Enter takes one.

    Signals:
        chosen(Row | None): Another one is looked at.
        taken(Row): It is to be opened or fetched.
    """

    chosen = Signal(object)
    taken = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("models")
        self.setAccessibleName("Models")
        self.setMinimumHeight(4 * HEIGHT)
        self.setColumnCount(4)
        self.setHeaderLabels(["Model", "Name", "Size", "Licence"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIndentation(12)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setExpandsOnDoubleClick(False)
        self.setItemsExpandable(False)
        header = self.header()
        header.setSectionsMovable(False)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.ResizeToContents)
        header.resizeSection(0, 210)
        self._rows: dict[str, Row] = {}
        self.currentItemChanged.connect(self._on_current)
        self.itemDoubleClicked.connect(lambda item: self._take(item))

    @property
    def row(self) -> Row | None:
        """The one that is looked at."""
        return self._of(self.currentItem())

    def show_rows(self, rows: Sequence[Row], *, looking: bool, searched: bool) -> None:
        """Shows these; the one that was looked at stays so, if it is among them.

        Args:
            rows: In the order of their sections.
            looking: What is on this computer is not all known yet.
            searched: They are those that a search has left.
        """
        before = self.row
        self.blockSignals(True)
        self.clear()
        self._rows = {}
        current = first = None
        for section, title in TITLES.items():
            its = [row for row in rows if row.section == section]
            head = self._heading(title)
            if not its and not searched:
                self._nothing(head, LOOKING if looking and section == "here" else NOTHING[section])
            for row in its:
                item = self._item(head, row)
                first = first or item
                if before is not None and (row.section, row.detail) == (
                    before.section, before.detail,
                ):  # fmt: skip
                    current = item
            head.setHidden(not its and not head.childCount())
        self.expandAll()
        self.blockSignals(False)
        chosen = current or first
        if chosen is not None:
            self.setCurrentItem(chosen)
        self.chosen.emit(self.row)

    def select(self, section: Section, detail: str) -> None:
        """Looks at a model, if it is there."""
        for key, row in self._rows.items():
            if (row.section, row.detail) == (section, detail):
                self.setCurrentItem(self._items[key])

    @property
    def _items(self) -> dict[str, QTreeWidgetItem]:
        found = {}
        for at in range(self.topLevelItemCount()):
            head = self.topLevelItem(at)
            for below in range(head.childCount() if head else 0):
                item = head.child(below) if head else None
                if item is not None and item.data(0, ROW):
                    found[str(item.data(0, ROW))] = item
        return found

    def _heading(self, title: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem(self, [title])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setFirstColumnSpanned(True)
        font = self.font()
        font.setBold(True)
        item.setFont(0, font)
        item.setForeground(0, QBrush(self.palette().placeholderText()))
        item.setSizeHint(0, QSize(0, HEIGHT + 6))
        return item

    def _nothing(self, head: QTreeWidgetItem, words: str) -> None:
        if words:
            item = QTreeWidgetItem(head, [words])
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            item.setFirstColumnSpanned(True)

    def _item(self, head: QTreeWidgetItem, row: Row) -> QTreeWidgetItem:
        size = byte_size(row.bytes) if row.bytes else ""
        marks = [row.licence_words]
        if row.non_commercial:
            marks.append("non-commercial")
        if row.gated:
            marks.append("gated")
        licence = " · ".join(filter(None, marks))
        item = QTreeWidgetItem(head, [shown_text(row.title), shown_text(row.detail), size, licence])
        item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        key = f"{row.section}/{len(self._rows)}"
        item.setData(0, ROW, key)
        self._rows[key] = row
        item.setForeground(1, QBrush(self.palette().placeholderText()))
        if row.non_commercial:
            item.setForeground(3, QBrush(self.palette().brightText()))
        item.setSizeHint(0, QSize(0, HEIGHT))
        for column in (0, 1):
            tip = tooltip_text(f"{row.title}\n{row.detail}")
            item.setData(column, Qt.ItemDataRole.ToolTipRole, tip)
        return item

    def _of(self, item: QTreeWidgetItem | None) -> Row | None:
        return None if item is None else self._rows.get(str(item.data(0, ROW)))

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        self.chosen.emit(self._of(item))

    def _take(self, item: QTreeWidgetItem | None) -> None:
        row = self._of(item)
        if row is not None:
            self.taken.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self.currentItem())
            return
        super().keyPressEvent(event)
