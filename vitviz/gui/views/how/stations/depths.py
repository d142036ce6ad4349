"""What happens along the depth: the class race, who wrote what, and how far layers look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from vitviz.engine.answers import SeriesValues
from vitviz.engine.requests import Request, SeriesRequest
from vitviz.engine.station_answers import Lens, Parts
from vitviz.engine.station_requests import LensRequest, PartsRequest
from vitviz.gui.views.how.guess import Guess
from vitviz.gui.views.how.pieces.depth import (
    DepthLine,
    PartsChart,
    PartsLegend,
    RaceChart,
    RaceLegend,
    part_names,
)
from vitviz.gui.views.how.pieces.picture import PatchPicture, Picture
from vitviz.gui.views.how.pieces.reach import Reach, ReachChart
from vitviz.gui.views.how.station import Columns, quiet, strong
from vitviz.gui.views.how.subject import Facts, Subject
from vitviz.gui.views.how.words import decided_words
from vitviz.models.loading import bundled
from vitviz.shapes import Float32
from vitviz.wording.names import token_name

MOST_LINES = 5

DISTANCE = "attention-distance"


class DepthPanel(QWidget):
    """Charts that share their layers; a click chooses the layer.

    Signals:
        layer_chosen(int): From 0.
    """

    layer_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.race, self.race_legend = RaceChart(), RaceLegend()
        self.race_title, self.decided = strong("Which class leads after each block"), quiet()
        self.parts, self.parts_legend, self.parts_title = PartsChart(), PartsLegend(), strong()
        self.reach, self.reach_words = ReachChart(), quiet()
        self.reach_title = strong("How far each layer looks")
        self.patches = PatchPicture("What each patch would say", 220, choosing=False)
        self.patch_words = quiet()
        for chart in (self.race, self.parts, self.reach):
            chart.layer_chosen.connect(self.layer_chosen)
        self.race_row = Columns((self.race, 3), (self.race_legend, 1), from_width=430)
        self.parts_row = Columns((self.parts, 3), (self.parts_legend, 1), from_width=430)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self.of_race = (self.race_title, self.race_row, self.decided)
        self.of_parts = (self.parts_title, self.parts_row)
        self.of_reach = (self.reach_title, self.reach, self.reach_words)
        for widget in (*self.of_race, *self.of_parts, *self.of_reach):
            layout.addWidget(widget)

    @staticmethod
    def wants(subject: Subject) -> tuple[Request, ...]:
        """What it needs to know."""
        found: list[Request] = []
        if subject.outline.reads_all_depths:
            found.append(subject.ask(LensRequest, target=subject.session.view.target))
        found.append(subject.ask(PartsRequest))
        found.append(_distances(subject))
        return tuple(found)

    def show_subject(self, subject: Subject, facts: Facts) -> None:
        """Shows what is known of all layers."""
        lens = None
        if subject.outline.reads_all_depths:
            asked = subject.ask(LensRequest, target=subject.session.view.target)
            lens = facts.last(asked, subject)
        for widget in self.of_race:
            widget.setVisible(isinstance(lens, Lens))
        if isinstance(lens, Lens):
            self._show_race(subject, lens)
        parts = facts.last(subject.ask(PartsRequest), subject)
        self._show_parts(subject, parts if isinstance(parts, Parts) else None)
        self._show_reach(subject, facts)

    def _show_race(self, subject: Subject, lens: Lens) -> None:
        classes = leading(lens, MOST_LINES)
        names = subject.cell.class_name
        lines = tuple(
            DepthLine(names(index), lens.shares[:, index], strong=index == lens.target)
            for index in classes
        )
        self.race.show_race(lines, lens.decided, subject.layer)
        self.race_legend.show_lines(lines)
        winner = names(int(lens.logits[-1].argmax()))
        self.decided.setText(
            f"{decided_words(lens.decided, subject.outline, winner)} Read with the head of the last"
            " block, which no earlier block was trained for."
        )

    def _show_parts(self, subject: Subject, parts: Parts | None) -> None:
        bars = parts_bars(subject, parts) if parts is not None else ()
        names = part_names(bars)
        for widget in self.of_parts:
            widget.setVisible(len(names) > 1)
        if len(names) > 1:
            token = token_name(subject.outline.tokens(0), subject.token)
            where = "here" if subject.kind != "attention" else f"into {token}"
            self.parts_title.setText(f"Who wrote {where}: lengths of what is added")
            self.parts.show_bars(bars, subject.layer)
            self.parts_legend.show_names(tuple(names))

    def _show_reach(self, subject: Subject, facts: Facts) -> None:
        values = facts.get(_distances(subject))
        own, other = own_reach(subject, values), other_reach(subject, values)
        for widget in self.of_reach:
            widget.setVisible(own is not None)
        self.reach.show_reach(own, other, subject.layer)
        if subject.kind == "convolutions":
            words = "Line: what a place can see at all. Local first, the whole photo in the end."
            words += f" Dashed: {other.name}, whose heads look far from the start." if other else ""
        else:
            words = "Dots: how far each head looks on average; line: their mean. Global at once."
            words += f" Dashed: what a place of {other.name} can see at all." if other else ""
        self.reach_words.setText(words)


def leading(lens: Lens, most: int) -> tuple[int, ...]:
    """The classes of a race: the one that is followed, the first in the end, and who ever led."""
    last = lens.logits[-1]
    best = (-last).argsort(kind="stable")[:3].tolist()
    led = lens.logits.argmax(axis=1)[::-1].tolist()
    return tuple(dict.fromkeys([lens.target, *best, *led]))[:most]


def race_guess(subject: Subject, lens: Lens) -> Guess:
    """After which part of the blocks it is decided."""
    depth = subject.outline.depth
    third = max(depth / 3, 1)
    right = min(int(max(lens.decided - 1, 0) / third), 2)
    winner = subject.cell.class_name(int(lens.logits[-1].argmax()))
    return Guess(
        f"when does “{winner}” take the lead for good?",
        ("in the first third of the blocks", "in the middle", "in the last third"), right,
        decided_words(lens.decided, subject.outline, winner),
    )  # fmt: skip


def reach_guess(subject: Subject) -> Guess | None:
    """From which part of the layers on a place of a CNN can see all of the input."""
    layers, side = subject.outline.layers, max(subject.geometry.input_size)
    fields = [layer.receptive for layer in layers]
    if any(field is None for field in fields):
        return None
    seeing = [index for index, field in enumerate(fields) if (field or 0) >= side]
    first = seeing[0] if seeing else len(layers)
    right = min(3 * first // len(layers), 3)
    found = f"From {layers[first].name} on" if seeing else "Never: at most"
    most = min(max(field or 0 for field in fields), side)
    return Guess(
        "from where on can a place see as far as the photo is wide?",
        ("the first third of the layers", "the middle", "the last third", "nowhere"), right,
        f"{found}, layer {first + 1} of {len(layers)}." if seeing else f"{found} {most:.0f} px.",
    )  # fmt: skip


def parts_bars(subject: Subject, parts: Parts) -> tuple[tuple[tuple[str, float], ...], ...]:
    """Of each layer: how long the token is before it, and what each part adds."""
    bars = []
    for one in parts.layers:
        token = subject.outline.token_in(one.layer, subject.token, subject.cell.geometry)
        before = [] if one.before is None else [("before the layer", float(one.before[token]))]
        added = [(f"added by {name}", float(lengths[token])) for name, lengths in one.added.items()]
        bars.append((*before, *added))
    return tuple(bars)


def _distances(subject: Subject) -> SeriesRequest:
    """How far heads look: of this model, or of one that has some."""
    own = subject.ask(SeriesRequest, series=DISTANCE)
    if subject.kind != "convolutions":
        return own
    others = (card.id for card in bundled() if card.outline.heads)
    return replace(own, model=next(others, own.model), ablation=type(own.ablation)())


def own_reach(subject: Subject, values: object) -> Reach | None:
    """How far the layers of this model look."""
    side = float(max(subject.geometry.input_size))
    if subject.kind == "convolutions":
        fields = [layer.receptive for layer in subject.outline.layers]
        if any(field is None for field in fields):
            return None
        shares = (np.array([min((field or 0) / side, 1.0)], np.float32) for field in fields)
        return Reach(subject.cell.card.title, tuple(shares), dots=False)
    if not isinstance(values, SeriesValues):
        return None
    return Reach(subject.cell.card.title, _shares(values, side), dots=True)


def other_reach(subject: Subject, values: object) -> Reach | None:
    """How far one of the other kind does."""
    if subject.kind == "convolutions":
        if not isinstance(values, SeriesValues):
            return None
        vit = next((card for card in bundled() if card.outline.heads), None)
        side = float(max(vit.preprocessing.input_size)) if vit else 1.0
        return Reach(vit.title, _shares(values, side), dots=True) if vit else None
    cnn = next((card for card in bundled() if not card.outline.heads), None)
    if cnn is None:
        return None
    side = float(max(cnn.preprocessing.input_size))
    fields = (layer.receptive or 0.0 for layer in cnn.outline.layers)
    shares = (np.array([min(field / side, 1.0)], np.float32) for field in fields)
    return Reach(cnn.title, tuple(shares), dots=False)


def _shares(values: SeriesValues, side: float) -> tuple[Float32[np.ndarray, " heads"], ...]:
    return tuple((numbers / side).astype(np.float32) for _, numbers in values.layers)


def patch_picture(subject: Subject, lens: Lens) -> Picture | None:
    """What each patch would say after the chosen layer."""
    if lens.patches is None:
        return None
    depth = subject.layer + 1
    grid = lens.tokens.grid
    geometry = subject.geometry
    shares = lens.patches.target_share[depth].reshape(grid)
    pixels = subject.drawn(shares, geometry, low=0.0, high=float(shares.max()))
    return Picture(pixels, geometry)
