"""The model: what it is, where it runs, what it is given."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from vitviz.gui.panels.form import Choice, column, form, quiet, row
from vitviz.imaging.preprocess import InputChoice, fit
from vitviz.models.card import ModelCard
from vitviz.session.engine import Cell
from vitviz.tracing.cost import Cost, cost

TOOL_TIP = Qt.ItemDataRole.ToolTipRole

INPUTS = (
    ("As trained", InputChoice()),
    ("Whole photo", InputChoice("whole photo", 1)),
    ("2× finer", InputChoice("whole photo", 2)),
    ("3× finer", InputChoice("whole photo", 3)),
    ("4× finer", InputChoice("whole photo", 4)),
)


def amount(count: float) -> str:
    """ "3.0 M", for parameters and the like."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f}"


def bytes_words(count: float) -> str:
    """ "1.2 GB", decimal."""
    return f"{amount(count)}B"


def facts(card: ModelCard, cell: Cell | None) -> str:
    """The card in three lines."""
    config = card.config
    lines = [f"{config.depth} layers · {config.heads} heads · width {config.width}"]
    if cell is not None:
        (rows, cols), (height, width) = cell.layout.grid, cell.geometry.input_size
        lines.append(f"grid {rows} × {cols} · {height} × {width} px")
    classes = "ImageNet-1k" if card.classes == "imagenet-1k" else f"{config.classes} classes"
    lines.append(" · ".join(filter(None, (classes if config.classes else "no classes",
                                          card.licence))))  # fmt: skip
    return "\n".join(lines)


class ModelPanel(QWidget):
    """Shows the model; says what the user wants of it.

    Signals:
        input_chosen(InputChoice): What the model is given.
        device_chosen(str): Where it runs.
        details_requested(): The user wants to read the whole card.
        open_requested(): The user wants another checkpoint.
    """

    input_chosen = Signal(object)
    device_chosen = Signal(str)
    details_requested = Signal()
    open_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = column(self)
        self.title = QLabel()
        self.title.setProperty("strong", True)
        self.title.setWordWrap(True)
        self.facts = quiet()
        self.notes = quiet()
        self.details = QPushButton("Model card…")
        self.open = QPushButton("Open checkpoint…")
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(10, 8, 10, 9)
        inside.setSpacing(3)
        for widget in (self.title, self.facts, self.notes):
            inside.addWidget(widget)
        layout.addWidget(card)
        fields = form()
        self.device = Choice("Device", [("Automatic", "auto"), ("CPU", "cpu")])
        self.input = Choice("Input", INPUTS)
        row(fields, "Device", self.device)
        row(fields, "Input", self.input, "What the model is given of the photo")
        layout.addLayout(fields)
        self.cost = quiet()
        layout.addWidget(self.cost)
        layout.addWidget(self.details)
        layout.addWidget(self.open)
        layout.addStretch(1)
        self.input.currentIndexChanged.connect(self._input_chosen)
        self.device.currentIndexChanged.connect(self._device_chosen)
        self.details.clicked.connect(self.details_requested)
        self.open.clicked.connect(self.open_requested)

    def show_model(self, card: ModelCard | None, cell: Cell | None, choice: InputChoice) -> None:
        """Shows a card; the cell, where there is one, tells the grid in use."""
        self.title.setText(card.title if card else "No model")
        self.facts.setText(facts(card, cell) if card else "Loading…")
        self.notes.setText("\n".join(f"Assumed: {note}" for note in card.notes) if card else "")
        self.notes.setVisible(bool(card and card.notes))
        self.details.setEnabled(card is not None)
        self.input.show_value(choice)

    def show_devices(self, devices: list[tuple[str, str]], device: str) -> None:
        """Shows the devices there are, as (title, name), and which one is chosen."""
        self.device.set_pairs([("Automatic", "auto"), *devices])
        self.device.show_value(device)

    def show_costs(self, card: ModelCard | None, photo_size: tuple[int, int] | None,
                   measured: Cell | None) -> None:  # fmt: skip
        """Says, for every choice of input, how many tokens it is, and what it will cost."""
        if card is None or photo_size is None:
            self.cost.setText("")
            return
        costs = [cost(card.config, fit(photo_size, card.preprocessing, choice).grid)
                 for _, choice in INPUTS]  # fmt: skip
        for index, ((title, _), its) in enumerate(zip(INPUTS, costs, strict=True)):
            self.input.setItemText(index, f"{title} · {its.tokens:,} tokens")
            self.input.setItemData(index, self._words(its, card, measured), TOOL_TIP)
        chosen = self.input.currentIndex()
        if chosen >= 0:
            self.cost.setText(self._words(costs[chosen], card, measured))

    def _words(self, its: Cost, card: ModelCard, measured: Cell | None) -> str:
        words = f"about {bytes_words(its.peak_bytes)}"
        if measured is not None and measured.card.sha256 == card.sha256 and measured.forward_s > 0:
            rate = cost(card.config, measured.layout.grid).flops / measured.forward_s
            words += f" and {max(its.flops / rate, 0.01):.2g} s"
        return f"{words} for a forward on this {'GPU' if self._on_gpu(measured) else 'CPU'}"

    @staticmethod
    def _on_gpu(measured: Cell | None) -> bool:
        return measured is not None and measured.device != "cpu"

    def _input_chosen(self) -> None:
        self.input_chosen.emit(self.input.value)

    def _device_chosen(self) -> None:
        self.device_chosen.emit(str(self.device.value))
