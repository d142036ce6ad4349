"""Asks how the neurons of a test-time register are to be looked for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QVBoxLayout, QWidget

from vitviz.engine.requests import NEURONS
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import Number, WholeNumber, form, quiet, row
from vitviz.gui.widgets.text import PlainLabel
from vitviz.maps.outliers import BOUND
from vitviz.plurals import count_of
from vitviz.probing.ablation import MOST_NEURONS

WHAT = (
    "An intervention: the neurons that make outlier patches are looked for, and what they put out "
    "goes to a token that is added to the model. Every map and prediction is then one of that "
    "model, and says so."
)
SOURCE = "Jiang et al., “Vision Transformers Don't Need Trained Registers”, NeurIPS 2025."


class RegistersDialog(Dialog):
    """A number of neurons, and what an outlier is.

    Args:
        photos: Over how many photos neurons are looked for.
    """

    def __init__(self, photos: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Test-Time Register")
        self.setMinimumWidth(420)
        self._neurons = WholeNumber("Neurons", 1, MOST_NEURONS)
        self._neurons.setValue(NEURONS)
        self._bound = Number("Outliers above, MADs over the median norm", 1, 1000, 1)
        self._bound.setSuffix(" MADs")
        self._bound.setSingleStep(1)
        self._bound.setValue(BOUND)
        what = PlainLabel(WHAT)
        what.setWordWrap(True)
        fields = form()
        row(fields, "Neurons", self._neurons, "How many go to the register; the fewer the better")
        tip = "How far the norm of an outlier patch is above the median after the last layer"
        row(fields, "Outliers above", self._bound, tip)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        find = buttons.button(QDialogButtonBox.StandardButton.Ok)
        find.setText("Find Neurons")
        find.setProperty("primary", True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(what)
        layout.addLayout(fields)
        where = "this photo" if photos == 1 else f"{count_of(photos, 'open photo')}"
        layout.addWidget(quiet(f"They are looked for over {where}. {SOURCE}"))
        layout.addStretch(1)
        layout.addWidget(buttons, 0, Qt.AlignmentFlag.AlignBottom)

    @property
    def neurons(self) -> int:
        """How many are wanted."""
        return self._neurons.value()

    @property
    def bound(self) -> float:
        """From how many MADs above the median norm on a patch is an outlier."""
        return self._bound.value()
