"""What a command is, what it acts on, and the menus that commands are registered in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from vitviz.gui.controller import Controller
from vitviz.gui.documents import Documents
from vitviz.gui.panels.docks import PanelDocks
from vitviz.gui.scene import Device, Scene
from vitviz.gui.settings import Preferences, Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.jobs import Jobs
from vitviz.gui.threads.service import Service
from vitviz.gui.trust.watch import TrustWatch
from vitviz.gui.views.stack import ViewStack
from vitviz.gui.widgets.banner import Banner
from vitviz.gui.widgets.status import StatusBar
from vitviz.models.card import ModelCard

if TYPE_CHECKING:  # loaded when they are first used
    from vitviz.gui.batch.commands import BatchCommands
    from vitviz.gui.browser.commands import BrowserCommands
    from vitviz.gui.corrections.commands import CorrectionCommands
    from vitviz.gui.finetune.commands import FinetuneCommands
    from vitviz.gui.trust.dialog import TrustDialog


class App(Protocol):
    """The window, as its commands know it."""

    store: Store
    controller: Controller
    service: Service
    jobs: Jobs
    documents: Documents
    settings: Settings
    preferences: Preferences
    devices: list[Device]
    card: ModelCard | None
    banner: Banner
    status: StatusBar
    trust: TrustWatch
    panels: PanelDocks
    views: ViewStack
    menus: Sequence[Menu]
    actions_by_id: Mapping[str, QAction]

    @property
    def widget(self) -> QMainWindow:
        """The window itself: the parent of dialogs."""

    @property
    def scene(self) -> Scene:
        """What it shows."""

    @property
    def batch(self) -> BatchCommands:
        """Many photos at once."""

    @property
    def trust_dialog(self) -> TrustDialog:
        """What is behind the line under the map."""

    @property
    def browser(self) -> BrowserCommands:
        """Finding, fetching and opening models."""

    @property
    def corrections(self) -> CorrectionCommands:
        """What the user says of the model's file."""

    @property
    def finetuning(self) -> FinetuneCommands:
        """Training a model further."""

    def refresh(self) -> None:
        """Shows what is chosen and computed, everywhere."""

    def apply_theme(self) -> None:
        """Gives everything the colours of the chosen theme."""


Does = Callable[[App], None]
Rule = Callable[[Scene], bool]


@dataclass(frozen=True)
class Command:
    """Something that the user can have done, from the menu, by key and from the palette.

    Args:
        id: "file.open"; its first part is the menu, the first two of three its submenu.
        title: In the menu; & marks the mnemonic.
        keys: Shortcuts, the first one shown; "" for none.
        does: What it does; None: it stands for a submenu.
        when: Whether it can be given; None: always.
        checked: Whether its state is on; None: it is no state.
        separated: A separator stands before it in the menu.
        says: More about it just now, behind its title: what it would undo.
    """

    id: str
    title: str
    keys: str = ""
    does: Does | None = None
    when: Rule | None = None
    checked: Rule | None = None
    separated: bool = False
    says: Callable[[Scene], str] | None = None


class Menu:
    """The commands of one menu, in the order they are registered.

    Args:
        name: The first part of its commands' ids.
        title: In the menu bar; & marks the mnemonic.
    """

    def __init__(self, name: str, title: str) -> None:
        self.name, self.title = name, title
        self.commands: list[Command] = []

    def command(
        self, id: str, title: str, keys: str = "", *, when: Rule | None = None,
        checked: Rule | None = None, separated: bool = False,
        says: Callable[[Scene], str] | None = None,
    ) -> Callable[[Does], Does]:  # fmt: skip
        """Registers the function below it as a command."""

        def register(does: Does) -> Does:
            self.add(Command(id, title, keys, does, when, checked, separated, says))
            return does

        return register

    def submenu(self, id: str, title: str, *, separated: bool = False) -> None:
        """The place of a submenu."""
        self.add(Command(id, title, separated=separated))

    def add(self, command: Command) -> None:
        """Registers a command."""
        self.commands.append(command)
