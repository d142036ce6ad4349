"""What the user chose: small hashable values, never arrays.

A ``Session`` is everything a session file holds. It is replaced, never changed
(``dataclasses.replace``), which is what makes undo, comparison and caching simple.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from vitviz.figures.style import Style
from vitviz.imaging.preprocess import InputChoice
from vitviz.methods.base import Direction, Head, ParameterValue

Query = str | tuple[float, float]
"""A prefix token by name ("cls"), or a point (x, y) in photo pixels: the patch over it.

A point, so that the query stays on the same thing when the grid changes under it.
"""

Tab = Literal["look", "heads", "patches"]


@dataclass(frozen=True)
class PhotoRef:
    """A photo by where it is.

    Args:
        path: Of the file.
        frame: Of an animation, from 0.
        allow_large: The user said yes to a photo above the pixel limit.
    """

    path: str
    frame: int = 0
    allow_large: bool = False


@dataclass(frozen=True)
class View:
    """What is looked at.

    Args:
        method: Name of an explanation method.
        params: Its settings that differ from the defaults, sorted by name.
        layer: From 0; negative counts from the last.
        head: One head from 0, or a fusion.
        query: Whose attention.
        direction: Of the query, or to it.
    """

    method: str = "attention"
    params: tuple[tuple[str, ParameterValue], ...] = ()
    layer: int = -1
    head: Head = "mean"
    query: Query = "cls"
    direction: Direction = "of"


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
    """

    photos: tuple[PhotoRef, ...] = ()
    selected: int = 0
    model: str = ""
    input: InputChoice = field(default_factory=InputChoice)
    view: View = field(default_factory=View)
    style: Style = field(default_factory=Style)
    tab: Tab = "look"
    background: tuple[int, int, int] = (255, 255, 255)

    @property
    def photo(self) -> PhotoRef | None:
        """The selected photo."""
        return self.photos[self.selected] if self.photos else None
