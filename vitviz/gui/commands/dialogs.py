"""The commands that open a dialog, and what the preferences do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QKeySequence, QTextDocument
from PySide6.QtWidgets import QDialog

from vitviz.bundled import resource
from vitviz.gui import theme
from vitviz.gui.commands.table import COMMANDS
from vitviz.gui.dialogs.about import (
    AboutDialog,
    PaletteDialog,
    TextDialog,
    card_text,
    keys_text,
)
from vitviz.gui.dialogs.preferences import PreferencesDialog
from vitviz.gui.settings import Preferences
from vitviz.session.state import Session

if TYPE_CHECKING:
    from vitviz.gui.window import Window

NATIVE = QKeySequence.SequenceFormat.NativeText


def markdown(text: str) -> str:
    """Markdown as the rich text that dialogs show."""
    document = QTextDocument()
    document.setMarkdown(text)
    return document.toHtml()


class DialogCommands(QObject):
    """The commands that every ``Commands`` has and that open a dialog.

    Args:
        window: The window they act on.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window

    @property
    def session(self) -> Session:
        return self.window.store.session

    def _set(self, session: Session, kind: str = "") -> None:
        self.window.store.set(session, kind)

    def _read(self, title: str, text: str) -> None:
        dialog = TextDialog(title, text, None, self.window)
        dialog.exec()
        dialog.deleteLater()

    @Slot()
    def show_preferences(self) -> None:
        window = self.window
        dialog = PreferencesDialog(
            window.preferences, self.session.background, window.devices, window
        )
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.set_preferences(dialog.preferences)
            self._set(replace(self.session, background=dialog.background))
        dialog.deleteLater()

    def set_preferences(self, preferences: Preferences) -> None:
        """Keeps the preferences, and acts on what they changed."""
        window, old = self.window, self.window.preferences
        window.preferences = preferences
        window.settings.set_preferences(preferences)
        window.service.photos.max_pixels = preferences.max_pixels
        if preferences.theme != old.theme:
            window.apply_theme()
        if not preferences.follow_cursor:
            window.controller.hover(None)
        window.controller.set_device(preferences.device)
        window.panels.model.show_devices(window.devices, preferences.device)
        window.refresh()

    @Slot()
    def show_batch(self) -> None:
        self.window.batch.show()

    @Slot()
    def show_finetune(self) -> None:
        self.window.finetuning.show()

    @Slot()
    def show_card(self) -> None:
        if self.window.card is not None:
            self._read("Model card", card_text(self.window.card))

    @Slot()
    def show_keys(self) -> None:
        self._read("Keyboard", keys_text())

    @Slot()
    def show_guide(self) -> None:
        guide = resource("guide.md").read_text(encoding="utf-8")
        # Its pictures stand in the repository; in the window one can look at the real thing.
        words = [line for line in guide.splitlines() if not line.startswith("![")]
        self._read("User guide", markdown("\n".join(words)))

    @Slot()
    def show_about(self) -> None:
        dialog = AboutDialog(theme.program_icon(), self.window)
        dialog.exec()
        dialog.deleteLater()

    @Slot()
    def show_palette(self) -> None:
        by_id = self.window.actions_by_id
        commands = [
            (c.id, c.title.replace("&", ""), by_id[c.id].shortcut().toString(NATIVE))
            for c in COMMANDS
            if c.does and c.id != "view.palette" and by_id[c.id].isEnabled()
        ]
        dialog = PaletteDialog(commands, self.window)
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.chosen:
            by_id[dialog.chosen].trigger()
        dialog.deleteLater()
