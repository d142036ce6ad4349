"""Takes the pictures of the README and the user guide, each in a state the program can be put in.

Run: ``python tools/screenshots.py [NAME...]``; needs no screen. The font is the system's.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from vitviz.gui import app as application
from vitviz.gui.settings import Settings
from vitviz.gui.theme import Theme
from vitviz.gui.window import Window
from vitviz.imaging.geometry import Box
from vitviz.imaging.preprocess import InputChoice
from vitviz.imaging.samples import SAMPLES
from vitviz.session.state import Session, Tab, View

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


@dataclass(frozen=True)
class Shot:
    """One picture.

    Args:
        photo: A sample photo's stem.
        view: What is looked at.
        tab: Which view is open.
        theme: Light or dark.
        size: Width and height of the window.
        whole: The model is given the whole photo.
        fineness: With ``whole``, how fine.
        hover: Where the cursor is, as fractions of the photo, or None.
    """

    photo: str
    view: View
    tab: Tab = "look"
    theme: Theme = "dark"
    size: tuple[int, int] = (1400, 880)
    whole: bool = True
    fineness: int = 1
    hover: tuple[float, float] | None = None


SHOTS = {
    "window": Shot("bison", View(layer=4), hover=(0.36, 0.42)),
    "rollout": Shot("panda", View("rollout", (("discard", 0.5),)), theme="light"),
    "patch-query": Shot("panda", View(layer=4, query=(280.0, 300.0)), hover=None),
    "heads": Shot("bison", View(layer=4), tab="heads"),
    "patches": Shot("coffee", View(layer=5), tab="patches", theme="light"),
    "finer": Shot("bison", View(layer=4), fineness=2),
}


def session_of(shot: Shot, session: Session) -> Session:
    """The session that a picture shows."""
    stems = [Path(name).stem for name in SAMPLES]
    mode = InputChoice("whole photo", shot.fineness) if shot.whole else InputChoice()
    return replace(
        session, selected=stems.index(shot.photo), input=mode, view=shot.view, tab=shot.tab
    )


def wait(app: QApplication, until: Callable[[], bool]) -> None:
    """Lets the program work until something is the case."""
    while not until():
        app.processEvents()


def take(app: QApplication, name: str, shot: Shot) -> None:
    """Opens a window in that state and saves it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder))
        settings.set_preferences(replace(settings.preferences(), theme=shot.theme))
        window = Window(settings)
        window.resize(*shot.size)
        window.show()
        window.panels.reset()
        window.begin([])
        window.store.amend(session_of(shot, window.store.session))
        asked = window.store.session

        def ready() -> bool:
            cell = window.controller.shown_cell
            photos = window.panels.photos
            return (
                cell is not None
                and cell.request.photo == asked.photo
                and cell.request.input == asked.input
                and cell.request.method == asked.view.method
                and cell.request.query == asked.view.query
                and window.panels.layers.filmstrip.complete
                and all(photos.has_preview(ref) for ref in asked.photos)
            )

        wait(app, ready)
        opened = window.controller.opened
        if shot.hover and opened is not None:
            height, width = opened.photo.size
            area = window.canvas.on_widget(Box(0, 0, width, height))
            across, down = shot.hover
            window.canvas.pointed(
                area.left() + across * area.width(), area.top() + down * area.height()
            )
        for _ in range(200):
            app.processEvents()
        IMAGES.mkdir(parents=True, exist_ok=True)
        window.grab().save(str(IMAGES / f"{name}.png"))
        window.close()
        print(f"wrote {name}.png")


def main(names: list[str]) -> None:
    """Takes the named pictures, or all of them."""
    app = application.application(["vitviz"])
    for name in names or SHOTS:
        take(app, name, SHOTS[name])


if __name__ == "__main__":
    main(sys.argv[1:])
