"""What each head is worth to a class: layers x heads, as numbers on colours."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from vitviz.engine.answers import HeadGrid
from vitviz.gui.canvas import marks
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.maps.colour import table
from vitviz.wording.trust import head_grid_line

CELL = QSize(54, 30)
LEFT, TOP = 70, 26


class HeadGridWidget(QWidget):
    """The grid itself; red falls, blue rises.

    Signals:
        chosen(int, int): Layer and head, from 0, that were clicked.
    """

    chosen = Signal(int, int)

    def __init__(self, grid: HeadGrid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = grid
        self.heads = max((len(values) for _, values in grid.layers), default=0)
        self.setFixedSize(LEFT + self.heads * CELL.width() + 8,
                          TOP + len(grid.layers) * CELL.height() + 8)  # fmt: skip
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("What each head is worth")

    def place_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Layer and head at a point of the widget."""
        row, head = int((y - TOP) // CELL.height()), int((x - LEFT) // CELL.width())
        if y < TOP or x < LEFT or not 0 <= row < len(self.grid.layers):
            return None
        layer, values = self.grid.layers[row]
        return (layer, head) if head < len(values) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().x(), event.position().y())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(*place)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(marks.small(self.font()))
        metrics, palette = QFontMetricsF(painter.font()), self.palette()
        painter.setPen(marks.quiet(palette))
        for head in range(self.heads):
            box = QRectF(LEFT + head * CELL.width(), 0, CELL.width(), TOP)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"head {head + 1}")
        most = max((float(np.abs(values).max()) for _, values in self.grid.layers), default=0.0)
        for row, (layer, values) in enumerate(self.grid.layers):
            top = TOP + row * CELL.height()
            painter.setPen(marks.quiet(palette))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, top, LEFT - 8, CELL.height()), side, f"layer {layer + 1}")
            places = np.rint(255 * (0.5 + values / (2 * most or 1.0))).astype(int)
            shades = table("coolwarm")[places.clip(0, 255)]
            for head, (value, shade) in enumerate(zip(values, shades, strict=True)):
                box = QRectF(LEFT + head * CELL.width() + 1, top + 1, CELL.width() - 2,
                             CELL.height() - 2)  # fmt: skip
                colour = QColor(*(int(part) for part in shade))
                painter.fillRect(box, colour)
                painter.setPen(QColor("#000000" if colour.lightnessF() > 0.5 else "#ffffff"))
                words = f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−")
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, metrics.elidedText(
                    words, Qt.TextElideMode.ElideRight, box.width()))  # fmt: skip
        painter.end()


class HeadGridDialog(QDialog):
    """The grid with what it is of, and how it leaves the program.

    Signals:
        chosen(int, int): A head that is to be silenced, or heard again.
        table_wanted(): The numbers are wanted as a file.
        picture_wanted(): The picture is wanted as a file.
    """

    chosen = Signal(int, int)
    table_wanted = Signal()
    picture_wanted = Signal()

    def __init__(self, grid: HeadGrid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("What each head is worth")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.grid_of = grid
        self.widget = HeadGridWidget(grid)
        self.widget.chosen.connect(self.chosen)
        words = PlainLabel(head_grid_line(grid))
        words.setWordWrap(True)
        hint = PlainLabel("Click a head to silence it in the window, or to hear it again.")
        hint.setProperty("quiet", True)
        area = QScrollArea()
        area.setWidget(self.widget)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        table, picture = QPushButton("Save Table…"), QPushButton("Save Picture…")
        set_tooltip(table, "As CSV: a line a layer, a column a head")
        table.clicked.connect(self.table_wanted)
        picture.clicked.connect(self.picture_wanted)
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        hint.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (table, picture, close):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(words)
        layout.addWidget(area, 1)
        layout.addWidget(hint)
        layout.addLayout(buttons)
        room = self.screen().availableGeometry()
        self.resize(min(max(self.widget.width() + 60, 560), room.width() - 80),
                    min(self.widget.height() + 190, room.height() - 80))  # fmt: skip

    def picture(self) -> QPixmap:
        """The grid and what it is of, for print."""
        picture = QPixmap(self.widget.size() * 2)
        picture.setDevicePixelRatio(2)
        picture.fill(self.palette().color(QPalette.ColorRole.Window))
        self.widget.render(picture)
        return picture
