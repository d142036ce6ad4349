"""The dialog in which people say what a checkpoint does not."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from vitviz.errors import VitvizError
from vitviz.gui.widgets.ask_files import ask_file
from vitviz.gui.widgets.form import Choice, guard, quiet
from vitviz.gui.widgets.text import PlainLabel, menu_text, set_tooltip
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.corrections import CORRECTABLE, read_words
from vitviz.models.correcting import assumed, check, said_of, values

GROUPS = (
    ("Network", ("heads", "grid", "activation", "pool", "norm_eps")),
    ("How photos are prepared", ("size", "rule", "edge", "interpolation", "mean", "std")),
    ("What comes out", ("outputs", "classes")),
)

MEANINGS = {
    "gelu": "GELU", "gelu_tanh": "GELU, tanh form", "quick_gelu": "Quick GELU", "silu": "SiLU",
    "cls": "CLS", "mean": "the mean of patches", "cls+mean": "CLS and the mean of patches",
    "map": "a learned query", "crop": "shortest edge, then centre crop",
    "squash-crop": "squash, then centre crop", "pad": "longest edge, then pad",
    "classes": "classes: one of them", "labels": "labels: any of them", "values": "values",
    "imagenet-1k": "ImageNet-1k's", "own": "its own",
}  # fmt: skip
"""Words of corrections for people; others are their own."""

ASSUMED = "assumed"

SIZE = QSize(520, 700)
"""Of the dialog, where the screen has room for it, in pixels."""

FRAME = QSize(16, 48)
"""Room for what the desktop draws around it, in pixels."""


class Field:
    """One thing that can be said: a control, and a mark where its value was assumed.

    Args:
        name: The word for it.
        value: What it is taken for now, as a word.
        why: Why that was assumed; "" where it was not.
    """

    def __init__(self, name: str, value: str, why: str) -> None:
        one = CORRECTABLE[name]
        self.name, self.before, self.why = name, value, why
        self.label = PlainLabel(one.title)
        self.control: QLineEdit | Choice
        if one.choices:
            known = one.choices if value in one.choices else (value, *one.choices)
            pairs = [(MEANINGS.get(word, word), word) for word in known]
            self.control = Choice(one.title, pairs)
            self.control.show_value(value)
        else:
            self.control = QLineEdit(value)
            guard(self.control, one.title, 96)
        self.label.setBuddy(self.control)
        self.label.setMinimumWidth(self.label.sizeHint().width())
        set_tooltip(self.control, one.values if not one.choices else "")
        self.mark = PlainLabel()
        self.mark.setMinimumWidth(64)
        self.show_mark()

    @property
    def value(self) -> str:
        """As it stands in the control."""
        if isinstance(self.control, QLineEdit):
            return self.control.text().strip()
        return str(self.control.value)

    @property
    def is_changed(self) -> bool:
        return self.value != self.before

    @property
    def problem(self) -> str:
        """What is wrong with it; "" for nothing."""
        return check(self.name, self.value) if self.is_changed else ""

    def show_mark(self) -> None:
        """Assumed, changed, or not as it must be."""
        bad = bool(self.problem)
        words = "changed" if self.is_changed else ASSUMED if self.why else ""
        self.mark.setText("not so" if bad else words)
        set_tooltip(self.mark, self.problem or self.why)
        self.mark.setProperty("bad", bad)
        self.mark.setProperty("quiet", not bad)
        self.mark.style().unpolish(self.mark)
        self.mark.style().polish(self.mark)


class CorrectionDialog(QDialog):
    """Fields of a model with what each is taken for; those that were assumed are marked.

    Args:
        card: Of the model as it is.

    Signals:
        applied(Said): The user says this of the model.
        was_reset(): Nothing is to be said of it any more.
    """

    applied = Signal(object)
    was_reset = Signal()

    def __init__(self, card: ModelCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Correct the model")
        self.setMinimumSize(440, 320)
        self.resize(SIZE.boundedTo(self.screen().availableSize() - FRAME))
        self._card = card
        self._names: tuple[str, ...] = ()
        known, why = values(card), assumed(card)
        self.fields = {name: Field(name, value, why.get(name, "")) for name, value in known.items()}
        self.names = QPushButton("Names of Classes from a &File…")
        self.names.setToolTip("A text file with one name a line, in the order of the outputs")
        self.names.setEnabled(bool(card.outline.classes))
        self.names_words = quiet(self._names_text())
        self.problem = PlainLabel()
        self.problem.setWordWrap(True)
        self.problem.setProperty("bad", True)
        self.apply = QPushButton("Apply")
        self.apply.setProperty("primary", True)
        self.apply.setDefault(True)
        self.undo = QPushButton("&Reset")
        self.undo.setToolTip("Forget what was said of this file")
        self.undo.setEnabled(bool(card.corrected))
        self.cancel = QPushButton("Cancel")
        for button in (self.undo, self.cancel, self.names):
            button.setAutoDefault(False)
        self._arrange()
        self._connect()
        self._show()

    def _arrange(self) -> None:
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 6, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        at = 0
        for title, names in GROUPS:
            its = [self.fields[name] for name in names if name in self.fields]
            if its:
                heading = PlainLabel(title)
                heading.setProperty("strong", True)
                heading.setContentsMargins(0, 8 if at else 0, 0, 0)
                grid.addWidget(heading, at, 0, 1, 3)
            for below, field in enumerate(its, at + 1):
                for column, widget in enumerate((field.label, field.control, field.mark)):
                    grid.addWidget(widget, below, column)
            at += len(its) + bool(its)
        grid.addWidget(self.names_words, at, 0)
        grid.addWidget(self.names, at, 1)
        grid.setRowStretch(at + 1, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        buttons = QHBoxLayout()
        buttons.addWidget(self.undo)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.apply)
        words = quiet(
            f"What “{self._card.title}” does not say is taken for what is usual, and marked. It is "
            "tried before it is used, and remembered for this file, whatever it is called."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(words)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        for field in self.fields.values():
            if isinstance(field.control, QLineEdit):
                field.control.textChanged.connect(self._show)
            else:
                field.control.currentIndexChanged.connect(self._show)
        self.names.clicked.connect(self._choose_names)
        self.apply.clicked.connect(self._apply)
        self.undo.clicked.connect(self.was_reset)
        self.cancel.clicked.connect(self.reject)

    @property
    def changed(self) -> dict[str, str]:
        """What stands otherwise than it was, by word."""
        return {name: field.value for name, field in self.fields.items() if field.is_changed}

    @Slot()
    def _show(self) -> None:
        for field in self.fields.values():
            field.show_mark()
        problems = [field.problem for field in self.fields.values() if field.problem]
        self.problem.setText("\n".join(problems))
        self.problem.setVisible(bool(problems))
        self.apply.setText("Apply")
        self.apply.setEnabled(not problems and bool(self.changed or self._names))

    @Slot()
    def _choose_names(self) -> None:
        name = ask_file(self, "models", "Names of classes, one a line")
        if not name:
            return
        try:
            self._names = read_words([f"names={Path(name)}"]).names
        except VitvizError as error:
            self.show_problem(error)
            return
        self.names_words.setText(self._names_text())
        self._show()

    def _names_text(self) -> str:
        if self._names:
            return f"{len(self._names):,} names"
        return "Names are known" if self._card.class_names else "No names"

    @Slot()
    def _apply(self) -> None:
        self.applied.emit(said_of(self._card, self.changed, self._names))

    def show_trying(self) -> None:
        """What was said is being tried."""
        self.problem.hide()
        self.apply.setText(menu_text("Trying…"))
        for button in (self.apply, self.undo):
            button.setEnabled(False)

    def show_problem(self, error: BaseException) -> None:
        """It cannot be, and why; what was said stays."""
        words = f"{error.message} {error.hint}" if isinstance(error, VitvizError) else str(error)
        self._show()
        self.undo.setEnabled(bool(self._card.corrected))
        self.problem.setText(words)
        self.problem.show()
