"""The Masked view: a photo with hidden patches, what a decoder makes of them, and both together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.answers import Reconstruction
from vitviz.gui.scene import Scene
from vitviz.gui.views.masked.pictures import MaskPictures, TitledPicture
from vitviz.gui.views.view import NOTHING, ViewWidget
from vitviz.gui.widgets.form import Choice, WholeNumber
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look
from vitviz.maps.style import Style
from vitviz.models.tokens import TokenLayout
from vitviz.session.mask import MaskChoice, painted
from vitviz.session.queries import query_tokens
from vitviz.session.state import View
from vitviz.wording.names import head_name, layer_name, query_name

NO_DECODER = (
    "This model makes no pixels",
    "Open a masked autoencoder (MAE) with its decoder, to hide patches and see what it makes of "
    "them. (Model, Open Model)",
)

ONE_ROW = 800
"""Pixels of width from which all controls stand in one row."""

PIXELS: tuple[tuple[str, bool | None], ...] = (
    ("as the model says", None), ("normalised", True), ("plain", False),
)  # fmt: skip


class MaskedView(ViewWidget):
    """Three pictures, a fourth of attention, and what hides patches.

    Signals:
        wanted(): What it should show has to be asked for.
        mask_chosen(MaskChoice, str kind): The user chose this mask; ``kind`` merges undo steps.
        patch_chosen(int): The user asks about this patch, row by row.
    """

    wanted = Signal()
    mask_chosen = Signal(object, str)
    patch_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.normalised: bool | None = None
        self._mask, self._view, self._style = MaskChoice(), View(), Style()
        self._answer: Reconstruction | None = None
        self._asked: object = None
        self.pictures = MaskPictures()
        self.pictures.painted.connect(self._on_painted)
        self.pictures.chosen.connect(self.patch_chosen)
        self.share = QSlider(Qt.Orientation.Horizontal)
        self.share.setRange(0, 100)
        self.share.setMinimumWidth(90)
        self.share.setAccessibleName("Part of the patches that is hidden, in percent")
        set_tooltip(self.share, "Part of the patches that is hidden")
        self.percent = PlainLabel()
        self.seed = WholeNumber("Seed", 0, 9999)
        self.seed.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        set_tooltip(self.seed, "Which patches chance hides: the same number, the same patches")
        self.again = QPushButton("By Chance")
        set_tooltip(self.again, "Lets chance hide patches again, instead of those painted")
        self.pixels = Choice("Predicted pixels", PIXELS)
        self.pixels.setMinimumWidth(170)
        self.pixels.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        set_tooltip(
            self.pixels,
            "Most masked autoencoders predict each patch's pixels less their mean, by their "
            "spread; both are taken from the true patch to undo that",
        )
        self.attention = QCheckBox("Attention")
        self.attention.setChecked(True)
        set_tooltip(self.attention, "Where the encoder looks, among the patches that it sees")
        self.facts = PlainLabel()
        self.facts.setProperty("quiet", True)
        self.facts.setContentsMargins(20, 4, 20, 8)
        self.facts.setWordWrap(True)
        self.facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._arrange()
        self.share.valueChanged.connect(self._on_share)
        self.seed.valueChanged.connect(self._on_seed)
        self.again.clicked.connect(self._on_again)
        self.pixels.currentIndexChanged.connect(self._on_pixels)
        self.attention.toggled.connect(self._show)

    def _arrange(self) -> None:
        self.bar = QWidget()
        self._bar = QBoxLayout(QBoxLayout.Direction.LeftToRight, self.bar)
        self._bar.setContentsMargins(20, 8, 20, 4)
        chance = ("Hidden", self.share, self.percent), ("Seed", self.seed, self.again)
        shown = (("Pixels", self.pixels), ("", self.attention))
        for groups in (chance, shown):
            row = QHBoxLayout()
            row.setSpacing(8)
            for title, *controls in groups:
                if title:
                    label = PlainLabel(title)
                    label.setProperty("quiet", True)
                    row.addWidget(label)
                for control in controls:
                    row.addWidget(control)
                row.addSpacing(8)
            row.addStretch(1)
            self._bar.addLayout(row)
        self._bar.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.pictures, 1)
        layout.addWidget(self.facts)
        self.setFocusProxy(self.pictures)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two rows of controls where one has no room."""
        narrow = self.width() < ONE_ROW
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._bar.setDirection(down if narrow else across)
        super().resizeEvent(event)

    # What is shown

    def show_scene(self, scene: Scene) -> None:
        """Shows the answer to the mask that is chosen, and asks for it where there is none."""
        session = scene.session
        self._mask, self._view, self._style = session.mask, session.view, session.style
        self._show_controls()
        cell = scene.cell
        if cell is None or "decoder" not in cell.outline.gives:
            self._answer = self._asked = None
            self.bar.setEnabled(False)
            self.facts.setText("")
            self.pictures.show_message(*(NOTHING if cell is None else NO_DECODER))
            return
        self.bar.setEnabled(True)
        view = session.view
        asked = (cell.request.photo, cell.request.model, session.input, session.mask, view.query,
                 view.ablation, session.background, self.normalised)  # fmt: skip
        if asked != self._asked:
            new = self._answer is None or self._answer.request.photo != cell.request.photo
            if new or self._answer is None or self._answer.request.model != cell.request.model:
                self._answer = None
                self.pictures.show_message(*NOTHING)
            self._asked = asked
            self.wanted.emit()
        self._show()

    def show_answer(self, answer: Reconstruction) -> None:
        """Shows what a decoder made."""
        self._answer = answer
        self._show()

    def show_failure(self, error: BaseException) -> None:
        """Says why there is no answer."""
        self._answer = None
        self.facts.setText("")
        message = getattr(error, "message", str(error))
        self.pictures.show_message(message, getattr(error, "hint", ""))

    def _show_controls(self) -> None:
        with QSignalBlocker(self.share):
            self.share.setValue(round(100 * self._mask.share))
        self.seed.show_value(self._mask.seed)
        self.again.setEnabled(self._mask.grid != (0, 0))

    def _show(self) -> None:
        answer = self._answer
        if answer is None:
            return
        hidden = int(answer.hidden.sum())
        self.percent.setText(f"{100 * hidden / answer.hidden.size:.0f} %")
        pictures = [
            TitledPicture("What is seen", answer.masked),
            TitledPicture("Reconstruction", answer.pixels),
            TitledPicture("Pasted", answer.pasted),
        ]
        outlined: tuple[int, ...] = ()
        explanation = answer.explanation
        self.attention.setEnabled(explanation is not None)
        if explanation is not None and self.attention.isChecked():
            heat_map = explanation.map(self._view.layer, self._view.head)
            tokens = explanation.by_layer[heat_map.layer].tokens
            title = self._title(answer, heat_map, tokens)
            pictures.append(TitledPicture(title, self._attention(answer, heat_map)))
            if len(answer.query_tokens) == 1:
                prefix = len(tokens.prefix)
                outlined = tuple(t - prefix for t in answer.query_tokens if t >= prefix)
        self.pictures.show_pictures(pictures, answer.hidden, outlined)
        self.facts.setText(_facts(answer, painted=self._mask.is_painted(answer.hidden.shape)))

    def _title(self, answer: Reconstruction, heat_map: HeatMap, tokens: TokenLayout) -> str:
        of = query_name(tokens, answer.query_tokens)
        layer = layer_name(heat_map.layer, answer.card.outline)
        head = heat_map.head
        heads = head_name(head) if isinstance(head, int) else f"{head} of all heads"
        return f"Attention of {of} · {layer} · {heads}"

    def _attention(self, answer: Reconstruction, heat_map: HeatMap) -> np.ndarray:
        """The map over the visible patches; hidden ones stay grey."""
        size = answer.geometry.input_size
        on_input = Geometry(size, size, (0, 0), size, answer.geometry.patch)
        values = np.where(answer.hidden, np.nan, heat_map.values).astype(np.float32)
        values.flags.writeable = False
        heat_map = replace(heat_map, values=values, geometry=on_input)
        style = replace(self._style, smooth=False, outlined=0.0)
        return drawn(answer.masked, heat_map, look(style, heat_map))

    # What the user does

    def _on_share(self, percent: int) -> None:
        self.mask_chosen.emit(MaskChoice(percent / 100, self._mask.seed), "mask share")

    def _on_seed(self, seed: int) -> None:
        self.mask_chosen.emit(MaskChoice(self._mask.share, seed), "mask seed")

    def _on_again(self) -> None:
        self.mask_chosen.emit(MaskChoice(self._mask.share, self._mask.seed), "")

    def _on_painted(self, patches: frozenset[int], hide: bool) -> None:
        if self._answer is not None:
            rows, cols = self._answer.hidden.shape
            self.mask_chosen.emit(painted(self._mask, (rows, cols), patches, hide), "")

    def _on_pixels(self) -> None:
        value = self.pixels.value
        assert value is None or isinstance(value, bool)
        self.normalised = value
        self._asked = None
        self.wanted.emit()


def _facts(answer: Reconstruction, *, painted: bool) -> str:
    hidden, count = int(answer.hidden.sum()), answer.hidden.size
    kind = "plain pixels"
    if answer.normalised:
        kind = "normalised pixels, undone with the true patches' mean and spread"
    parts = [
        f"{hidden} of {count} patches hidden {'by hand' if painted else 'by chance'}",
        f"predicted: {kind}",
        "what it makes of seen patches means nothing",
        *_asked_instead(answer),
        "drag on the first picture to hide patches or see them",
    ]
    return " · ".join(parts)


def _asked_instead(answer: Reconstruction) -> list[str]:
    """Whose attention there is none of, and whose is shown."""
    outline = answer.card.outline_at(answer.geometry.input_size)
    wanted = query_tokens(answer.request.query, outline, answer.geometry)
    if answer.explanation is None or set(answer.query_tokens) & set(wanted):
        return []
    names = (query_name(outline.tokens(0), tokens) for tokens in (wanted, answer.query_tokens))
    return ["{} is hidden: {} is asked about".format(*names)]
