"""What can be done to heads in the Heads view."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from vitviz.gui.scene import Scene
from vitviz.gui.widgets.form import Choice
from vitviz.gui.widgets.text import set_tooltip
from vitviz.methods import METHODS

FILLS = (("by zero", "zero"), ("by their mean", "mean"))


class HeadTools(QWidget):
    """The switch that silences heads, what they put out then, and the grid of what they are worth.

    Signals:
        fill_chosen(str): What silent heads put out.
        grid_requested(): What each head is worth is wanted.
    """

    fill_chosen = Signal(str)
    grid_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = QPushButton("Silence Heads")
        self.switch.setCheckable(True)
        self.fill = Choice("What silent heads put out", FILLS)
        set_tooltip(self.fill, "What stands in the place of what a silent head puts out: nothing, "
                    "or its own mean over the tokens of this photo")  # fmt: skip
        self.grid = QPushButton("What Each Is Worth…")
        set_tooltip(self.grid, "How much the logit of the class falls while each head is silent")
        self.fill.currentIndexChanged.connect(self._fill_chosen)
        self.grid.clicked.connect(self.grid_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 2)
        layout.addWidget(self.switch)
        layout.addWidget(self.fill)
        layout.addStretch(1)
        layout.addWidget(self.grid)

    @property
    def switching(self) -> bool:
        """The switch is in the hand."""
        return self.switch.isChecked() and self.switch.isEnabled()

    def show_scene(self, scene: Scene) -> None:
        """Says what can be done to the heads that are shown."""
        method = METHODS[scene.session.view.method]
        apart = method.heads == "apart"
        self.switch.setEnabled(apart)
        set_tooltip(
            self.switch,
            "Click heads to silence them, and again to hear them" if apart
            else "This method has no map of each head; choose Attention to silence heads",
        )  # fmt: skip
        self.fill.show_value(scene.session.view.ablation.fill)
        gives = scene.cell.outline.gives if scene.cell is not None else frozenset()
        self.grid.setEnabled({"attention", "classes"} <= gives)

    @Slot()
    def _fill_chosen(self) -> None:
        self.fill_chosen.emit(cast("str", self.fill.value))
