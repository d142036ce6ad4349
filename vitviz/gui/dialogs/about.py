"""What this program is, what the model is, and which keys there are."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QIcon, QImage, QKeySequence
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHBoxLayout,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.dialogs.licences import LicencesDialog
from vitviz.gui.reports import versions
from vitviz.gui.widgets.dialog import Dialog
from vitviz.gui.widgets.text import PlainLabel
from vitviz.models.card import ModelCard
from vitviz.plain_text import shown_text
from vitviz.wording.models import shape
from vitviz.wording.names import prefix_name
from vitviz.wording.numbers import amount, byte_size

NAMED = 12
"""Own classes of a model that its card spells out."""

MOST_LETTERS = 2000
"""Of one thing that is said of a model."""

NOTHING = QImage(1, 1, QImage.Format.Format_ARGB32)
NOTHING.fill(0)


class Page(QTextBrowser):
    """Shows rich text of this program's, in which nothing is loaded from anywhere."""

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Nothing: no file, no share of another computer, no page.

        An empty picture, since Qt itself would look where it is told that there is none.
        """
        return NOTHING


class TextDialog(Dialog):
    """A dialog that is read: rich text, and a button to close it."""

    def __init__(self, title: str, text: str, icon: QIcon | None = None,
                 parent: QWidget | None = None) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(560, 520)
        self.text = Page()
        self.text.setOpenExternalLinks(True)
        self.text.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.text.setHtml(text)
        self.text.document().setDocumentMargin(8)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.rejected.connect(self.reject)
        top = QHBoxLayout()
        if icon is not None:
            picture = PlainLabel()
            picture.setPixmap(icon.pixmap(72, 72))
            top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.text, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.addLayout(top)
        layout.addWidget(self.buttons)


class AboutDialog(TextDialog):
    """What this is, with a button for the licences of what it is made of."""

    def __init__(self, icon: QIcon, parent: QWidget | None = None) -> None:
        super().__init__("About vitviz", about_text(), icon, parent)
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.licences = self.buttons.addButton("&Licences…", role)
        self.licences.clicked.connect(self._show_licences)

    @Slot()
    def _show_licences(self) -> None:
        dialog = LicencesDialog(self)
        dialog.exec()
        dialog.deleteLater()


def table(rows: Iterable[tuple[str, str]], width: int = 110) -> str:
    """Two columns, the first one ``width`` pixels wide; rows without a value left out."""
    cells = "".join(
        f'<tr><td width="{width}" style="padding: 2px 14px 2px 0">{_escaped(name)}</td>'
        f'<td style="padding: 2px 0">{_escaped(value)}</td></tr>'
        for name, value in rows
        if value
    )
    return f"<table>{cells}</table>"


def _escaped(text: str) -> str:
    return html.escape(shown_text(text, MOST_LETTERS))


def about_text() -> str:
    """What this is, with the versions a bug report needs."""
    return (
        "<h2>vitviz</h2><p>See where a Vision Transformer looks: patch grids, attention of every "
        "layer and head, and attention rollout, laid exactly over the photo. Everything runs on "
        "this computer; nothing is sent anywhere, and models are fetched only where you ask for "
        f"one.</p>{table(versions())}"
        "<p>vitviz is free software under the Apache License 2.0. It uses Qt and PySide6 (LGPL "
        "3.0), PyTorch (BSD), Pillow (MIT-CMU), NumPy (BSD) and safetensors (Apache 2.0). Sample "
        "photos are in the public domain or CC0; their sources are named beside them.</p>"
    )


def classes(card: ModelCard) -> str:
    """Which classes a model tells apart: the name of a known set, or its own."""
    count = card.outline.classes
    if card.classes or not count:
        return card.classes or "none"
    names = ", ".join(card.names[:NAMED]) + (", ..." if len(card.names) > NAMED else "")
    return f"{count}: {names}" if names else str(count)


def card_text(card: ModelCard) -> str:
    """Everything known about a model, without boasting."""
    outline, wants = card.outline, card.preprocessing
    facts = table(
        [
            ("Id", card.id),
            ("Source", card.source),
            ("Licence", card.licence or "not known"),
            ("Shape", shape(outline)),
            ("Parameters", amount(outline.parameters)),
            ("Prefix tokens", ", ".join(map(prefix_name, outline.prefix)) or "none"),
            ("Trained at", f"{wants.input_size[0]} × {wants.input_size[1]} px"),
            ("Resize", f"{wants.rule}, edge {wants.edge}, {wants.interpolation}"),
            ("Mean, std", f"{wants.mean}, {wants.std}"),
            ("Classes", classes(card)),
            ("Trained by", card.trained_by),
            ("Trained on", card.trained_on),
            ("Weak at", card.weak),
            ("Weights", f"{byte_size(card.bytes)}, SHA-256 {card.sha256}"),
        ]
    )  # fmt: skip
    parts = [f"<h2>{_escaped(card.title)}</h2>{facts}"]
    if card.notes:
        notes = "".join(f"<li>{_escaped(note)}</li>" for note in card.notes)
        parts.append(f"<h3>Assumed, since the file does not say</h3><ul>{notes}</ul>")
    if card.measured:
        parts.append(f"<h3>Measured</h3>{table(card.measured, 330)}")
    return "".join(parts)


def keys_text(menus: Iterable[tuple[str, Sequence[tuple[str, Sequence[str]]]]]) -> str:
    """All shortcuts, by menu, in Markdown.

    Args:
        menus: Titles of the menus, with the titles and keys of their commands.
    """
    parts = ["# Keyboard"]
    native = QKeySequence.SequenceFormat.NativeText
    for title, commands in menus:
        rows = [
            (name, ", ".join(QKeySequence(key).toString(native) for key in keys))
            for name, keys in commands
        ]
        if rows:
            parts += [f"## {title}", _keys_table(rows)]
    canvas = [
        ("Choose the patch under the cursor", "Click"),
        ("Move from patch to patch; choose", "Arrow keys; Enter"),
        ("Zoom at the cursor", "Wheel"),
        ("Pan", "Drag; Space and drag"),
        ("Hide the panels, or show them", "Tab"),
    ]
    photos = [
        ("Choose several", "Ctrl+click, Shift+click, Ctrl+A"),
        ("Close those that are chosen", "Del"),
        ("Larger and smaller tiles", "Ctrl+wheel"),
    ]
    parts += ["## On the photo", _keys_table(canvas), "## In the list of photos",
              _keys_table(photos)]  # fmt: skip
    return "\n\n".join(parts)


def _keys_table(rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {escaped(name)} | {escaped(keys)} |" for name, keys in rows]
    return "\n".join(["| What | Keys |", "|---|---|", *lines])


def escaped(text: str) -> str:
    """A text's letters as they are, in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text)
