"""The line at the bottom: is it working, on what, and how long did it take."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QProgressBar, QStatusBar, QToolButton, QWidget

from vitviz.engine.answers import Origin
from vitviz.gui.scene import Scene
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.paths import absolute
from vitviz.plain_text import shown_text
from vitviz.plurals import count_of
from vitviz.progress import Stage
from vitviz.wording.names import capitalised, few_missing_letters, missing_letters
from vitviz.wording.numbers import measured_time
from vitviz.wording.stages import stage_words

MOST_LETTERS = 60
"""Of what it is at: more would leave no room for the rest."""


ORIGINS: dict[Origin, tuple[str, str]] = {
    "": ("", ""),
    "last time": ("From last time", "This map was kept when vitviz ended; it is being made anew."),
    "program": ("Came with vitviz", "This map came with vitviz; it is being made anew."),
}
"""Of an answer that is not live: what is said of it, and the tooltip."""


class StatusBar(QStatusBar):
    """State, device, tokens, times, progress.

    Signals:
        cancel_requested(): The user wants the work dropped.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(0, 0, 8, 0)
        self.sign = PlainLabel()
        self.state = PlainLabel("Starting…")
        self.origin = PlainLabel()
        self.origin.hide()
        self.facts = PlainLabel()
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(140)
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        set_tooltip(self.cancel, "Cancel (Ctrl+.)")
        self.cancel.clicked.connect(self.cancel_requested)
        self.show_folder = QToolButton()
        self.show_folder.setText("Show in Folder")
        self.show_folder.clicked.connect(self._show_folder)
        self._saved: Path | None = None
        self.sign.setContentsMargins(12, 0, 2, 0)
        self.state.setContentsMargins(0, 0, 12, 0)
        self.origin.setContentsMargins(0, 0, 12, 0)
        at_left = (self.sign, self.state, self.show_folder, self.progress, self.cancel, self.origin)
        for widget in (*at_left, self.facts):
            self.addWidget(widget)
        self._good = "#54b877"
        self.show_idle("Starting…")

    def set_colours(self, good: str) -> None:
        self._good = good

    def show_idle(self, words: str = "Ready", missing: str = "") -> None:
        """Nothing is being done, and what was done last.

        Args:
            words: What that was.
            missing: The letters of what was made that no installed font has.
        """
        self.state.setMinimumWidth(0)
        self._show_sign("●", self._good)
        boxes = f". {few_missing_letters(missing)}" if missing else ""
        self.state.setText(f"{shown_text(words, MOST_LETTERS)}{boxes}")
        set_tooltip(self.state, missing_letters(missing))
        self.progress.hide()
        self.cancel.hide()
        self.show_folder.hide()
        self.facts.show()

    def show_saved(self, path: Path, missing: str = "") -> None:
        """A file was written, which can be shown in its folder; and what no font had for it."""
        self.show_idle(f"Saved {path.name}", missing)
        self._saved = path
        set_tooltip(self.show_folder, str(absolute(path).parent))
        self.show_folder.show()

    @Slot()
    def _show_folder(self) -> None:
        if self._saved is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(absolute(self._saved).parent)))

    def show_progress(self, stage: Stage, fraction: float) -> None:
        self._show_sign("○")
        set_tooltip(self.state, "")
        self.state.setText(shown_text(capitalised(stage_words(stage)), MOST_LETTERS))
        # The stages have room for the longest so far: the bar would jump from one to the next.
        self.state.setMinimumWidth(max(self.state.minimumWidth(), self.state.sizeHint().width()))
        self.show_folder.hide()
        self.facts.hide()  # they are those of the map before
        self.progress.setValue(round(1000 * fraction))
        self.progress.show()
        self.cancel.show()

    def show_scene(self, scene: Scene) -> None:
        """Facts of the answer."""
        cell = scene.cell
        words, tooltip = ORIGINS[cell.recalled if cell is not None else ""]
        self.origin.setText(words)
        set_tooltip(self.origin, tooltip)
        self.origin.setVisible(bool(words))
        if cell is None:
            self.facts.setText("")
            return
        facts = (
            cell.device.upper() if cell.device == "cpu" else cell.device,
            count_of(cell.layout.tokens, "token"),
            f"forward {measured_time(cell.forward_s)}",
            f"map {measured_time(cell.method_s)}",
        )
        self.facts.setText("    ".join(facts))

    def _show_sign(self, sign: str, colour: str = "") -> None:
        style = f"color: {colour}" if colour else ""
        self.sign.setText(sign)
        if self.sign.styleSheet() != style:
            self.sign.setStyleSheet(style)
