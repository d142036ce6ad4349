"""Everything the window shows at one moment, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, Protocol

from vitviz.engine.answers import Cell, Trust
from vitviz.engine.requests import TrustRequest
from vitviz.errors import VitvizError
from vitviz.gui.settings import Preferences
from vitviz.gui.threads.service import OpenPhoto, Preview
from vitviz.maps.heat_map import Head, HeatMap
from vitviz.maps.ranges import Look, look
from vitviz.methods import METHODS
from vitviz.models.card import ModelCard
from vitviz.progress import Stage
from vitviz.reading import Within
from vitviz.session.finding import last_part
from vitviz.session.state import Pane, PhotoRef, Query, Session

Device = tuple[str, str]
"""Title and name of a device that models can run on."""


Missing = Literal["gone", "elsewhere"]
"""Why a file of the session is not opened: it is not there, or it is on another computer, which is
not asked before the user says so."""


class FileMissing(VitvizError):
    """A photo or checkpoint is not where it was, or on another computer that is not asked.

    Args:
        name: In the session.
        what: "photo" or "checkpoint".
    """

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"The {what} {last_part(name)} is missing.",
            "What was chosen for it is kept.",
        )


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
    opened: OpenPhoto | None = None
    cell: Cell | None = None
    error: BaseException | None = None
    busy: bool = False
    stage: Stage | None = None
    fraction: float = 0.0


Phase = Literal["off", "waiting", "working", "offered", "done", "none"]
"""off: nobody wants it; waiting: for the map to stand still; working; offered: it would take long
and begins when it is asked for; done; none: there is none, and why is said."""


@dataclass(frozen=True, eq=False)
class TrustState:
    """The trust in one map, as far as it has got.

    Args:
        phase: How far.
        request: What is, or would be asked; None where nothing can be.
        trust: The answer.
        problem: Why there is none.
        fraction: How much is done, 0..1.
        expected_s: What it would take, in seconds.
    """

    phase: Phase = "off"
    request: TrustRequest | None = None
    trust: Trust | None = None
    problem: BaseException | None = None
    fraction: float = 0.0
    expected_s: float = 0.0


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
    layer: Annotated[int, Within(0, 1000)] | None = None
    head: Head | None = None
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scene:
    """What the views, panels, bars and commands show; each has ``show_scene`` and takes its part.

    Args:
        session: Every choice.
        panes: Each pane of the Compare view, as far as it has got.
        opened: The current pane's photo; the one before while a new one is still being opened.
        cell: The current pane's answer, if it is about that photo.
        preview: That photo as the list of photos has it.
        card: Of the model that answered last; None until one has.
        preferences: The user's, which are of no session.
        devices: That models can run on, as far as they are known.
        can_undo: There is a step to undo.
        can_redo: There is a step to redo.
        undo_name: What undo would take back.
        redo_name: What redo would do again.
        hover: The query under the cursor that the current pane is to show; None: the one chosen.
        playing: The layers are shown one after another.
        full_screen: The window covers the screen.
        alone: All panels are hidden.
        recent: Photos that were open lately, while none is.
        trust: Of each pane's map, as far as it has got.
        brushing: The brush that removes patches is in the hand.
        missing: Photos and checkpoints that are not opened, by their names in the session.
    """

    session: Session
    panes: tuple[PaneState, ...] = ()
    opened: OpenPhoto | None = None
    cell: Cell | None = None
    preview: Preview | None = None
    card: ModelCard | None = None
    preferences: Preferences = field(default_factory=Preferences)
    devices: tuple[Device, ...] = ()
    can_undo: bool = False
    can_redo: bool = False
    playing: bool = False
    full_screen: bool = False
    alone: bool = False
    recent: tuple[str, ...] = ()
    trust: tuple[TrustState, ...] = ()
    brushing: bool = False
    missing: Mapping[str, Missing] = field(default_factory=dict)
    undo_name: str = ""
    redo_name: str = ""
    hover: Query | None = None

    @property
    def pane(self) -> PaneState | None:
        """The current pane as far as it has got."""
        focus = self.session.compare.focus
        return self.panes[focus] if focus < len(self.panes) else None

    @property
    def is_stale(self) -> bool:
        """Whether the map that is shown is not of what is chosen: that is still being computed."""
        pane = self.pane
        return pane is not None and pane.busy and pane.cell is not None and not pane.cell.recalled

    @property
    def error(self) -> BaseException | None:
        """Why what is chosen in the current pane has no answer."""
        return self.pane.error if self.pane is not None else None

    @property
    def trust_state(self) -> TrustState:
        """Of the current pane's map."""
        focus = self.session.compare.focus
        return self.trust[focus] if focus < len(self.trust) else TrustState()

    @cached_property
    def heat_map(self) -> HeatMap | None:
        """The current pane's map."""
        return self.cell.heat_map(self.session.view) if self.cell is not None else None

    @cached_property
    def look(self) -> Look | None:
        """How that map is drawn."""
        if self.cell is None or self.heat_map is None:
            return None
        return look(self.session.style, self.heat_map, self.cell.explained(self.session.view))

    @property
    def asks_class(self) -> bool:
        """Whether the map is about a class, which can be chosen."""
        has_classes = self.cell is not None and self.cell.probabilities is not None
        return has_classes and METHODS[self.session.view.method].class_specific

    @property
    def may_ask_class(self) -> bool:
        """Whether some method that the model fits asks about a class."""
        if self.cell is None or self.cell.probabilities is None:
            return False
        outline = self.cell.card.outline
        return any(one.class_specific and one.fits(outline) for one in METHODS.values())


class Part(Protocol):
    """A part of the window."""

    def show_scene(self, scene: Scene) -> None:
        """Shows its part of the scene."""
