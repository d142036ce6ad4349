"""Preferences of the person and the machine."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QDialogButtonBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.settings import Preferences
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.form import Choice, WholeNumber, form, row
from vitviz.gui.widgets.text import PlainLabel

THEMES = (("As the desktop", "system"), ("Light", "light"), ("Dark", "dark"))


class PreferencesDialog(Dialog):
    """Edits preferences, and the colour behind transparent photos.

    Signals:
        theme_tried(str): The user wants to see this theme; Cancel goes back.

    Args:
        preferences: What is set now.
        background: RGB behind transparent photos now.
        devices: (title, name) of each device.
    """

    theme_tried = Signal(str)

    def __init__(
        self,
        preferences: Preferences,
        background: tuple[int, int, int],
        devices: list[tuple[str, str]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setMinimumWidth(380)
        self._background, self._preferences = background, preferences
        self.theme = Choice("Theme", THEMES)
        self.theme.show_value(preferences.theme)
        self.theme.currentIndexChanged.connect(lambda: self.theme_tried.emit(self.theme.value))
        self.device = Choice("Device", [("Automatic", "auto"), *devices])
        self.device.show_value(preferences.device)
        self.limit = WholeNumber("Largest photo opened without asking, megapixels", 1, 2000)
        self.limit.setSuffix(" megapixels or more")
        self.limit.setValue(preferences.max_pixels // 1_000_000)
        self.colour = QPushButton()
        self.colour.clicked.connect(self._choose_colour)
        self.follow = QCheckBox("The map follows the cursor")
        self.follow.setChecked(preferences.follow_cursor)
        self.trust = QCheckBox("Test each map against chance, and say so under it")
        self.trust.setToolTip("In the background, once a map stands still")
        self.trust.setChecked(preferences.trust_line)
        self.reopen = QCheckBox("Start with what was open last time")
        self.reopen.setChecked(preferences.reopen)
        self.still = QCheckBox("Reduce motion: nothing moves by itself")
        self.still.setToolTip("Also where the desktop asks for it")
        self.still.setChecked(preferences.reduce_motion)
        self.hint = QCheckBox("Show the line for the first minute")
        self.hint.setChecked(preferences.hint)
        self.beside = QCheckBox("Write a .json beside each file that says what made it")
        self.beside.setToolTip("Exported files say what made them in any case, where they can")
        self.beside.setChecked(preferences.provenance_beside)
        self.full_paths = QCheckBox("Exported files name the folders of photos and models")
        self.full_paths.setToolTip("Otherwise only their names, and SHA-256 to find them by")
        self.full_paths.setChecked(preferences.full_paths)
        self._arrange()
        self._show_colour()

    def _arrange(self) -> None:
        fields = form()
        row(fields, "Theme", self.theme)
        row(fields, "Device", self.device, "Where models run")
        row(fields, "Ask before", self.limit, "Photos larger than this are asked about first")
        row(fields, "Behind photos", self.colour, "The colour behind transparent photos")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.button(QDialogButtonBox.StandardButton.Ok).setProperty("primary", True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        layout.addLayout(fields)
        for title, boxes in (
            ("In the window", (self.follow, self.trust, self.reopen, self.still, self.hint)),
            ("In exported files", (self.beside, self.full_paths)),
        ):
            heading = PlainLabel(title)
            heading.setProperty("strong", True)
            layout.addSpacing(6)
            layout.addWidget(heading)
            for box in boxes:
                layout.addWidget(box)
        layout.addStretch(1)
        layout.addWidget(buttons, 0, Qt.AlignmentFlag.AlignBottom)

    @property
    def background(self) -> tuple[int, int, int]:
        return self._background

    @property
    def preferences(self) -> Preferences:
        """What the dialog is set to."""
        return replace(
            self._preferences,
            theme=self.theme.value,  # type: ignore[arg-type]
            device=str(self.device.value or "auto"),
            follow_cursor=self.follow.isChecked(),
            trust_line=self.trust.isChecked(),
            reopen=self.reopen.isChecked(),
            reduce_motion=self.still.isChecked(),
            hint=self.hint.isChecked(),
            max_pixels=self.limit.value() * 1_000_000,
            provenance_beside=self.beside.isChecked(),
            full_paths=self.full_paths.isChecked(),
        )

    def _choose_colour(self) -> None:
        chosen = QColorDialog.getColor(QColor(*self._background), self, "Background")
        if chosen.isValid():
            self._background = (chosen.red(), chosen.green(), chosen.blue())
            self._show_colour()

    def _show_colour(self) -> None:
        colour = QColor(*self._background)
        ink = "#000000" if colour.lightnessF() > 0.5 else "#ffffff"
        self.colour.setText(colour.name())
        self.colour.setStyleSheet(f"background: {colour.name()}; color: {ink};")
