"""The Help menu."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt

from vitviz.bundled import resource
from vitviz.gui import theme
from vitviz.gui.commands.command import App, Menu
from vitviz.gui.commands.edit import set_preferences
from vitviz.gui.commands.rules import has_photos

MENU = Menu("help", "&Help")
command = MENU.command


@command("help.guide", "&User Guide", "F1")
def show_guide(app: App) -> None:
    beside(app, "User guide", resource("guide.md").read_text(encoding="utf-8"))


@command("help.keys", "&Keyboard", "Shift+F1")
def show_keys(app: App) -> None:
    from vitviz.gui.dialogs.about import keys_text

    menus = [
        (menu.title.replace("&", ""),
         [(one.title.replace("&", ""), one.keys.split("; ")) for one in menu.commands if one.keys])
        for menu in app.menus
    ]  # fmt: skip
    beside(app, "Keyboard", keys_text(menus))


@command("help.tour", "Show Me &Around", when=has_photos)
def show_tour(app: App) -> None:
    """Five places of the window, one after another."""
    from vitviz.gui.tour import Stop, Tour

    dismiss_hint(app)
    if app.store.session.tab != "look":
        app.actions_by_id["view.look"].trigger()
    panels = app.panels
    stops = (
        Stop(lambda: app.views, "The photo and its map",
             "Bright is what the model attends to. Click a patch to ask what that patch attends "
             "to; Esc goes back. Move over patches to read their values."),
        Stop(lambda: panels.layers, "Layers and heads",
             "Each small map is one layer. Click one, or press [ and ]. Below are the heads of "
             "that layer: , and . step through them."),
        Stop(lambda: panels.method, "What is asked",
             "Attention is one answer; Class relevance says what speaks for a class. “Of: CLS” is "
             "the token that the verdict is read from."),
        Stop(lambda: panels.predictions, "What the model says",
             "Click a class to see what speaks for it; Ctrl+F finds any other."),
        Stop(lambda: panels.photos, "Your photos",
             "Drop files and folders anywhere, or press +. Filter and sort thousands. Ctrl+E makes "
             "a figure of what you see, F1 opens the guide."),
    )  # fmt: skip
    Tour(app.widget, stops).begin()


def dismiss_hint(app: App) -> None:
    """The line for the first minute was read."""
    if app.preferences.hint:
        set_preferences(app, replace(app.preferences, hint=False))


@command("help.about", "&About vitviz", separated=True)
def show_about(app: App) -> None:
    from vitviz.gui.dialogs.about import AboutDialog

    dialog = AboutDialog(theme.program_icon(), app.widget)
    dialog.exec()
    dialog.deleteLater()


def beside(app: App, title: str, text: str) -> None:
    """Shows a text beside the window, which stays usable; what is open already comes forward.

    Args:
        app: Its window.
        title: Of the text.
        text: In Markdown of this program's own.
    """
    from vitviz.gui.dialogs.guide import GuideWindow

    known = {one.windowTitle(): one for one in app.widget.findChildren(GuideWindow)}
    if title not in known:
        known[title] = GuideWindow(title, text, app.widget)
        known[title].setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    window = known[title]
    window.show()
    window.raise_()
    window.activateWindow()
