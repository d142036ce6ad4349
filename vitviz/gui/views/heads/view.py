"""The Heads view: every layer and head at a glance."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from vitviz.gui.canvas.colour_bar import ColourBarWidget
from vitviz.gui.scene import Scene
from vitviz.gui.views.heads.matrix import HeadMatrix
from vitviz.gui.views.heads.subject import Subject
from vitviz.gui.views.heads.tools import HeadTools
from vitviz.gui.views.view import NOTHING, ViewWidget
from vitviz.gui.widgets.text import PlainLabel
from vitviz.imaging.geometry import Geometry
from vitviz.maps.bar import bar_of
from vitviz.maps.heat_map import Explanation, Head
from vitviz.maps.ranges import look, value_range
from vitviz.maps.style import Style
from vitviz.maps.ticks import number
from vitviz.shapes import UInt8
from vitviz.wording.names import capitalised, head_name, layer_name, prefix_name
from vitviz.wording.numbers import percent


class HeadsView(ViewWidget):
    """The layers x heads matrix, a colour bar where the maps share one, and a line of facts.

    Signals:
        opened(int, object): Layer (from 0) and head or fusion that the user wants to see large.
        silenced(int, int): Layer and head, from 0, that is to be silent, or heard again.
        fill_chosen(str): What silent heads put out.
        grid_requested(): What each head is worth is wanted.
    """

    opened = Signal(int, object)
    silenced = Signal(int, int)
    fill_chosen = Signal(str)
    grid_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.matrix = HeadMatrix()
        self.tools = HeadTools()
        self.tools.fill_chosen.connect(self.fill_chosen)
        self.tools.grid_requested.connect(self.grid_requested)
        self.matrix.opened.connect(self._chosen)
        self.matrix.pointed.connect(self._tell)
        self.colour_bar = ColourBarWidget()
        self.colour_bar.hide()
        self.facts = PlainLabel()
        self.facts.setProperty("quiet", True)
        self.facts.setContentsMargins(20, 6, 20, 8)
        self.facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.matrix)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tools, 0, 0, 1, 2)
        layout.addWidget(self.matrix, 1, 0)
        layout.addWidget(self.colour_bar, 1, 1)
        layout.addWidget(self.facts, 2, 0, 1, 2)
        layout.setColumnStretch(0, 1)

    def show_scene(self, scene: Scene) -> None:
        """Shows every map of the answer, or says that there is none."""
        cell, preview, session = scene.cell, scene.preview, scene.session
        self.tools.show_scene(scene)
        self.matrix.show_silent(frozenset(session.view.ablation.heads))
        if cell is None or preview is None:
            self.set_message(*NOTHING)
            if session.photo is None:  # else the next one's maps come where these stand
                view = session.view
                self.show_explanation(None, None, None, session.style, view.layer, view.head)
            return
        self.set_message("", "")
        self.show_explanation(
            cell.explained(session.view), preview.thumbnail, cell.geometry, session.style,
            session.view.layer, session.view.head,
        )  # fmt: skip

    @Slot(int, object)
    def _chosen(self, layer: int, head: Head) -> None:
        """Opens a map, or switches its head with the switch in hand."""
        if self.tools.switching and isinstance(head, int):
            self.silenced.emit(layer, head)
        else:
            self.opened.emit(layer, head)

    def show_explanation(
        self,
        explanation: Explanation | None,
        thumbnail: UInt8[np.ndarray, "height width 3"] | None,
        geometry: Geometry | None,
        style: Style,
        layer: int,
        head: Head,
    ) -> None:
        """Shows every map of an explanation.

        Args:
            explanation: With any of it missing, only the message is shown.
            thumbnail: The photo, small; sRGB.
            geometry: Of the maps.
            style: How they look; a shared or fixed range gets a colour bar.
            layer: The selected one.
            head: The selected one, or a fusion.
        """
        subject = None
        if explanation is not None and thumbnail is not None and geometry is not None:
            subject = Subject(explanation, thumbnail, geometry, style)
        self.matrix.show_subject(subject, layer, head)
        self._show_bar()
        self._tell(None)

    def set_message(self, title: str, text: str = "") -> None:
        """Text in the middle, instead of the matrix; two empty strings take it away."""
        self.matrix.set_message(title, text)

    def _show_bar(self) -> None:
        subject = self.matrix.subject
        shared = subject is not None and subject.style.range not in ("each", "zero")
        if subject is not None and shared:
            explanation = subject.explanation
            first = explanation.map(subject.layers[0], subject.heads[0])
            how = look(subject.style, first, explanation)
            bar = bar_of(how[1:], explanation.quantity, how.style)
            self.colour_bar.show_bar(bar)
        self.colour_bar.setVisible(shared and self.colour_bar.bar is not None)

    def _tell(self, choice: tuple[int, Head] | None) -> None:
        """Facts of the map under the pointer, else of the whole."""
        subject = self.matrix.subject
        if subject is None:
            self.facts.setText("")
            return
        if choice is not None:
            layer, head = choice
            heat_map = subject.explanation.map(layer, head)
            low, high = value_range("each", heat_map)
            name = f"{capitalised(layer_name(layer))}, {head_name(head)}"
            span = f"{heat_map.unit} {number(low)} to {number(high)}"
            self.facts.setText(f"{name} · {span}" + _prefix_text(heat_map.prefix_share))
        elif subject.style.range == "each":
            self.facts.setText("Each map has its own range, from its least to its greatest value")
        elif subject.style.range == "zero":
            self.facts.setText("Each map has its own range, from zero to its greatest value")
        else:
            self.facts.setText("All maps share one range")


def _prefix_text(shares: tuple[tuple[str, float], ...]) -> str:
    if not shares:
        return ""
    parts = ", ".join(f"{percent(share)} on {prefix_name(name)}" for name, share in shares)
    return f" · {parts}, not shown"
