"""Exports a figure: its choices, a preview that follows them, and the writing of the file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QColor, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.engine import Engine
from vitviz.engine.worker import Done, Dropped, Event, Failed, Progressed, Worker
from vitviz.errors import VitvizError
from vitviz.exporting.provenance import Disclosure
from vitviz.figures.spec import Content, FigureSpec
from vitviz.gui.commands.exports import ask_target
from vitviz.gui.figure.form import FigureForm, content_for
from vitviz.gui.widgets.form import quiet
from vitviz.progress import Progress, Stage
from vitviz.session.state import Session
from vitviz.wording.stages import stage_words

PAUSE_MS = 160
"""Choices that follow each other faster are drawn once."""

FORM_WIDTH = 330

CHECK = 8
"""Side of the squares behind a transparent figure, in pixels."""


@dataclass(frozen=True)
class Wish:
    """What the dialog asks its thread for.

    Args:
        figure: The choices.
        room: Width and height of the preview, in pixels; (0, 0): the file is to be written.
        path: Of the file; None for a preview.
    """

    figure: FigureSpec
    room: tuple[int, int]
    path: Path | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """A preview.

    Args:
        pixels: Red, green, blue, alpha.
        size: The figure's, in words.
        fonts: Every family there is.
    """

    pixels: UInt8[np.ndarray, "height width 4"]
    size: str
    fonts: list[str]


class PreviewArea(QWidget):
    """A figure on the page it is printed on, as large as there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(320, 240)
        self.setAccessibleName("Preview of the figure")
        self._image = QImage()
        self._words = "Drawing…"

    @property
    def image(self) -> QImage:
        """What it shows."""
        return self._image

    @property
    def room(self) -> tuple[int, int]:
        """Width and height that a figure can have, in device pixels."""
        ratio = self.devicePixelRatioF()
        return int((self.width() - 24) * ratio), int((self.height() - 24) * ratio)

    def show_pixels(self, pixels: UInt8[np.ndarray, "height width 4"]) -> None:
        """Shows a figure."""
        height, width = pixels.shape[:2]
        data = np.ascontiguousarray(pixels)
        self._image = QImage(
            data.data, width, height, 4 * width, QImage.Format.Format_RGBA8888
        ).copy()
        self._image.setDevicePixelRatio(self.devicePixelRatioF())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(640, 560)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Window).darker(113))
        if self._image.isNull():
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._words)
        else:
            size = self._image.deviceIndependentSize()
            box = QRectF(round((self.width() - size.width()) / 2),
                         round((self.height() - size.height()) / 2),
                         size.width(), size.height())  # fmt: skip
            if self._image.pixelColor(0, 0).alpha() < 255:
                self._paint_checks(painter, box)
            painter.drawImage(box.topLeft(), self._image)
        painter.end()

    def _paint_checks(self, painter: QPainter, box: QRectF) -> None:
        painter.save()
        painter.setClipRect(box)
        painter.fillRect(box, QColor(255, 255, 255))
        for y in range(0, round(box.height()), CHECK):
            for x in range((y // CHECK % 2) * CHECK, round(box.width()), 2 * CHECK):
                corner = box.topLeft()
                painter.fillRect(
                    QRectF(corner.x() + x, corner.y() + y, CHECK, CHECK), QColor(226, 226, 226)
                )
        painter.restore()


class FigureDialog(QDialog):
    """Asks how a figure is to be, shows it, and writes it.

    Args:
        session: Its figure is where the choices begin.
        engine: Computes what is not there yet, on the dialog's own thread.
        device: Where it computes.
        disclosure: What is said of where the figure comes from.
        suffix: Of the format that is chosen at first.
    """

    _event = Signal(object)

    def __init__(
        self, session: Session, engine: Engine, device: str, disclosure: Disclosure,
        suffix: str = ".pdf", parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle("Export Figure")
        self._session, self._engine, self._device = session, engine, device
        self._disclosure = disclosure
        self._wanted = 0
        self.saved: Path | None = None
        now = session.figure.content
        content = cast("Content", content_for(session.tab, now))
        self.form = FigureForm(replace(session.figure, content=content), suffix)
        self.preview = PreviewArea()
        self.size_label = quiet()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setVisible(False)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setVisible(False)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.export: QPushButton = self.buttons.addButton(
            "Export…", QDialogButtonBox.ButtonRole.ActionRole
        )
        self.export.setDefault(True)
        self.export.setProperty("primary", True)
        self._arrange()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._ask_preview)
        self.form.changed.connect(self._timer.start)
        self.export.clicked.connect(self._export_clicked)
        self.buttons.rejected.connect(self._close_clicked)
        self._event.connect(self._on_event, Qt.ConnectionType.QueuedConnection)
        self._worker: Worker[Wish, Drawn | Path] = Worker(
            self._answer, self._event.emit, "vitviz-figure"
        )
        self._timer.start()

    def _arrange(self) -> None:
        area = QScrollArea()
        area.setWidget(self.form)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFixedWidth(FORM_WIDTH)
        right = QVBoxLayout()
        right.addWidget(self.preview, 1)
        right.addWidget(self.size_label)
        right.addWidget(self.message)
        right.addWidget(self.progress)
        above = QHBoxLayout()
        above.setSpacing(14)
        above.addWidget(area)
        above.addLayout(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 14, 18, 14)
        layout.setSpacing(12)
        layout.addLayout(above, 1)
        layout.addWidget(self.buttons)
        self.resize(1040, 680)

    @property
    def figure(self) -> FigureSpec:
        """What is chosen."""
        return self.form.figure

    @property
    def is_writing(self) -> bool:
        """Whether a file is being written."""
        return not self.form.isEnabled()

    # On the dialog's thread

    def _answer(self, wish: Wish, progress: Progress) -> Drawn | Path:
        from vitviz.models.torch_import import import_torch

        import_torch()
        from vitviz.exporting.figure_files import compose, write_figure

        session = replace(self._session, figure=wish.figure)
        if wish.path is not None:
            write_figure(wish.path, session, self._engine, self._device, progress, self._disclosure)
            return wish.path
        composed = compose(session, self._engine, self._device, progress)
        progress(Stage("drawing_figure"), 0.5)
        from vitviz.figures.draw import MM_PER_INCH, Drawing
        from vitviz.figures.encode import size_text
        from vitviz.figures.typesetting import fonts

        drawing = Drawing(composed.grid, wish.figure)
        fitting = min(wish.room[0] / drawing.layout.width, wish.room[1] / drawing.layout.height)
        # Drawn larger and made smaller, since letters at a few pixels are set badly.
        large = Image.fromarray(drawing.pixels(max(2 * fitting * MM_PER_INCH, 20)))
        small = large.resize((max(large.width // 2, 1), max(large.height // 2, 1)),
                             Image.Resampling.BOX)  # fmt: skip
        return Drawn(np.asarray(small), size_text(drawing), fonts())

    # On the window's thread

    @Slot()
    def _ask_preview(self) -> None:
        if not self.is_writing:
            (self._wanted,) = self._worker.want([Wish(self.figure, self.preview.room)])

    @Slot()
    def _export_clicked(self) -> None:
        if self.is_writing:
            self._worker.want(())  # whatever was begun is gone
            return
        suffix = self.form.suffix
        photo = self._session.photo
        stem = Path(photo.path).stem if photo is not None else "figure"
        path = ask_target(self, "Export figure", f"{stem}-figure{suffix}", suffix)
        if path is not None:
            self._say("")
            self._show_writing(True)
            (self._wanted,) = self._worker.want([Wish(self.figure, (0, 0), path)])

    @Slot()
    def _close_clicked(self) -> None:
        self.reject()

    @Slot(object)
    def _on_event(self, event: Event) -> None:
        if event.id != self._wanted:
            return
        if isinstance(event, Progressed):
            self.progress.setValue(round(1000 * event.fraction))
            self.progress.setToolTip(stage_words(event.stage))
        elif isinstance(event, Done):
            self._on_done(event.answer)
        elif isinstance(event, Failed):
            self._show_writing(False)
            error = event.error
            known = isinstance(error, VitvizError)
            self._say(f"{error.message} {error.hint}" if known else f"Unexpected: {error}")  # type: ignore[attr-defined]
        elif isinstance(event, Dropped) and self.is_writing:
            self._show_writing(False)
            self._say("Cancelled: no file was written.")
            self._ask_preview()

    def _on_done(self, answer: object) -> None:
        if isinstance(answer, Drawn):
            self._say("")
            self.preview.show_pixels(answer.pixels)
            self.size_label.setText(answer.size)
            self.form.show_fonts(answer.fonts)
        elif isinstance(answer, Path):
            self.saved = answer
            self._show_writing(False)
            self.accept()

    def _show_writing(self, writing: bool) -> None:
        self.form.setEnabled(not writing)
        self.progress.setVisible(writing)
        self.progress.setValue(0)
        self.export.setText("Cancel" if writing else "Export…")

    def _say(self, words: str) -> None:
        self.message.setText(words)
        self.message.setVisible(bool(words))

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._timer.start()

    def done(self, result: int) -> None:
        """Ends the dialog and its thread."""
        self._timer.stop()
        self._worker.close(10)
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.reject()
        event.accept()
