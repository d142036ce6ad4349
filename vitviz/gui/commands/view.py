"""The View menu: which view is open, and how it looks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt

from vitviz.engine.plan import decode_request_of
from vitviz.gui.commands.command import App, Command, Menu
from vitviz.gui.commands.edit import set_preferences
from vitviz.gui.commands.go import choose_token
from vitviz.gui.commands.rules import has_chosen_range, has_map, has_windows
from vitviz.gui.commands.trust import show_trust
from vitviz.gui.scene import Scene
from vitviz.gui.views.table import VIEWS
from vitviz.maps.mass import USUAL_SHARE
from vitviz.maps.style import Style
from vitviz.session.mask import MaskChoice
from vitviz.session.state import Tab

MENU = Menu("view", "&View")
command = MENU.command


def choose_tab(app: App, tab: Tab) -> None:
    app.store.set(replace(app.store.session, tab=tab), "tab")


def show_view(tab: Tab, app: App) -> None:
    choose_tab(app, tab)


def is_open(tab: Tab, scene: Scene) -> bool:
    """The view is the one that is shown."""
    return scene.session.tab == tab


for number, kind in enumerate(VIEWS, start=1):
    MENU.add(
        Command(
            f"view.{kind.name}",
            kind.title,
            f"Ctrl+{number}",
            partial(show_view, kind.name),
            checked=partial(is_open, kind.name),
        )
    )


@command("view.zoom_in", "Zoom &In", "Ctrl++; Ctrl+=", separated=True)
def zoom_in(app: App) -> None:
    app.views.canvas.zoom_in()


@command("view.zoom_out", "Zoom &Out", "Ctrl+-")
def zoom_out(app: App) -> None:
    app.views.canvas.zoom_out()


@command("view.actual", "&100 %", "Ctrl+0")
def zoom_actual(app: App) -> None:
    app.views.canvas.actual_size()


@command("view.fit", "&Fit", "F")
def zoom_fit(app: App) -> None:
    app.views.canvas.fit()


@command(
    "view.grid", "Patch &Grid", "G", checked=lambda scene: scene.session.style.grid, separated=True
)
def toggle_grid(app: App) -> None:
    style = app.store.session.style
    choose_style(app, replace(style, grid=not style.grid))


@command(
    "view.windows", "&Windows", "Shift+W", when=has_windows,
    checked=lambda scene: scene.preferences.windows,
)  # fmt: skip
def toggle_windows(app: App) -> None:
    windows = not app.preferences.windows
    set_preferences(app, replace(app.preferences, windows=windows))


@command("view.smooth", "&Smooth Edges", "S", checked=lambda scene: scene.session.style.smooth)
def toggle_smooth(app: App) -> None:
    style = app.store.session.style
    choose_style(app, replace(style, smooth=not style.smooth))


@command(
    "view.outline", "&Outline What Holds Most", "Shift+O",
    checked=lambda scene: scene.session.style.outlined > 0,
)  # fmt: skip
def toggle_outline(app: App) -> None:
    style = app.store.session.style
    choose_style(app, replace(style, outlined=0.0 if style.outlined else USUAL_SHARE))


@command("view.reset_range", "Range of This &Map", when=has_chosen_range)
def reset_range(app: App) -> None:
    """The colours are those of the map's own values again."""
    choose_style(app, replace(app.store.session.style, range="each"))


@command(
    "view.follow", "Map Follows &Cursor", "H",
    checked=lambda scene: scene.preferences.follow_cursor,
)  # fmt: skip
def toggle_follow(app: App) -> None:
    follow = not app.preferences.follow_cursor
    set_preferences(app, replace(app.preferences, follow_cursor=follow))


@command(
    "view.trust_line",
    "Trust &Line under the Map",
    checked=lambda scene: scene.preferences.trust_line,
)
def toggle_trust_line(app: App) -> None:
    on = not app.preferences.trust_line
    set_preferences(app, replace(app.preferences, trust_line=on))


@command("view.trust", "&Trust…", "Ctrl+T", when=has_map)
def show_trust_panel(app: App) -> None:
    show_trust(app)


MENU.submenu("view.panels", "&Panels", separated=True)


@command("view.reset", "&Reset Layout")
def reset_layout(app: App) -> None:
    app.panels.reset()


@command("view.alone", "&Hide Panels", "Shift+F11", checked=lambda scene: scene.alone)
def toggle_panels(app: App) -> None:
    """Clears the deck: nothing but the view and the bars, until it is done again."""
    app.panels.room.set_cleared(not app.panels.room.is_cleared)


@command("view.full", "F&ull Screen", "F11", checked=lambda scene: scene.full_screen)
def toggle_full_screen(app: App) -> None:
    """Nothing but the view on all of the screen; Tab brings the panels there too."""
    becomes_full = not app.widget.isFullScreen()
    app.widget.setWindowState(app.widget.windowState() ^ Qt.WindowState.WindowFullScreen)
    app.panels.room.set_cleared(becomes_full)


# What the Appearance panel asks for


def choose_style(app: App, style: Style, kind: str = "") -> None:
    app.store.set(replace(app.store.session, style=style), kind)


# What the Masked view asks for


def choose_mask(app: App, mask: MaskChoice, kind: str) -> None:
    app.store.set(replace(app.store.session, mask=mask), kind)


def choose_masked_patch(app: App, patch: int) -> None:
    """A patch among those that are seen, row by row."""
    cell = app.controller.shown_cell
    if cell is not None:
        choose_token(app, len(cell.layout.prefix) + patch)


def ask_decoder(app: App, normalised: bool | None) -> None:
    """Asks for what the session's mask hides."""
    request = decode_request_of(app.store.session, app.controller.device, normalised)
    app.service.decode(() if request is None else (request,))
