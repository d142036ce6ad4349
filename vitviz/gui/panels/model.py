"""The model: what it is, where it runs, what it is given."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.answers import Cell
from vitviz.gui.panels.model_notes import ModelNotes, assumed_words
from vitviz.gui.scene import Device, Scene
from vitviz.gui.widgets.form import Choice, column, form, quiet, row
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.imaging.preprocess import InputChoice, fit
from vitviz.models.card import ModelCard
from vitviz.models.cost import Cost
from vitviz.models.loading import bundled
from vitviz.plain_text import shown_text
from vitviz.plurals import count_of
from vitviz.wording.caption import ablation_words
from vitviz.wording.names import capitalised
from vitviz.wording.numbers import byte_size, rough_time

PRICE = Qt.ItemDataRole.UserRole

NO_BREAK_SPACE = "\u00a0"

Index = QModelIndex | QPersistentModelIndex

INPUTS = (
    ("As trained", InputChoice()),
    ("Whole photo", InputChoice("whole photo", 1)),
    ("2× finer", InputChoice("whole photo", 2)),
    ("3× finer", InputChoice("whole photo", 3)),
    ("4× finer", InputChoice("whole photo", 4)),
)


def facts(card: ModelCard, cell: Cell | None) -> str:
    """The card in three lines, and in one more how the network is not as it was trained."""
    outline = card.outline
    heads = count_of(outline.heads, "head") if outline.heads else ""
    wide = f"width {outline.layers[-1].width}"
    lines = [" · ".join(filter(None, (count_of(outline.depth, "layer"), heads, wide)))]
    if cell is not None:
        grids = dict.fromkeys(layer.grid for layer in cell.outline.layers)
        first, *_, last = [f"{rows} × {cols}" for rows, cols in (*grids, *grids)]
        height, width = cell.geometry.input_size
        grid = first if len(grids) == 1 else f"{first} to {last}"
        lines.append(f"grid {grid} · {height} × {width} px")
    classes = count_of(outline.classes, "class", "classes")
    classes = "ImageNet-1k" if card.classes == "imagenet-1k" else classes
    lines.append(" · ".join(filter(None, (classes if outline.classes else "no classes",
                                          shown_text(card.licence.split(";")[0])))))  # fmt: skip
    if cell is not None:
        lines.append(capitalised(ablation_words(cell.request.ablation)))
    return "\n".join(filter(None, lines))


def _button(title: str, tip: str) -> QPushButton:
    button = QPushButton(title)
    set_tooltip(button, tip)
    return button


class CostDelegate(QStyledItemDelegate):
    """Draws what a choice costs at the right of its name."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        selected = option.state & QStyle.StateFlag.State_Selected
        painter.save()
        painter.setPen((option.palette.highlightedText() if selected
                        else option.palette.placeholderText()).color())  # fmt: skip
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(option.rect.adjusted(0, 0, -8, 0), right, index.data(PRICE) or "")
        painter.restore()


class ModelPanel(QWidget):
    """Shows the model; says what the user wants of it.

    Signals:
        input_chosen(InputChoice): What the model is given.
        device_chosen(str): Where it runs.
        details_requested(): The user wants to read the whole card.
        open_requested(): The user wants another checkpoint.
        browse_requested(): The user wants to see which models there are.
        correction_requested(): The user wants to say what the model's file does not.
        part_chosen(str): The user wants another network of the model's file.
    """

    input_chosen = Signal(object)
    device_chosen = Signal(str)
    details_requested = Signal()
    open_requested = Signal()
    browse_requested = Signal()
    correction_requested = Signal()
    part_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = PlainLabel()
        self.title.setProperty("strong", True)
        self.title.setWordWrap(True)
        self.facts = quiet()
        self.assumed = PlainLabel()
        self.assumed.setWordWrap(True)
        self.part = Choice("Network of the file", [])
        self.device = Choice("Device", [("Automatic", "auto")])
        self.input = Choice("Input", INPUTS)
        self.input.setItemDelegate(CostDelegate(self.input))
        self.input.view().setMinimumWidth(330)
        self.cost = quiet()
        self.open = _button("Open…", "Open another checkpoint (Ctrl+M)")
        self.browse = _button(
            "Browse…",
            "Models that are bundled, on this computer, or can be downloaded (Ctrl+Shift+M)",
        )
        self.details = _button("Model card…", "All that is known about the model")
        self.correct = _button(
            "Correct…", "Say what the model's file does not, and what was assumed"
        )
        self.notes = ModelNotes()
        self._devices: tuple[Device, ...] = ()
        self._parts: tuple[str, ...] = ()
        self._rates: dict[tuple[str, str], float] = {}  # by the weights and the device
        self._measured = ("", "")
        self._seconds: list[float | None] = []
        self._arrange()
        self.input.currentIndexChanged.connect(self._input_chosen)
        self.device.currentIndexChanged.connect(self._device_chosen)
        self.part.currentIndexChanged.connect(self._part_chosen)
        self.details.clicked.connect(self.details_requested)
        self.open.clicked.connect(self.open_requested)
        self.browse.clicked.connect(self.browse_requested)
        self.correct.clicked.connect(self.correction_requested)

    def _arrange(self) -> None:
        layout = column(self)
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(10, 8, 10, 9)
        inside.setSpacing(3)
        for widget in (self.title, self.facts, self.assumed):
            inside.addWidget(widget)
        layout.addWidget(card)
        fields = form()
        tip = "The file holds several: raw and averaged weights, or student and teacher"
        self.part_label = row(fields, "Network", self.part, tip)
        row(fields, "Device", self.device)
        row(fields, "Input", self.input, "What the model is given of the photo")
        layout.addLayout(fields)
        layout.addWidget(self.cost)
        buttons = QGridLayout()
        four = (self.open, self.browse, self.details, self.correct)
        for number, button in enumerate(four):
            buttons.addWidget(button, number // 2, number % 2)
        layout.addLayout(buttons)
        layout.addWidget(self.notes)
        layout.addStretch(1)

    def show_scene(self, scene: Scene) -> None:
        """Shows the model, where it runs, and what it is given."""
        cell, preview = scene.cell, scene.preview
        waiting = "Loaded with the first photo." if scene.session.photo is None else "Loading…"
        self._show_card(cell.card if cell else scene.card, cell, waiting)
        self._show_devices(scene.devices, scene.preferences.device)
        self.input.show_value(scene.session.input)
        self._show_costs(scene.card, preview.size if preview else None, cell)

    def _show_card(self, card: ModelCard | None, cell: Cell | None, waiting: str) -> None:
        """The cell, where there is one, tells the grid in use; ``waiting`` is said until then."""
        self.title.setText(shown_text(card.title) if card else "No model")
        self.facts.setText(facts(card, cell) if card else waiting)
        words = assumed_words(card) if card else ""
        self.assumed.setText(words)
        self.assumed.setVisible(bool(words))
        set_tooltip(self.assumed, "\n".join(one.text for one in card.assumed) if card else "")
        self.notes.show_card(card)
        self.details.setEnabled(card is not None)
        self.correct.setEnabled(card is not None and card.id not in {one.id for one in bundled()})
        parts = card.parts if card else ()
        if parts != self._parts:
            self._parts = parts
            self.part.set_pairs([(part, part) for part in parts])
        self.part.show_value(parts[0] if parts else None)
        for widget in (self.part, self.part_label):
            widget.setVisible(len(parts) > 1)

    def _show_devices(self, devices: tuple[Device, ...], device: str) -> None:
        if devices != self._devices:  # an open list stays open
            self._devices = devices
            self.device.set_pairs([("Automatic", "auto"), *devices])
        self.device.show_value(device)

    def _show_costs(self, card: ModelCard | None, photo_size: tuple[int, int] | None,
                   measured: Cell | None) -> None:  # fmt: skip
        """Says, for every choice of input, how many tokens it is, and what it will cost."""
        if card is None or photo_size is None:
            self.cost.setText("")
            return
        costs = [card.cost_at(fit(photo_size, card.preprocessing, choice).input_size)
                 for _, choice in INPUTS]  # fmt: skip
        if measured is not None:
            self._measure(card, measured)
        self._seconds = [self.seconds(its, card) for its in costs]
        for index, its in enumerate(costs):
            self.input.setItemData(index, self._words(its, card), PRICE)
        chosen = self.input.currentIndex()
        if chosen >= 0:
            self.cost.setText(self._words(costs[chosen], card))

    def _measure(self, card: ModelCard, cell: Cell) -> None:
        """Notes how fast the model was; the fastest counts, others waited for other work."""
        if cell.card.sha256 == card.sha256 and cell.forward_s > 0 and not cell.recalled:
            rate = card.cost_at(cell.geometry.input_size).flops / cell.forward_s
            key = (card.sha256, cell.device)
            self._rates[key] = max(rate, self._rates.get(key, 0.0))
            self._measured = key

    def seconds(self, its: Cost, card: ModelCard) -> float | None:
        """How long a forward will take where the last one ran; None where that is not known."""
        rate = self._rates.get(self._measured) if self._measured[0] == card.sha256 else None
        return its.flops / rate if rate else None

    def seconds_of(self, choice: InputChoice) -> float | None:
        """How long the forward of another input will take."""
        index = [other for _, other in INPUTS].index(choice)
        return self._seconds[index] if index < len(self._seconds) else None

    def _words(self, its: Cost, card: ModelCard) -> str:
        words = f"{count_of(its.tokens, 'token')} · {byte_size(its.peak_bytes)}"
        seconds = self.seconds(its, card)
        if seconds is not None:
            words += f" · {rough_time(seconds).replace(' ', NO_BREAK_SPACE)}"
        return words

    def _input_chosen(self) -> None:
        self.input_chosen.emit(self.input.value)

    def _part_chosen(self) -> None:
        self.part_chosen.emit(str(self.part.value))

    def _device_chosen(self) -> None:
        self.device_chosen.emit(str(self.device.value))
