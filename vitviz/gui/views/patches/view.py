"""The Patches view: the photo as the model receives it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from vitviz.gui.canvas.patch_note import place_text
from vitviz.gui.scene import Scene
from vitviz.gui.views.patches.sheet import PatchSheet, Sheet
from vitviz.gui.views.view import NOTHING, ViewWidget
from vitviz.gui.widgets.text import PlainLabel
from vitviz.imaging.geometry import Geometry
from vitviz.models.tokens import TokenLayout
from vitviz.plurals import count_of
from vitviz.shapes import UInt8
from vitviz.wording.names import token_name


class PatchesView(ViewWidget):
    """The model's input cut into its grid, every token numbered, and a line of facts.

    Signals:
        clicked(object): The patch (row, col) that was clicked; None for a prefix token.
        token_clicked(int): The token that was clicked, prefix tokens too.
        pointed(object): The token under the pointer or the keyboard's frame, or None.
    """

    clicked = Signal(object)
    token_clicked = Signal(int)
    pointed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sheet = PatchSheet()
        self.sheet.clicked.connect(self.clicked)
        self.sheet.token_clicked.connect(self.token_clicked)
        self.sheet.pointed.connect(self.pointed)
        self.sheet.pointed.connect(self._tell)
        self.facts = PlainLabel()
        self.facts.setProperty("quiet", True)
        self.facts.setContentsMargins(20, 6, 20, 8)
        self.facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.sheet)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.sheet, 1)
        layout.addWidget(self.facts)

    def show_scene(self, scene: Scene) -> None:
        """Shows what the model was given, or says that there is nothing yet."""
        cell = scene.cell
        if cell is None or scene.preview is None:
            self.set_message(*NOTHING)
            if scene.session.photo is None:  # else the next one's patches come where these stand
                self.show_input(None, None, None)
            return
        self.set_message("", "")
        self.show_input(cell.input_pixels, cell.geometry, cell.layout, cell.outlined_tokens)

    def show_input(
        self,
        input_pixels: UInt8[np.ndarray, "height width 3"] | None,
        geometry: Geometry | None,
        layout: TokenLayout | None,
        query: tuple[int, ...] = (),
    ) -> None:
        """Shows what a model was given.

        Args:
            input_pixels: After resize and crop, normalisation undone; sRGB. With any of it
                missing, only the message is shown.
            geometry: Of that input.
            layout: Of its tokens.
            query: The tokens that are asked about, to be outlined.
        """
        sheet = None
        if input_pixels is not None and geometry is not None and layout is not None:
            sheet = Sheet(input_pixels, geometry, layout)
        self.sheet.show_sheet(sheet, query)
        self._tell(self.sheet.cursor_token)

    def set_message(self, title: str, text: str = "") -> None:
        """Text in the middle, instead of the patches; two empty strings take it away."""
        self.sheet.set_message(title, text)

    def _tell(self, token: int | None) -> None:
        """Facts of the token under the pointer, else of the whole."""
        sheet = self.sheet.sheet
        if sheet is None:
            self.facts.setText("")
        elif token is None:
            self.facts.setText(_overview(sheet))
        else:
            self.facts.setText(_token_facts(sheet, token))


def _overview(sheet: Sheet) -> str:
    height, width = sheet.geometry.input_size
    rows, cols = sheet.layout.grid
    return (
        f"{width} × {height} pixels in {rows} × {cols} patches of {sheet.geometry.patch}"
        f" × {sheet.geometry.patch} · {count_of(sheet.layout.tokens, 'token')}"
    )


def _token_facts(sheet: Sheet, token: int) -> str:
    patch = sheet.layout.patch(token)
    name = token_name(sheet.layout, token)
    if patch is None:
        return f"token {token} · {name}, learned, stands for no part of the photo"
    place = place_text(sheet.geometry.patch_box(*patch))
    return f"token {token} · {name} · photo {place}"
