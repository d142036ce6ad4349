"""Dialogs for files that begin where one was last: a folder is remembered for each kind of file.

The window that a dialog belongs to remembers, in its settings.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from vitviz.gui.settings import Settings
from vitviz.paths import is_elsewhere, is_folder


def ask_file(parent: QWidget, kind: str, title: str, filters: str = "") -> str:
    """Asks which file to open; "" where the user thought better of it.

    Args:
        parent: Of the dialog.
        kind: Of files, for what is remembered: "photos", "models", "sessions", "tables".
        title: Of the dialog.
        filters: As Qt wants them.
    """
    name, _ = QFileDialog.getOpenFileName(parent, title, folder_for(parent, kind), filters)
    _remember(parent, kind, name)
    return name


def ask_files(parent: QWidget, kind: str, title: str, filters: str = "") -> list[str]:
    """Asks which files to open."""
    names, _ = QFileDialog.getOpenFileNames(parent, title, folder_for(parent, kind), filters)
    _remember(parent, kind, names[0] if names else "")
    return names


def ask_folder(parent: QWidget, kind: str, title: str, now: str = "") -> str:
    """Asks which folder to take; the dialog begins at ``now``, or at the one taken last."""
    name = QFileDialog.getExistingDirectory(parent, title, now or folder_for(parent, kind))
    if name and (settings := _settings_of(parent)) is not None:
        settings.remember(f"folder/{kind}", name)
    return name


def ask_new_file(
    parent: QWidget, kind: str, title: str, suggested: str, filters: str, beside: str = ""
) -> tuple[str, str]:
    """Asks where to write a file; gives its name and the filter chosen, or "" and "".

    Args:
        parent: Of the dialog.
        kind: As of ``ask_file``.
        title: Of the dialog.
        suggested: Its name.
        filters: As Qt wants them.
        beside: A file in whose folder it starts, where none is remembered.
    """
    folder = folder_for(parent, kind, beside)
    start = str(Path(folder, suggested)) if folder else suggested
    name, chosen = QFileDialog.getSaveFileName(parent, title, start, filters)
    _remember(parent, kind, name)
    return name, chosen


def folder_for(widget: QWidget, kind: str, beside: str = "") -> str:
    """Where files of a kind were last; "" where nobody knows, or that is not there any more.

    Args:
        widget: Who asks.
        kind: As of ``ask_file``.
        beside: A file whose folder it is otherwise.
    """
    settings = _settings_of(widget)
    known = settings.remembered(f"folder/{kind}", "") if settings is not None else ""
    for folder in (known, str(Path(beside).parent) if beside else ""):
        if folder and not is_elsewhere(folder) and is_folder(folder):
            return folder
    return ""


def _remember(widget: QWidget, kind: str, name: str) -> None:
    settings = _settings_of(widget)
    if name and settings is not None:
        settings.remember(f"folder/{kind}", str(Path(name).parent))


def _settings_of(widget: QWidget | None) -> Settings | None:
    """Of the window that a widget belongs to."""
    while widget is not None:
        settings = getattr(widget, "settings", None)
        if isinstance(settings, Settings):
            return settings
        widget = widget.parentWidget()
    return None
