"""What to fine-tune, on what, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.documents import MODEL_FILTER
from vitviz.gui.widgets.ask_files import ask_file
from vitviz.gui.widgets.form import LABEL_WIDTH, Choice, Number, WholeNumber, form, quiet, row
from vitviz.gui.widgets.long_work import FolderField
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.paths import is_there
from vitviz.training.finetune.class_photos import ClassPhotos
from vitviz.training.recipes import FinetuneOptions, Variety

USUAL = FinetuneOptions("", Path(), Path())

FREEZE = (("All layers", "nothing"), ("Only the head", "all but the head"))

PLAIN = Variety(least_area=1.0, most_aspect=1.0, jitter=0.0, mixed=0.0)
"""Photos as they are, but for which part of them fits a square, and which way round."""

BETWEEN = 16
"""Between two fields side by side, in pixels."""

SECOND_WIDTH = 128
"""Of the labels of the second field of a row, in pixels."""

MISSING = "It has a folder of photos for each class. It can be dropped here."
LOOKING = "Looking into it…"

TIPS = {
    "folder": "Each folder in it is a class, and the photos in that folder, or below it, show it. "
    "A folder can be dropped anywhere on this dialog.",
    "model": "What it begins with: all of it but the head, which learns the new classes from "
    "nothing",
    "out": "Checkpoints, log and result; a run that is there is resumed",
    "epochs": "At most: an epoch shows every photo about once",
    "rate": "Peak learning rate of the head; it rises at the beginning and then falls to 0. Less "
    "if the loss goes up, more if it hardly falls",
    "freeze": "Only the head: a linear classifier on what the model sees already. Fast, and its "
    "attention stays what it was",
    "augmentation": "Random crops, flips, brightness, contrast and saturation, so that few photos "
    "are never the same twice (Touvron et al., arXiv 2012.12877)",
    "layer_decay": "Learning rate of each block as a multiple of the next one's: early layers, "
    "which see what all photos share, change least (Bao et al., arXiv 2106.08254; 0.65 to 0.75)",
    "smoothing": "Part of the probability that is wanted of all classes alike, against being too "
    "sure (Szegedy et al., arXiv 1512.00567; 0.1)",
    "mixed": "Part of the batches whose photos are blended or pasted into one another, labels "
    "with them: mixup and CutMix (Zhang et al., arXiv 1710.09412; Yun et al., arXiv 1905.04899)",
    "stochastic_depth": "Chance of leaving out the last block while it learns, the first ones "
    "less (Huang et al., arXiv 1603.09382; 0.1)",
    "decay": "Pulls the weights towards 0 (Loshchilov and Hutter, arXiv 1711.05101; 0.05)",
    "patience": "Epochs without a better accuracy after which it ends; 0 goes on to the last "
    "(Prechelt, “Early Stopping – But When?”, 1998)",
    "batch": "Photos a step; fewer take less memory",
    "held_out": "Part of each class that is kept from learning, to measure on",
    "seed": "Of everything random: the same choices and seed give the same model",
}  # fmt: skip


class FinetuneForm(QWidget):
    """The choices of a fine-tuning.

    Args:
        models: (title, id or path) of those to begin with, the first one chosen.
        folder: Of class folders; None: none yet.

    Signals:
        changed(): Some choice is another one.
        folder_changed(): The photos are others.
        out_changed(): The folder of the run is another one.
    """

    changed = Signal()
    folder_changed = Signal()
    out_changed = Signal()

    def __init__(self, models: Sequence[tuple[str, str]], folder: Path | None = None) -> None:
        super().__init__()
        self._suggested = ""
        self.found = ClassPhotos()
        self.folder = FolderField("Folder of class folders", "Class folders")
        self.out = FolderField("Folder of the run", "The run")
        self.about = quiet()
        self.about.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.model = Choice("Model to begin with", models)
        self.open = QPushButton("Open…")
        self.open.setAccessibleName("Open a model to begin with")
        self.open.setAutoDefault(False)
        self.more = QToolButton()
        self._models = list(models)
        self._make_numbers()
        self._arrange()
        self._connect()
        self.show_options(USUAL)
        self.model.setCurrentIndex(0)
        self.folder.line.setText(str(folder) if folder else "")

    def _make_numbers(self) -> None:
        self.epochs = WholeNumber("Epochs", 1, 1000)
        self.rate = Number("Learning rate", 0.00001, 0.1, 5)
        self.rate.setSingleStep(0.0005)
        self.freeze = Choice("What is trained", FREEZE)
        self.augmentation = QCheckBox("Vary the photos")
        self.layer_decay = Number("Layer decay", 0, 1, 2)
        self.smoothing = Number("Label smoothing", 0, 0.9, 2)
        self.mixed = Number("Mixup and CutMix", 0, 1, 2)
        self.stochastic_depth = Number("Stochastic depth", 0, 0.9, 2)
        self.decay = Number("Weight decay", 0, 1, 3)
        self.decay.setSingleStep(0.01)
        self.patience = WholeNumber("Patience", 0, 1000)
        self.batch = WholeNumber("Photos a step", 1, 1024)
        self.held_out = Number("Held out", 0.05, 0.5, 2)
        self.seed = WholeNumber("Seed", 0, 2**31 - 1)

    def _arrange(self) -> None:
        model = QWidget()
        beside = QHBoxLayout(model)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(6)
        beside.addWidget(self.model, 1)
        beside.addWidget(self.open)
        top = form()
        row(top, "Photos", self.folder, TIPS["folder"])
        top.addRow("", self.about)
        row(top, "Model", model, TIPS["model"])
        row(top, "Run", self.out, TIPS["out"])
        self.more.setText("More options")
        self.more.setCheckable(True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setObjectName("disclosure")
        self.few = self._rows(
            (("Epochs", "epochs"), ("Train", "freeze")),
            (("Learning rate", "rate"), ("Augmentation", "augmentation")),
        )
        self.rest = self._rows(
            (("Layer decay", "layer_decay"), ("Stochastic depth", "stochastic_depth")),
            (("Smoothing", "smoothing"), ("Patience", "patience")),
            (("Mixup", "mixed"), ("Photos a step", "batch")),
            (("Weight decay", "decay"), ("Held out", "held_out")),
            (("Seed", "seed"),),
        )
        self.rest.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addLayout(top)
        layout.addWidget(self.few)
        layout.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.rest)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _rows(self, *rows: Sequence[tuple[str, str]]) -> QWidget:
        """Rows of the titles and fields of some names, side by side."""
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(7)
        for place, fields in enumerate(rows):
            for side, (title, name) in enumerate(fields):
                label, field = PlainLabel(title), getattr(self, name)
                label.setMinimumWidth(SECOND_WIDTH if side else LABEL_WIDTH)
                label.setContentsMargins(BETWEEN if side else 0, 0, 0, 0)
                label.setBuddy(field)
                set_tooltip(label, TIPS[name])
                set_tooltip(field, TIPS[name])
                grid.addWidget(label, place, 2 * side)
                grid.addWidget(field, place, 2 * side + 1)
        for column in (1, 3):
            grid.setColumnStretch(column, 1)
        return widget

    def _connect(self) -> None:
        self.folder.changed.connect(self._suggest)
        self.folder.changed.connect(self.folder_changed)
        self.out.changed.connect(self.out_changed)
        for signal in (self.folder.changed, self.out.changed, self.model.currentIndexChanged,
                       self.augmentation.toggled):  # fmt: skip
            signal.connect(self._show_state)
        self.open.clicked.connect(self._open)
        self.more.toggled.connect(self._show_more)

    @property
    def options(self) -> FinetuneOptions | None:
        """What it is set to; None while something is missing."""
        folder, out, model = self.folder.path, self.out.path, self.model.value
        if folder is None or out is None or not isinstance(model, str):
            return None
        varied = replace(USUAL.variety, mixed=self.mixed.value())
        freeze = self.freeze.value
        return FinetuneOptions(
            model, folder, out,
            held_out=self.held_out.value(),
            epochs=self.epochs.value(),
            patience=self.patience.value(),
            batch=self.batch.value(),
            rate=self.rate.value(),
            layer_decay=self.layer_decay.value(),
            decay=self.decay.value(),
            smoothing=self.smoothing.value(),
            stochastic_depth=self.stochastic_depth.value(),
            freeze="all but the head" if freeze == "all but the head" else "nothing",
            variety=varied if self.augmentation.isChecked() else PLAIN,
            seed=self.seed.value(),
        )  # fmt: skip

    def show_options(self, options: FinetuneOptions) -> None:
        """Sets everything but model and folders."""
        for field, value in (
            (self.rate, options.rate), (self.layer_decay, options.layer_decay),
            (self.smoothing, options.smoothing), (self.decay, options.decay),
            (self.stochastic_depth, options.stochastic_depth),
            (self.mixed, options.variety.mixed), (self.held_out, options.held_out),
        ):  # fmt: skip
            field.show_value(value)
        for whole, number in (
            (self.epochs, options.epochs), (self.patience, options.patience),
            (self.batch, options.batch), (self.seed, options.seed),
        ):  # fmt: skip
            whole.show_value(number)
        self.freeze.show_value(options.freeze)
        self.augmentation.setChecked(options.variety != PLAIN)
        self._show_state()

    def show_model(self, title: str, model: str) -> None:
        """Chooses a model, which is added where it is not there."""
        if model not in [value for _, value in self._models]:
            self._models.append((title, model))
            self.model.set_pairs(self._models)
        self.model.show_value(model)
        self._show_state()

    def show_found(self, found: ClassPhotos | None) -> None:
        """Says what the folder holds; None while that is looked for."""
        self.found = found or ClassPhotos()
        there = self.found.problem or self.found.words or MISSING
        self.about.setText(LOOKING if found is None else there)
        self.about.setProperty("bad", bool(self.found.problem))
        self.about.style().unpolish(self.about)
        self.about.style().polish(self.about)
        self.changed.emit()

    @property
    def is_ready(self) -> bool:
        """There is all that a run needs."""
        there = bool(self.found.counts) and not self.found.problem
        return there and self.options is not None

    def take_new_folder(self) -> None:
        """A folder for the run that is not there yet, named like the one before."""
        out = self.out.path
        if out is None:
            return
        stem = out.name.rstrip("0123456789").rstrip("-") or out.name
        number = 2
        while is_there(out.with_name(f"{stem}-{number}")):
            number += 1
        self.out.line.setText(str(out.with_name(f"{stem}-{number}")))

    @Slot()
    def _suggest(self) -> None:
        """The run beside the photos, as long as nothing else was typed."""
        folder = self.folder.path
        if folder is not None and self.out.line.text() in ("", self._suggested):
            self._suggested = str(folder.with_name(f"{folder.name}-model")) if folder.name else ""
            self.out.line.setText(self._suggested)

    @Slot()
    def _show_state(self) -> None:
        self.mixed.setEnabled(self.augmentation.isChecked())
        self.changed.emit()

    @Slot(bool)
    def _show_more(self, more: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if more else Qt.ArrowType.RightArrow
        self.more.setArrowType(arrow)
        self.rest.setVisible(more)
        layout = self.layout()
        if layout is not None:
            layout.activate()  # or the dialog would keep the room for a moment
        self.changed.emit()

    @Slot()
    def _open(self) -> None:
        name = ask_file(self, "models", "Open a checkpoint", MODEL_FILTER)
        if name:
            self.show_model(Path(name).name, name)
