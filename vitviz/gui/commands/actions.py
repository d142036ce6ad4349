"""Commands as Qt has them: actions with their keys, in a menu bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from vitviz.gui.commands.command import App, Command, Menu
from vitviz.gui.scene import Scene
from vitviz.gui.widgets.text import menu_text, set_tooltip

ROLES = {
    "file.quit": QAction.MenuRole.QuitRole,
    "edit.preferences": QAction.MenuRole.PreferencesRole,
    "help.about": QAction.MenuRole.AboutRole,
}


class CommandAction(QAction):
    """A command that can be triggered.

    Args:
        command: That does something.
        app: What it acts on.
    """

    def __init__(self, command: Command, app: App) -> None:
        super().__init__(command.title, app.widget)
        self.command, self._app = command, app
        self.setObjectName(command.id)
        self.setCheckable(command.checked is not None)
        self.setMenuRole(ROLES.get(command.id, QAction.MenuRole.NoRole))
        if command.keys:
            self.setShortcuts([QKeySequence(key) for key in command.keys.split("; ")])
        self.triggered.connect(self._run)

    def show_scene(self, scene: Scene) -> None:
        """Can be given, and is checked, as its command says."""
        if self.command.when is not None:
            self.setEnabled(self.command.when(scene))
        if self.command.checked is not None:
            self.setChecked(self.command.checked(scene))
        if self.command.says is not None:
            words = f"{self.command.title} {menu_text(self.command.says(scene))}".strip()
            self.setText(words)
            set_tooltip(self, words.replace("&", ""))

    @Slot()
    def _run(self) -> None:
        assert self.command.does is not None
        self.command.does(self._app)
        if self.isCheckable():  # Qt has turned the mark over, whatever the command did
            self.show_scene(self._app.scene)


class Actions:
    """The actions of all commands, and their menu bar.

    Args:
        app: What the commands act on; the actions belong to its window.
        menus: In the order of the menu bar.
    """

    def __init__(self, app: App, menus: Sequence[Menu]) -> None:
        self._menus = menus
        self.by_id = {
            command.id: CommandAction(command, app)
            for menu in menus for command in menu.commands if command.does is not None
        }  # fmt: skip
        app.widget.addActions(list(self.by_id.values()))

    def show_scene(self, scene: Scene) -> None:
        """Every action as its command says."""
        for action in self.by_id.values():
            action.show_scene(scene)

    def menu_bar(self, submenus: Mapping[str, QMenu]) -> QMenuBar:
        """The menu bar, in the order of the commands.

        Args:
            submenus: By the id of the command that stands for each.
        """
        bar = QMenuBar()
        for row in self._menus:
            menu = bar.addMenu(row.title)
            for command in row.commands:
                if command.separated:
                    menu.addSeparator()
                if command.does is None:
                    submenus[command.id].setTitle(command.title)
                    menu.addMenu(submenus[command.id])
                else:
                    parent = submenus.get(command.id.rpartition(".")[0], menu)
                    parent.addAction(self.by_id[command.id])
        return bar
