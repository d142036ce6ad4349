"""Exports a figure: its choices, a preview that follows them, and the writing of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent, QColor, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.engine import Engine
from vitviz.errors import VitvizError
from vitviz.exporting.provenance import Disclosure
from vitviz.figures.spec import Content, FigureSpec
from vitviz.gui.figure.form import FigureForm
from vitviz.gui.threads.desk import Desk
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import quiet
from vitviz.gui.widgets.target import ask_target
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.plain_text import shown_text
from vitviz.progress import Control, Progress, Stage
from vitviz.session.state import Session
from vitviz.shapes import UInt8
from vitviz.wording.stages import stage_words

PAUSE_MS = 160
"""Choices that follow each other faster are drawn once."""

FORM_WIDTH = 330

CHECK = 8
"""Side of the squares behind a transparent figure, in pixels."""


@dataclass(frozen=True)
class PreviewQuestion:
    """Asks for a picture of the figure.

    Args:
        figure: The choices.
        room: Width and height of the preview, in pixels.
    """

    figure: FigureSpec
    room: tuple[int, int]


@dataclass(frozen=True)
class ExportQuestion:
    """Asks for the figure's file.

    Args:
        figure: The choices.
        path: Of the file.
        control: Cancels it. So what is answered says truly whether there is a file, and each
            export is another question.
    """

    figure: FigureSpec
    path: Path
    control: Control = field(default_factory=Control)


@dataclass(frozen=True, eq=False)
class FigurePreview:
    """A picture of the figure.

    Args:
        pixels: Red, green, blue, alpha.
        size: The figure's, in words.
        fonts: Every family there is.
        missing: What is to be said of letters that no font has.
    """

    pixels: UInt8[np.ndarray, "height width 4"]
    size: str
    fonts: list[str]
    missing: str = ""


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


class FigureDialog(Dialog):
    """Asks how a figure is to be, shows it, and writes it.

    Args:
        session: Its figure is where the choices begin.
        contents: What a figure of the open view can show; the first one, unless the session's
            figure shows another of them.
        engine: Computes what is not there yet, on the dialog's own thread.
        device: Where it computes.
        disclosure: What is said of where the figure comes from.
        suffix: Of the format that is chosen at first.
    """

    def __init__(
        self, session: Session, contents: Sequence[Content], engine: Engine, device: str,
        disclosure: Disclosure, suffix: str = ".pdf", parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle("Export Figure")
        self._session, self._engine, self._device = session, engine, device
        self._disclosure = disclosure
        self._export: ExportQuestion | None = None
        self.saved: Path | None = None
        now = session.figure.content
        content = now if now in contents else contents[0]
        self.form = FigureForm(replace(session.figure, content=content), suffix)
        self.preview = PreviewArea()
        self.size_label = quiet()
        self.message = PlainLabel()
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
        self._desk = Desk(self._answer, "vitviz-figure", parent=self)
        self._desk.answered.connect(self._on_answer)
        self._desk.failed.connect(self._on_failure)
        self._desk.cancelled.connect(self._on_cancelled)
        self._desk.progressed.connect(self._on_progress)
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
        return self._export is not None

    # On the dialog's thread

    def _answer(
        self, question: PreviewQuestion | ExportQuestion, progress: Progress
    ) -> FigurePreview | Path:
        from vitviz.models.torch_import import import_torch

        import_torch()
        if isinstance(question, ExportQuestion):
            return self._write(question, progress)
        return self._draw(question, progress)

    def _write(self, question: ExportQuestion, progress: Progress) -> Path:
        from vitviz.exporting.figure_files import write_figure

        def checked(stage: Stage, fraction: float) -> None:
            question.control.check()
            progress(stage, fraction)

        session = replace(self._session, figure=question.figure)
        write_figure(question.path, session, self._engine, self._device, checked, self._disclosure)
        return question.path

    def _draw(self, question: PreviewQuestion, progress: Progress) -> FigurePreview:
        from vitviz.exporting.figure_files import compose
        from vitviz.figures.draw import MM_PER_INCH, Drawing
        from vitviz.figures.encode import size_text
        from vitviz.figures.fonts import families
        from vitviz.wording.names import missing_letters

        figure, room = question.figure, question.room
        session = replace(self._session, figure=figure)
        composed = compose(session, self._engine, self._device, progress)
        progress(Stage("drawing_figure"), 0.5)
        drawing = Drawing(composed.grid, figure)
        fitting = min(room[0] / drawing.layout.width, room[1] / drawing.layout.height)
        # Drawn larger and made smaller, since letters at a few pixels are set badly.
        large = Image.fromarray(drawing.pixels(max(2 * fitting * MM_PER_INCH, 20)))
        small = large.resize((max(large.width // 2, 1), max(large.height // 2, 1)),
                             Image.Resampling.BOX)  # fmt: skip
        missing = missing_letters(drawing.layout.missing)
        return FigurePreview(np.asarray(small), size_text(drawing), families(), missing)

    # On the window's thread

    @Slot()
    def _ask_preview(self) -> None:
        if not self.is_writing:
            self._desk.ask([PreviewQuestion(self.figure, self.preview.room)])

    @Slot()
    def _export_clicked(self) -> None:
        if self._export is not None:
            self._export.control.cancel()
            return
        suffix = self.form.suffix
        photo = self._session.photo
        stem = Path(photo.path).stem if photo is not None else "figure"
        path = ask_target(self, "Export figure", f"{stem}-figure{suffix}", suffix)
        if path is not None:
            self._say("")
            question = ExportQuestion(self.figure, path)
            self._show_writing(question)
            self._desk.ask([question])

    @Slot()
    def _close_clicked(self) -> None:
        self.reject()

    @Slot(object, object, float)
    def _on_progress(self, question: object, stage: Stage, fraction: float) -> None:
        self.progress.setValue(round(1000 * fraction))
        set_tooltip(self.progress, stage_words(stage))

    @Slot(object, object)
    def _on_answer(self, question: object, answer: object) -> None:
        if isinstance(answer, FigurePreview):
            self._say(answer.missing)
            self.preview.show_pixels(answer.pixels)
            self.size_label.setText(answer.size)
            self.form.show_fonts(answer.fonts)
        elif isinstance(answer, Path):
            self.saved = answer
            self._show_writing(None)
            self.accept()

    @Slot(object, object)
    def _on_failure(self, question: object, error: BaseException) -> None:
        self._show_writing(None)
        if isinstance(error, VitvizError):
            self._say(f"{error.message} {error.hint}")
        else:
            self._say(f"Unexpected: {error}")

    @Slot(object)
    def _on_cancelled(self, question: object) -> None:
        self._show_writing(None)
        self._say("Cancelled: no file was written.")
        self._ask_preview()

    def _show_writing(self, question: ExportQuestion | None) -> None:
        self._export = question
        writing = question is not None
        self.form.setEnabled(not writing)
        self.progress.setVisible(writing)
        self.progress.setValue(0)
        self.export.setText("Cancel" if writing else "Export…")

    def _say(self, words: str) -> None:
        self.message.setText(shown_text(words))
        self.message.setVisible(bool(words))

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._timer.start()

    def done(self, result: int) -> None:
        """Ends the dialog; its thread ends by itself, once matplotlib is through with a figure."""
        self._timer.stop()
        self._desk.close(0)
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.reject()
        event.accept()
