"""Asks where a file is to be written."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QMessageBox, QWidget

from vitviz.gui.widgets.ask_files import ask_new_file
from vitviz.gui.widgets.text import unmarked
from vitviz.paths import is_there
from vitviz.plain_text import shown_text


def ask_target(
    parent: QWidget, title: str, suggested: str, suffix: str, beside: str = ""
) -> Path | None:
    """Asks where to write a file; None where the user thought better of it.

    Args:
        parent: Of the dialog.
        title: Of the dialog.
        suggested: A name with its suffix.
        suffix: Which the file gets, if its name has another or none.
        beside: The photo: in whose folder it starts, where nothing was exported yet.
    """
    kind = f"{suffix.removeprefix('.').upper()} (*{suffix})"
    name, _ = ask_new_file(parent, "exports", title, suggested, kind, beside)
    if not name:
        return None
    path = Path(name)
    if path.suffix.lower() == suffix:
        return path
    path = path.with_name(path.name + suffix)
    # The dialog has asked about the name that was typed, not about this one.
    question = unmarked(f"{shown_text(path.name)} already exists. Replace it?")
    yes = QMessageBox.StandardButton.Yes
    if is_there(path) and QMessageBox.question(parent, title, question) != yes:
        return None
    return path
