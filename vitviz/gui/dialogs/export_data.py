"""Which values to export, and as what."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QDialogButtonBox, QVBoxLayout, QWidget

from vitviz.engine.answers import Cell
from vitviz.exporting.formats import choices
from vitviz.exporting.values import Resolution, ValuesOptions, maps
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import Choice, form, quiet, row
from vitviz.maps.heat_map import HeatMap
from vitviz.session.state import View

ABOUT = {
    ".npz": "Values, the box of every patch in photo pixels, units and provenance in one file.",
    ".npy": "The values alone. What made them is written beside the file, as JSON.",
    ".csv": "Row, column, the patch's box in photo pixels, value. The first line, a comment, says "
    "what made it.",
    ".tiff": "For Fiji, napari and the like. Geometry and provenance stand in ImageDescription.",
}

LEAST_WIDTH = 440


class DataDialog(Dialog):
    """Asks which values are wanted.

    Args:
        cell: Where they are in.
        view: Which layer and head are looked at.
        smooth: Whether maps are drawn smooth.
    """

    def __init__(self, cell: Cell, view: View, smooth: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export Data")
        self.setMinimumWidth(LEAST_WIDTH)
        self._cell, self._view, self._smooth = cell, view, smooth
        self.format = Choice("Format", choices("values"))
        self.holds = Choice("Values", (("This map", False), ("All layers and heads", True)))
        self.resolution = Choice(
            "Resolution", (("One value a patch", "patches"), ("One value a pixel", "photo"))
        )
        self.about, self.count = quiet(), quiet()
        for choice in (self.format, self.holds, self.resolution):
            choice.currentIndexChanged.connect(self._show)
        self._arrange()
        self._show()

    def _arrange(self) -> None:
        fields = form()
        row(fields, "Format", self.format)
        row(fields, "Values", self.holds)
        row(fields, "Resolution", self.resolution, "Of a TIFF")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        export = buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        export.setProperty("primary", True)
        export.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        layout.addLayout(fields)
        layout.addWidget(self.about)
        layout.addWidget(self.count)
        layout.addStretch(1)
        layout.addWidget(buttons, 0, Qt.AlignmentFlag.AlignBottom)

    @property
    def suffix(self) -> str:
        """Of the file."""
        return str(self.format.value)

    @property
    def wanted(self) -> ValuesOptions:
        """Which values."""
        is_tiff = self.suffix == ".tiff"
        found = next(r for r in get_args(Resolution) if r == self.resolution.value)
        return ValuesOptions(bool(self.holds.value), found if is_tiff else "patches", self._smooth)

    @Slot()
    def _show(self) -> None:
        self.resolution.setEnabled(self.suffix == ".tiff")
        self.about.setText(ABOUT.get(self.suffix, ""))
        found = maps(self._cell, self._view, self.wanted.every)
        self.count.setText(described(found, self._cell, self.wanted.resolution))


def described(found: list[HeatMap], cell: Cell, resolution: Resolution) -> str:
    """How many values there will be."""
    height, width = cell.geometry.photo_size if resolution == "photo" else cell.geometry.grid
    count = f"{len(found)} maps of " if len(found) > 1 else ""
    return f"{count}{height:,} rows x {width:,} columns, in units of {found[0].unit}"
