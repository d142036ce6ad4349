"""What crosses between the panes of the Compare view and the rest of the window."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.engine.engine import Cell
from vitviz.gui.threads.service import Opened
from vitviz.methods.base import Head
from vitviz.progress import Stage
from vitviz.session.state import Pane, PhotoRef


@dataclass(frozen=True, eq=False)
class PaneState:
    """One pane as far as it has got.

    Args:
        pane: What was chosen for it.
        opened: Its photo; None until it is open.
        cell: Its last answer on that photo, which may be to an earlier choice while it is busy;
            None until there is one.
        error: Why what was chosen has no answer; None where it has one or will have.
        busy: Its answer is still to come.
        stage: What is being done for it; None while nothing is.
        fraction: How much of that is done, 0..1.
    """

    pane: Pane
    opened: Opened | None = None
    cell: Cell | None = None
    error: BaseException | None = None
    busy: bool = False
    stage: Stage | None = None
    fraction: float = 0.0


@dataclass(frozen=True)
class PaneDrop:
    """What was dragged onto a pane; what is None stays as it is there.

    Args:
        photo: One of the open photos.
        layer: From 0.
        head: One head, from 0, or a fusion.
        paths: Files from elsewhere, to be opened as photos and the first of them shown.
    """

    photo: PhotoRef | None = None
    layer: int | None = None
    head: Head | None = None
    paths: tuple[str, ...] = ()
