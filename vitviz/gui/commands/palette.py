"""Everything that the command palette finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from PySide6.QtGui import QKeySequence

from vitviz.gui.commands import edit, go, model, view
from vitviz.gui.commands.command import App
from vitviz.gui.fuzzy import Entry
from vitviz.gui.panels.model import INPUTS
from vitviz.gui.panels.photo_order import name_of
from vitviz.maps.colour import COLOUR_MAPS
from vitviz.maps.scaling import SCALING_TITLES
from vitviz.methods import METHODS
from vitviz.session.state import View

RECENT = 8
"""How many are remembered."""

SELF = "view.palette"

MENU = view.MENU


@MENU.command(SELF, "Command Palette…", "Ctrl+Shift+P")
def open_palette(app: App) -> None:
    """Asks what is to be done, and does it."""
    from vitviz.gui.dialogs.palette import PaletteDialog

    recent = app.settings.listed("palette")
    dialog = PaletteDialog(list(entries(app)), recent, app.widget)
    accepted = dialog.exec() == PaletteDialog.DialogCode.Accepted
    entry = dialog.chosen
    dialog.deleteLater()
    if accepted and entry is not None:
        lately = [entry.id, *(id for id in recent if id != entry.id)]
        app.settings.set_listed("palette", lately[:RECENT])
        entry.act()


def entries(app: App) -> Iterator[Entry]:
    """What can be done now: commands first, then all that can be chosen."""
    native = QKeySequence.SequenceFormat.NativeText
    for id, action in app.actions_by_id.items():
        if id != SELF and action.isEnabled():
            title = action.text().replace("&", "")
            yield Entry(id, title, action.trigger, key=action.shortcut().toString(native))
    yield from _methods(app)
    yield from _looks(app)
    for title, choice in INPUTS:
        yield Entry(f"input {title}", title, partial(model.choose_input, app, choice), "input")
    yield from _preferences(app)
    yield from _classes(app)
    for index, ref in enumerate(app.store.session.photos):
        act = partial(go.select_photo, app, index)
        yield Entry(f"photo {ref.path}", name_of(ref), act, "photo")


def _methods(app: App) -> Iterator[Entry]:
    scene = app.scene
    outline = scene.card.outline if scene.card is not None else None
    for method in METHODS.values():
        if outline is None or method.fits(outline):
            act = partial(choose_method, app, method.name)
            yield Entry(f"method {method.name}", method.title_for(outline), act, "method")


def choose_method(app: App, name: str) -> None:
    """Another method, with its own settings."""
    now: View = app.store.session.view
    go.choose_view(app, replace(now, method=name, params=()))


def _looks(app: App) -> Iterator[Entry]:
    style = app.store.session.style
    for name, facts in COLOUR_MAPS.items():
        act = partial(view.choose_style, app, replace(style, colour_map=name))
        yield Entry(f"colours {name}", facts.title, act, "colours")
    for scaling, title in SCALING_TITLES.items():
        act = partial(view.choose_style, app, replace(style, scaling=scaling))
        yield Entry(f"scale {scaling}", f"Scale: {title}", act, "appearance")


def _preferences(app: App) -> Iterator[Entry]:
    now = app.preferences
    for theme, title in (("light", "Light"), ("dark", "Dark"), ("system", "As the desktop")):
        act = partial(edit.set_preferences, app, replace(now, theme=theme))  # type: ignore[arg-type]
        yield Entry(f"theme {theme}", f"Theme: {title}", act, "preference")
    for device_title, device in (("Automatic", "auto"), *app.devices):
        act = partial(edit.set_preferences, app, replace(now, device=device))
        yield Entry(f"device {device}", f"Device: {device_title}", act, "preference")
    for title, on, turned in (
        ("Start with What Was Open Last Time", now.reopen, replace(now, reopen=not now.reopen)),
        ("Write What Made a File Beside It", now.provenance_beside,
         replace(now, provenance_beside=not now.provenance_beside)),
        ("Name Folders in Exported Files", now.full_paths,
         replace(now, full_paths=not now.full_paths)),
    ):  # fmt: skip
        act = partial(edit.set_preferences, app, turned)
        yield Entry(f"set {title}", f"{title}: {'off' if on else 'on'}", act, "preference")


def _classes(app: App) -> Iterator[Entry]:
    cell = app.scene.cell
    if cell is None or cell.probabilities is None:
        return
    for index in range(cell.outline.classes):
        act = partial(go.ask_class, app, index)
        yield Entry(f"class {index}", cell.class_name(index), act, "class")
