"""The Compare menu: panes come, go and are arranged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import get_args

from PySide6.QtWidgets import QDialog

from vitviz.errors import VitvizError
from vitviz.gui.commands.command import App, Command, Menu
from vitviz.gui.commands.rules import has_panes, has_photos
from vitviz.gui.found import Found
from vitviz.gui.scene import FileMissing, PaneDrop, Scene
from vitviz.models.loading import bundled
from vitviz.session import panes as changes
from vitviz.session.panes import pair_of, view_on_another, with_query
from vitviz.session.ready import vit_or_cnn
from vitviz.session.split import Along, split
from vitviz.session.state import MOST_PANES, Arrangement, Pane, Query, Session, with_panes
from vitviz.wording.headings import letter

MENU = Menu("compare", "&Compare")
command = MENU.command


def has_room(scene: Scene) -> bool:
    """One more pane can be added."""
    return len(scene.session.panes) < MOST_PANES


def has_pane(index: int, scene: Scene) -> bool:
    """There is a pane at this place."""
    return index < len(scene.session.panes)


def is_arranged(arrangement: Arrangement, scene: Scene) -> bool:
    """The panes are laid out so."""
    return scene.session.compare.arrangement == arrangement


@command("compare.add", "&Add Pane", "Ctrl+D", when=has_room)
def add_pane(app: App) -> None:
    attempt(app, lambda: changes.add_pane(app.store.session))


@command("compare.remove", "&Remove Pane", "Ctrl+Backspace", when=has_panes)
def remove_pane(app: App) -> None:
    remove_pane_at(app, app.store.session.compare.focus)


@command("compare.split", "S&plit Along…", "Ctrl+\\", separated=True)
def split_along_layers(app: App) -> None:
    split_along("layers", app)


MENU.submenu("compare.along", "&Split Along")


def split_along(along: Along, app: App) -> None:
    """Asks for several values, and makes a pane of each."""
    session, cell = app.store.session, app.controller.shown_cell
    if session.photo is None:
        attempt(app, lambda: changes.add_pane(session))  # says what is missing
        return
    from vitviz.gui.dialogs.split import SplitDialog
    from vitviz.gui.dialogs.split_values import split_choices

    dialog = SplitDialog(
        split_choices(session, cell, app.settings.recent("models")), along, app.widget
    )
    if dialog.exec() == QDialog.DialogCode.Accepted:
        if dialog.along == "layers" and cell is not None:
            # "The last one" by its number, so that it is found among the others.
            layer = cell.heat_map(session.view).layer
            session = replace(session, view=replace(session.view, layer=layer))
        attempt(app, lambda: split(session, dialog.along, dialog.values))
    dialog.deleteLater()


for along, mnemonic in zip(
    get_args(Along),
    ("&Layers", "&Heads", "&Methods", "M&odels", "&Photos", "&Classes"),
    strict=True,
):
    MENU.add(
        Command(
            f"compare.along.{along}", f"Split Along {mnemonic}…", does=partial(split_along, along)
        )
    )


@command("compare.vit_or_cnn", "&ViT or CNN?", when=has_photos, separated=True)
def compare_vit_and_cnn(app: App) -> None:
    """The bundled models of both kinds, on the current photo."""
    vit, cnn = (
        next(card.id for card in bundled() if ("attention" in card.outline.gives) == has_attention)
        for has_attention in (True, False)
    )
    attempt(app, lambda: vit_or_cnn(app.store.session, vit, cnn))


@command("compare.next", "&Next Pane", "Ctrl+PgDown", when=has_panes, separated=True)
def next_pane(app: App) -> None:
    step_pane(app, 1)


@command("compare.previous", "&Previous Pane", "Ctrl+PgUp", when=has_panes)
def previous_pane(app: App) -> None:
    step_pane(app, -1)


MENU.submenu("compare.go", "&Go to Pane")


def go_to_pane(index: int, app: App) -> None:
    focus_pane(app, index)


for index in range(MOST_PANES):
    MENU.add(Command(
        f"compare.go.{letter(index)}", f"Go to Pane &{letter(index)}", f"Alt+{index + 1}",
        partial(go_to_pane, index), when=partial(has_pane, index),
    ))  # fmt: skip


@command("compare.on", "Move Pane &On", "Ctrl+Shift+PgDown", when=has_panes)
def move_pane_on(app: App) -> None:
    focus = app.store.session.compare.focus
    move_pane(app, focus, focus + 1)


@command("compare.back", "Move Pane &Back", "Ctrl+Shift+PgUp", when=has_panes)
def move_pane_back(app: App) -> None:
    focus = app.store.session.compare.focus
    move_pane(app, focus, focus - 1)


@command(
    "compare.linked", "&Link Panes", "L", when=has_panes,
    checked=lambda scene: scene.session.compare.linked, separated=True,
)  # fmt: skip
def toggle_linked(app: App) -> None:
    choose_linked(app, not app.store.session.compare.linked)


@command(
    "compare.shared", "Shared &Range", "R", when=has_panes,
    checked=lambda scene: scene.session.compare.shared,
)  # fmt: skip
def toggle_shared(app: App) -> None:
    choose_shared(app, not app.store.session.compare.shared)


@command(
    "compare.panes", "Show Pan&es", when=has_panes, checked=partial(is_arranged, "panes"),
    separated=True,
)  # fmt: skip
def show_panes(app: App) -> None:
    choose_arrangement(app, "panes")


@command(
    "compare.difference", "Show &Difference", "D", when=has_panes,
    checked=partial(is_arranged, "difference"),
)  # fmt: skip
def show_difference(app: App) -> None:
    choose_arrangement(app, "difference")


@command(
    "compare.wipe", "Show &Wipe", "W", when=has_panes, checked=partial(is_arranged, "wipe")
)  # fmt: skip
def show_wipe(app: App) -> None:
    choose_arrangement(app, "wipe")


@command("compare.pair", "Compare with Ne&xt Pane", when=has_panes, separated=True)
def pair_with_next(app: App) -> None:
    """The current pane and the one after it; the last one and the first."""
    session = app.store.session
    focus, count = session.compare.focus, len(session.panes)
    if count > 1:
        choose_pair(app, focus, (focus + 1) % count)


@command("compare.swap", "S&wap the Two", "X", when=has_panes)
def swap_pair(app: App) -> None:
    first, second = pair_of(app.store.session)
    choose_pair(app, second, first)


# What the Compare view asks for


def attempt(app: App, change: Callable[[], Session]) -> None:
    """Makes a change, or says why not."""
    try:
        app.store.set(change())
    except VitvizError as error:
        app.banner.show_error(error)


def arrange(app: App, **choices: object) -> None:
    """Opens the view with other choices."""
    session = app.store.session
    compare = replace(session.compare, **choices)  # type: ignore[arg-type]
    app.store.set(replace(session, compare=compare, tab="compare"))


def remove_pane_at(app: App, index: int) -> None:
    app.store.set(changes.remove_pane(app.store.session, index))


def focus_pane(app: App, index: int) -> None:
    """Makes a pane the current one: nothing that one would undo."""
    if index < len(app.store.session.panes):
        app.store.amend(changes.focus_pane(app.store.session, index))


def step_pane(app: App, step: int) -> None:
    session = app.store.session
    focus_pane(app, (session.compare.focus + step) % len(session.panes))


def move_pane(app: App, index: int, to: int) -> None:
    if 0 <= to < len(app.store.session.panes):
        app.store.set(changes.move_pane(app.store.session, index, to))


def choose_linked(app: App, linked: bool) -> None:
    arrange(app, linked=linked)


def choose_shared(app: App, shared: bool) -> None:
    arrange(app, shared=shared)


def choose_arrangement(app: App, arrangement: Arrangement) -> None:
    """The current pane is one of the two that are set against each other."""
    session = app.store.session
    first, second = pair_of(session)
    focus = session.compare.focus
    pair = (first, second) if focus in (first, second) else (first, focus)
    arrange(app, arrangement=arrangement, pair=pair)


def choose_pair(app: App, first: int, second: int) -> None:
    arrange(app, pair=(first, second))


def retry_pane(app: App, index: int) -> None:
    """What failed, again; what is missing is asked for."""
    if isinstance(app.scene.panes[index].error, FileMissing):
        app.documents.locating.locate()
    else:
        app.controller.retry(index)


def choose_pane_query(app: App, index: int, query: Query) -> None:
    """The patch that was clicked; at the same place in all panes where they are linked."""
    session, sizes = app.store.session, app.controller.photos.sizes
    panes = with_query(session.panes, index, query, sizes, session.compare.linked)
    app.store.set(with_panes(session, panes, session.compare.focus), "query")


def hover_pane(app: App, index: int, patch: tuple[int, int] | None) -> None:
    """Shows the map of the patch under the cursor, where the map follows the cursor."""
    states = app.controller.pane_states
    cell = states[index].cell if index < len(states) else None
    if cell is None or patch is None:
        app.controller.hover(None)
        return
    if app.preferences.follow_cursor:
        geometry = cell.heat_map(states[index].pane.view).geometry
        app.controller.hover(geometry.patch_box(*patch).centre, index)


def drop_on_pane(app: App, drop: PaneDrop, index: int) -> None:
    """What was dropped on a pane, or beside the last one.

    A checkpoint is its model from then on; other files are opened as ever, and the first
    photo of them is shown in the pane.
    """
    if drop.paths:
        app.documents.look_through(drop.paths, partial(_files_on_pane, app, index))
        return
    session = app.store.session
    _put(app, session, with_drop(_pane_at(session, index), drop), index)


def _files_on_pane(app: App, index: int, found: Found) -> None:
    if any(kind == "session" for kind, _ in found.others):  # it brings panes of its own
        app.documents.open_found(found)
        return
    session = app.store.session
    session, pane = app.documents.for_pane(session, _pane_at(session, index), found)
    _put(app, session, pane, index)


def _pane_at(session: Session, index: int) -> Pane:
    """The pane there, or a copy of the current one for a new place."""
    panes = session.panes
    return panes[index] if index < len(panes) else session.pane


def _put(app: App, session: Session, pane: Pane, index: int) -> None:
    """Gives a session a pane, in another's place or after the last one."""
    count = len(session.panes)
    if index < count:
        changed = changes.focus_pane(changes.replace_pane(session, index, pane), index)
        app.store.set(replace(changed, tab="compare"))
    else:
        attempt(app, lambda: changes.add_pane(session, pane, count))


def with_drop(pane: Pane, drop: PaneDrop) -> Pane:
    """The pane with what was dropped on it."""
    view = pane.view
    if drop.photo not in (None, pane.photo):
        pane, view = replace(pane, photo=drop.photo), view_on_another(view, pane.photo)
    if drop.layer is not None:
        view = replace(view, layer=drop.layer)
    if drop.head is not None:
        view = replace(view, head=drop.head)
    return replace(pane, view=view)
