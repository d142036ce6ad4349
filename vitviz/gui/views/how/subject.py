"""What the stations are about: a photo, a model, and what is known of both so far; knows no Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np

from vitviz.engine.answers import Cell
from vitviz.engine.requests import ExplainRequest, Request
from vitviz.gui.scene import Scene
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import HeatMap, Quantity
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look
from vitviz.models.outline import Outline
from vitviz.session.queries import query_tokens
from vitviz.session.state import Session
from vitviz.shapes import Float32, UInt8

Asked = TypeVar("Asked", bound=Request)

Kind = Literal["attention", "windows", "convolutions"]
"""How the layers of a network look around."""

KEPT = 60
"""Answers that are remembered."""


def kind_of(outline: Outline) -> Kind:
    """How the layers of a network look around."""
    if outline.heads == 0:
        return "convolutions"
    windowed = any(layer.window is not None for layer in outline.layers)
    return "windows" if windowed else "attention"


def on_input(geometry: Geometry) -> Geometry:
    """The same patches on the model's input, as if that were the photo."""
    size = geometry.input_size
    return replace(geometry, photo_size=size, resized_size=size, window_origin=(0, 0))


@dataclass(frozen=True, eq=False)
class Subject:
    """One photo as one model saw it.

    Args:
        cell: The window's last answer about it.
        session: Every choice.
        thumbnail: The whole photo, small.
    """

    cell: Cell
    session: Session
    thumbnail: UInt8[np.ndarray, "height width 3"] | None = None

    @property
    def outline(self) -> Outline:
        return self.cell.outline

    @property
    def kind(self) -> Kind:
        return kind_of(self.outline)

    @property
    def geometry(self) -> Geometry:
        """Of the first layer's patches, on the input."""
        return on_input(self.cell.geometry)

    def geometry_of(self, layer: int) -> Geometry:
        """Of a layer's patches, on the input."""
        return self.outline.geometry(layer, self.geometry)

    @property
    def pixels(self) -> UInt8[np.ndarray, "height width 3"]:
        """The input."""
        return self.cell.input_pixels

    @property
    def layer(self) -> int:
        """The layer that is chosen, from 0."""
        depth, chosen = self.outline.depth, self.session.view.layer
        return range(depth)[max(-depth, min(chosen, depth - 1))]

    @property
    def head(self) -> int:
        """The head that is chosen, from 0; the first one where heads are fused."""
        head, heads = self.session.view.head, self.outline.layers[self.layer].heads
        return min(head, max(heads - 1, 0)) if isinstance(head, int) else 0

    @property
    def token(self) -> int:
        """The token of the first layer that all is about; the patch in the middle where it would be
        all of them.
        """
        found = query_tokens(self.session.view.query, self.outline, self.cell.geometry)
        rows, cols = self.outline.tokens(0).grid
        return found[0] if len(found) == 1 else self.outline.tokens(0).index(rows // 2, cols // 2)

    @property
    def patch(self) -> int | None:
        """The patch of the first layer that all is about, row by row; None of a prefix token."""
        patch = self.token - len(self.outline.prefix)
        return patch if patch >= 0 else None

    @property
    def target(self) -> int:
        """Index of the class that all is about: the one chosen, else the most probable one."""
        chosen, shares = self.session.view.target, self.cell.probabilities
        assert shares is not None
        if chosen is not None and chosen < len(shares):
            return chosen
        return int(shares.argmax())

    @property
    def has_classes(self) -> bool:
        return self.cell.probabilities is not None

    def ask(self, kind: type[Asked], **more: Any) -> Asked:
        """A request about this photo and model.

        Args:
            kind: Which.
            more: Its own fields.
        """
        of = self.cell.request
        return kind(of.photo, of.background, of.model, of.input, device=of.device,  # type: ignore[call-arg]
                    ablation=self.session.view.ablation, **more)  # fmt: skip

    def about(self, request: Request | ExplainRequest) -> bool:
        """Whether a request is about the same photo, model and input."""
        of = self.cell.request
        mine = (of.photo, of.background, of.model, of.input)
        return mine == (request.photo, request.background, request.model, request.input)

    def drawn(
        self, values: Float32[np.ndarray, "rows cols"], geometry: Geometry, *,
        signed: bool = False, low: float | None = None, high: float | None = None,
        pixels: UInt8[np.ndarray, "height width 3"] | None = None,
    ) -> UInt8[np.ndarray, "height width 3"]:  # fmt: skip
        """Numbers of patches over the input, patch by patch.

        Args:
            values: Not a number where there is none.
            geometry: Of their patches, on the input.
            signed: They have a zero in their middle.
            low: The number of the lowest colour; None: the least.
            high: The number of the highest colour; None: the greatest.
            pixels: Of another input.
        """
        values = np.array(values, np.float32)
        values[~np.isfinite(values)] = np.nan
        values.flags.writeable = False
        heat_map = HeatMap(values, geometry, Quantity("", "signed" if signed else "amount"))
        style = replace(self.session.style, smooth=False, outlined=0.0, range="each",
                        scaling="linear", opacity=0.85, grid=False)  # fmt: skip
        if low is not None and high is not None:
            style = replace(style, range=(low, max(high, low + 1e-12)))
        return drawn(self.pixels if pixels is None else pixels, heat_map, look(style, heat_map))


def subject_of(scene: Scene) -> Subject | None:
    """What a scene is about; None while there is nothing."""
    if scene.cell is None:
        return None
    thumbnail = scene.opened.thumbnail if scene.opened is not None else None
    return Subject(scene.cell, scene.session, thumbnail)


class Facts:
    """Answers that are there, by what was asked; the ones used last are kept."""

    def __init__(self) -> None:
        self._known: OrderedDict[Request, object] = OrderedDict()
        self.most = KEPT

    def add(self, request: Request, answer: object) -> None:
        """Remembers an answer, or the exception that came in its place."""
        self._known[request] = answer
        self._known.move_to_end(request)
        while len(self._known) > self.most:
            self._known.popitem(last=False)

    def missing(self, requests: Sequence[Request]) -> tuple[Request, ...]:
        """Those that there is no answer to."""
        return tuple(request for request in requests if request not in self._known)

    def get(self, request: Request) -> Any:
        """The answer; the exception in its place; None where there is none yet."""
        found = self._known.get(request)
        if found is not None:
            self._known.move_to_end(request)
        return found

    def last(self, request: Asked, subject: Subject) -> Any:
        """The answer; until there is one, the last answer of its kind about the same photo and
        model, so that nothing flickers. None without any, and where it failed.
        """
        found = self.get(request)
        if found is None:
            of_kind = (
                answer for known, answer in reversed(self._known.items())
                if type(known) is type(request) and subject.about(known)
            )  # fmt: skip
            found = next(of_kind, None)
        return None if isinstance(found, BaseException) else found

    def clear(self) -> None:
        """Forgets all."""
        self._known.clear()
