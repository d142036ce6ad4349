"""What is dragged within the window: photos, maps, layers and panes."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from PySide6.QtCore import QByteArray, QMimeData, QPoint, Qt
from PySide6.QtGui import QDrag, QDropEvent, QPixmap
from PySide6.QtWidgets import QWidget

from vitviz.gui.scene import PaneDrop
from vitviz.plain_text import MOST_OF_NAME, shown_text
from vitviz.reading import parse, typed
from vitviz.wording.names import head_name, layer_name

DROP = "application/x-vitviz-drop"
PANE = "application/x-vitviz-pane"

PICTURE = 160
"""Longest side of what hangs on the pointer, in widget pixels."""


def drop_data(drop: PaneDrop) -> QMimeData:
    """A photo, or a layer and head, on its way to a pane."""
    data = QMimeData()
    data.setData(DROP, QByteArray(json.dumps(asdict(drop)).encode()))
    return data


def pane_data(index: int) -> QMimeData:
    """A pane on its way to another place."""
    data = QMimeData()
    data.setData(PANE, QByteArray(str(index).encode()))
    return data


def dropped(data: QMimeData) -> PaneDrop | None:
    """What ``drop_data`` made, or files; None where it is something else."""
    if not data.hasFormat(DROP):
        files = tuple(url.toLocalFile() for url in data.urls() if url.isLocalFile())
        return PaneDrop(paths=files) if files else None
    try:
        drop = typed(PaneDrop, parse(bytes(data.data(DROP).data()).decode()))
    except ValueError:  # some other program's
        return None
    return replace(drop, paths=())  # files come as files only


def dropped_pane(data: QMimeData) -> int | None:
    """The index that ``pane_data`` was given; None where it is something else."""
    text = bytes(data.data(PANE).data()) if data.hasFormat(PANE) else b""
    return int(text) if text.isdigit() else None


def accept(event: QDropEvent) -> None:
    """Takes what is dragged, as a copy: whoever answers "move", as a drop with Shift proposes, asks
    the other program to delete its file.
    """
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


def words(drop: PaneDrop) -> str:
    """What is about to be dropped: "panda.jpg", "layer 8, head 3"."""
    if drop.photo is not None or drop.paths:
        more = f" and {len(drop.paths) - 1} more" if len(drop.paths) > 1 else ""
        name = Path(drop.photo.path if drop.photo else drop.paths[0]).name
        return shown_text(name, MOST_OF_NAME) + more
    parts = []
    if drop.layer is not None:
        parts.append(layer_name(drop.layer))
    if drop.head is not None:
        parts.append(head_name(drop.head))
    return ", ".join(parts)


def drag(source: QWidget, data: QMimeData, picture: QPixmap) -> None:
    """Drags it; returns once it was dropped somewhere, or nowhere.

    Args:
        source: Where the drag begins.
        data: What is dragged.
        picture: Hangs on the pointer; made smaller where it is large.
    """
    ratio = picture.devicePixelRatio()
    most = round(PICTURE * ratio)
    if max(picture.width(), picture.height()) > most:
        picture = picture.scaled(
            most, most, Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )  # fmt: skip
    journey = QDrag(source)
    journey.setMimeData(data)
    journey.setPixmap(picture)
    journey.setHotSpot(QPoint(12, 12))
    journey.exec(Qt.DropAction.CopyAction)
