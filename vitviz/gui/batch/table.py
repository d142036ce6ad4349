"""The table of a batch in a window of its own: sorted, filtered, each line opens its photo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from vitviz.batch.result_table import Index, ResultTable, arranged, read_table
from vitviz.gui.threads.desk import CLOSING_S, Desk, step_back
from vitviz.gui.widgets.banner import Banner
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import quiet
from vitviz.gui.widgets.text import tooltip_text
from vitviz.plain_text import shown_text
from vitviz.plurals import count_of
from vitviz.progress import Progress, Stage
from vitviz.wording.stages import stage_words

AnyIndex = QModelIndex | QPersistentModelIndex

HEIGHT = 24
"""Of a line, in pixels."""

WIDTHS = {"photo": 230, "top1": 170, "target": 150, "notes": 200, "error": 320}
OTHER_WIDTH = 124

PATIENCE_MS = 150
"""After the last letter of a filter, until it is looked for."""

FILTER = "CSV (*.csv);;All files (*)"


@dataclass(frozen=True)
class Reading:
    """Read a table."""

    path: Path


@dataclass(frozen=True, eq=False)
class Arranging:
    """Put its lines in order.

    Args:
        table: Whose.
        words: As of ``arranged``; so are the others.
    """

    table: ResultTable
    words: str
    column: str
    descending: bool
    failed: bool


def answer(question: Reading | Arranging, progress: Progress) -> ResultTable | Index:
    """On a thread of its own, which lets the window go first."""
    step_back(5)
    if isinstance(question, Reading):
        return read_table(question.path, progress)
    return arranged(
        question.table, question.words, question.column, descending=question.descending,
        failed=question.failed, progress=progress,
    )  # fmt: skip


class TableModel(QAbstractTableModel):
    """The lines that are shown, for Qt: nothing is copied, and only what is seen is made words."""

    def __init__(self) -> None:
        super().__init__()
        self.table: ResultTable | None = None
        self.rows: Index = np.arange(0)

    def show_rows(self, table: ResultTable | None, rows: Index) -> None:
        """Shows these lines of a table."""
        self.beginResetModel()
        self.table, self.rows = table, rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex | None = None) -> int:
        inside = parent is not None and parent.isValid()
        return 0 if inside or self.table is None else len(self.table.names)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self.table is None or not index.isValid():
            return None
        name = self.table.names[index.column()]
        value = self.table.cell(int(self.rows[index.row()]), name)
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(value)
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(value, str) and value:
            return tooltip_text(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(
        self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if side != Qt.Orientation.Horizontal or self.table is None:
            return None
        name = self.table.names[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return shown_text(name.replace("_", " ").capitalize(), 60)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(f"{name}: click to sort")
        if role == Qt.ItemDataRole.TextAlignmentRole and name in self.table.numbers:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


def _shown(value: str | float) -> str:
    if isinstance(value, str):
        return shown_text(value, 200)
    return "" if math.isnan(value) else f"{value:.6g}"


class Cells(QStyledItemDelegate):
    """Whole lines are looked at: no cell of one is drawn as if it alone was."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus


class Lines(QTableView):
    """The lines; Enter takes the one looked at.

    Signals:
        taken(int): Its place among those shown.
    """

    taken = Signal(int)

    def __init__(self, model: TableModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setObjectName("batch_table")
        self.setAccessibleName("Photos of the batch")
        self.setItemDelegate(Cells(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        lines = self.verticalHeader()
        lines.hide()
        lines.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # else each is asked for its size
        lines.setDefaultSectionSize(HEIGHT)
        columns = self.horizontalHeader()
        columns.setSectionsClickable(True)
        columns.setSortIndicatorShown(True)
        columns.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        columns.setHighlightSections(False)
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.doubleClicked.connect(lambda index: self.taken.emit(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.taken.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)


class TableDialog(Dialog):
    """A table of a batch. The window can be used meanwhile.

    Signals:
        opened(ResultTable, int): The photo of a line is to be looked at.
    """

    opened = Signal(object, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Table of a batch")
        self.setMinimumSize(560, 360)
        self.resize(980, 620)
        self.table: ResultTable | None = None
        self.banner = Banner()
        self.filter = QLineEdit()
        self.filter.setAccessibleName("Filter the photos")
        self.filter.setPlaceholderText("Filter by name, class, note or error")
        self.filter.setClearButtonEnabled(True)
        self.failed = QCheckBox("&Failures only")
        self.model = TableModel()
        self.lines = Lines(self.model)
        self.words = quiet()
        self.choose = QPushButton("Open &Table…")
        self.open_photo = QPushButton("Open &Photo")
        self.close_button = QPushButton("Close")
        for button in (self.choose, self.open_photo, self.close_button):
            button.setAutoDefault(False)
        self.desk = Desk(answer, "vitviz-table", parent=self)
        self._shown: tuple[str, str, bool, bool] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PATIENCE_MS)
        self._arrange()
        self._connect()
        self._show_state()

    def _arrange(self) -> None:
        above, under = QHBoxLayout(), QHBoxLayout()
        above.setSpacing(12)
        above.addWidget(self.filter, 1)
        above.addWidget(self.failed)
        under.addWidget(self.choose)
        under.addSpacing(6)
        under.addWidget(self.words, 1)
        under.addWidget(self.close_button)
        under.addWidget(self.open_photo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(self.banner)
        layout.addLayout(above)
        layout.addWidget(self.lines, 1)
        layout.addLayout(under)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._pause.start)
        self._pause.timeout.connect(self._ask)
        self.failed.toggled.connect(self._ask)
        self.failed.toggled.connect(self._place_errors)
        self.lines.horizontalHeader().sortIndicatorChanged.connect(self._ask)
        self.lines.selectionModel().currentRowChanged.connect(self._show_state)
        self.lines.taken.connect(self._take)
        self.open_photo.clicked.connect(lambda: self._take(self.lines.currentIndex().row()))
        self.choose.clicked.connect(self._choose)
        self.close_button.clicked.connect(self.close)
        self.desk.answered.connect(self._on_answer)
        self.desk.failed.connect(self._on_failure)
        self.desk.progressed.connect(self._on_progress)
        find = QAction(self)
        find.setShortcut("Ctrl+F")
        find.triggered.connect(self.filter.setFocus)
        self.addAction(find)

    def read(self, path: Path) -> None:
        """Opens the table of a folder of results."""
        self.banner.dismiss()
        self.desk.ask_again(Reading(path))

    def end(self, timeout_s: float = CLOSING_S) -> None:
        """Closes it, and waits for its thread, or so long."""
        self._pause.stop()
        self.table = None
        self.close()
        self.desk.close(timeout_s)

    @property
    def _sorting(self) -> tuple[str, bool]:
        header = self.lines.horizontalHeader()
        section = header.sortIndicatorSection()
        names: tuple[str, ...] = self.table.names if self.table else ()
        column = names[section] if 0 <= section < len(names) else ""
        return column, header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder

    @Slot()
    def _ask(self) -> None:
        if self.table is not None:
            column, descending = self._sorting
            words, failed = self.filter.text(), self.failed.isChecked()
            self.desk.ask([Arranging(self.table, words, column, descending, failed)])

    @Slot(object, object)
    def _on_answer(self, question: Reading | Arranging, found: ResultTable | Index) -> None:
        if isinstance(found, ResultTable):
            self._show_table(found)
            self._ask()
            return
        row = self._row(self.lines.currentIndex().row())
        self.model.show_rows(self.table, found)
        here = np.flatnonzero(found == (-1 if row is None else row))
        if len(here):
            self.lines.selectRow(int(here[0]))
        elif len(found):
            self.lines.selectRow(0)
        self._show_count()
        self._show_state()

    def _show_table(self, table: ResultTable) -> None:
        self.table = table
        folder = shown_text(table.path.parent.name, 80)
        self.setWindowTitle(f"{folder} – Table of a batch" if folder else "Table of a batch")
        header = self.lines.horizontalHeader()
        header.blockSignals(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.blockSignals(False)
        self.model.show_rows(table, np.arange(0))
        for section, name in enumerate(table.names):
            self.lines.setColumnWidth(section, WIDTHS.get(name, OTHER_WIDTH))
            self.lines.setColumnHidden(section, name == "sha256")

    @Slot()
    def _place_errors(self) -> None:
        """Beside the photos while only failures are shown; else at the end, as in the file."""
        header, names = self.lines.horizontalHeader(), self.table.names if self.table else ()
        if "error" in names:
            section = names.index("error")
            place = 1 if self.failed.isChecked() else section
            header.moveSection(header.visualIndex(section), place)

    def _show_count(self) -> None:
        shown, there = len(self.model.rows), len(self.table) if self.table else 0
        all_ = count_of(there, "photo")
        self.words.setText(all_ if shown == there else f"{shown:,} of {all_}")

    @Slot(object, object)
    def _on_failure(self, _question: object, error: BaseException) -> None:
        self.banner.show_error(error)
        self._show_count()

    @Slot(object, object, float)
    def _on_progress(self, _question: object, stage: Stage, fraction: float) -> None:
        self.words.setText(f"{stage_words(stage)}… {fraction:.0%}")

    @Slot()
    def _show_state(self) -> None:
        self.open_photo.setEnabled(self.lines.currentIndex().isValid())
        for widget in (self.filter, self.failed):
            widget.setEnabled(self.table is not None)

    def _row(self, place: int) -> int | None:
        return int(self.model.rows[place]) if 0 <= place < len(self.model.rows) else None

    def _take(self, place: int) -> None:
        row = self._row(place)
        if self.table is not None and row is not None:
            self.banner.dismiss()
            self.opened.emit(self.table, row)

    @Slot()
    def _choose(self) -> None:
        folder = str(self.table.path.parent) if self.table else ""
        name, _ = QFileDialog.getOpenFileName(self, "Open the table of a batch", folder, FILTER)
        if name:
            self.read(Path(name))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrows go through the lines from the filter, too."""
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if event.key() in (*keys, Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.filter.hasFocus():
            self.lines.keyPressEvent(event)
            return
        super().keyPressEvent(event)
