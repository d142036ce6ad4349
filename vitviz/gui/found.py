"""What files are that were dropped or chosen: photos, or something that opens in another way.

Nothing here knows Qt, so that thousands of files, and folders on slow disks, can be looked through
on another thread.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vitviz.errors import PhotoError, VitvizError
from vitviz.imaging.load import EXTENSIONS, photos_in
from vitviz.models.checkpoints.filetype import looks_like_weights
from vitviz.paths import absolute, is_folder, is_there
from vitviz.plurals import count_of
from vitviz.progress import Progress, Stage, silent
from vitviz.session import session_file
from vitviz.session.state import PhotoRef

CHECKPOINTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
"""Suffixes of files that are models whatever is in them; others are if they hold weights."""

ARCHIVES = (".zip", ".rar", ".7z", ".gz", ".tar", ".tgz", ".bz2", ".xz")
"""Suffixes of what has to be unpacked before anything in it can be opened."""

FEW = 64
"""So many files are looked at where they are asked about: that takes milliseconds."""

Kind = Literal["photo", "folder", "session", "export", "model"]


@dataclass(frozen=True)
class Found:
    """What there is behind some names.

    Args:
        photos: Each once, those of folders too.
        others: What else there is, in order: sessions, exported files that tell what made them,
            and models.
        refused: What is nothing of it, and why.
    """

    photos: tuple[PhotoRef, ...] = ()
    others: tuple[tuple[Kind, Path], ...] = ()
    refused: tuple[VitvizError, ...] = ()


def are_many(names: Sequence[Path | str]) -> bool:
    """Whether looking through them may take long enough to be felt."""
    return len(names) > FEW or any(map(is_folder, names))


def look_through(names: Sequence[Path | str], progress: Progress = silent) -> Found:
    """Finds out what files and folders are.

    Args:
        names: Of anything, there or not.
        progress: Called now and then; may raise ``Cancelled``.
    """
    photos: dict[str, None] = {}
    others: list[tuple[Kind, Path]] = []
    refused: list[VitvizError] = []
    for number, name in enumerate(names):
        if number % FEW == 0:
            progress(Stage("files", number, len(names)), number / len(names))
        kind = kind_of(name)
        if kind == "photo" and not is_there(name):
            refused.append(PhotoError(f"There is no file {Path(name).name}.", "Choose another."))
        elif kind == "photo":
            photos[str(absolute(name))] = None
        elif kind != "folder":
            others.append((kind, Path(name)))
        else:
            try:
                photos |= dict.fromkeys(map(str, _photos_of(absolute(name))))
            except VitvizError as error:
                refused.append(error)
    return Found(tuple(map(PhotoRef, photos)), tuple(others), tuple(refused))


def kind_of(name: Path | str) -> Kind:
    """What a file is, by its suffix where that says it, else by how it begins."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 (pathlib takes ten times as long)
    if is_folder(name):
        return "folder"
    if suffix == session_file.SUFFIX:
        return "session"
    if suffix in CHECKPOINTS:
        return "model"
    if suffix in EXTENSIONS:
        return "photo"
    if suffix in exported_suffixes():
        return "export"
    return "model" if looks_like_weights(Path(name)) else "photo"


def promise(names: Sequence[str]) -> tuple[str, bool]:
    """What dropping files on the window would do, in words; and whether it would do nothing.

    It is told from their names alone, which is quick, and asks no other computer.

    Args:
        names: Of the files, at least one.
    """
    suffixes = [os.path.splitext(name)[1].lower() for name in names]  # noqa: PTH122
    if len(names) == 1:
        return _promise_of_one(names[0], suffixes[0])
    archives = [suffix for suffix in suffixes if suffix in ARCHIVES]
    if len(archives) == len(names):
        return "Archives: unpack them first", True
    photos = sum(suffix in EXTENSIONS for suffix in suffixes)
    others = len(names) - photos
    if not others:
        return f"Open {count_of(photos, 'photo')}", False
    if not photos:
        return f"Open {count_of(others, 'file')}", False
    return f"Open {count_of(photos, 'photo')} and {count_of(others, 'other file')}", False


def _promise_of_one(name: str, suffix: str) -> tuple[str, bool]:
    short = os.path.basename(name.rstrip("/\\"))  # noqa: PTH119
    if suffix in ARCHIVES:
        return f"Cannot open {suffix}: unpack it first", True
    if suffix == session_file.SUFFIX:
        return f"Open the session {short}", False
    if suffix in CHECKPOINTS:
        return f"Use {short} as the model", False
    if suffix in EXTENSIONS:
        return "Open 1 photo", False
    if suffix in exported_suffixes():
        return f"Open what made {short}", False
    return f"Open {short}", False


def exported_suffixes() -> tuple[str, ...]:
    """Of the files that tell what made them."""
    from vitviz.exporting.formats import CONTAINERS
    from vitviz.exporting.stamp import BESIDE

    return (*CONTAINERS, BESIDE)


def _photos_of(folder: Path) -> list[Path]:
    found = photos_in(folder)
    if not found:
        raise PhotoError(f"There are no photos in {folder.name}.", "Choose another folder.")
    return found
