"""Many photos: which, what to write of them, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from vitviz.batch.job import (
    BatchStopped,
    FigureFormat,
    MapFormat,
    Outputs,
    SettingsChanged,
    ValuesFormat,
)
from vitviz.batch.progress import BatchProgress
from vitviz.batch.summary import Summary
from vitviz.batch.table import CSV, forms
from vitviz.gui.widgets.form import Choice, form, quiet, row
from vitviz.gui.widgets.long_work import STEPS, FolderField, LongWorkDialog, set_primary
from vitviz.paths import absolute, is_file, is_folder
from vitviz.plurals import count_of
from vitviz.wording.numbers import duration

MAPS = (("JPEG", "jpg"), ("PNG, exact and slow", "png"), ("TIFF", "tiff"), ("None", "none"))
SIDES = (("As the photo", 0), ("At most 2048 px", 2048), ("At most 1024 px", 1024),
         ("At most 512 px", 512))  # fmt: skip
VALUES = (("None", "none"), ("NumPy, with geometry (.npz)", "npz"), ("NumPy (.npy)", "npy"),
          ("Table (.csv)", "csv"))  # fmt: skip
FIGURES = (("None", "none"), ("PDF", "pdf"), ("SVG", "svg"), ("PNG", "png"), ("TIFF", "tiff"))

TABLE = (
    "A table with each photo's predictions and numbers about its map is always written: "
    f"{' and '.join(forms())}."
)

LEAST_FAILURES = 96
"""Height of the list of failures, in pixels."""


@dataclass(frozen=True)
class BatchChoices:
    """What the dialog is set to.

    Args:
        folder: Of the photos.
        out: Where the results go.
        outputs: What is written.
    """

    folder: Path
    out: Path
    outputs: Outputs


class BatchDialog(LongWorkDialog):
    """Asks for a folder, starts and ends the batch, and shows how far it is.

    Signals:
        start_requested(BatchChoices, bool restart): Begin, or go on.
        cancel_requested(): End soon.
        table_requested(Path): Show the table in a folder of results.
        cluster_requested(BatchChoices): Write down how to do it elsewhere.
    """

    start_requested = Signal(object, bool)
    cancel_requested = Signal()
    table_requested = Signal(object)
    cluster_requested = Signal(object)

    def __init__(self, folder: Path | None, parent: QWidget | None = None) -> None:
        super().__init__("Batch", 560, parent)
        self._running = False
        self._suggested = ""
        self.folder = FolderField("Folder of photos", "Photos")
        self.out = FolderField("Folder for the results", "Results")
        self.map = Choice("Map over the photo", MAPS)
        self.side = Choice("Size of the map", SIDES)
        self.values = Choice("Raw values", VALUES)
        self.figure = Choice("Figure", FIGURES)
        self.about = quiet()
        self.words.setText("Ready.")
        self.failures = QPlainTextEdit()
        self.failures.setReadOnly(True)
        self.failures.setAccessibleName("Failures")
        self.failures.setMinimumHeight(LEAST_FAILURES)
        self.copy, self.reveal = QPushButton("Copy Failures"), QPushButton("Open Folder")
        self.table, self.cluster = QPushButton("Open Table"), QPushButton("For a Cluster…")
        self.cluster.setToolTip("Write a work spec, and show the commands that do its work")
        self.close_, self.start = QPushButton("Close"), QPushButton("Start")
        self.start.setDefault(True)
        self._arrange()
        self._connect()
        self.folder.line.setText(str(folder) if folder else "")
        self._show_state()

    def _arrange(self) -> None:
        self._fields = QWidget()
        fields = form()
        self._fields.setLayout(fields)
        self._fields.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row(fields, "Photos", self.folder, "Folders inside it are looked into as well")
        row(fields, "Results", self.out, "A new or empty folder, or one to continue in")
        row(fields, "Maps", self.map, "The map over the photo; JPEG is 15 times as fast as PNG")
        row(fields, "Size", self.side, "Longer side of these pictures")
        row(fields, "Values", self.values, "The numbers of the map")
        row(fields, "Figures", self.figure, "The map with colour bar and caption")
        buttons = QHBoxLayout()
        for button in (self.reveal, self.table, self.cluster):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for button in (self.close_, self.start):
            buttons.addWidget(button)
        for button in (self.copy, self.reveal, self.table, self.cluster, self.close_):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        for widget in (self._fields, self.about, quiet(TABLE), self.banner, self.bar, self.words):
            layout.addWidget(widget)
        layout.addWidget(self.failures, 1)
        layout.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignRight)
        layout.addStretch(0)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.folder.changed.connect(self._suggest)
        self.folder.changed.connect(self._show_state)
        self.out.changed.connect(self._show_state)
        self.map.currentIndexChanged.connect(self._show_state)
        self.start.clicked.connect(self._start_or_cancel)
        self.close_.clicked.connect(self.close)
        self.copy.clicked.connect(self._copy)
        self.reveal.clicked.connect(self._open)
        self.table.clicked.connect(lambda: self.table_requested.emit(self.out.path))
        self.cluster.clicked.connect(lambda: self.cluster_requested.emit(self.choices))

    @property
    def choices(self) -> BatchChoices | None:
        """What it is set to; None while a folder is missing."""
        folder, out = self.folder.path, self.out.path
        if folder is None or out is None:
            return None
        picture = next(each for each in get_args(MapFormat) if each == self.map.value)
        numbers = next(each for each in get_args(ValuesFormat) if each == self.values.value)
        figure = next(each for each in get_args(FigureFormat) if each == self.figure.value)
        side = self.side.value
        assert isinstance(side, int)
        return BatchChoices(folder, out, Outputs(picture, numbers, figure, side))

    def show_choices(self, words: str) -> None:
        """Says what the window is set to, which is what will be computed."""
        if not self._running:
            self.about.setText(words)

    def show_started(self) -> None:
        """The batch runs from now on."""
        self._running = True
        self.banner.dismiss()
        self.failures.clear()
        self.bar.setValue(0)
        self._show_state()

    @Slot(object)
    def show_progress(self, progress: BatchProgress) -> None:
        self.words.setText(progress.words)
        if progress.total:
            self.bar.setValue(STEPS * progress.done // progress.total)

    @Slot(object)
    def show_summary(self, summary: Summary) -> None:
        """It has come to its end."""
        self._running = False
        self.bar.setValue(STEPS)
        before = f", {summary.before:,} of them before" if summary.before else ""
        failed = f"; {summary.failed:,} failed" if summary.failed else ""
        self.words.setText(
            f"{count_of(summary.done, 'photo')} in {duration(summary.seconds)}{before}{failed}."
        )
        self.failures.setPlainText("\n".join([*filter(None, [summary.note]), *summary.lines()]))
        self._show_state()

    @Slot()
    def show_cancelled(self) -> None:
        """It was ended early."""
        self._running = False
        self.words.setText(f"Stopped at {self.words.text()}. What was finished is kept.")
        self._show_state()
        self.start.setText("Continue")

    @Slot(object)
    def show_failure(self, error: BaseException) -> None:
        """It could not begin, or go on."""
        self._running = False
        self.words.setText("Not finished.")
        self._show_state()
        if isinstance(error, SettingsChanged):
            self.banner.say(
                f"{error.message} They stay unless you begin anew.",
                (("Begin Anew", self._restart), ("Leave Them", self.banner.dismiss)),
            )
        else:
            self.banner.show_error(error)
            self.start.setText("Continue" if isinstance(error, BatchStopped) else "Start")
        self.make_room()

    @Slot()
    def _suggest(self) -> None:
        """Results beside the photos, as long as nothing else was typed."""
        folder = self.folder.path
        if folder is not None and self.out.line.text() in ("", self._suggested):
            self._suggested = str(folder.with_name(f"{folder.name}-maps")) if folder.name else ""
            self.out.line.setText(self._suggested)

    @Slot()
    def _show_state(self) -> None:
        self._fields.setEnabled(not self._running)
        self.side.setEnabled(self.map.value != "none")
        self.start.setText("Cancel" if self._running else "Start")
        self.start.setEnabled(self._running or self.choices is not None)
        set_primary(self.start, not self._running)
        has_failures = bool(self.failures.toPlainText())
        self.failures.setVisible(has_failures)
        self.copy.setVisible(has_failures)
        out = self.out.path
        self.reveal.setEnabled(out is not None and is_folder(out))
        self.table.setEnabled(out is not None and is_file(out / CSV))
        self.cluster.setEnabled(not self._running and self.choices is not None)
        self.make_room()

    @Slot()
    def _start_or_cancel(self) -> None:
        if self._running:
            self.start.setEnabled(False)
            self.cancel_requested.emit()
        elif self.choices is not None:
            self.start_requested.emit(self.choices, False)

    def _restart(self) -> None:
        if self.choices is not None:
            self.start_requested.emit(self.choices, True)

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.failures.toPlainText())

    @Slot()
    def _open(self) -> None:
        if self.out.path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(absolute(self.out.path))))
