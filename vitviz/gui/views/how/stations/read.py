"""Class: the scores are read, and can be moved by erasing patches and silencing heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from vitviz.engine.answers import Cell
from vitviz.engine.requests import ExplainRequest, Request
from vitviz.engine.station_answers import Readings, WhatIf
from vitviz.engine.station_requests import ReadingsRequest, WhatIfRequest
from vitviz.gui.views.how.guess import Guess, GuessCard
from vitviz.gui.views.how.pieces.barcode import Barcode
from vitviz.gui.views.how.pieces.heads import HeadSwitches
from vitviz.gui.views.how.pieces.picture import PatchPicture, Picture
from vitviz.gui.views.how.pieces.scores import ScoreBars
from vitviz.gui.views.how.scores import scores_of
from vitviz.gui.views.how.station import Columns, Station, column, quiet, strong
from vitviz.gui.views.how.subject import Facts, Subject, on_input
from vitviz.gui.widgets.text import set_tooltip
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.probing.ablation import Ablation
from vitviz.wording.numbers import percent, score

SHOWN = 5

WHY = ("libragrad", "hires-cam", "grad-cam")
"""Methods whose maps say what speaks for a class and what against it, the best first."""


class ReadStation(Station):
    """Brush and bars above, how the score comes about and why not the other class below."""

    stop = "read"

    def __init__(self) -> None:
        super().__init__()
        self._classes: tuple[int, ...] = ()
        self._of: object = None
        self.picture = PatchPicture("Patches that can be erased", 300)
        self.picture.brushing = True
        self.picture.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.picture.setMinimumHeight(210)
        self.picture.brushed.connect(self._on_brushed)
        self.scores = ScoreBars("Scores")
        self.scores.chosen.connect(self._on_class)
        self.moved = quiet()
        self.heads_title, self.heads = strong("Heads: click one to silence it"), HeadSwitches()
        self.heads.switched.connect(self._on_head)
        self.whole = QPushButton("Give All Back")
        set_tooltip(self.whole, "Takes back what was erased and silenced, here and in all views")
        self.whole.clicked.connect(self.whole_requested)
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.whole)
        line.addStretch(1)
        self.scores_title = strong("Scores")
        self.left = PatchPicture("What is left", 200, choosing=False)
        right = column(
            self.scores_title, self.left, self.scores, self.moved, self.heads_title, self.heads, row
        )
        self.guess = GuessCard()
        self.guess.guessed.connect(lambda: self.did.emit("guessed"))
        self.body.addWidget(Columns((self.picture, 1), (right, 1), from_width=460), 1)
        self.body.addWidget(self.guess)
        self.body.addWidget(self._sum())
        self.body.addWidget(self._why())

    def _sum(self) -> QWidget:
        self.sum_title, self.products, self.sum_words = strong(), Barcode("Products"), quiet()
        self.products.pointed.connect(self._on_product)
        self.sum = column(self.sum_title, self.products, self.sum_words, spacing=5)
        return self.sum

    def _why(self) -> QWidget:
        self.why_title, self.why_words = strong(), quiet()
        self.why_map = PatchPicture("Why this class and not the other", 240, choosing=False)
        self.why_map.setMinimumHeight(190)
        self.others = ScoreBars("Set against")
        self.others.chosen.connect(self._on_other)
        words = column(self.why_title, self.why_words, quiet("Set it against"), self.others)
        self.why = Columns((self.why_map, 1), (words, 1), from_width=460)
        return self.why

    # What is asked

    def wants(self, subject: Subject) -> tuple[Request, ...]:
        found: list[Request] = [subject.ask(WhatIfRequest)]
        if not subject.has_classes:
            return tuple(found)
        found.append(self._whole_asked(subject))
        found.append(self._readings(subject))
        why = self._why_asked(subject)
        return (*found, why) if why is not None else tuple(found)

    def _whole_asked(self, subject: Subject) -> WhatIfRequest:
        return replace(subject.ask(WhatIfRequest), ablation=Ablation())

    def _readings(self, subject: Subject) -> ReadingsRequest:
        pair = (subject.target, self._other(subject))
        return subject.ask(ReadingsRequest, classes=tuple(dict.fromkeys(pair)))

    def _other(self, subject: Subject) -> int:
        """The class that this one is set against: the one chosen, else the next most probable."""
        chosen, target = subject.session.view.contrast, subject.target
        shares = subject.cell.probabilities
        assert shares is not None
        if chosen is not None and chosen < len(shares) and chosen != target:
            return chosen
        best = (-shares).argsort(kind="stable")[:2].tolist()
        return next((index for index in best if index != target), target)

    def _why_asked(self, subject: Subject) -> ExplainRequest | None:
        fitting = (name for name in WHY if name in METHODS and METHODS[name].fits(subject.outline))
        name, other = next(fitting, None), self._other(subject)
        if name is None or other == subject.target:
            return None
        method = METHODS[name]
        return subject.ask(
            ExplainRequest, method=name, params=(), head="mean" if method.fuses_first else None,
            query="auto", direction=method.directions[0], target=subject.target, contrast=other,
        )  # fmt: skip

    # What is shown

    def fill(self, subject: Subject, facts: Facts) -> None:
        self._show_brush(subject)
        for part in (self.scores, self.scores_title, self.moved, self.sum, self.why):
            part.setVisible(subject.has_classes)
        self.left.setVisible(not subject.has_classes)
        self._show_heads(subject)
        now = facts.last(subject.ask(WhatIfRequest), subject)
        if not subject.has_classes:
            self.guess.show_guess(None)
            if isinstance(now, WhatIf):
                self._show_left(subject, now)
            return
        whole = facts.last(self._whole_asked(subject), subject)
        if isinstance(now, WhatIf) and isinstance(whole, WhatIf):
            self._show_scores(subject, now, whole)
        self._show_sum(subject, facts)
        self._show_why(subject, facts)
        self.guess.show_guess(self._guess(subject, facts))

    @staticmethod
    def _brush_geometry(subject: Subject) -> Geometry:
        """Of the first layer whose patches are few enough to be hit."""
        layers = range(subject.outline.depth)
        fitting = (
            subject.geometry_of(layer) for layer in layers
            if np.prod(subject.geometry_of(layer).grid) <= MOST_BRUSHED
        )  # fmt: skip
        return next(fitting, subject.geometry_of(subject.outline.depth - 1))

    def _show_brush(self, subject: Subject) -> None:
        geometry = self._brush_geometry(subject)
        ablation = subject.session.view.ablation
        on_photo = replace(
            geometry, photo_size=subject.cell.geometry.photo_size,
            resized_size=subject.cell.geometry.resized_size,
            window_origin=subject.cell.geometry.window_origin,
        )  # fmt: skip
        removed = ablation.removed(on_photo)
        gone = int(removed.sum())
        caption = "drag to erase patches" if not gone else f"{gone} of {removed.size} erased"
        self._on_photo = on_photo
        self.picture.show_picture(
            Picture(subject.pixels, geometry, removed=removed, lines=True), "", caption
        )
        self.whole.setEnabled(bool(ablation))

    def _show_heads(self, subject: Subject) -> None:
        heads = tuple(layer.heads for layer in subject.outline.layers)
        there = max(heads) > 0 and subject.has_classes
        self.heads.setVisible(there)
        self.heads_title.setVisible(there)
        if there:
            self.heads.show_heads(heads, frozenset(subject.session.view.ablation.heads))

    def _show_left(self, subject: Subject, now: WhatIf) -> None:
        """Of a model without classes: what its last layer makes of what is left."""
        heat_map = now.explanation.map(max(now.explanation.by_layer), "mean")
        geometry = on_input(heat_map.geometry)
        title = "where the last block looks" if now.method == "attention" else "feature norms"
        self.left.show_picture(Picture(subject.drawn(heat_map.values, geometry), geometry), title)

    def _show_scores(self, subject: Subject, now: WhatIf, whole: WhatIf) -> None:
        assert now.shares is not None
        assert whole.shares is not None
        best = (-whole.shares).argsort(kind="stable")[:SHOWN].tolist()
        new = int(now.shares.argmax())
        classes = tuple(dict.fromkeys([*best[: SHOWN - 1], new, *best]))[:SHOWN]
        before = whole.shares if subject.session.view.ablation else None
        scores = scores_of(subject, classes, now.shares, before)
        self.scores.show_scores(scores, subject.target)
        if before is None:
            self.moved.setText("Lines will mark where the bars were.")
            return
        first = int(before.argmax())
        name, outputs = subject.cell.class_name(first), subject.cell.outputs
        was, is_now = float(before[first]), float(now.shares[first])
        words = f"“{name}” was {score(was, outputs)} and is {score(is_now, outputs)}."
        if new != first:
            words += f" Now it says “{subject.cell.class_name(new)}”."
        self.moved.setText(words)

    def _show_sum(self, subject: Subject, facts: Facts) -> None:
        known = facts.last(self._readings(subject), subject)
        readings = known.readings if isinstance(known, Readings) else ()
        self.sum.setVisible(bool(readings))
        if not readings:
            return
        name = subject.cell.class_name(known.classes[0])
        reading = readings[0]
        self.sum_title.setText(f"{_first_letter(reading.name)} times the row of “{name}”")
        rows = [("read", reading.features), ("class", reading.vectors[0]),
                ("product", reading.products[0])]  # fmt: skip
        self.products.show_rows(rows, own_scales=True)
        each = [
            f"{one.name}: {one.products[0].sum():.2f} + {one.biases[0]:.2f}" for one in readings
        ]
        how = " and ".join(each) + (", their mean" if len(each) > 1 else "")
        words = f"Summed, with the class's own bias: {how} = {known.logits[0]:.2f}"
        share = score(float(known.shares[0]), subject.cell.outputs)
        best = np.argsort(-np.abs(reading.products[0]))[:3] + 1
        words += (
            f", which is {share} among all classes. Most by numbers {', '.join(map(str, best))}."
        )
        self.sum_words.setText(words.replace("-", "−"))

    def _show_why(self, subject: Subject, facts: Facts) -> None:
        asked = self._why_asked(subject)
        cell = facts.last(asked, subject) if asked is not None else None
        self.why.setVisible(isinstance(cell, Cell))
        if not isinstance(cell, Cell) or asked is None:
            return
        explanation = cell.explanation
        layer = max(explanation.by_layer)
        heat_map = explanation.map(layer, "mean")
        geometry, signed = on_input(heat_map.geometry), heat_map.quantity.kind == "signed"
        pixels = subject.drawn(heat_map.values, geometry, signed=signed)
        target, other = (subject.cell.class_name(i) for i in (subject.target, self._other(subject)))
        self.why_title.setText(f"Why “{target}” and not “{other}”?")
        self.why_map.show_picture(Picture(pixels, geometry), "", METHODS[asked.method].title)
        where = "Red patches speak for the first, blue ones for the second." if signed else (
            "Bright patches speak for the first."
        )  # fmt: skip
        self.why_words.setText(
            f"{where} The map is of how far the score of the one is above that of the other."
        )
        shares = subject.cell.probabilities
        assert shares is not None
        best = (-shares).argsort(kind="stable")[:4].tolist()
        rest = tuple(i for i in dict.fromkeys([self._other(subject), *best]) if i != subject.target)
        self.others.show_scores(scores_of(subject, rest[:3], shares, None), self._other(subject))

    def _guess(self, subject: Subject, facts: Facts) -> Guess | None:
        """Which of two classes reads more from numbers that speak against it."""
        known = facts.last(self._readings(subject), subject)
        if not isinstance(known, Readings) or not known.readings:
            return None
        products = known.readings[0].products[0]
        down = float(-products[products < 0].sum() / np.abs(products).sum())
        right = 0 if down < 0.1 else 1 if down < 0.3 else 2
        name = subject.cell.class_name(known.classes[0])
        return Guess(
            f"how much of what is summed speaks against “{name}”?",
            ("less than a tenth", "about a fifth", "a third or more"), right,
            f"Of all products' lengths {percent(down)} pull the score down; what is left is the "
            f"score, {known.logits[0]:.2f}.".replace("-", "−"),
        )  # fmt: skip

    # What the user does

    def _on_brushed(self, patch: int, gone: bool) -> None:
        row, col = divmod(patch, self._on_photo.grid[1])
        self.brushed.emit(self._on_photo.patch_box(row, col), gone)
        self.did.emit("erased a patch")

    def _on_head(self, layer: int, head: int) -> None:
        self.head_switched.emit(layer, head)
        self.did.emit("silenced a head")

    def _on_product(self, number: int) -> None:
        if number >= 0:
            self.did.emit("pointed at a product")

    def _on_class(self, index: int) -> None:
        self.target_chosen.emit(index)
        self.did.emit("chose a class")

    def _on_other(self, index: int) -> None:
        self.contrast_chosen.emit(index)
        self.did.emit("chose the other class")

    def focus_first(self) -> None:
        self.picture.setFocus(Qt.FocusReason.OtherFocusReason)


MOST_BRUSHED = 1024
"""Patches that can still be hit; a network of finer ones is brushed in patches of a later layer."""


def _first_letter(words: str) -> str:
    return words[:1].upper() + words[1:]
