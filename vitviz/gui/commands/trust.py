"""What the line under the map and the Trust panel ask for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.engine.answers import Trust
from vitviz.engine.requests import TrustRequest
from vitviz.gui.commands.command import App
from vitviz.gui.widgets.ask_files import ask_file, ask_new_file
from vitviz.progress import Progress

if TYPE_CHECKING:
    from vitviz.gui.trust.dialog import TrustDialog

MASKS = "Masks (*.png *.bmp *.tif *.tiff *.json)"


def show_trust(app: App) -> None:
    """Opens the Trust panel, or brings it to the front."""
    dialog = app.trust_dialog
    dialog.show_scene(app.scene)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()


def connect_dialog(app: App, dialog: TrustDialog) -> None:
    """Does what a new panel asks for."""
    dialog.asked.connect(partial(ask_trust, app))
    dialog.removal_chosen.connect(app.trust.set_removal)
    dialog.mask_wanted.connect(partial(open_mask, app))
    dialog.table_wanted.connect(partial(save_table, app))


def ask_trust(app: App, request: TrustRequest) -> None:
    app.trust.ask_now(request)


def open_mask(app: App) -> None:
    """Asks for a mask of the photo, and compares its maps with it."""
    dialog, opened = app.trust_dialog, app.controller.opened
    if opened is None:
        return
    if name := ask_file(dialog, "masks", "Open Mask", MASKS):
        read_mask_file(app, Path(name))


def read_mask_file(app: App, path: Path) -> None:
    """Reads a mask of the photo on the jobs' thread; what is wrong with it is said."""
    from vitviz.gui.threads.jobs import Job
    from vitviz.trust.masks import read_mask

    opened = app.controller.opened
    if opened is None:
        return
    size, photo = opened.photo.size, Path(opened.ref.path).name

    def then(mask: object) -> None:
        if app.controller.opened is opened:
            app.trust_dialog.show_mask(mask, path)  # type: ignore[arg-type]

    def read(progress: Progress) -> object:
        return read_mask(path, size, photo, progress)

    app.jobs.begin(Job(f"Opening {path.name}", read, then, opens=True))


def save_table(app: App, trust: Trust) -> None:
    """Asks where to, and writes the numbers and curves of a judgement."""
    from vitviz.exporting.trust_table import write_trust_table
    from vitviz.gui.threads.jobs import Job

    photo = Path(trust.request.explain.photo.path)
    name, _ = ask_new_file(
        app.trust_dialog, "exports", "Save Table",
        f"{photo.stem}-{trust.request.explain.method}-trust.csv", "CSV (*.csv)", str(photo),
    )  # fmt: skip
    if name:
        path = Path(name)
        app.jobs.begin(Job(f"Saving {path.name}", lambda _: write_trust_table(path, trust)))
