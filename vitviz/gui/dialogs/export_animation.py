"""What an animation is to show, how fast, and as what."""

from __future__ import annotations

from typing import get_args

import numpy as np
from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QCheckBox, QDialogButtonBox, QVBoxLayout, QWidget

from vitviz.engine.answers import Cell
from vitviz.exporting.animation import MOST_PIXELS, Along, Animation, alongs, frames, shots
from vitviz.exporting.film import Film, has_video
from vitviz.exporting.formats import choices
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import Choice, Number, WholeNumber, form, quiet, row
from vitviz.gui.widgets.text import PlainLabel
from vitviz.imaging.photo import Photo
from vitviz.methods import METHODS
from vitviz.plurals import count_of
from vitviz.session.state import Session
from vitviz.shapes import UInt8

TITLES: dict[Along, str] = {
    "layers": "Layer by layer",
    "heads": "Head by head",
    "depth": "Depth: up to each layer",
}

PREVIEW_WIDTH, PREVIEW_HEIGHT = 404, 200
"""In pixels; a higher one would not fit a small laptop with all that is below it."""

NO_VIDEO = "MP4 needs PyAV: pip install av, then start vitviz again."


class Player(PlainLabel):
    """Plays frames, each as long as it will stay."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFixedHeight(PREVIEW_HEIGHT)
        self.setAccessibleName("Preview")
        self._frames: list[QPixmap] = []
        self._durations: list[int] = []
        self._at = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)

    def play(self, frames: list[QPixmap], durations_ms: list[int]) -> None:
        """Plays from the first one; no frames: stops."""
        self._frames, self._durations, self._at = frames, durations_ms, -1
        self.clear()
        self._timer.stop()
        if frames:
            self._next()

    @Slot()
    def _next(self) -> None:
        self._at = (self._at + 1) % len(self._frames)
        self.setPixmap(self._frames[self._at])
        self._timer.start(self._durations[self._at])


class AnimationDialog(Dialog):
    """Asks what the animation is to be, and plays it.

    Args:
        photo: Small: for the preview.
        cell: What is looked at.
        session: The choices.
        can_video: MP4 can be written; None: look whether it can.
    """

    def __init__(
        self,
        photo: Photo,
        cell: Cell,
        session: Session,
        parent: QWidget | None = None,
        *,
        can_video: bool | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export Animation")
        self.setMinimumWidth(440)
        self._photo = photo
        self._session = session
        self._cell = cell
        self.player = Player()
        self._can_video = has_video() if can_video is None else can_video
        usual = Animation()
        self.along = Choice("Moves", [(TITLES[a], a) for a in alongs(cell.request.method)])
        self.format = Choice("Format", choices("animation"))
        self.rate = Number("Frames a second", 0.1, 30, 1)
        self.rate.setValue(usual.film.frames_per_s)
        self.rate.setSingleStep(0.5)
        self.hold = Number("Last frame stays, seconds", 0, 60, 1)
        self.hold.setSuffix(" s")
        self.hold.setValue(usual.film.hold_s)
        self.width_ = WholeNumber("Width of the photo, pixels", 64, MOST_PIXELS)
        self.width_.setSuffix(" pixels")
        self.width_.setSingleStep(80)
        self.width_.setValue(usual.width)
        self.loop = QCheckBox("Begin again at the end")
        self.words = QCheckBox("Heading and caption")
        self.bar = QCheckBox("Colour bar")
        for box in (self.loop, self.words, self.bar):
            box.setChecked(True)
        self.about = quiet()
        self._arrange()
        for choice in (self.along, self.format):
            choice.currentIndexChanged.connect(self._show)
        for number in (self.rate, self.hold, self.width_):
            number.valueChanged.connect(self._show)
        for box in (self.words, self.bar):
            box.toggled.connect(self._show)
        self._show()

    def _arrange(self) -> None:
        fields = form()
        row(fields, "Moves", self.along)
        row(fields, "Format", self.format)
        row(fields, "Frames/s", self.rate)
        row(fields, "Hold last", self.hold, "How long the last frame stays")
        row(fields, "Width", self.width_, "Of the photo, at most; a smaller one stays as it is")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export = self.buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        self.export.setProperty("primary", True)
        self.export.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(self.player)
        layout.addLayout(fields)
        for box in (self.words, self.bar, self.loop):
            layout.addWidget(box)
        layout.addWidget(self.about)
        layout.addStretch(1)
        layout.addWidget(self.buttons, 0, Qt.AlignmentFlag.AlignBottom)

    @property
    def suffix(self) -> str:
        """Of the file."""
        return str(self.format.value)

    @property
    def animation(self) -> Animation:
        """What it is to be."""
        along = next(a for a in get_args(Along) if a == self.along.value)
        film = Film(self.rate.value(), self.hold.value(), self.loop.isChecked())
        return Animation(
            along, self.width_.value(), self.words.isChecked(), self.bar.isChecked(), film
        )

    def done(self, result: int) -> None:
        self.player.play([], [])
        super().done(result)

    def _play(self) -> None:
        """Shows the frames, smaller; other heads of methods that fuse them are not there yet."""
        animation, cell = self.animation, self._cell
        if animation.along == "heads" and METHODS[cell.request.method].fuses_first:
            self.player.play([], [])
            self.player.setText("The heads are computed when it is written.")
            return
        shown = shots(cell, self._session.view, animation.along, lambda *_: cell)
        drawn = frames(self._photo, shown, self._session.style, animation)
        pixmaps = [self._pixmap(pixels) for pixels in drawn]
        self.player.play(pixmaps, animation.film.durations_ms(len(pixmaps)))

    def _pixmap(self, pixels: UInt8[np.ndarray, "height width 3"]) -> QPixmap:
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        return QPixmap.fromImage(image).scaled(
            PREVIEW_WIDTH, PREVIEW_HEIGHT, Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )  # fmt: skip

    @Slot()
    def _show(self) -> None:
        self._play()
        missing = self.suffix == ".mp4" and not self._can_video
        self.export.setEnabled(not missing)
        self.loop.setEnabled(self.suffix != ".mp4")
        if missing:
            self.about.setText(NO_VIDEO)
            return
        cell, animation = self._cell, self.animation
        along_heads = animation.along == "heads"
        count = cell.outline.heads if along_heads else len(cell.explanation.layers)
        seconds = sum(animation.film.durations_ms(count)) / 1000
        self.about.setText(
            f"{count_of(count, 'frame')}, {seconds:.1f} s, one range of colours for all of them."
        )
