"""What the user chose: small hashable values, never arrays.

A ``Session`` is everything a session file holds. It is replaced, never changed
(``dataclasses.replace``), which is what makes undo, comparison and caching simple.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from vitviz.figures.spec import FigureSpec
from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.heat_map import Head
from vitviz.maps.outliers import OutlierChoice
from vitviz.maps.style import Style
from vitviz.methods.base import Direction, ParameterValue
from vitviz.probing.ablation import Ablation
from vitviz.reading import Within
from vitviz.session.mask import MaskChoice

Coordinate = Annotated[float, Within(-1e7, 1e7)]

Point = tuple[Coordinate, Coordinate]
"""x and y in photo pixels."""

MOST_POINTS = 1 << 12

Query = str | Point | Annotated[tuple[Point, ...], Within(1, MOST_POINTS)]
"""Which tokens are asked about (``session.queries``): a prefix token by name ("cls"); "patches",
the mean over all patches; "auto", whichever of these is right for the model; or points: the patches
over them, or their mean.

Points, so that the query stays on the same thing when the grid changes under it.
"""

Tab = Literal["look", "heads", "patches", "compare", "masked", "how", "charts"]

MOST_PANES = 6
"""Side by side; more are too small to read."""

MOST_PHOTOS = 1 << 20
MOST_REFERENCES = 64
"""Photos that one map refers to: each is kept open, and shown to the model."""

MOST_CLASSES = 1 << 24

PaneIndex = Annotated[int, Within(0, MOST_PANES - 1)]
Byte = Annotated[int, Within(0, 255)]

Arrangement = Literal["panes", "difference", "wipe"]
"""Of the Compare view: the panes; with the difference of two of them as one more map; or two of
them over one photo, with a slider between."""


@dataclass(frozen=True)
class PhotoRef:
    """A photo by where it is.

    Args:
        path: Of the file.
        frame: Of an animation, from 0.
        allow_large: The user said yes to a photo above the pixel limit.
    """

    path: str
    frame: Annotated[int, Within(0, 1 << 30)] = 0
    allow_large: bool = False


@dataclass(frozen=True)
class View:
    """What is looked at.

    Args:
        method: Name of an explanation method.
        params: Its settings that differ from the defaults, sorted by name.
        layer: From 0; negative counts from the last.
        head: One head from 0, or a fusion.
        query: Whose attention; "auto" goes with the model.
        direction: Of the query, or to it.
        target: Index of the class that a class-specific method asks about; None: the most
            probable one.
        contrast: Index of the class that this one is set against ("why this and not that"); None:
            none.
        ablation: What is taken from the network while it is looked at.
        outliers: What is done with outlier patches.
        reference: The photos that the map refers to, where its method refers to any
            (``Method.refers``); none: its own.
    """

    method: str = "attention"
    params: tuple[tuple[str, ParameterValue], ...] = ()
    layer: Annotated[int, Within(-1000, 1000)] = -1
    head: Head = "mean"
    query: Query = "auto"
    direction: Direction = "of"
    target: Annotated[int, Within(0, MOST_CLASSES)] | None = None
    contrast: Annotated[int, Within(0, MOST_CLASSES)] | None = None
    ablation: Ablation = field(default_factory=Ablation)
    outliers: OutlierChoice = "show"
    reference: Annotated[tuple[PhotoRef, ...], Within(0, MOST_REFERENCES)] = ()


@dataclass(frozen=True)
class Pane:
    """One map of the Compare view: a photo, who looks at it, and what is looked at.

    Args:
        photo: Which photo; None while no photo is open.
        model: Id of a bundled model, or path of a checkpoint.
        input: What the model is given.
        view: What is looked at.
    """

    photo: PhotoRef | None = None
    model: str = ""
    input: InputChoice = field(default_factory=InputChoice)
    view: View = field(default_factory=View)


@dataclass(frozen=True)
class Compare:
    """What the Compare view holds beside the current pane, which is the session itself.

    Args:
        others: The other panes, in order.
        focus: Place of the current pane among them all, 0..len(others).
        linked: Zoom, pan, cursor and query go with each other in all panes.
        shared: One range of colours for all panes with the same unit.
        arrangement: How they are laid out.
        pair: The two panes that a difference (second minus first), a wipe and the numbers of
            agreement are about; those that there are not become the nearest.
    """

    others: Annotated[tuple[Pane, ...], Within(0, MOST_PANES - 1)] = ()
    focus: PaneIndex = 0
    linked: bool = True
    shared: bool = False
    arrangement: Arrangement = "panes"
    pair: tuple[PaneIndex, PaneIndex] = (0, 1)


@dataclass(frozen=True)
class ChartChoice:
    """What the Charts view shows.

    Args:
        name: Of a kind of chart; the first one where there is no such kind.
        photos: The current photo, or all that are open.
    """

    name: str = "attention-distance"
    photos: Literal["current", "open"] = "current"


@dataclass(frozen=True)
class Session:
    """Every choice in the window.

    Args:
        photos: The open photos, in order.
        selected: Index of the one shown; 0 when there is none.
        model: Id of a bundled model, or path of a checkpoint.
        input: What the model is given.
        view: What is looked at.
        style: How it looks.
        tab: Which of the window's views is open.
        background: RGB colour behind transparent photos.
        compare: The other panes of the Compare view.
        figure: What is exported for print.
        mask: Which patches are hidden from a masked autoencoder.
        chart: What the Charts view shows.
    """

    photos: Annotated[tuple[PhotoRef, ...], Within(0, MOST_PHOTOS)] = ()
    selected: Annotated[int, Within(0, MOST_PHOTOS - 1)] = 0
    model: str = ""
    input: InputChoice = field(default_factory=InputChoice)
    view: View = field(default_factory=View)
    style: Style = field(default_factory=Style)
    tab: Tab = "look"
    background: tuple[Byte, Byte, Byte] = (255, 255, 255)
    compare: Compare = field(default_factory=Compare)
    figure: FigureSpec = field(default_factory=FigureSpec)
    mask: MaskChoice = field(default_factory=MaskChoice)
    chart: ChartChoice = field(default_factory=ChartChoice)

    @property
    def photo(self) -> PhotoRef | None:
        """The selected photo."""
        return self.photos[self.selected] if self.photos else None

    @property
    def files(self) -> frozenset[str]:
        """The names of all photos and models, the ids of bundled ones among them."""
        refs = (*self.photos, *(pane.photo for pane in self.panes),
                *(ref for pane in self.panes for ref in pane.view.reference))  # fmt: skip
        models = (pane.model for pane in self.panes)
        return frozenset(filter(None, (*(ref.path for ref in refs if ref), *models)))

    @property
    def pane(self) -> Pane:
        """The current pane: what Look, Heads and Patches show, and what the panels change."""
        return Pane(self.photo, self.model, self.input, self.view)

    @property
    def panes(self) -> tuple[Pane, ...]:
        """Every pane of the Compare view, the current one in its place."""
        others, focus = self.compare.others, self.compare.focus
        return (*others[:focus], self.pane, *others[focus:])


def with_panes(session: Session, panes: tuple[Pane, ...], focus: int) -> Session:
    """The session with these panes, one of them current.

    Args:
        session: Its photos hold those of the panes.
        panes: At least one, at most ``MOST_PANES``.
        focus: Index of the current one.
    """
    if not 0 <= focus < len(panes) <= MOST_PANES:
        raise ValueError(f"pane {focus} of {len(panes)}")
    pane = panes[focus]
    selected = session.photos.index(pane.photo) if pane.photo in session.photos else 0
    compare = replace(session.compare, others=panes[:focus] + panes[focus + 1 :], focus=focus)
    return replace(
        session, selected=selected, model=pane.model, input=pane.input, view=pane.view,
        compare=compare,
    )  # fmt: skip
