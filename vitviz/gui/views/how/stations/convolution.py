"""One window of a layer's convolution: what it sees, its kernel, and their products."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from vitviz.engine.station_answers import BlockSteps
from vitviz.gui.views.how.pieces.colours import signed_pixels
from vitviz.gui.views.how.pieces.picture import PatchPicture, Picture
from vitviz.gui.views.how.pieces.tiles import TileRows
from vitviz.gui.views.how.station import quiet, strong
from vitviz.gui.views.how.subject import Subject, on_input
from vitviz.imaging.geometry import Box, Geometry
from vitviz.shapes import Float32
from vitviz.wording.names import capitalised, patch_name

STRONGEST = 6


class ConvolutionPanel(QWidget):
    """The place that is looked at, and how one of its numbers comes about.

    Signals:
        place_chosen(int): A place of the layer, row by row.
        channel_chosen(int): Which of its numbers.
        did(str): Something that a tour may have asked for.
    """

    place_chosen = Signal(int)
    channel_chosen = Signal(int)
    did = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = strong()
        self.place = PatchPicture("Which place is looked at")
        self.place.chosen.connect(self._on_place)
        names = ("What the window sees", "The kernel", "Their products", "The same everywhere")
        self.parts = [PatchPicture(name, choosing=False) for name in names]
        self.tiles = TileRows()
        self.tiles.set_tiles([self.place, *self.parts])
        self.formula = quiet()
        self.channels = QWidget()
        self.channels.setObjectName("chips")
        row = QHBoxLayout(self.channels)
        row.setContentsMargins(0, 0, 0, 0)
        self._group = QButtonGroup(self)
        self._strongest: tuple[int, ...] = ()
        for index in range(STRONGEST):
            button = QToolButton()
            button.setCheckable(True)
            self._group.addButton(button, index)
            row.addWidget(button)
        row.addStretch(1)
        self._group.idClicked.connect(self._on_channel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.title, self.tiles, self.formula, quiet("Strongest numbers here"),
                       self.channels):  # fmt: skip
            layout.addWidget(widget)

    def show_steps(self, subject: Subject, steps: BlockSteps) -> None:
        """Shows what one layer does at one place."""
        of, layer = steps.convolution, subject.outline.layers[steps.layer]
        geometry = on_input(steps.geometry)
        row, col = divmod(steps.token - len(steps.tokens.prefix), geometry.grid[1])
        where = patch_name(row, col)
        self.title.setText(f"{capitalised(layer.name)}: {where}")
        field = layer.receptive
        boxes: tuple[Box, ...] = ()
        if field is not None and not math.isinf(field):
            boxes = (geometry.around(row, col, field),)
        chosen = row * geometry.grid[1] + col
        self.place.show_picture(
            Picture(subject.pixels, geometry, chosen, dashed=boxes), "what this place can see",
            "all of it" if field is None or math.isinf(field) else f"{field:.0f} × {field:.0f} px",
        )  # fmt: skip
        for part in self.parts:
            part.setVisible(of is not None)
        self.channels.setVisible(of is not None)
        if of is None:
            self.formula.setText("This layer looks at each place by itself: 1 × 1.")
            return
        most = float(max(np.abs(of.products).max(), 1e-9))
        mean = "" if of.reads == 1 else f"mean of {of.reads:,} channels"
        squares = (
            (of.window, None, "the window", mean or "one channel"),
            (of.kernel, None, "times the kernel", f"{len(of.kernel)} × {len(of.kernel)}"),
            (of.products, most, "is, place by place", f"sum {of.total:.3g}".replace("-", "−")),
        )
        for part, (values, top, title, caption) in zip(self.parts, squares, strict=False):
            part.show_picture(_square(values, top), title, caption)
        pixels = subject.drawn(of.plane, geometry, signed=True)
        self.parts[3].show_picture(
            Picture(pixels, geometry, chosen), f"number {of.channel + 1} everywhere",
            f"{of.plane.shape[0]} × {of.plane.shape[1]}",
        )  # fmt: skip
        sums = "" if of.reads == 1 else f", summed over {of.reads:,} channels"
        self.formula.setText(
            f"{len(of.kernel) ** 2} products{sums}: {of.total:.4g}; here number {of.channel + 1} "
            f"of {of.channels:,} is {of.plane[row, col]:.4g} with its bias.".replace("-", "−")
        )
        self._show_channels(of.strongest, of.channel)

    def _show_channels(self, strongest: tuple[int, ...], channel: int) -> None:
        self._strongest = strongest
        self._group.setExclusive(False)
        for index, button in enumerate(self._group.buttons()):
            there = index < len(strongest)
            button.setVisible(there)
            if there:
                button.setText(str(strongest[index] + 1))
                button.setAccessibleName(f"Number {strongest[index] + 1}")
                button.setChecked(strongest[index] == channel)
        self._group.setExclusive(True)

    def _on_place(self, place: int) -> None:
        self.place_chosen.emit(place)
        self.did.emit("chose who asks")

    def _on_channel(self, index: int) -> None:
        if index < len(self._strongest):
            self.channel_chosen.emit(self._strongest[index])
            self.did.emit("chose a head")


def _square(values: Float32[np.ndarray, "side side"], most: float | None) -> Picture:
    """A few numbers as colours."""
    pixels = signed_pixels(values, most)
    size = pixels.shape[0], pixels.shape[1]
    return Picture(pixels, Geometry(size, size, (0, 0), size, 1), lines=True)
