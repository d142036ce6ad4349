"""The Help menu."""

from __future__ import annotations

from PySide6.QtGui import QTextDocument

from vitviz.bundled import resource
from vitviz.gui import theme
from vitviz.gui.commands.command import App, Menu

MENU = Menu("help", "&Help")
command = MENU.command


@command("help.guide", "&User Guide", "F1")
def show_guide(app: App) -> None:
    guide = resource("guide.md").read_text(encoding="utf-8")
    # Its pictures stand in the repository; in the window one can look at the real thing.
    words = [line for line in guide.splitlines() if not line.startswith("![")]
    document = QTextDocument()
    document.setMarkdown("\n".join(words))
    read(app, "User guide", document.toHtml())


@command("help.keys", "&Keyboard", "Shift+F1")
def show_keys(app: App) -> None:
    from vitviz.gui.dialogs.about import keys_text

    menus = [
        (menu.title.replace("&", ""),
         [(one.title.replace("&", ""), one.keys.split("; ")) for one in menu.commands if one.keys])
        for menu in app.menus
    ]  # fmt: skip
    read(app, "Keyboard", keys_text(menus))


@command("help.about", "&About vitviz", separated=True)
def show_about(app: App) -> None:
    from vitviz.gui.dialogs.about import AboutDialog

    dialog = AboutDialog(theme.program_icon(), app.widget)
    dialog.exec()
    dialog.deleteLater()


def read(app: App, title: str, text: str) -> None:
    """Shows rich text to be read."""
    from vitviz.gui.dialogs.about import TextDialog

    dialog = TextDialog(title, text, None, app.widget)
    dialog.exec()
    dialog.deleteLater()
