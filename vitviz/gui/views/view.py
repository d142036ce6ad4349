"""What a view is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from vitviz.figures.spec import Content
from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.scene import Scene
from vitviz.session.state import Session, Tab

NOTHING = ("Nothing to show yet", "Open a photo, or wait for the model")
"""The message of a view without a map: its title and its text."""


class ViewWidget(QWidget):
    """What stands in the middle of the window."""

    def show_scene(self, scene: Scene) -> None:
        """Shows its part of what the window shows."""
        raise NotImplementedError

    def show_trust(self, scene: Scene) -> None:
        """Shows the trust in its maps, where it says so; part of ``show_scene``."""

    @property
    def canvas(self) -> Canvas | None:
        """The photo that zooming and keys act on; None: that of the first view."""
        return None

    def on_turned_to(self) -> None:
        """The window has turned to it, and it shows what it should."""


@dataclass(frozen=True)
class ViewKind:
    """One row of ``VIEWS``.

    Args:
        name: In the session, and of its command: "view.look".
        title: In the menu; & marks the mnemonic.
        make: Makes the widget, when the view is first opened; only that imports it.
        figures: What a figure shows that is begun in the view; the first one unless another was
            chosen before.
        copied: The figure that Copy Picture takes; None: the maps over their photos.
        all_panes: Copy Picture takes every pane, not only the current one.
        opens_for_drags: Opens when something is dragged over its tab: it can be dropped there.
    """

    name: Tab
    title: str
    make: Callable[[], ViewWidget]
    figures: tuple[Content, ...]
    copied: Callable[[Session], Content | None] = lambda _: None
    all_panes: bool = False
    opens_for_drags: bool = False
