"""The Go menu: which photo, layer, head, class and query is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from vitviz.gui.commands.command import App, Menu
from vitviz.gui.commands.compare import choose_pane_query
from vitviz.gui.commands.edit import set_preferences
from vitviz.gui.commands.rules import asks_class, has_classes, has_heads, has_map, on_the_way
from vitviz.gui.store import Store
from vitviz.maps.heat_map import Head
from vitviz.methods import METHODS
from vitviz.methods.base import Direction
from vitviz.session.panes import view_on_another, with_frame, with_query
from vitviz.session.queries import points_of
from vitviz.session.state import MOST_POINTS, Point, Query, View

if TYPE_CHECKING:  # views are loaded when they are first opened
    from vitviz.gui.views.how.view import HowView

TYPED_S = 0.8
"""Digits that follow each other faster are one number."""

_typed: WeakKeyDictionary[Store, tuple[int, float]] = WeakKeyDictionary()
"""What was typed last in each window, and when."""

MENU = Menu("go", "&Go")
command = MENU.command


@command("go.next_photo", "&Next Photo", "PgDown")
def next_photo(app: App) -> None:
    step_photo(app, 1)


@command("go.previous_photo", "&Previous Photo", "PgUp")
def previous_photo(app: App) -> None:
    step_photo(app, -1)


@command("go.next_layer", "Next &Layer", "]", separated=True)
def next_layer(app: App) -> None:
    step_layer(app, 1)


@command("go.previous_layer", "Previous La&yer", "[")
def previous_layer(app: App) -> None:
    step_layer(app, -1)


@command("go.play", "Pla&y Layers", "P", checked=lambda scene: scene.playing)
def toggle_play(app: App) -> None:
    layers = app.panels.layers
    layers.set_playing(not layers.playing)


@command("go.next_head", "Next &Head", ".", when=has_heads, separated=True)
def next_head(app: App) -> None:
    step_head(app, 1)


@command("go.previous_head", "Previous H&ead", ",", when=has_heads)
def previous_head(app: App) -> None:
    step_head(app, -1)


@command("go.next_class", "Next &Class", "C", when=asks_class, separated=True)
def next_class(app: App) -> None:
    app.panels.predictions.step(1)


@command("go.previous_class", "Previous Cl&ass", "Shift+C", when=asks_class)
def previous_class(app: App) -> None:
    app.panels.predictions.step(-1)


@command("go.class", "F&ind Class…", "Ctrl+F", when=has_classes)
def find_class(app: App) -> None:
    app.panels.reveal(app.panels.predictions)
    app.panels.predictions.search.setFocus()


@command("go.direction", "&Swap “of” and “to”", "T", separated=True)
def swap_direction(app: App) -> None:
    view = app.store.session.view
    if len(METHODS[view.method].directions) > 1:
        direction: Direction = "to" if view.direction == "of" else "of"
        choose_view(app, replace(view, direction=direction))


@command("go.query", "&Query: What the Class Is Read From", "Esc")
def default_query(app: App) -> None:
    """CLS, or the mean over all patches, as it is right for the model; ends what a chip shows."""
    session = app.store.session
    if app.panels.layers.playing:
        app.panels.layers.set_playing(False)
        return
    if app.preferences.follow_cursor:
        set_preferences(app, replace(app.preferences, follow_cursor=False))
        return
    if session.tab == "how" and how_view(app).go_up():
        return
    if session.tab == "compare":
        choose_pane_query(app, session.compare.focus, "auto")
    else:
        choose_query(app, "auto")


@command("go.next_frame", "Next &Image in File", "Alt+Right", separated=True)
def next_frame(app: App) -> None:
    step_frame(app, 1)


@command("go.previous_frame", "Previous Image in File", "Alt+Left")
def previous_frame(app: App) -> None:
    step_frame(app, -1)


@command("go.next_station", "Next S&tation", "N", when=on_the_way, separated=True)
def next_station(app: App) -> None:
    how_view(app).go_on()


@command("go.previous_station", "Previous Stati&on", "Shift+N", when=on_the_way)
def previous_station(app: App) -> None:
    how_view(app).go_back()


@command("go.tour", "Take the &Tour", when=has_map)
def take_tour(app: App) -> None:
    if app.store.session.tab != "how":
        app.store.set(replace(app.store.session, tab="how"), "tab")
    how_view(app).toggle_tour()
    app.refresh()


def how_view(app: App) -> HowView:
    """The view of the model's way to its answer."""
    return cast("HowView", app.views.view("how"))


# What panels and views ask for


def choose_view(app: App, view: View, kind: str = "") -> None:
    app.store.set(replace(app.store.session, view=view), kind)


def select_photo(app: App, index: int) -> None:
    session = app.store.session
    if index != session.selected and 0 <= index < len(session.photos):
        view = view_on_another(session.view, session.photo)
        app.store.set(replace(session, selected=index, view=view), "photo")


def step_photo(app: App, step: int) -> None:
    """The photo before or after, as the list shows them."""
    index = app.panels.photos.neighbour(step)
    if index is not None:
        select_photo(app, index)


def step_frame(app: App, step: int) -> None:
    session, opened = app.store.session, app.controller.opened
    if session.photo is None or opened is None or opened.photo.frames < 2:
        return
    frame = (session.photo.frame + step) % opened.photo.frames
    app.store.set(with_frame(session, frame), "frame")


def choose_layer(app: App, layer: int) -> None:
    choose_view(app, replace(app.store.session.view, layer=layer), "layer")


def step_layer(app: App, step: int) -> None:
    filmstrip = app.panels.layers.filmstrip
    if filmstrip.layers:
        at = filmstrip.layers.index(filmstrip.layer) + step
        choose_layer(app, filmstrip.layers[min(max(at, 0), len(filmstrip.layers) - 1)])


def choose_head(app: App, head: Head) -> None:
    choose_view(app, replace(app.store.session.view, head=head), "head")


def step_head(app: App, step: int) -> None:
    heads, head = app.panels.layers.heads, app.store.session.view.head
    at = heads.index(head) if head in heads else 0
    choose_head(app, heads[(at + step) % len(heads)])


def open_head(app: App, layer: int, head: Head) -> None:
    """From the Heads view to the canvas."""
    session = app.store.session
    view = replace(session.view, layer=layer, head=head)
    app.store.set(replace(session, view=view, tab="look"))


def choose_target(app: App, target: int | None) -> None:
    """The class that a map is about; None is the most probable one."""
    choose_view(app, replace(app.store.session.view, target=target), "target")


def ask_class(app: App, target: int | None) -> None:
    """Shows what speaks for a class, with a method that asks about one: the one there is, or else
    the first that the model fits.
    """
    session, scene = app.store.session, app.scene
    chosen = replace(session.view, target=target)
    if not METHODS[chosen.method].class_specific and scene.cell is not None:
        fitting = (one for one in METHODS.values()
                   if one.class_specific and one.fits(scene.cell.card.outline))  # fmt: skip
        method = next(fitting, None)
        if method is None:
            return
        chosen = replace(chosen, method=method.name, params=())
    choose_view(app, chosen, "target")


def choose_contrast(app: App, contrast: int | None) -> None:
    """The class that the map's class is set against; None is none."""
    choose_view(app, replace(app.store.session.view, contrast=contrast), "target")


def type_layer(app: App, digit: int) -> None:
    """Number keys choose a layer; two that follow each other are one number: 1, 2 is layer 12."""
    layers = app.panels.layers.filmstrip.layers
    now = app.store.clock()
    before, when = _typed.get(app.store, (0, -TYPED_S))
    number = 10 * before + digit if now - when < TYPED_S else digit
    if number - 1 not in layers:
        number = digit
    _typed[app.store] = (number, now)
    if number - 1 in layers:
        choose_layer(app, number - 1)


def choose_patch(app: App, patch: tuple[int, int] | None) -> None:
    """A patch of the map that is shown; with Shift, one more, or one less."""
    cell = app.controller.shown_cell
    if cell is None or patch is None:
        return
    view = app.store.session.view
    centre = cell.heat_map(view).geometry.patch_box(*patch).centre
    shift = QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier
    choose_query(app, with_point(view.query, centre) if shift else centre)


def with_point(query: Query, point: Point) -> Query:
    """A query of one point more; of one less, where the point is one of them."""
    points = points_of(query)
    left = tuple(one for one in points if one != point)
    more = left if len(left) < len(points) else (*points, point)
    if not more:
        return "auto"
    return more[0] if len(more) == 1 else more[-MOST_POINTS:]


def choose_token(app: App, token: int) -> None:
    """A patch of the model's input, or a token that stands for none."""
    cell = app.controller.shown_cell
    if cell is None:
        return
    patch = cell.layout.patch(token)
    query = cell.layout.prefix[token] if patch is None else cell.geometry.patch_box(*patch).centre
    choose_query(app, query)


def choose_query(app: App, query: Query) -> None:
    """A token of the current photo."""
    session = app.store.session
    (pane,) = with_query((session.pane,), 0, query, {}, linked=False)
    choose_view(app, pane.view, "query")


def choose_patch_of_first(app: App, patch: int) -> None:
    """A patch of the first layer, row by row."""
    cell = app.controller.shown_cell
    if cell is not None:
        choose_token(app, len(cell.layout.prefix) + patch)


def choose_named_query(app: App, name: str) -> None:
    """A prefix token, or all patches."""
    choose_view(app, replace(app.store.session.view, query=name), "query")


def hover_patch(app: App, patch: tuple[int, int] | None) -> None:
    """Shows the map of the patch under the cursor, where the map follows the cursor."""
    cell = app.controller.shown_cell
    if cell is None or patch is None:
        app.controller.hover(None)
        return
    heat_map = cell.heat_map(app.store.session.view)
    if app.preferences.follow_cursor:
        app.controller.hover(heat_map.geometry.patch_box(*patch).centre)
