"""What stands in the middle while no photo is open: how to open some, and what was open lately."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from vitviz.gui.widgets.text import PlainLabel, menu_text, set_tooltip
from vitviz.paths import is_elsewhere
from vitviz.plain_text import shown_text
from vitviz.shapes import UInt8

MOST_RECENT = 5
"""Photos shown that were open lately."""

PICTURE = QSize(104, 70)


class Welcome(QWidget):
    """Buttons that open photos, and small pictures of recent ones.

    Signals:
        open_requested(): The user wants to open photos,
        folder_requested(): or all of a folder,
        samples_requested(): or those that come with the program,
        recent_chosen(str): or this one.
        pictures_wanted(tuple[str, ...]): Small pictures of these are to be shown.
    """

    open_requested = Signal()
    folder_requested = Signal()
    samples_requested = Signal()
    recent_chosen = Signal(str)
    pictures_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = PlainLabel("Drop photos or a folder here")
        self.title.setProperty("strong", True)
        self.open = QPushButton("Open Photos…")
        self.open.setProperty("primary", True)
        self.folder, self.samples = QPushButton("Open Folder…"), QPushButton("Sample Photos")
        self.open.clicked.connect(self.open_requested)
        self.folder.clicked.connect(self.folder_requested)
        self.samples.clicked.connect(self.samples_requested)
        self.lately = PlainLabel("Opened lately")
        self.lately.setProperty("quiet", True)
        self._recent: tuple[str, ...] = ()
        self._buttons: dict[str, QToolButton] = {}
        centre = Qt.AlignmentFlag.AlignHCenter
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in (self.open, self.folder, self.samples):
            row.addWidget(button)
        row.addStretch(1)
        self._pictures = QHBoxLayout()
        self._pictures.setSpacing(10)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addStretch(1)
        layout.addWidget(self.title, 0, centre)
        layout.addLayout(row)
        layout.addSpacing(18)
        layout.addWidget(self.lately, 0, centre)
        layout.addLayout(self._pictures)
        layout.addStretch(1)
        self.show_recent(())

    @property
    def recent(self) -> list[QToolButton]:
        """A button for each photo that was open lately."""
        return list(self._buttons.values())

    def show_recent(self, paths: Sequence[str]) -> None:
        """Shows photos that were open lately, the last first; those on other computers are not
        asked for.
        """
        shown = tuple([path for path in paths if not is_elsewhere(path)][:MOST_RECENT])
        if shown != self._recent:
            self._recent = shown
            self._make_buttons()
            self.pictures_wanted.emit(shown)
        self.lately.setVisible(bool(shown))

    def show_picture(self, path: str, pixels: UInt8[np.ndarray, "height width 3"]) -> None:
        """Fills in the picture of a photo."""
        button = self._buttons.get(path)
        if button is None:
            return
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        button.setIcon(QIcon(QPixmap.fromImage(image)))

    def _make_buttons(self) -> None:
        while (item := self._pictures.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self._buttons = {}
        self._pictures.addStretch(1)
        for path in self._recent:
            name = Path(path).name
            button = QToolButton()
            button.setObjectName("flat")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(PICTURE)
            button.setFixedWidth(PICTURE.width() + 16)
            fitting = self.fontMetrics().elidedText(
                menu_text(name), Qt.TextElideMode.ElideMiddle, PICTURE.width()
            )
            button.setText(fitting)
            button.setAccessibleName(f"Open {shown_text(name)}")
            set_tooltip(button, shown_text(path))
            button.clicked.connect(partial(self.recent_chosen.emit, path))
            self._buttons[path] = button
            self._pictures.addWidget(button)
        self._pictures.addStretch(1)
