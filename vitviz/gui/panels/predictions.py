"""What the model says the photo is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.gui.panels.form import column, quiet
from vitviz.session.engine import Cell, top_classes

TOP = 5


class Bars(QWidget):
    """Names, percentages and bars; long names are cut, and whole in the tool tip."""

    BAR = 4

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, float]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_rows(self, rows: list[tuple[str, float]]) -> None:
        self.rows = rows
        words = "\n".join(f"{name}: {100 * p:.1f} %" for name, p in rows)
        self.setToolTip(words)
        self.setAccessibleName("Predictions")
        self.setAccessibleDescription(words)
        self.updateGeometry()
        self.update()

    @property
    def row_height(self) -> int:
        return QFontMetrics(self.font()).height() + self.BAR + 10

    def sizeHint(self) -> QSize:
        return QSize(180, max(1, len(self.rows)) * self.row_height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, colours = painter.fontMetrics(), self.palette()
        for index, (name, probability) in enumerate(self.rows):
            top = index * self.row_height
            percent = f"{100 * probability:.1f} %"
            room = self.width() - metrics.horizontalAdvance(percent) - 10
            line = QRectF(0, top, self.width(), metrics.height())
            painter.setPen(colours.text().color() if index == 0 else
                           colours.placeholderText().color())  # fmt: skip
            cut = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft, cut)
            painter.drawText(line, Qt.AlignmentFlag.AlignRight, percent)
            bar = QRectF(0, top + metrics.height() + 2, self.width(), self.BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.mid())
            painter.drawRoundedRect(bar, 2, 2)
            bar.setWidth(max(self.BAR, self.width() * probability))
            painter.setBrush(colours.highlight() if index == 0 else colours.placeholderText())
            painter.drawRoundedRect(bar, 2, 2)
        painter.end()


class PredictionsPanel(QWidget):
    """The most probable classes of the photo shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = column(self)
        self.bars = Bars()
        self.note = quiet()
        layout.addWidget(self.bars)
        layout.addWidget(self.note)
        layout.addStretch(1)
        self.show_cell(None)

    def show_cell(self, cell: Cell | None) -> None:
        rows = top_classes(cell, TOP) if cell else []
        self.bars.set_rows(rows)
        self.bars.setVisible(bool(rows))
        if cell is None:
            self.note.setText("Nothing yet.")
        elif cell.probabilities is None:
            self.note.setText("This model has no classes: it was trained without labels.")
        elif not cell.card.class_names:
            self.note.setText("The names of this model's classes are not known.")
        self.note.setVisible(not rows or cell is None or not cell.card.class_names)
