"""What the browser says of one model: what it is, what it would cost, on which terms."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from vitviz.errors import DownloadError, VitvizError
from vitviz.gui.browser.rows import Row
from vitviz.gui.widgets.form import quiet
from vitviz.gui.widgets.long_work import STEPS
from vitviz.gui.widgets.text import PlainLabel, menu_text
from vitviz.models.download import Offer
from vitviz.models.licence_words import licence_words
from vitviz.progress import Stage
from vitviz.wording.numbers import byte_size
from vitviz.wording.stages import stage_words

TERMS = "Its terms have to be accepted on its page first, by somebody who is logged in."


class ModelFacts(QFrame):
    """One model, and the button that opens or fetches it.

    Signals:
        pressed(): Open it, ask about it, or fetch it: whatever the button says.
        cancelled(): No more of it.
    """

    pressed = Signal()
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.title = PlainLabel()
        self.title.setProperty("strong", True)
        self.name = quiet()
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.terms = PlainLabel()
        self.terms.setWordWrap(True)
        self.problem = PlainLabel()
        self.problem.setWordWrap(True)
        self.problem.setProperty("bad", True)
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the download")
        self.words = quiet()
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton("Open")
        self.button.setProperty("primary", True)
        self.button.setDefault(True)
        self._row: Row | None = None
        self.cancel = QPushButton("Cancel")
        self.cancel.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(5)
        for widget in (self.title, self.name, self.terms, self.problem, self.words, self.bar):
            layout.addWidget(widget)
        layout.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.button)
        layout.addLayout(buttons)
        self.button.clicked.connect(self.pressed)
        self.cancel.clicked.connect(self.cancelled)
        self.show_row(None)

    def show_row(self, row: Row | None) -> None:
        """A model that nothing was asked about yet."""
        self._row = row
        self.title.setText(row.title if row else "No model is called so")
        self.name.setText(
            row.detail if row else "Type a whole name of the hub, such as timm/…, google/…, "
            "facebook/…, or an https address."
        )  # fmt: skip
        self.terms.setText(_terms(row) if row else "")
        self._state("", "Open" if row and row.opens else "Download…", bool(row))

    def show_offer(self, row: Row, offer: Offer) -> None:
        """What its source says: the last thing before it is fetched."""
        self.show_row(row)
        self.terms.setText(_offered(offer))
        size = byte_size(offer.bytes) if offer.bytes else ""
        self._state("", f"Download {size}".strip(), True)

    def show_progress(self, row: Row, stage: Stage, fraction: float) -> None:
        """It is on its way; what its source said of it stays."""
        if self._row != row:
            self.show_row(row)
        asking = stage.kind == "asking_hub"
        had_focus = self.button.hasFocus()
        self._state(stage_words(stage), "Asking…" if asking else "Downloading…", False)
        self.bar.setVisible(not asking)
        self.bar.setValue(round(STEPS * fraction))
        self.cancel.show()
        if had_focus:
            self.cancel.setFocus()

    def show_done(self, row: Row) -> None:
        """It is here."""
        self.show_row(row)
        self._state("Downloaded, and opened in the window.", "Open", True)

    def show_failure(self, row: Row, error: BaseException) -> None:
        """It did not come, and why."""
        self.show_row(row)
        if isinstance(error, DownloadError) and error.kind == "offline":
            # An ordinary state, and not said as if something were wrong.
            self._state(f"{error.message} {error.hint}", "Try Again", True)
            return
        words = f"{error.message} {error.hint}" if isinstance(error, VitvizError) else str(error)
        self._state("", "Try Again", True)
        self.problem.setText(words)
        self.problem.show()

    def _state(self, words: str, button: str, ready: bool) -> None:
        was_cancel = self.cancel.hasFocus() and ready
        self.words.setText(words)
        self.words.setVisible(bool(words))
        self.bar.hide()
        self.cancel.hide()
        self.problem.hide()
        self.button.setText(menu_text(button))
        self.button.setEnabled(ready)
        if was_cancel:
            self.button.setFocus()


def _terms(row: Row) -> str:
    lines = []
    if row.bytes:
        about = "About " if row.section == "known" else ""
        lines.append(f"{about}{byte_size(row.bytes)}")
    if row.licence:
        lines.append(f"Licence: {row.licence_words}" + _mark(row.non_commercial))
    elif row.section == "known":
        lines.append("Size and licence are asked for first; nothing is fetched before you say so.")
    if row.gated:
        lines.append(TERMS)
    return "\n".join(lines)


def _offered(offer: Offer) -> str:
    lines = [f"{byte_size(offer.bytes)} from {offer.page}" if offer.bytes else offer.page]
    licence = licence_words(offer.licence)
    if not offer.licence:
        licence = "not stated by its source: look before you use it"
    lines.append(f"Licence: {licence}" + _mark(offer.non_commercial))
    if offer.gated:
        lines.append(TERMS)
    if not offer.is_checked:
        lines.append("Its source gives no hash, so what comes cannot be checked.")
    return "\n".join(lines)


def _mark(non_commercial: bool) -> str:
    return " – no commercial use" if non_commercial else ""
