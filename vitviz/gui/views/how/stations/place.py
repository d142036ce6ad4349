"""Embed and place: a patch times the filters is a token, and its place is added to it."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from vitviz.engine.requests import Request
from vitviz.engine.station_answers import FirstState, WhatIf
from vitviz.engine.station_requests import EmbeddingRequest, WhatIfRequest
from vitviz.gui.views.how.guess import Guess, GuessCard
from vitviz.gui.views.how.pieces.barcode import Barcode, Row
from vitviz.gui.views.how.pieces.colours import signed_pixels
from vitviz.gui.views.how.pieces.picture import PatchPicture, Picture
from vitviz.gui.views.how.pieces.scores import ScoreBars
from vitviz.gui.views.how.pieces.tiles import TileRows
from vitviz.gui.views.how.scores import scores_of
from vitviz.gui.views.how.station import Columns, Station, column, quiet, strong
from vitviz.gui.views.how.subject import Facts, Subject, on_input
from vitviz.gui.views.how.windows import Windows, windows_of
from vitviz.gui.widgets.text import set_tooltip
from vitviz.imaging.geometry import Geometry
from vitviz.shapes import Float32, UInt8
from vitviz.wording.names import prefix_name

MOST_PREFIX = 6
SHOWN = 3


class PlaceStation(Station):
    """From a patch to its token; below, what places are good for."""

    stop = "place"

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._seed = 0
        self._windows: Windows | None = None
        self.picture = PatchPicture("Which patch is embedded")
        self.picture.chosen.connect(self._on_patch)
        self.patch = PatchPicture("The patch", choosing=False)
        self.filter = PatchPicture("The filter", choosing=False)
        self.product = PatchPicture("Their product", choosing=False)
        self.tiles = TileRows()
        self.tiles.set_tiles([self.picture, self.patch, self.filter, self.product])
        self.sum = quiet()
        self.numbers = Barcode("The token, number by number")
        self.numbers.pointed.connect(self._on_pointed)
        self.numbers.chosen.connect(self._on_number)
        self.joined_title, self.joined = strong(), Barcode("Tokens that join", choosing=False)
        self.near_title, self.near_words = strong("Its place, beside all others"), quiet()
        self.near = PatchPicture("Which places are alike", 190)
        self.near.chosen.connect(self._on_patch)
        self.guess = GuessCard()
        self.guess.guessed.connect(lambda: self.did.emit("guessed"))
        self.near_row = Columns(
            (self.near, 1), (column(self.near_title, self.near_words), 2), from_width=380
        )
        for widget in (self.tiles, self.sum, self.numbers, self.joined_title, self.joined,
                       self.near_row, self.guess, self._what_if()):  # fmt: skip
            self.body.addWidget(widget)
        self.body.addStretch(1)

    def _what_if(self) -> QWidget:
        self.unplaced = QCheckBox("Positions off")
        self.shuffled = QCheckBox("Shuffle the patches")
        self.reorder = QPushButton("Another Order")
        set_tooltip(self.unplaced, "The network no longer knows where its tokens lie")
        set_tooltip(self.shuffled, "The same patches in another order")
        for box in (self.unplaced, self.shuffled):
            box.toggled.connect(self._on_switch)
        self.reorder.clicked.connect(self._on_again)
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(16)
        for control in (self.unplaced, self.shuffled, self.reorder):
            line.addWidget(control)
        line.addStretch(1)
        self.usual, self.changed_map = (
            PatchPicture(name, 170, choosing=False) for name in ("As it is", "With the switches")
        )
        self.usual_scores, self.changed_scores = (
            ScoreBars(name, choosing=False) for name in ("As it is", "With the switches")
        )
        one = column(self.usual, self.usual_scores)
        other = column(self.changed_map, self.changed_scores)
        for tile in (self.usual, self.changed_map):
            tile.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.verdict = quiet()
        return column(
            strong("What if"), quiet("An intervention: only here, and never in other views"), row,
            Columns((one, 1), (other, 1), from_width=300), self.verdict,
        )  # fmt: skip

    def _changed_asked(self, subject: Subject) -> WhatIfRequest:
        return subject.ask(
            WhatIfRequest, unplaced=self._can_unplace(subject) and self.unplaced.isChecked(),
            shuffled=self.shuffled.isChecked(), seed=self._seed,
        )  # fmt: skip

    @staticmethod
    def _can_unplace(subject: Subject) -> bool:
        return subject.kind == "attention"

    def wants(self, subject: Subject) -> tuple[Request, ...]:
        usual, changed = subject.ask(WhatIfRequest), self._changed_asked(subject)
        return tuple(dict.fromkeys([subject.ask(EmbeddingRequest), changed, usual]))

    def fill(self, subject: Subject, facts: Facts) -> None:
        first = facts.last(subject.ask(EmbeddingRequest), subject)
        first = first if isinstance(first, FirstState) else None
        self._windows = windows_of(subject, first)
        there = first is not None and first.embedding is not None
        for part in (self.tiles, self.sum, self.numbers):
            part.setVisible(there)
        if first is not None and first.embedding is not None:
            self._number = min(self._number, first.embedding.products.shape[-1] - 1)
            self._show_tiles(subject)
            self._show_numbers(subject, first)
            self._show_near(subject, first)
            self.guess.show_guess(place_guess(first))
        self._show_what_if(subject, facts)

    @property
    def _at(self) -> int:
        assert self.subject is not None
        assert self._windows is not None
        return self._windows.place_of(self.subject)

    def _show_tiles(self, subject: Subject) -> None:
        windows, at = self._windows, self._at
        assert windows is not None
        assert windows.first is not None
        embedding = windows.first.embedding
        assert embedding is not None
        side, number = windows.side, self.numbers.pointer
        number = self._number if number is None else min(number, len(embedding.filters) - 1)
        boxes = () if windows.tiles else (windows.box(at),)
        self.picture.show_picture(
            Picture(subject.pixels, windows.geometry, at if windows.tiles else None, boxes=boxes),
            "which patch" if windows.tiles else "which window", "click another",
        )  # fmt: skip
        square = Geometry((side, side), (side, side), (0, 0), (side, side), side)
        name = "the patch" if windows.tiles else "the window"
        self.patch.show_picture(Picture(windows.pixels(at), square), name, "times")
        kernel = embedding.filters[number]
        self.filter.show_picture(
            Picture(filter_pixels(kernel), square),
            f"filter {number + 1} of {len(embedding.filters)}",
            "is, pixel by pixel",
        )  # fmt: skip
        row, col = divmod(at, windows.geometry.grid[1])
        products = (embedding.window(row, col) * kernel).sum(0)
        total = float(products.sum())
        self.product.show_picture(
            Picture(signed_pixels(products), square), "their product",
            f"sum {total:.3f}".replace("-", "−"),
        )  # fmt: skip
        bias = 0.0 if embedding.bias is None else float(embedding.bias[number])
        words = f"{3 * side * side:,} products sum to {total:.4g}; with the filter's bias "
        words += f"{bias:.4g} "
        words += f"number {number + 1} is {embedding.products[row, col, number]:.4g}."
        after = f" Then: {', '.join(embedding.after)}." if embedding.after else ""
        self.sum.setText(words.replace("-", "−") + after)

    def _show_numbers(self, subject: Subject, first: FirstState) -> None:
        embedding, windows = first.embedding, self._windows
        assert embedding is not None
        assert windows is not None
        row, col = divmod(self._at, windows.geometry.grid[1])
        rows: list[Row] = [("× filters", embedding.products[row, col])]
        token = subject.patch if subject.patch is not None else self._at
        token += len(first.tokens.prefix)
        width = embedding.products.shape[-1]
        same = embedding.state.shape == (first.tokens.tokens, width)
        if embedding.places is not None:
            rows.append(("+ place", embedding.places[token]))
        if same:
            rows.append(("= token" if windows.tiles else "then", embedding.state[token]))
        self.numbers.show_rows(rows, self._number, own_scales=embedding.places is None)
        names = first.tokens.prefix
        joined = [(prefix_name(name), embedding.state[index]) for index, name in enumerate(names)][
            :MOST_PREFIX
        ]
        self.joined_title.setVisible(bool(joined))
        self.joined.setVisible(bool(joined))
        if joined:
            what = "the same on every photo, learned" if embedding.places is not None else "learned"
            self.joined_title.setText(f"What joins the patches, {what}")
            self.joined.show_rows(joined)

    def _show_near(self, subject: Subject, first: FirstState) -> None:
        embedding = first.embedding
        assert embedding is not None
        self.near.setVisible(embedding.places is not None)
        self.near_row.setVisible(subject.kind != "convolutions")
        within = " and ".join(embedding.within)
        if embedding.places is None:
            words = "Nothing is added to a patch for its place"
            self.near_words.setText(f"{words}: in every block there are {within}." if within else
                                    f"{words}.")  # fmt: skip
            return
        likeness = place_likeness(embedding.places, len(first.tokens.prefix), self._patch(subject))
        grid = likeness.reshape(first.tokens.grid)
        geometry = subject.geometry
        pixels = subject.drawn(grid, geometry, signed=True)
        self.near.show_picture(Picture(pixels, geometry, self._patch(subject)))
        words = (
            "Red: places whose row of numbers points the same way as this one's (their cosine). The"
            " network was never told what lies beside what; it learned that from photos."
        )
        self.near_words.setText(words + (f" Besides, there are {within}." if within else ""))

    @staticmethod
    def _patch(subject: Subject) -> int:
        rows, cols = subject.geometry.grid
        return subject.patch if subject.patch is not None else rows // 2 * cols + cols // 2

    def _show_what_if(self, subject: Subject, facts: Facts) -> None:
        self.unplaced.setEnabled(self._can_unplace(subject))
        self.reorder.setEnabled(self.shuffled.isChecked())
        for asked, tile, bars in (
            (subject.ask(WhatIfRequest), self.usual, self.usual_scores),
            (self._changed_asked(subject), self.changed_map, self.changed_scores),
        ):
            found = facts.get(asked)
            tile.setVisible(not isinstance(found, BaseException))
            if isinstance(found, WhatIf):
                self._show_one(subject, found, tile, bars)
        self.verdict.setText(self._verdict(subject, facts))

    def _show_one(
        self, subject: Subject, found: WhatIf, tile: PatchPicture, bars: ScoreBars
    ) -> None:
        heat_map = found.explanation.map(max(found.explanation.by_layer), "mean")
        geometry = on_input(heat_map.geometry)
        pixels = subject.drawn(heat_map.values, geometry, pixels=found.input_pixels)
        changed = found.request.unplaced or found.request.shuffled
        title = "with the switches" if changed else "as it is"
        what = "attention of the last block" if found.method == "attention" else "feature norms"
        tile.show_picture(Picture(pixels, geometry), title, what)
        bars.setVisible(found.shares is not None)
        if found.shares is not None:
            best = tuple((-found.shares).argsort(kind="stable")[:SHOWN].tolist())
            bars.show_scores(scores_of(subject, best, found.shares, None), best[0])

    def _verdict(self, subject: Subject, facts: Facts) -> str:
        asked = self._changed_asked(subject)
        found = facts.get(asked)
        if isinstance(found, BaseException):
            return str(getattr(found, "message", found))
        if not asked.unplaced and not asked.shuffled:
            return "Switch the positions off, shuffle the patches, and try both together."
        if not isinstance(found, WhatIf) or found.shares is None or found.usual is None:
            return ""
        if asked.unplaced and asked.shuffled:
            return "Without positions the order says nothing: the scores are those without them."
        first = int(found.usual.argmax())
        change = 100 * (float(found.shares[first]) - float(found.usual[first]))
        words = f"“{subject.cell.class_name(first)}” changes by {change:+.1f} points."
        return words.replace("-", "−")

    # What the user does

    def _on_patch(self, place: int) -> None:
        if self.subject is not None and self._windows is not None:
            patch = place
            if self.sender() is self.picture:
                patch = self._windows.patch_at(self.subject, place)
            self.patch_chosen.emit(patch)
            self.did.emit("chose a patch")

    def _on_pointed(self, number: int) -> None:
        if self.subject is not None and self._windows is not None and self._windows.first:
            self._show_tiles(self.subject)
            if number >= 0:
                self.did.emit("pointed at a number")

    def _on_number(self, number: int) -> None:
        self.set_number(number)
        self.did.emit("pointed at a number")

    def set_number(self, number: int) -> None:
        """Shows how another number of the token comes about."""
        self._number = number
        self.again()

    def _on_switch(self) -> None:
        self.changed.emit()
        self.did.emit("switched")

    def _on_again(self) -> None:
        self._seed += 1
        self.changed.emit()


def filter_pixels(kernel: Float32[np.ndarray, "3 side side"]) -> UInt8[np.ndarray, "side side 3"]:
    """A filter in colours: grey is nothing, red, green and blue what it looks for of these."""
    most = float(np.abs(kernel).max(initial=0.0)) or 1.0
    pixels: UInt8[np.ndarray, "side side 3"] = np.ascontiguousarray(
        np.rint(127.5 + 127.5 * kernel / most).astype(np.uint8).transpose(1, 2, 0)
    )
    return pixels


def place_likeness(
    places: Float32[np.ndarray, "tokens width"], prefix: int, patch: int
) -> Float32[np.ndarray, " patches"]:
    """Cosine of a patch's place with those of all patches.

    Source: Dosovitskiy et al. 2021, arXiv 2010.11929, figure 7 (middle).
    """
    of_patches = places[prefix:]
    lengths = np.linalg.norm(of_patches, axis=1)
    found: Float32[np.ndarray, " patches"] = (
        of_patches @ of_patches[patch] / np.maximum(lengths * lengths[patch], 1e-12)
    ).astype(np.float32)
    return found


def place_guess(first: FirstState) -> Guess | None:
    """Which of all places is most like one in the middle."""
    embedding = first.embedding
    if embedding is None or embedding.places is None:
        return None
    rows, cols = first.tokens.grid
    if min(rows, cols) < 5:
        return None
    middle = rows // 2 * cols + cols // 2
    likeness = place_likeness(embedding.places, len(first.tokens.prefix), middle)
    beside = likeness.reshape(rows, cols)
    near = np.array([beside[rows // 2 + a, cols // 2 + b]
                     for a, b in ((-1, 0), (1, 0), (0, -1), (0, 1))])  # fmt: skip
    row = np.delete(beside[rows // 2], cols // 2)
    right = 0 if near.mean() >= row.mean() else 1
    return Guess(
        "which places are most like the one in the middle, to the network?",
        ("its neighbours", "its whole row", "none: they are just numbers"), right,
        f"Cosine {near.mean():.2f} with the four beside it, {row.mean():.2f} with its row, "
        f"{beside.mean():.2f} with all.".replace("-", "−"),
    )  # fmt: skip
