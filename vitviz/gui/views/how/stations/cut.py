"""Cut: the photo falls apart into patches, and a patch is a row of numbers."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEasingCurve, QSignalBlocker, Qt, QVariantAnimation
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QSlider, QWidget

from vitviz.engine.requests import Request
from vitviz.engine.station_answers import FirstState
from vitviz.engine.station_requests import EmbeddingRequest
from vitviz.gui.views.how.guess import Guess, GuessCard
from vitviz.gui.views.how.pieces.barcode import Barcode
from vitviz.gui.views.how.pieces.picture import PatchPicture, Picture
from vitviz.gui.views.how.sides import SIDES
from vitviz.gui.views.how.station import SCREEN_ONLY, Columns, Station, column, quiet, strong
from vitviz.gui.views.how.subject import Facts, Subject
from vitviz.gui.views.how.windows import Windows, windows_of
from vitviz.gui.views.how.words import by, seen_words
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.imaging.geometry import Geometry
from vitviz.models.outline import Outline
from vitviz.plurals import count_of
from vitviz.shapes import UInt8
from vitviz.wording.numbers import byte_size

APART = 0.3
"""Of a patch's side: how far they fall."""

FALLING_MS = 700

MOST_APART = 1600
"""Patches that are still seen when they are apart."""

COLOURS = ("red", "green", "blue")


class CutStation(Station):
    """The photo and its patches at the left, one patch and its numbers at the right."""

    stop = "cut"

    def __init__(self) -> None:
        super().__init__()
        self.still = False
        self._gap, self._number, self._falls = 0.0, -1, False
        self._windows: Windows | None = None
        self.picture = PatchPicture("Patches", 320)
        self.picture.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.picture.pointed.connect(self._on_pointed)
        self.picture.chosen.connect(self._on_chosen)
        self.apart = QCheckBox("Apart")
        self.apart.setChecked(True)
        self.apart.toggled.connect(self._fall)
        self.which = strong()
        self.patch = PatchPicture("One patch", 132, choosing=False)
        self.row = Barcode("The numbers of the patch")
        self.row.pointed.connect(self._on_number)
        self.number = quiet()
        self.whole = PatchPicture("The whole photo", 132, choosing=False)
        self.lost = quiet()
        self.guess = GuessCard()
        self.guess.guessed.connect(lambda: self.did.emit("guessed"))
        crop = column(strong("What the crop threw away"), self.whole, self.lost, spacing=4)
        one = column(self.which, self.patch, self.apart, spacing=4)
        self.pair = Columns((one, 1), (crop, 1), from_width=200)
        right = column(self.pair, strong("As the model gets it"), self.row, self.number,
                       self._sliders(), self.guess)  # fmt: skip
        self.body.addWidget(Columns((self.picture, 1), (right, 1)), 1)
        self._falling = QVariantAnimation(self)
        self._falling.setDuration(FALLING_MS)
        self._falling.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._falling.valueChanged.connect(self._on_gap)

    def _sliders(self) -> QWidget:
        self.side, self.input = (
            QSlider(Qt.Orientation.Horizontal),
            QSlider(Qt.Orientation.Horizontal),
        )
        self.side_words, self.input_words, self.cost = PlainLabel(), PlainLabel(), quiet()
        box = QWidget()
        box.setProperty(SCREEN_ONLY, True)
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.addWidget(strong("What if"), 0, 0, 1, 3)
        self.side_title = PlainLabel("Patch")
        for line, (title, slider, words) in enumerate((
            (self.side_title, self.side, self.side_words),
            (PlainLabel("Input"), self.input, self.input_words),
        ), 1):  # fmt: skip
            slider.setAccessibleName(f"{title.text()} size, in pixels")
            slider.setMinimumWidth(60)
            slider.valueChanged.connect(self._on_slider)
            words.setMinimumWidth(74)
            grid.addWidget(title, line, 0)
            grid.addWidget(slider, line, 1)
            grid.addWidget(words, line, 2)
        grid.addWidget(self.cost, 3, 0, 1, 3)
        set_tooltip(box, "Only counted: the model itself stays as it is")
        return box

    def wants(self, subject: Subject) -> tuple[Request, ...]:
        return (subject.ask(EmbeddingRequest),)

    def fill(self, subject: Subject, facts: Facts) -> None:
        first = facts.last(subject.ask(EmbeddingRequest), subject)
        self._windows = windows_of(subject, first if isinstance(first, FirstState) else None)
        slides = subject.kind == "convolutions"
        grid = self._windows.geometry.grid
        self._falls = not slides and grid[0] * grid[1] <= MOST_APART
        self.apart.setVisible(self._falls)
        self.side.setVisible(not slides)
        self.side_title.setVisible(not slides)
        self.side_words.setVisible(not slides)
        self._set_sliders(subject)
        self._show_whole(subject)
        self._show_picture()
        self._show_patch()
        self._show_cost()

    # What is shown

    @property
    def _at(self) -> int:
        """The place that is looked at: under the pointer, else the chosen one."""
        assert self.subject is not None
        assert self._windows is not None
        rows, cols = self._windows.geometry.grid
        if self.picture.pointer is not None and self.picture.pointer < rows * cols:
            return self.picture.pointer
        return self._windows.place_of(self.subject)

    def _show_picture(self) -> None:
        assert self.subject is not None
        assert self._windows is not None
        subject, windows = self.subject, self._windows
        side = self._wanted_side()
        other = side != subject.outline.layers[0].patch and subject.kind != "convolutions"
        geometry = _cut_by(subject, side) if other else windows.geometry
        gap = self._gap if self._falls and not other else 0.0
        caption = f"as if patches were {by((side, side))}: {by(geometry.grid)}" if other else ""
        boxes = () if other or windows.tiles else (windows.box(self._at),)
        self.picture.show_picture(
            Picture(subject.pixels, geometry, None if other else self._at, gap, boxes=boxes,
                    lines=windows.tiles), "", caption or by(geometry.grid),
        )  # fmt: skip

    def _show_patch(self) -> None:
        assert self._windows is not None
        windows, at = self._windows, self._at
        rows, cols = divmod(at, windows.geometry.grid[1])
        name = "Patch" if windows.tiles else "Window"
        self.which.setText(f"{name} in row {rows + 1}, column {cols + 1}")
        numbers = windows.numbers(at)
        side = windows.side
        geometry = Geometry((side, side), (side, side), (0, 0), (side, side), 1)
        pixel = self._number % side**2 if self._number >= 0 else None
        self.patch.show_picture(
            Picture(windows.pixels(at), geometry, pixel), "", f"{by((side, side))} pixels"
        )
        self.row.show_rows([("", numbers)] if numbers is not None else [])
        each = f"3 · {side}² = {3 * side * side:,} numbers: all red ones, then green, then blue"
        if self._number >= 0 and numbers is not None and self._number < len(numbers):
            pixel = self._number % side**2
            value = f"{numbers[self._number]:.3f}".replace("-", "−")
            each = (
                f"{COLOURS[self._number // side**2]} of the pixel in row {pixel // side + 1}, "
                f"column {pixel % side + 1}: {value}, mean and spread of training taken away"
            )
        self.number.setText(each)

    def _show_whole(self, subject: Subject) -> None:
        geometry = subject.cell.geometry
        if subject.thumbnail is None:
            return
        pixels, part = _dimmed(subject.thumbnail, geometry)
        size = pixels.shape[0], pixels.shape[1]
        self.whole.show_picture(Picture(pixels, Geometry(size, size, (0, 0), size, max(size))))
        window, seen = geometry.window, geometry.seen
        padded = window.width * window.height > 1.001 * seen.width * seen.height
        self.lost.setText(seen_words(part, padded))

    def _set_sliders(self, subject: Subject) -> None:
        patch, size = subject.outline.layers[0].patch, subject.geometry.input_size
        own = subject.cell.card.preprocessing.patch
        sides = self._sides(subject)
        with QSignalBlocker(self.side), QSignalBlocker(self.input):
            key = (patch, size, subject.cell.card.id)
            if self.property("key") != repr(key):
                self.setProperty("key", repr(key))
                self.side.setRange(0, len(sides) - 1)
                self.side.setValue(sides.index(patch))
                self.input.setRange(2, max(4 * max(size) // own, 4))
                self.input.setValue(max(size) // own)

    def _sides(self, subject: Subject) -> list[int]:
        return sorted({*SIDES, subject.outline.layers[0].patch})

    def _wanted_side(self) -> int:
        assert self.subject is not None
        sides = self._sides(self.subject)
        return sides[min(max(self.side.value(), 0), len(sides) - 1)]

    def _show_cost(self) -> None:
        assert self.subject is not None
        subject, card = self.subject, self.subject.cell.card
        own, (height, width) = card.preprocessing.patch, subject.geometry.input_size
        scale = self.input.value() * own / max(height, width)
        wanted = tuple(max(round(side * scale / own), 1) * own for side in (height, width))
        side, patch = self._wanted_side(), subject.outline.layers[0].patch
        self.side_words.setText(f"{side} px")
        self.input_words.setText(by((wanted[0], wanted[1])))
        # As much work as an input that has so many of the model's own patches.
        alike = tuple(max(round(pixels * patch / side / own), 1) * own for pixels in wanted)
        now, then = card.cost_at((height, width)), card.cost_at((alike[0], alike[1]))
        what = "places at most" if subject.kind == "convolutions" else "tokens"
        times = then.flops / max(now.flops, 1)
        words = f"{then.tokens:,} {what}, {byte_size(then.peak_bytes)} of memory"
        if (alike[0], alike[1]) != (height, width):
            words += f", {times:.3g} times the work ({now.tokens:,} {what} now)"
        self.cost.setText(words)
        self.guess.show_guess(cost_guess(subject.outline, subject))

    # What the user does

    def _on_slider(self) -> None:
        if self.subject is not None:
            self._show_picture()
            self._show_cost()
            self.did.emit("slid")

    def _on_pointed(self, patch: int) -> None:
        if self.subject is None:
            return
        if self._windows is not None and not self._windows.tiles:
            self._show_picture()
        self._show_patch()
        if patch >= 0:
            self.did.emit("pointed at a patch")

    def _on_chosen(self, place: int) -> None:
        if self.subject is not None and self._windows is not None:
            self.patch_chosen.emit(self._windows.patch_at(self.subject, place))
            self.did.emit("chose a patch")

    def _on_number(self, number: int) -> None:
        self._number = number
        if self.subject is not None:
            self._show_patch()
            if number >= 0:
                self.did.emit("pointed at a number")

    # Falling apart

    def begin(self) -> None:
        """Has the photo fall apart, or shows it so where motion is not wanted."""
        self._fall(self.apart.isChecked())

    def _fall(self, apart: bool) -> None:
        self._falling.stop()
        wanted = APART if apart else 0.0
        if self.still:
            self.set_gap(wanted)
            return
        self._falling.setStartValue(self._gap)
        self._falling.setEndValue(wanted)
        self._falling.start()

    def _on_gap(self, gap: object) -> None:
        self.set_gap(float(gap))  # type: ignore[arg-type]

    def set_gap(self, gap: float) -> None:
        """Shows the patches so far apart, of a patch's side."""
        self._gap = gap
        if self.subject is not None:
            self._show_picture()

    def hideEvent(self, event: QHideEvent) -> None:
        self._falling.stop()
        self._gap = APART if self.apart.isChecked() else 0.0
        super().hideEvent(event)


def _cut_by(subject: Subject, side: int) -> Geometry:
    """The input cut into patches of another size; the last ones reach past its edge."""
    size = subject.geometry.input_size
    return Geometry(size, size, (0, 0), size, side)


def _dimmed(
    thumbnail: UInt8[np.ndarray, "height width 3"], geometry: Geometry
) -> tuple[UInt8[np.ndarray, "height width 3"], float]:
    """The photo with what the model never sees dark; and how much of it that it sees."""
    height, width = thumbnail.shape[:2]
    down, across = height / geometry.photo_size[0], width / geometry.photo_size[1]
    seen = geometry.seen
    rows = slice(round(seen.top * down), max(round(seen.bottom * down), 1))
    cols = slice(round(seen.left * across), max(round(seen.right * across), 1))
    dark: UInt8[np.ndarray, "height width 3"] = (thumbnail * 0.25).astype(np.uint8)
    dark[rows, cols] = thumbnail[rows, cols]
    part = seen.width * seen.height / (geometry.photo_size[0] * geometry.photo_size[1])
    return dark, part


def cost_guess(outline: Outline, subject: Subject) -> Guess | None:
    """What becomes of the work where patches are half as wide."""
    if subject.kind == "convolutions":
        return None
    card, (height, width) = subject.cell.card, subject.geometry.input_size
    now, then = card.cost_at((height, width)), card.cost_at((2 * height, 2 * width))
    times = then.flops / max(now.flops, 1)
    answers = ("about 2 times", "about 4 times", "more than 4.2 times")
    right = 0 if times < 3 else 1 if times < 4.2 else 2
    why = "and every token asks every other one" if subject.kind == "attention" else (
        "and each asks those of its window alone"
    )  # fmt: skip
    return Guess(
        "patches half as wide make how much more work?", answers, right,
        f"{then.tokens:,} tokens in the place of {now.tokens:,}, {why}: {times:.2f} times the "
        f"multiplications of {count_of(outline.depth, 'layer')}.",
    )  # fmt: skip
