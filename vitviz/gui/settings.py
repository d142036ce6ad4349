"""Preferences: what belongs to the person and the machine, not to a session."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

from vitviz.gui.theme import Theme
from vitviz.imaging.load import MAX_PIXELS
from vitviz.paths import is_elsewhere, is_folder, is_there
from vitviz.session.last import LastSession
from vitviz.session.pasted import pictures_in, remove_unused
from vitviz.session.session_file import SUFFIX
from vitviz.session.state import Session
from vitviz.writing import make_private, private_folder

if TYPE_CHECKING:
    from vitviz.exporting.provenance import Disclosure

RECENT = 12
"""How many photos and sessions "Open Recent" remembers."""


@dataclass(frozen=True)
class Preferences:
    """What the Preferences dialog sets.

    Args:
        theme: Light, dark, or as the desktop has it.
        device: "auto", "cpu", "cuda", "mps".
        follow_cursor: The map follows the patch under the cursor.
        trust_line: Under a map stands whether it is better than chance.
        reopen: Start with what was open at the end of last time.
        max_pixels: Photos above this are asked about before they are opened.
        provenance_beside: What made a file is also written beside it, as JSON.
        full_paths: What made a file names the folders of photos and checkpoints.
        hint: The line for the first minute stands above the photo.
        windows: Windows of networks that have some are drawn on the photo.
        reduce_motion: Nothing moves by itself, whatever the desktop says.
    """

    theme: Theme = "system"
    device: str = "auto"
    follow_cursor: bool = False
    trust_line: bool = True
    reopen: bool = True
    max_pixels: int = MAX_PIXELS
    provenance_beside: bool = False
    full_paths: bool = False
    windows: bool = True
    hint: bool = True
    reduce_motion: bool = False

    @property
    def disclosure(self) -> Disclosure:
        """What exported files say of where they come from."""
        from vitviz.exporting.provenance import Disclosure

        return Disclosure(self.provenance_beside or None, self.full_paths)


class Settings:
    """Preferences, recent files and the window's geometry, in one INI file.

    Args:
        folder: Where it lies; the user's configuration folder by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(platformdirs.user_config_dir("vitviz", appauthor=False))
        self._path = self.folder / "vitviz.ini"
        if is_folder(self.folder):  # as another version may have left it
            make_private(self.folder)
        self._settings = QSettings(str(self._path), QSettings.Format.IniFormat)

    @property
    def last_session(self) -> Path:
        """Where the session of last time is kept."""
        return LastSession(self.folder).path

    @property
    def pasted(self) -> Path:
        """Where pasted photos are kept, so that a session can open them again."""
        return self.folder / "pasted"

    def remove_unused_pictures(self) -> None:
        """Removes pasted pictures that nothing names any more (``session.pasted``)."""
        lists = [self.recent(kind) for kind in ("photos", "sessions")]
        kept = self._texts("pasted/saved")
        sessions = [*self.folder.glob(f"*{SUFFIX}"), *map(Path, lists[1])]
        remove_unused(self.pasted, [*lists[0], *kept], sessions)

    def keep_pictures(self, session: Session) -> None:
        """Keeps the pasted pictures of a session that the user saved, wherever it goes."""
        kept = self._texts("pasted/saved")
        new = sorted(pictures_in(" ".join(session.files)) - set(kept))
        if new:
            self._set("pasted/saved", [*kept, *new])

    def _set(self, key: str, value: object) -> None:
        # The file names photos, and Qt would let everybody read it; it leaves rights as they are.
        with suppress(OSError):
            private_folder(self.folder)
            self._path.touch(mode=0o600)
            make_private(self._path)
        self._settings.setValue(key, value)

    def _texts(self, key: str) -> list[str]:
        stored: object = self._settings.value(key, [])
        return [stored] if isinstance(stored, str) else list(map(str, stored or []))  # type: ignore[call-overload]

    def preferences(self) -> Preferences:
        """The preferences; a value that makes no sense counts as not set."""
        default = Preferences()
        values: dict[str, Any] = {}
        for field in fields(Preferences):
            fallback = getattr(default, field.name)
            stored = self._settings.value(f"preferences/{field.name}", fallback, type(fallback))
            values[field.name] = stored
        if values["theme"] not in ("system", "light", "dark"):
            values["theme"] = default.theme
        values["max_pixels"] = max(int(values["max_pixels"]), 1_000_000)
        return Preferences(**values)

    def set_preferences(self, preferences: Preferences) -> None:
        for field in fields(Preferences):
            self._set(f"preferences/{field.name}", getattr(preferences, field.name))
        self._settings.sync()

    def remembered(self, name: str, otherwise: str) -> str:
        """What was chosen last, under some name."""
        return str(self._settings.value(f"remembered/{name}", otherwise))

    def remember(self, name: str, value: str) -> None:
        self._set(f"remembered/{name}", value)

    def folder_of(self, kind: str) -> str:
        """The folder that a file dialog of some kind was in last; "" where it is not there."""
        name = self.remembered(f"folder_{kind}", "")
        return name if name and not is_elsewhere(name) and is_folder(name) else ""

    def remember_folder(self, kind: str, folder: str) -> None:
        self.remember(f"folder_{kind}", folder)

    def listed(self, name: str) -> list[str]:
        """Texts of the user's that are kept under some name."""
        return self._texts(f"listed/{name}")

    def set_listed(self, name: str, texts: list[str]) -> None:
        self._set(f"listed/{name}", texts)

    def recent(self, kind: str) -> list[str]:
        """Paths opened lately ("photos", "folders", "sessions", "models"), newest first; missing
        ones left out, but not those on other computers, which are not asked for.
        """
        paths = self._texts(f"recent/{kind}")
        return [path for path in paths if is_elsewhere(path) or is_there(path)]

    def add_recent(self, kind: str, path: str) -> None:
        paths = [path, *(known for known in self.recent(kind) if known != path)]
        self._set(f"recent/{kind}", paths[:RECENT])

    def forget_recent(self, kind: str, path: str) -> None:
        """Takes out what turned out not to open."""
        self._set(f"recent/{kind}", [known for known in self.recent(kind) if known != path])

    def geometry(self) -> tuple[QByteArray, QByteArray]:
        """The window's geometry and the state of its docks; empty at the first start."""
        window = self._settings.value("window/geometry", QByteArray())
        docks = self._settings.value("window/docks", QByteArray())
        return (
            window if isinstance(window, QByteArray) else QByteArray(),
            docks if isinstance(docks, QByteArray) else QByteArray(),
        )

    def set_geometry(self, window: QByteArray, docks: QByteArray) -> None:
        self._set("window/geometry", window)
        self._set("window/docks", docks)
        self._settings.sync()
