"""The controls of the figure dialog: every choice of a ``FigureSpec``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QCheckBox, QCompleter, QGridLayout, QLineEdit, QWidget

from vitviz.exporting.formats import choices
from vitviz.figures import spec
from vitviz.figures.spec import DEFAULT_FONT, PRESETS, FigureSpec
from vitviz.gui.widgets.form import Choice, Number, WholeNumber, column, form, row

CONTENTS: tuple[tuple[str, spec.Content], ...] = (
    ("This map", "map"),
    ("Layers side by side", "layers"),
    ("Layers × heads", "heads"),
    ("Panes of Compare", "compare"),
    ("Panes × layers", "compare layers"),
    ("Patches", "patches"),
)

SHARINGS = (("Each map its own", "each"), ("Each row", "row"), ("Each column", "column"),
            ("All maps", "all"))  # fmt: skip

GROUNDS = (("Light", "light"), ("Dark", "dark"), ("Transparent", "transparent"))

DRAWS = (("Map over the photo", "overlay"), ("Photo only", "photo"), ("Map only", "map"))

CELLS = (("Image", "pixels"), ("Squares", "vector"))

ACROSS = (("Heads", "heads"), ("Layers", "layers"))

BOXES = (("letters", "Letters a, b, c"), ("headings", "Headings"), ("caption", "Caption"),
         ("colour_bar", "Colour bar"), ("grid", "Patch grid"))  # fmt: skip

SIZES = ("width_mm", "height_mm", "text_pt", "dpi")


class NumberList(QLineEdit):
    """Layers or heads as people write them: "3, 6, 9–12", "mean, 1"; empty for all.

    Args:
        name: For screen readers.
        fusions: Fusions of heads can stand in it.
    """

    def __init__(self, name: str, fusions: bool) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText("all")
        self._fusions = fusions
        self.textChanged.connect(self._show_validity)

    @property
    def values(self) -> tuple[int | str, ...] | None:
        """Indices from 0 and fusions; None where it makes no sense."""
        found: list[int | str] = []
        for part in self.text().replace("–", "-").replace(" ", "").lower().split(","):
            first, _, last = part.partition("-")
            if part in ("", "all"):
                continue
            if self._fusions and part in ("mean", "max", "min"):
                found.append(part)
            elif first.isdecimal() and (last or first).isdecimal() and int(first):
                found += range(int(first) - 1, min(int(last or first), 1000))
            else:
                return None
        return tuple(found)

    def show_values(self, values: tuple[int | str, ...]) -> None:
        """Shows them, unless what is there says the same."""
        if self.values != values:
            said = (str(v + 1) if isinstance(v, int) else v for v in values)
            self.setText(", ".join(said))

    @Slot()
    def _show_validity(self) -> None:
        palette = QPalette()
        if self.values is None:
            palette.setColor(QPalette.ColorRole.Text, QColor("#c33"))
        self.setPalette(palette)


def make_searchable(choice: Choice) -> None:
    """Typing in it finds the entries that have these letters anywhere."""
    choice.setEditable(True)
    choice.setInsertPolicy(Choice.InsertPolicy.NoInsert)
    choice.setMaxVisibleItems(14)
    found, line = choice.completer(), choice.lineEdit()
    assert found is not None
    assert line is not None
    found.setFilterMode(Qt.MatchFlag.MatchContains)
    found.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
    line.editingFinished.connect(lambda: line.setText(choice.itemText(choice.currentIndex())))


class FigureForm(QWidget):
    """Edits a figure's choices.

    Signals:
        changed(): The user changed one of them.
    """

    changed = Signal()

    def __init__(self, figure: FigureSpec, suffix: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figure = figure
        sizes: list[tuple[str, object]] = [(p.title, name) for name, p in PRESETS.items()]
        self.choices: dict[str, Choice] = {
            "content": Choice("Shows", CONTENTS),
            "across": Choice("Across", ACROSS),
            "sharing": Choice("Range of colours", SHARINGS),
            "draws": Choice("Draws", DRAWS),
            "ground": Choice("Ground", GROUNDS),
            "cells": Choice("Maps in SVG and PDF", CELLS),
        }
        self.preset = Choice("Size", [*sizes, ("Other", "")])
        self.font_ = Choice("Font", [(name, name) for name in dict.fromkeys(
            (DEFAULT_FONT, figure.font))])  # fmt: skip
        make_searchable(self.font_)
        self.format = Choice("Format", choices("figure"))
        self.format.show_value(suffix)
        self.numbers: dict[str, Number | WholeNumber] = {
            "width_mm": Number("Width, mm", spec.LEAST_WIDTH_MM, spec.MOST_WIDTH_MM, 1),
            "height_mm": Number("Height, mm", 0, spec.MOST_WIDTH_MM, 1),
            "text_pt": Number("Text size, points", spec.LEAST_TEXT_PT, spec.MOST_TEXT_PT, 1),
            "dpi": WholeNumber("Pixels per inch", spec.LEAST_DPI, spec.MOST_DPI),
            "columns": WholeNumber("Panels in a row", 0, 24),
        }
        for name, words in (("height_mm", "as needed"), ("columns", "as fits best")):
            self.numbers[name].setSpecialValueText(words)
        for name, unit in (("width_mm", " mm"), ("height_mm", " mm"), ("text_pt", " pt"),
                           ("dpi", " dpi")):  # fmt: skip
            self.numbers[name].setSuffix(unit)
        self.layers = NumberList("Layers", fusions=False)
        self.heads = NumberList("Heads", fusions=True)
        self.title = QLineEdit()
        self.title.setAccessibleName("Title")
        self.title.setPlaceholderText("none")
        self.boxes = {name: QCheckBox(words) for name, words in BOXES}
        self._arrange()
        self.show_figure(figure)
        self._connect()

    def _arrange(self) -> None:
        layout, self._fields = column(self), form()
        fields, choices, numbers = self._fields, self.choices, self.numbers
        row(fields, "Shows", choices["content"])
        row(fields, "Layers", self.layers, "Such as 3, 6, 9–12; empty for all")
        row(fields, "Heads", self.heads, "Such as mean, 1, 2; empty for the mean and all heads")
        row(fields, "Across", choices["across"], "What goes from left to right")
        row(fields, "Columns", numbers["columns"], "Panels in a row")
        row(fields, "Range", choices["sharing"], "Which maps share a range of colours")
        row(fields, "Draws", choices["draws"])
        row(fields, "Size", self.preset)
        row(fields, "Width", numbers["width_mm"])
        row(fields, "Height", numbers["height_mm"])
        row(fields, "Resolution", numbers["dpi"], "Of pixel formats, and of images in the others")
        row(fields, "Text", numbers["text_pt"], "Size of headings; the rest is a point smaller")
        row(fields, "Font", self.font_)
        row(fields, "Ground", choices["ground"])
        row(fields, "Title", self.title)
        row(fields, "Format", self.format)
        row(fields, "Maps as", choices["cells"], "An image, or a square for each patch")
        layout.addLayout(fields)
        boxes = QGridLayout()
        for index, box in enumerate(self.boxes.values()):
            boxes.addWidget(box, index // 2, index % 2)
        layout.addLayout(boxes)
        layout.addStretch(1)

    def _connect(self) -> None:
        for choice in (*self.choices.values(), self.font_, self.format):
            choice.currentIndexChanged.connect(self._edited)
        for number in self.numbers.values():
            number.valueChanged.connect(self._edited)
        for line in (self.layers, self.heads, self.title):
            line.textChanged.connect(self._edited)
        for box in self.boxes.values():
            box.toggled.connect(self._edited)
        self.preset.currentIndexChanged.connect(self._preset_chosen)

    @property
    def figure(self) -> FigureSpec:
        """What is chosen; a list that makes no sense stays what it was."""
        return self._figure

    @property
    def suffix(self) -> str:
        """Of the file."""
        return str(self.format.value)

    def show_fonts(self, names: list[str]) -> None:
        """Offers these families."""
        self.font_.blockSignals(True)
        self.font_.set_pairs([(name, name) for name in names])
        self.font_.show_value(self._figure.font)
        self.font_.blockSignals(False)

    def show_figure(self, figure: FigureSpec) -> None:
        """Shows these choices."""
        self._figure = figure
        for name, choice in self.choices.items():
            choice.show_value(getattr(figure, name))
        for name, number in self.numbers.items():
            number.show_value(getattr(figure, name))
        for name, box in self.boxes.items():
            blocked = box.blockSignals(True)
            box.setChecked(getattr(figure, name))
            box.blockSignals(blocked)
        self.font_.show_value(figure.font)
        for line, values in ((self.layers, figure.layers), (self.heads, figure.heads)):
            blocked = line.blockSignals(True)
            line.show_values(values)
            line.blockSignals(blocked)
        if self.title.text() != figure.title:
            self.title.setText(figure.title)
        self._show_relevant()

    def _show_relevant(self) -> None:
        """Hides what means nothing for what is shown, and says which preset it is."""
        figure = self._figure
        same = (name for name, p in PRESETS.items()
                if all(getattr(p, size) == getattr(figure, size) for size in SIZES))  # fmt: skip
        self.preset.show_value(next(same, ""))
        maps = figure.draws != "photo" and figure.content != "patches"
        shown: dict[QWidget, bool] = {
            self.layers: figure.content in ("layers", "heads", "compare layers"),
            self.heads: figure.content == "heads",
            self.choices["across"]: figure.content == "heads",
            self.numbers["columns"]: figure.content in ("layers", "compare"),
            self.choices["sharing"]: maps and figure.content != "map",
            self.choices["draws"]: figure.content != "patches",
            self.choices["cells"]: maps and self.suffix in (".svg", ".pdf"),
        }
        for control, wanted in shown.items():
            self._fields.setRowVisible(control, wanted)
        self.boxes["colour_bar"].setEnabled(maps)
        self.boxes["grid"].setEnabled(figure.content != "patches")

    @Slot()
    def _preset_chosen(self) -> None:
        preset = PRESETS.get(str(self.preset.value))
        if preset is not None:
            self.show_figure(
                replace(self._figure, **{size: getattr(preset, size) for size in SIZES})
            )
            self.changed.emit()

    @Slot()
    def _edited(self) -> None:
        changes: dict[str, Any] = {name: c.value for name, c in self.choices.items()}
        changes |= {name: number.value() for name, number in self.numbers.items()}
        changes |= {name: box.isChecked() for name, box in self.boxes.items()}
        changes["font"] = str(self.font_.value or self._figure.font)
        changes["title"] = self.title.text()
        for name, line in (("layers", self.layers), ("heads", self.heads)):
            if line.values is not None:
                changes[name] = line.values
        self._figure = replace(self._figure, **changes)
        self._show_relevant()
        self.changed.emit()
