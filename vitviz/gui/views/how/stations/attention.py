"""One token asks all others, in one block and head: equations 5 to 7, step by step."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSlider, QToolButton, QVBoxLayout, QWidget

from vitviz.engine.station_answers import BlockSteps
from vitviz.gui.views.how.pieces.barcode import Barcode
from vitviz.gui.views.how.pieces.colours import signed_pixels
from vitviz.gui.views.how.pieces.picture import PatchPicture, Picture
from vitviz.gui.views.how.pieces.tiles import TileRows
from vitviz.gui.views.how.station import SCREEN_ONLY, quiet, strong
from vitviz.gui.views.how.subject import Subject, on_input
from vitviz.gui.widgets.text import PlainLabel
from vitviz.imaging.geometry import Box, Geometry
from vitviz.models.tokens import TokenLayout
from vitviz.shapes import Float32
from vitviz.wording.names import capitalised, prefix_name, token_name
from vitviz.wording.numbers import percent

STEPS_OF_SLIDER = 20
"""Of the temperature's slider, either side of the model's own: a factor of ten."""

MOST_HEADS = 24
"""Tiles of heads; the rest is told of in words."""

STAGES = ("q · k", "÷ √d", "softmax", "weight · |v|")


def temperature_of(step: int) -> float:
    """What a place of the slider stands for."""
    return float(10 ** (step / STEPS_OF_SLIDER))


class AttentionPanel(QWidget):
    """Who asks, what it asks with, and what comes of it; then the same in all heads.

    Signals:
        patch_chosen(int): A patch of the layer that is to ask, row by row.
        token_chosen(str): A prefix token that is to ask.
        head_chosen(int): From 0.
        did(str): Something that a tour may have asked for.
    """

    patch_chosen = Signal(int)
    token_chosen = Signal(str)
    head_chosen = Signal(int)
    did = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._steps: BlockSteps | None = None
        self._subject: Subject | None = None
        self.title = strong()
        self.asks = PatchPicture("Which token asks")
        self.asks.chosen.connect(self._on_patch)
        self.keys = PatchPicture("The keys of all tokens", choosing=False)
        self.maps = [PatchPicture(stage, choosing=False) for stage in STAGES]
        self.tiles = TileRows()
        self.tiles.set_tiles([self.asks, self.keys, *self.maps])
        self.query = Barcode("The query, and what the head puts out", choosing=False)
        self.prefix = QWidget()
        self.prefix.setObjectName("chips")
        self._prefix_row = QHBoxLayout(self.prefix)
        self._prefix_row.setContentsMargins(0, 0, 0, 0)
        self._group = QButtonGroup(self)
        self._names: tuple[str, ...] = ()
        self._group.idClicked.connect(lambda at: self.token_chosen.emit(self._names[at]))
        self.heat = QSlider(Qt.Orientation.Horizontal)
        self.heat.setRange(-STEPS_OF_SLIDER, STEPS_OF_SLIDER)
        self.heat.setAccessibleName("Temperature of the softmax")
        self.heat.valueChanged.connect(self._on_heat)
        self.heat_words = PlainLabel()
        self.heat_words.setMinimumWidth(190)
        self.heads = TileRows(72, 120, 20)
        self.heads_title = strong()
        self._heads: list[PatchPicture] = []
        self.formula = quiet()
        self._arrange()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.prefix)
        self.heating = QWidget()
        self.heating.setProperty(SCREEN_ONLY, True)
        heat = QHBoxLayout(self.heating)
        heat.setContentsMargins(0, 0, 0, 0)
        heat.setSpacing(10)
        heat.addWidget(PlainLabel("Temperature"))
        heat.addWidget(self.heat, 1)
        heat.addWidget(self.heat_words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.query)
        layout.addWidget(self.tiles)
        layout.addWidget(self.heating)
        layout.addWidget(self.formula)
        layout.addWidget(self.heads_title)
        layout.addWidget(self.heads)

    @property
    def temperature(self) -> float:
        """Of the softmax that is shown; 1 is the model's own."""
        return temperature_of(self.heat.value())

    def show_steps(self, subject: Subject, steps: BlockSteps) -> None:
        """Shows what one block does with one token.

        Args:
            subject: What it is about.
            steps: Of a layer that has attention.
        """
        self._subject, self._steps = subject, steps
        assert steps.attention is not None
        heads = len(steps.attention.q)
        self._show_prefix(steps.tokens.prefix, steps.token)
        block = capitalised(subject.outline.layers[steps.layer].name)
        asks = token_name(steps.tokens, steps.token)
        self.title.setText(f"{block}, head {self._head + 1}: {asks} asks")
        self._show_query()
        self._show_asking()
        self._show_maps()
        self.heads_title.setText(
            f"All {heads} heads at once" if heads > 1 else "The only head of this block"
        )
        self._show_heads()

    @property
    def _head(self) -> int:
        assert self._subject is not None
        assert self._steps is not None
        assert self._steps.attention is not None
        return min(self._subject.head, len(self._steps.attention.q) - 1)

    def _show_prefix(self, names: tuple[str, ...], token: int) -> None:
        if names != self._names:
            for button in self._group.buttons():
                self._group.removeButton(button)
                button.deleteLater()
            self._names = names
            for index, name in enumerate(names[:6]):
                button = QToolButton()
                button.setText(prefix_name(name))
                button.setCheckable(True)
                button.setAccessibleName(f"{prefix_name(name)} asks")
                self._group.addButton(button, index)
                self._prefix_row.addWidget(button)
        self._group.setExclusive(False)
        for index, button in enumerate(self._group.buttons()):
            button.setChecked(index == token)
        self._group.setExclusive(True)
        self.prefix.setVisible(bool(names))

    def _show_query(self) -> None:
        assert self._steps is not None
        steps, head = self._steps.attention, self._head
        assert steps is not None
        rows = [("q", steps.q[head]), ("mix", steps.mixed[head])]
        self.query.show_rows(rows, own_scales=True)

    @property
    def _geometry(self) -> Geometry:
        assert self._steps is not None
        return on_input(self._steps.geometry)

    @property
    def _patch(self) -> int | None:
        """The patch that asks, row by row; None of a prefix token."""
        assert self._steps is not None
        patch = self._steps.token - len(self._steps.tokens.prefix)
        return patch if patch >= 0 else None

    def _show_asking(self) -> None:
        assert self._subject is not None
        assert self._steps is not None
        steps = self._steps.attention
        assert steps is not None
        self.asks.show_picture(
            Picture(self._subject.pixels, self._geometry, self._patch, dashed=self._window),
            "who asks", "click another patch",
        )  # fmt: skip
        keys = steps.k[self._head]
        image = signed_pixels(keys)
        size = image.shape[0], image.shape[1]
        self.keys.show_picture(
            Picture(image, Geometry(size, size, (0, 0), size, max(size)), stretched=True),
            "k of all it sees",
            f"{len(keys):,} × {keys.shape[1]}",
        )  # fmt: skip

    @property
    def _window(self) -> tuple[Box, ...]:
        """Around the patches that are looked at, where these are not all."""
        assert self._steps is not None
        attention, geometry = self._steps.attention, self._geometry
        assert attention is not None
        patches = attention.members - len(self._steps.tokens.prefix)
        patches = patches[patches >= 0]
        rows, cols = geometry.grid
        if len(patches) == rows * cols or not len(patches):
            return ()
        first = geometry.patch_box(int(patches.min()) // cols, int((patches % cols).min()))
        last = geometry.patch_box(int(patches.max()) // cols, int((patches % cols).max()))
        return (Box(first.left, first.top, last.right, last.bottom),)

    def _show_maps(self) -> None:
        assert self._steps is not None
        steps, head = self._steps.attention, self._head
        assert steps is not None
        own = self.heat.value() == 0
        heat = self.temperature
        weights = steps.weights[head] if own else steps.at_temperature(head, heat)
        lengths = weights * np.linalg.norm(steps.v[head], axis=-1)
        stages = (steps.products[head], steps.scaled[head], weights, lengths.astype(np.float32))
        root = f"÷ √{steps.q.shape[-1]} = ÷ {steps.divisor:.3g}"
        bias = root if steps.bias is None else f"{root} + bias"
        hot = "softmax" if own else f"softmax at {heat:.2g}"
        titles = ("q · k", bias, hot, "weight · |v|")
        for at, (tile, values, title) in enumerate(zip(self.maps, stages, titles, strict=True)):
            changed = not own and at > 1
            caption = self._caption(values, share=at == 2) if not changed else "not the model's"
            self._show_map(tile, values, title, caption, signed=at < 2)
        self.heat_words.setText("1: the model's own" if own else f"{heat:.2g}: not the model's")
        self.formula.setText(self._formula(weights))

    def _show_map(
        self, tile: PatchPicture, values: Float32[np.ndarray, " keys"], title: str, caption: str, *,
        signed: bool,
    ) -> None:  # fmt: skip
        assert self._subject is not None
        assert self._steps is not None
        assert self._steps.attention is not None
        grid = scattered(values, self._steps.attention.members, self._steps.tokens)
        pixels = self._subject.drawn(grid, self._geometry, signed=signed)
        picture = Picture(pixels, self._geometry, self._patch, dashed=self._window)
        tile.show_picture(picture, title, caption)

    def _caption(self, values: Float32[np.ndarray, " keys"], *, share: bool) -> str:
        assert self._steps is not None
        assert self._steps.attention is not None
        prefix = self._steps.tokens.prefix
        there = values[np.isfinite(values)]
        if len(there) and float(there.min()) >= 0 and not share:
            return f"up to {float(there.max()):.3g}"
        if share and prefix:
            on = float(values[self._steps.attention.members < len(prefix)].sum())
            who = prefix_name(prefix[0]) if len(prefix) == 1 else "the first tokens"
            return f"{percent(on)} on {who}"
        low, high = (float(there.min()), float(there.max())) if len(there) else (0.0, 0.0)
        return f"{low:.3g} to {high:.3g}".replace("-", "−")

    def _formula(self, weights: Float32[np.ndarray, " keys"]) -> str:
        assert self._steps is not None
        attention, tokens = self._steps.attention, self._steps.tokens
        assert attention is not None
        best = int(np.nanargmax(weights))
        to = token_name(tokens, int(attention.members[best]))
        product = float(attention.products[self._head, best])
        scaled = float(attention.scaled[self._head, best])
        width = attention.q.shape[-1]
        words = f"Most to {to}: q · k = {product:.2f}, so {scaled:.2f}, which is "
        words += f"{percent(float(weights[best]))} of all weights. {width} numbers a head; "
        words += f"√{width} = {attention.divisor:.3g}."
        return words.replace("-", "−")

    def _show_heads(self) -> None:
        assert self._subject is not None
        assert self._steps is not None
        attention = self._steps.attention
        assert attention is not None
        count = min(len(attention.q), MOST_HEADS)
        while len(self._heads) < count:
            self._heads.append(self._head_tile(len(self._heads)))
        shown = self._heads[:count]
        for head, tile in enumerate(shown):
            grid = scattered(attention.weights[head], attention.members, self._steps.tokens)
            pixels = self._subject.drawn(grid, self._geometry)
            tile.is_current = head == self._head
            tile.show_picture(Picture(pixels, self._geometry), f"head {head + 1}")
        if shown != self.heads.tiles:
            self.heads.set_tiles(list(shown))
        more = len(attention.q) > MOST_HEADS
        self.heads.setVisible(len(attention.q) > 1)
        if more:
            self.heads_title.setText(f"The first {MOST_HEADS} of {len(attention.q)} heads")

    def _head_tile(self, head: int) -> PatchPicture:
        tile = PatchPicture(f"Head {head + 1}", 96)
        tile.chosen.connect(lambda _: self._on_head(head))
        return tile

    def _on_head(self, head: int) -> None:
        self.head_chosen.emit(head)
        self.did.emit("chose a head")

    def _on_patch(self, patch: int) -> None:
        self.patch_chosen.emit(patch)
        self.did.emit("chose who asks")

    def _on_heat(self) -> None:
        if self._steps is not None and self._steps.attention is not None:
            self._show_maps()
            self.did.emit("changed the temperature")


def scattered(
    values: Float32[np.ndarray, " keys"], members: np.ndarray, tokens: TokenLayout
) -> Float32[np.ndarray, "rows cols"]:
    """Numbers of some tokens on the grid of all patches; not a number where there is none."""
    everywhere = np.full(tokens.tokens, np.nan, np.float32)
    everywhere[members] = values
    return everywhere[len(tokens.prefix) :].reshape(tokens.grid)
