"""The photo with its map, and the line that says what it is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from vitviz.engine.answers import Cell
from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.threads.service import Opened
from vitviz.maps.ranges import value_range
from vitviz.maps.style import Style
from vitviz.session.state import View
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map


class LookView(QWidget):
    """The canvas and its caption."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = Canvas()
        self.caption = QLabel()
        self.caption.setProperty("quiet", True)
        self.caption.setContentsMargins(12, 6, 12, 8)
        self.caption.setWordWrap(True)
        self.caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.caption)
        self.shown_range: tuple[float, float] | None = None
        self._opened: Opened | None = None

    def show_state(self, opened: Opened | None, cell: Cell | None, view: View,
                   style: Style) -> None:  # fmt: skip
        """Shows a photo, and a map over it once there is one."""
        if opened is not self._opened:
            self._opened = opened
            if opened is None:
                self.canvas.set_photo(None)
            else:
                self.canvas.set_photo(opened.photo, opened.pyramid)
        if opened is None or cell is None:
            self.canvas.show_map(None, None, (0.0, 1.0), style)
            self.caption.setText("")
            self.shown_range = None
            return
        heat_map = cell.heat_map(view)
        self.shown_range = value_range(style.range, heat_map, cell.explanation)
        self.canvas.show_map(heat_map, cell.geometry, self.shown_range, style)
        self.canvas.set_query(cell.query_patch)
        words = caption(describe_map(cell, view))
        self.caption.setText(words)
        self.caption.setToolTip(words)
        self.canvas.setAccessibleDescription(words)
