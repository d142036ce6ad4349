"""The menu of what was opened lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QMenu, QWidget

from vitviz.gui.settings import Settings
from vitviz.gui.widgets.text import menu_text, set_tooltip
from vitviz.paths import is_elsewhere
from vitviz.plain_text import shown_text

KINDS = (("photos", "Photos"), ("folders", "Folders"), ("sessions", "Sessions"),
         ("models", "Models"))  # fmt: skip


class RecentMenu(QMenu):
    """Files opened lately, filled when it is opened.

    Args:
        settings: Remember them.
        open: Opens the one chosen.
        parent: Of the menu.
        kinds: Of files, and their titles.
    """

    def __init__(
        self, settings: Settings, open: Callable[[str], None], parent: QWidget,
        kinds: Sequence[tuple[str, str]] = KINDS,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._settings = settings
        self._open = open
        self._kinds = kinds
        self.aboutToShow.connect(self._fill)

    @Slot()
    def _fill(self) -> None:
        self.clear()
        for kind, title in self._kinds:
            paths = self._settings.recent(kind)
            if paths and self.isEmpty():
                self.addAction(title).setEnabled(False)  # a section has a line above
            elif paths:
                self.addSection(title)
            for path in paths:
                name = f"{path} (elsewhere)" if is_elsewhere(path) else Path(path).name
                action = self.addAction(menu_text(name))
                set_tooltip(action, shown_text(path))
                action.triggered.connect(partial(self._open, path))
        if self.isEmpty():
            self.addAction("Nothing yet").setEnabled(False)
