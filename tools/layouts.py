"""Takes the window at four sizes in both themes, to be looked at: nothing cut, nothing wasted.

Run: ``python tools/screenshots.py layouts --out FOLDER [--only STATE...]``. The states are those
of ``STATES``; a picture is called STATE-WIDTHxHEIGHT-THEME.png.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from vitviz.gui.settings import Settings
from vitviz.gui.theme import Theme
from vitviz.gui.window import Window
from vitviz.imaging.samples import sample_photos
from vitviz.session.split import split
from vitviz.session.state import PhotoRef

SIZES = ((900, 600), (1100, 700), (1400, 880), (2560, 1440))
THEMES: tuple[Theme, ...] = ("dark", "light")
PHOTOS = 500
PATIENCE_S = 90


class Room:
    """A window that is put into one state after another.

    Args:
        app: Qt's.
        theme: Of the window.
        folder: For settings and made photos.
    """

    def __init__(self, app: QApplication, theme: Theme, folder: Path) -> None:
        self.app, self.folder = app, folder
        settings = Settings(folder / "settings")
        settings.set_preferences(
            replace(settings.preferences(), theme=theme, hint=False, trust_line=False)
        )
        self.window = Window(settings, QSize(1400, 880))
        self.window.show()
        self.window.begin(list(sample_photos()))
        self.first = self.window.store.session
        self.rest()

    def rest(self) -> None:
        """Lets the program work until it has come to rest, or for a while."""
        end = time.monotonic() + PATIENCE_S
        quiet = 0
        while quiet < 40 and time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.005)
            busy = self.window.service.is_at_work or self.window.jobs.is_busy
            quiet = 0 if busy else quiet + 1

    def turn(self, **changes: object) -> QWidget:
        """The window in another state of its session."""
        session = replace(self.first, photos=self.window.store.session.photos or self.first.photos)
        self.window.store.amend(replace(session, **changes))  # type: ignore[arg-type]
        self.rest()
        return self.window

    def compare(self) -> QWidget:
        self.window.store.amend(split(self.first, "layers", (1, 4, 7, 10)))
        self.rest()
        return self.window

    def figure(self) -> QWidget:
        """The dialog as it opens, before anything is written."""
        shown: list[QWidget] = []
        execute = QDialog.exec

        def keep(dialog: QDialog) -> int:
            dialog.show()
            self.rest()
            shown.append(dialog)
            return 0

        QDialog.exec = keep  # type: ignore[method-assign]
        try:
            self.window.actions_by_id["file.export_figure"].trigger()
        finally:
            QDialog.exec = execute  # type: ignore[method-assign]
        return shown[0] if shown else self.window

    def many(self) -> QWidget:
        """The browser with hundreds of photos."""
        folder = self.folder / "photos"
        if not folder.exists():
            folder.mkdir()
            rng = np.random.default_rng(0)
            for number in range(PHOTOS):
                pixels = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
                picture = Image.fromarray(pixels).resize((120, 80), Image.Resampling.BICUBIC)
                picture.save(folder / f"photo {number}.jpg")
        refs = tuple(PhotoRef(str(path)) for path in sorted(folder.iterdir()))
        return self.turn(photos=self.first.photos + refs)

    def empty(self) -> QWidget:
        self.window.store.amend(replace(self.first, photos=(), selected=0))
        self.rest()
        return self.window

    def missing(self) -> QWidget:
        """Photos that are not where they were."""
        gone = tuple(PhotoRef(str(self.folder / f"gone {number}.jpg")) for number in range(2))
        return self.turn(photos=(*self.first.photos, *gone), selected=len(self.first.photos))


STATES: dict[str, Callable[[Room], QWidget]] = {
    "look": lambda room: room.turn(tab="look"),
    "heads": lambda room: room.turn(tab="heads"),
    "patches": lambda room: room.turn(tab="patches"),
    "compare": Room.compare,
    "figure": Room.figure,
    "photos": Room.many,
    "missing": Room.missing,
    "empty": Room.empty,
}
"""What is taken, and how the window gets there."""


def layouts(app: QApplication, out: Path, only: Sequence[str]) -> None:
    """Writes all pictures."""
    out.mkdir(parents=True, exist_ok=True)
    for theme in THEMES:
        with tempfile.TemporaryDirectory() as folder:
            room = Room(app, theme, Path(folder))
            for name, state in STATES.items():
                if only and name not in only:
                    continue
                for width, height in SIZES:
                    room.window.resize(width, height)
                    widget = state(room)
                    for _ in range(50):
                        app.processEvents()
                    path = out / f"{name}-{width}x{height}-{theme}.png"
                    widget.grab().save(str(path))
                    print(f"wrote {path.name}", flush=True)
                    if isinstance(widget, QDialog):
                        widget.close()
            room.window.close()
