"""Exports a figure: its choices, a preview that follows them, and the writing of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import Qt, QTimer, QUrl, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QGuiApplication,
)
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
from vitviz.figures.words import PlacedWord, placed
from vitviz.gui.figure.form import FigureForm
from vitviz.gui.figure.preview import PreviewArea, image_of
from vitviz.gui.threads.desk import Desk
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import quiet
from vitviz.gui.widgets.target import ask_target
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.paths import absolute
from vitviz.plain_text import shown_text
from vitviz.progress import Control, Progress, Stage
from vitviz.session.state import Session
from vitviz.shapes import UInt8
from vitviz.wording.stages import stage_words

PAUSE_MS = 160
"""Choices that follow each other faster are drawn once."""

FORM_WIDTH = 330

MOST_PIXELS = 6000
"""Of a preview's longer side: a poster at its real size is not drawn larger."""


@dataclass(frozen=True)
class PreviewQuestion:
    """Asks for a picture of the figure.

    Args:
        figure: The choices.
        room: Width and height of the preview, in pixels.
        per_mm: Pixels to a millimetre, for the size that it is printed in; 0: what fits.
    """

    figure: FigureSpec
    room: tuple[int, int]
    per_mm: float = 0.0


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
class CopyQuestion:
    """Asks for the figure as it would be exported, for the clipboard."""

    figure: FigureSpec


@dataclass(frozen=True, eq=False)
class CopiedFigure:
    """The figure at its resolution: red, green, blue, alpha."""

    pixels: UInt8[np.ndarray, "height width 4"]


@dataclass(frozen=True, eq=False)
class FigurePreview:
    """A picture of the figure.

    Args:
        pixels: Red, green, blue, alpha.
        size: The figure's, in words.
        fonts: Every family there is.
        missing: What is to be said of letters that no font has.
        words: That can be edited, in millimetres.
        scale: Pixels to a millimetre.
    """

    pixels: UInt8[np.ndarray, "height width 4"]
    size: str
    fonts: list[str]
    missing: str = ""
    words: tuple[PlacedWord, ...] = ()
    scale: float = 1.0


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
        figure = replace(session.figure, content=content)
        if session.figure == FigureSpec() and content == "compare" and len(session.panes) > 1:
            figure = replace(figure, letters=True)  # as the panes are lettered in the window
        self.form = FigureForm(figure, suffix)
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
        self.copy: QPushButton = self.buttons.addButton(
            "Copy", QDialogButtonBox.ButtonRole.ActionRole
        )
        set_tooltip(self.copy, "Copies the figure as a picture of this resolution")
        self.cancel = QPushButton("Cancel")
        self.cancel.hide()
        self.folder = QPushButton("Show in Folder")
        self.folder.hide()
        self.reset_words = QPushButton("Reset Words")
        set_tooltip(self.reset_words, "Headings and caption say again what they say by themselves")
        self.reset_words.hide()
        self.real_size = QPushButton("Actual Size")
        self.real_size.setCheckable(True)
        set_tooltip(self.real_size, "As large as it is printed, else as large as there is room")
        self._arrange()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._desk = Desk(self._answer, "vitviz-figure", parent=self)
        self._connect()
        self._timer.start()

    def _connect(self) -> None:
        self._timer.timeout.connect(self._ask_preview)
        self.form.changed.connect(self._timer.start)
        self.export.clicked.connect(self._export_clicked)
        self.copy.clicked.connect(self._copy_clicked)
        self.cancel.clicked.connect(self._cancel_clicked)
        self.folder.clicked.connect(self._show_folder)
        self.real_size.toggled.connect(self._timer.start)
        self.preview.reworded.connect(self._reword)
        self.reset_words.clicked.connect(self._reset_words)
        self.buttons.rejected.connect(self._close_clicked)
        self._desk.answered.connect(self._on_answer)
        self._desk.failed.connect(self._on_failure)
        self._desk.cancelled.connect(self._on_cancelled)
        self._desk.progressed.connect(self._on_progress)

    def _arrange(self) -> None:
        area = QScrollArea()
        area.setWidget(self.form)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFixedWidth(FORM_WIDTH)
        right = QVBoxLayout()
        page = QScrollArea()
        page.setWidget(self.preview)
        page.setWidgetResizable(True)
        page.setFrameShape(QFrame.Shape.NoFrame)
        right.addWidget(page, 1)
        facts = QHBoxLayout()
        facts.addWidget(self.size_label, 1)
        facts.addWidget(self.reset_words)
        facts.addWidget(self.real_size)
        right.addLayout(facts)
        said = QHBoxLayout()
        said.addWidget(self.message, 1)
        said.addWidget(self.folder)
        right.addLayout(said)
        work = QHBoxLayout()
        work.addWidget(self.progress, 1)
        work.addWidget(self.cancel)
        right.addLayout(work)
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
        self, question: PreviewQuestion | ExportQuestion | CopyQuestion, progress: Progress
    ) -> FigurePreview | CopiedFigure | Path:
        from vitviz.models.torch_import import import_torch

        import_torch()
        if isinstance(question, ExportQuestion):
            return self._write(question, progress)
        if isinstance(question, CopyQuestion):
            return self._copied(question, progress)
        return self._draw(question, progress)

    def _write(self, question: ExportQuestion, progress: Progress) -> Path:
        from vitviz.exporting.figure_files import write_figure

        def checked(stage: Stage, fraction: float) -> None:
            question.control.check()
            progress(stage, fraction)

        session = replace(self._session, figure=question.figure)
        write_figure(question.path, session, self._engine, self._device, checked, self._disclosure)
        return question.path

    def _copied(self, question: CopyQuestion, progress: Progress) -> CopiedFigure:
        from vitviz.exporting.figure_files import compose
        from vitviz.figures.draw import Drawing

        session = replace(self._session, figure=question.figure)
        composed = compose(session, self._engine, self._device, progress)
        return CopiedFigure(Drawing(composed.grid, question.figure).pixels())

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
        if question.per_mm:
            fitting = min(question.per_mm, MOST_PIXELS / max(drawing.layout.width,
                                                             drawing.layout.height))  # fmt: skip
        # Drawn larger and made smaller, since letters at a few pixels are set badly.
        large = Image.fromarray(drawing.pixels(max(2 * fitting * MM_PER_INCH, 20)))
        small = large.resize((max(large.width // 2, 1), max(large.height // 2, 1)),
                             Image.Resampling.BOX)  # fmt: skip
        missing = missing_letters(drawing.layout.missing)
        words = placed(drawing.layout, composed.words, dict(figure.words))
        return FigurePreview(
            np.asarray(small), size_text(drawing), families(), missing, words, fitting
        )

    # On the window's thread

    @Slot()
    def _ask_preview(self) -> None:
        if not self.is_writing:
            per_mm = self.physicalDpiX() / 25.4 * self.devicePixelRatioF()
            real = per_mm if self.real_size.isChecked() else 0.0
            self._desk.ask([PreviewQuestion(self.figure, self.preview.room, real)])

    @Slot()
    def _export_clicked(self) -> None:
        suffix = self.form.suffix
        photo = self._session.photo
        stem = Path(photo.path).stem if photo is not None else "figure"
        beside = photo.path if photo is not None else ""
        path = ask_target(self, "Export figure", f"{stem}-figure{suffix}", suffix, beside)
        if path is not None:
            self._say("")
            question = ExportQuestion(self.figure, path)
            self._show_writing(question)
            self._desk.ask([question])

    @Slot()
    def _cancel_clicked(self) -> None:
        if self._export is not None:
            self._export.control.cancel()

    @Slot()
    def _copy_clicked(self) -> None:
        """The figure as it is exported, as a picture of its resolution."""
        self._desk.ask([CopyQuestion(self.figure)])

    @Slot()
    def _show_folder(self) -> None:
        if self.saved is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(absolute(self.saved).parent)))

    @Slot(str, str)
    def _reword(self, by_itself: str, said: str) -> None:
        """Other words in the place of some; the figure's own come back where it is all the same."""
        words = {**dict(self.figure.words), by_itself: said}
        if said == by_itself:
            del words[by_itself]
        self.form.show_figure(replace(self.figure, words=tuple(words.items())))
        self._timer.start()

    @Slot()
    def _reset_words(self) -> None:
        self.form.show_figure(replace(self.figure, words=()))
        self._timer.start()

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
            self.preview.show_words(answer.words, answer.scale)
            self.size_label.setText(answer.size)
            self.reset_words.setVisible(bool(self.figure.words))
            self.form.show_fonts(answer.fonts)
        elif isinstance(answer, CopiedFigure):
            image = image_of(answer.pixels)
            QGuiApplication.clipboard().setImage(image)
            self._say(f"Copied a picture of {image.width()} x {image.height()} pixels.")
        elif isinstance(answer, Path):
            self.saved = answer
            self._show_writing(None)
            self._say(f"Saved {answer.name}.")
            self.folder.setVisible(True)

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
        self.folder.setVisible(False)
        self.export.setEnabled(not writing)
        self.copy.setEnabled(not writing)
        self.cancel.setVisible(writing)

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
