"""The File menu: opening, saving, exporting and closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog

from vitviz.engine.answers import Cell
from vitviz.gui.commands.command import App, Menu
from vitviz.gui.commands.rules import has_map, has_missing, has_photos, on_the_way
from vitviz.gui.threads.jobs import Job
from vitviz.gui.widgets.ask_files import ask_new_file
from vitviz.gui.widgets.target import ask_target
from vitviz.paths import absolute, is_elsewhere
from vitviz.progress import Progress
from vitviz.session.panes import without_photos
from vitviz.session.state import PhotoRef

if TYPE_CHECKING:  # views are loaded when they are first opened
    from vitviz.gui.views.how.view import HowView

MENU = Menu("file", "&File")
command = MENU.command


@command("file.open", "&Open Photos…", "Ctrl+O")
def open_photos(app: App) -> None:
    app.documents.choose_photos()


@command("file.folder", "Open &Folder…", "Ctrl+Shift+O")
def open_folder(app: App) -> None:
    app.documents.choose_folder()


MENU.submenu("file.recent", "Open &Recent")


@command("file.samples", "Sample &Photos")
def open_samples(app: App) -> None:
    app.documents.add_samples()


@command("file.session", "Open &Session…", "Ctrl+Alt+O", separated=True)
def open_session(app: App) -> None:
    app.documents.sessions.choose()


@command("file.save", "&Save Session", "Ctrl+S")
def save_session(app: App) -> None:
    app.documents.sessions.save()


@command("file.save_as", "Save Session &As…", "Ctrl+Shift+S")
def save_session_as(app: App) -> None:
    app.documents.sessions.save_as()


@command("file.locate", "&Locate Missing Files…", when=has_missing)
def locate_files(app: App) -> None:
    app.documents.locating.locate()


@command("file.export_figure", "Export F&igure…", "Ctrl+E", when=has_map, separated=True)
def export_figure(app: App) -> None:
    """Asks how a figure is to be, and writes it; the choices stay in the session."""
    from vitviz.gui.figure.dialog import FigureDialog

    dialog = FigureDialog(
        app.store.session, app.views.kind.figures, app.service.engine, app.controller.device,
        app.preferences.disclosure, app.settings.remembered("figure", ".pdf"), app.widget,
    )  # fmt: skip
    dialog.exec()
    app.settings.remember("figure", dialog.form.suffix)
    app.store.amend(replace(app.store.session, figure=dialog.figure))
    if dialog.saved is not None:
        app.status.show_saved(dialog.saved)
    dialog.deleteLater()


@command("file.save_map", "Save &Map…", "Ctrl+Shift+E", when=has_map)
def save_map(app: App) -> None:
    cell, opened = app.controller.shown_cell, app.controller.opened
    if cell is None or opened is None:
        return
    session = app.store.session
    layer = cell.heat_map(session.view).layer + 1
    suggested = f"{stem_of(cell, f'layer{layer}')}.png"
    from vitviz.exporting.formats import formats
    from vitviz.exporting.map_files import write_map

    pictures = " ".join(f"*{row.suffix}" for row in formats("map"))
    values = [row.suffix for row in formats("values") if "map" not in row.titles]
    kinds = f"Over the photo ({pictures});;Raw values ({' '.join(f'*{v}' for v in values)})"
    beside = cell.request.photo.path
    name, kind = ask_new_file(app.widget, "exports", "Save the map", suggested, kinds, beside)
    if not name:
        return

    path = Path(name)
    if not path.suffix:
        path = path.with_name(path.name + (".npy" if ".npy" in kind else ".png"))
    photo, disclosure = opened.photo, app.preferences.disclosure
    write(app, path, lambda _: write_map(path, photo, cell, session, disclosure))


@command("file.export_data", "Export &Data…", "Ctrl+Shift+D", when=has_map)
def export_data(app: App) -> None:
    cell, session = app.controller.shown_cell, app.store.session
    if cell is None:
        return
    from vitviz.exporting.map_files import write_values
    from vitviz.gui.dialogs.export_data import DataDialog

    dialog = DataDialog(cell, session.view, session.style.smooth, app.widget)
    if dialog.exec() == QDialog.DialogCode.Accepted:
        wanted, suffix = dialog.wanted, dialog.suffix
        suggested = f"{stem_of(cell, 'values')}{suffix}"
        path = ask_target(app.widget, "Export data", suggested, suffix, cell.request.photo.path)
        disclosure = app.preferences.disclosure
        if path is not None:
            write(app, path, lambda _: write_values(path, cell, session, wanted, disclosure))
    dialog.deleteLater()


@command("file.export_animation", "Export A&nimation…", "Ctrl+Shift+N", when=has_map)
def export_animation(app: App) -> None:
    cell, opened = app.controller.shown_cell, app.controller.opened
    if cell is None or opened is None:
        return
    from vitviz.exporting.animation import write_animation
    from vitviz.gui.dialogs.export_animation import AnimationDialog

    session, photo = app.store.session, opened.photo
    answer, disclosure = app.service.engine.answer, app.preferences.disclosure
    dialog = AnimationDialog(replace(photo, pixels=opened.thumbnail), cell, session, app.widget)
    if dialog.exec() == QDialog.DialogCode.Accepted:
        animation, suffix = dialog.animation, dialog.suffix
        suggested = f"{stem_of(cell, animation.along)}{suffix}"
        path = ask_target(
            app.widget, "Export animation", suggested, suffix, cell.request.photo.path
        )
        if path is not None:
            write(app, path, lambda progress: write_animation(
                path, photo, cell, session, animation, answer, progress, disclosure
            ))  # fmt: skip
    dialog.deleteLater()


@command("file.station", "Save S&tation…", when=on_the_way)
def save_station(app: App) -> None:
    """The open station of How It Sees, as a picture or a page."""
    _of_way(app, "save_picture")


@command("file.station_film", "Save Station as Fi&lm…", when=on_the_way)
def save_station_film(app: App) -> None:
    _of_way(app, "save_film")


@command("file.handout", "Save &Handout…", when=on_the_way)
def save_handout(app: App) -> None:
    """All stations with their questions, to be printed."""
    _of_way(app, "save_handout")


def _of_way(app: App, what: str) -> None:
    from vitviz.gui.commands import stations

    view = cast("HowView", app.views.view("how"))
    if view.subject is not None:
        getattr(stations, what)(app, view, view.subject, write)


@command("file.batch", "&Batch…", "Ctrl+Shift+B")
def show_batch(app: App) -> None:
    app.batch.show()


@command("file.batch_table", "Batch &Table…")
def show_batch_table(app: App) -> None:
    """A table that a batch wrote; each line opens its photo."""
    app.batch.show_table()


@command("file.close", "&Close Photo", "Ctrl+W", when=has_photos, separated=True)
def close_photo(app: App) -> None:
    photo = app.store.session.photo
    if photo is not None:
        close_photos(app, (photo,))


@command("file.close_all", "Close All Photos", "Ctrl+Shift+W", when=has_photos)
def close_all_photos(app: App) -> None:
    session = app.store.session
    app.store.set(without_photos(session, session.photos))


@command("file.close_others", "Close &Others", when=has_photos)
def close_other_photos(app: App) -> None:
    session = app.store.session
    app.store.set(without_photos(session, [ref for ref in session.photos if ref != session.photo]))


@command("file.show_in_folder", "Show in Fol&der", when=has_photos, separated=True)
def show_in_folder(app: App) -> None:
    """The current photo's folder, in the desktop's file manager."""
    photo = app.store.session.photo
    if photo is not None and not is_elsewhere(photo.path):
        folder = absolute(photo.path).parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


@command("file.copy_path", "Copy Pat&h", when=has_photos)
def copy_path(app: App) -> None:
    photo = app.store.session.photo
    if photo is not None:
        QGuiApplication.clipboard().setText(photo.path)
        app.status.show_idle("Copied the photo's path")


@command("file.quit", "&Quit", "Ctrl+Q", separated=True)
def close(app: App) -> None:
    app.widget.close()


def open_recent(app: App, path: str) -> None:
    app.documents.open_recent(path)


# What the list of photos asks for


def close_photos(app: App, refs: tuple[PhotoRef, ...]) -> None:
    app.store.set(without_photos(app.store.session, refs))


# Writing


def stem_of(cell: Cell, what: str) -> str:
    """The name that is suggested for a file of a map, without its suffix."""
    return f"{Path(cell.request.photo.path).stem}-{cell.request.method}-{what}"


def write(app: App, path: Path, work: Callable[[Progress], str | None]) -> None:
    """Writes a file on the jobs' thread, and says so once it is written; and which letters no
    font had for it, if ``work`` gives such.
    """

    def written(missing: object) -> None:
        app.status.show_saved(path, missing if isinstance(missing, str) else "")

    app.jobs.begin(Job(f"Writing {path.name}", work, written))
